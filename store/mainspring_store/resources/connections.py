"""Connections: addresses with credentials. The store encrypts password and extra; the API never returns them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select, update

from mainspring.errors import Conflict
from mainspring_store.access.quotas import Owner, Quota
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.database.transactions import Database
from mainspring_store.queries.connections import connection_not_found
from mainspring_store.resources.conflict_policy import (
    OnAbsence,
    OnExistence,
    check_absence,
    delete_named,
    insert_owned,
    update_named,
)
from mainspring_store.tables import connection

__all__ = ["SEALED", "change_connections", "create_connections", "delete_connections", "reencrypt_connections"]

SEALED = ("password", "extra")
"""The members that the store encrypts."""


def create_connections(
    database: Database,
    key_ring: KeyRing,
    connections: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
    on_existence: OnExistence = OnExistence.FAIL,
    owner: Owner | None = None,
) -> list[str]:
    """Create connections; returns the written ids. An error creates none.

    connections: for each connection its columns, and the members of `SEALED` as text or None. A new connection lacks
        omitted members; an overwritten connection keeps them.
    owner: the principal whose quota new connections count for.

    Raises:
        Conflict: A connection exists, and `on_existence` is FAIL.
        CannotOpen: No key decrypts the secret members of a connection, of which only a part is overwritten.
        QuotaExceeded: The owner would exceed the quota.
    """
    with database.write() as writing:
        ciphertexts = _ciphertexts(writing, [values["connection_id"] for values in connections])
        if on_existence is not OnExistence.OVERWRITE:
            ciphertexts = {}
        changes = [_changed(key_ring, values["connection_id"], values, ciphertexts, now) for values in connections]
        rows = [{"sealed": [], **row} for row in changes]
        written = insert_owned(writing, connection, rows, on_existence, owner, Quota.CONNECTIONS, changes)
        existing = sorted({row["connection_id"] for row in rows} - set(written))
        if existing and on_existence is OnExistence.FAIL:
            raise Conflict(f"The connections with these connection_ids: {existing} already exist.")
    return written


def change_connections(
    database: Database,
    key_ring: KeyRing,
    changes: Mapping[str, Mapping[str, Any]],
    *,
    now: datetime,
    on_absence: OnAbsence = OnAbsence.FAIL,
) -> list[str]:
    """Change connections (id -> columns and members of `SEALED`); returns the changed ids. An error changes none.

    Raises:
        NotFound: A connection does not exist, and `on_absence` is FAIL.
        CannotOpen: No key decrypts the secret members of a connection, of which only a part is changed.
    """
    with database.write() as writing:
        ciphertexts = _ciphertexts(writing, changes)
        check_absence(changes, ciphertexts, on_absence, connection_not_found)
        rows = {name: _changed(key_ring, name, changes[name], ciphertexts, now) for name in ciphertexts}
        return update_named(writing, connection, rows)


def delete_connections(database: Database, ids: Sequence[str], *, on_absence: OnAbsence = OnAbsence.FAIL) -> list[str]:
    """Delete connections; returns the deleted ids. An error deletes none.

    Raises:
        NotFound: A connection does not exist, and `on_absence` is FAIL.
    """
    with database.write() as writing:
        deleted = delete_named(writing, connection, ids)
        check_absence(ids, deleted, on_absence, connection_not_found)
    return deleted


def reencrypt_connections(writing: Connection, key_ring: KeyRing) -> int:
    """Encrypt the secret members of all connections with the newest key, in the caller's transaction.

    Returns the number of connections with secret members.

    Raises:
        CannotOpen: No key decrypts a ciphertext.
    """
    rows = writing.execute(_ALL_SEALED).all()
    for row in rows:
        writing.execute(_REENCRYPT, {"id": row.connection_id, "fresh": key_ring.reencrypt(row.ciphertext)})
    return len(rows)


def _ciphertexts(writing: Connection, ids: Iterable[str]) -> Mapping[str, bytes | None]:
    """Id -> ciphertext of the connections that exist. Locks their rows."""
    return {row.connection_id: row.ciphertext for row in writing.execute(_SOME, {"ids": sorted(ids)})}


def _changed(
    key_ring: KeyRing, name: str, values: Mapping[str, Any], ciphertexts: Mapping[str, bytes | None], now: datetime
) -> dict[str, Any]:
    """The columns to write. Only a partial change of the secret members needs the old ones, and so their decryption."""
    ciphertext = ciphertexts.get(name)
    is_partly_replaced = 0 < sum(member in values for member in SEALED) < len(SEALED)
    old = _open(key_ring, name, ciphertext) if is_partly_replaced and ciphertext is not None else {}
    return _row(key_ring, name, values, old, now)


def _row(
    key_ring: KeyRing, name: str, values: Mapping[str, Any], old: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    row = {column: value for column, value in values.items() if column not in SEALED}
    if any(member in values for member in SEALED):
        new = {**old, **{member: values[member] for member in SEALED if member in values}}
        sealed = {member: value for member, value in new.items() if value is not None}
        row["sealed"] = sorted(sealed)
        row["ciphertext"] = key_ring.encrypt(_label(name), orjson.dumps(sealed).decode()) if sealed else None
    return {**row, "connection_id": name, "updated_at": now}


def _open(key_ring: KeyRing, name: str, ciphertext: bytes) -> Mapping[str, str]:
    opened: Mapping[str, str] = orjson.loads(key_ring.decrypt(_label(name), ciphertext))
    return opened


def _label(name: str) -> str:
    """The name inside the ciphertext of a connection. Names of secrets cannot contain a colon."""
    return f"connection:{name}"


_SOME = (
    select(connection.c.connection_id, connection.c.ciphertext)
    .where(connection.c.connection_id.in_(bindparam("ids", expanding=True)))
    .order_by(connection.c.connection_id)
    .with_for_update()
)
_ALL_SEALED = (
    select(connection.c.connection_id, connection.c.ciphertext)
    .where(connection.c.ciphertext.is_not(None))
    .order_by(connection.c.connection_id)
    .with_for_update()
)
_REENCRYPT = (
    update(connection).where(connection.c.connection_id == bindparam("id")).values(ciphertext=bindparam("fresh"))
)
