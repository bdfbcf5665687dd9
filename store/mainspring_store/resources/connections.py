"""Connections: addresses with credentials. Password and extra are stored encrypted and never read back."""

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
"""Members that are kept secret."""


def create_connections(
    database: Database,
    key_ring: KeyRing,
    connections: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
    on_existence: OnExistence = OnExistence.FAIL,
    owner: Owner | None = None,
) -> list[str]:
    """Create connections; returns the ids that were written.

    connections: columns of each, and the members of `SEALED`, text or None. Of what is not given a new one has none,
        and one that is overwritten keeps what it has.
    owner: the principal that the new ones count for, within its quota.

    Raises:
        Conflict: One exists, and that must FAIL; then none was created.
        CannotOpen: What one keeps secret is to be overwritten in part and cannot be opened; then none was created.
        QuotaExceeded: The owner would have more than it may have; then none was created.
    """
    with database.write() as writing:
        found = _sealed(writing, [one["connection_id"] for one in connections])
        if on_existence is not OnExistence.OVERWRITE:
            found = {}
        given = [_changed(key_ring, one["connection_id"], one, found, now) for one in connections]
        rows = [{"sealed": [], **row} for row in given]
        written = insert_owned(writing, connection, rows, on_existence, owner, Quota.CONNECTIONS, given)
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
    """Give connections new values (id -> columns and members of `SEALED`); returns the ids that were changed.

    Raises:
        NotFound: One does not exist, and that must FAIL; then none was changed.
        CannotOpen: What one keeps secret is to be changed in part and cannot be opened; then none was changed.
    """
    with database.write() as writing:
        found = _sealed(writing, changes)
        check_absence(changes, found, on_absence, connection_not_found)
        rows = {name: _changed(key_ring, name, changes[name], found, now) for name in found}
        return update_named(writing, connection, rows)


def delete_connections(database: Database, ids: Sequence[str], *, on_absence: OnAbsence = OnAbsence.FAIL) -> list[str]:
    """Delete connections; returns the ids that were deleted.

    Raises:
        NotFound: One does not exist, and that must FAIL; then none was deleted.
    """
    with database.write() as writing:
        deleted = delete_named(writing, connection, ids)
        check_absence(ids, deleted, on_absence, connection_not_found)
    return deleted


def reencrypt_connections(writing: Connection, key_ring: KeyRing) -> int:
    """Encrypt what connections keep secret under the newest key, within a transaction of the caller's; how many.

    Raises:
        CannotOpen: One of them is under a key that is gone.
    """
    rows = writing.execute(_ALL_SEALED).all()
    for row in rows:
        writing.execute(_REENCRYPT, {"id": row.connection_id, "fresh": key_ring.reencrypt(row.ciphertext)})
    return len(rows)


def _sealed(writing: Connection, ids: Iterable[str]) -> Mapping[str, bytes | None]:
    """Id -> what is kept secret, of those of `ids` that exist, which are locked."""
    return {row.connection_id: row.ciphertext for row in writing.execute(_SOME, {"ids": sorted(ids)})}


def _changed(
    key_ring: KeyRing, name: str, given: Mapping[str, Any], found: Mapping[str, bytes | None], now: datetime
) -> dict[str, Any]:
    """The columns that are written of a connection; what is left alone or replaced as a whole need not be opened."""
    ciphertext = found.get(name)
    is_partly_replaced = 0 < sum(each in given for each in SEALED) < len(SEALED)
    old = _open(key_ring, name, ciphertext) if is_partly_replaced and ciphertext is not None else {}
    return _row(key_ring, name, given, old, now)


def _row(
    key_ring: KeyRing, name: str, given: Mapping[str, Any], old: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    row = {column: value for column, value in given.items() if column not in SEALED}
    if any(each in given for each in SEALED):
        new = {**old, **{each: given[each] for each in SEALED if each in given}}
        sealed = {each: value for each, value in new.items() if value is not None}
        row["sealed"] = sorted(sealed)
        row["ciphertext"] = key_ring.encrypt(_label(name), orjson.dumps(sealed).decode()) if sealed else None
    return {**row, "connection_id": name, "updated_at": now}


def _open(key_ring: KeyRing, name: str, ciphertext: bytes) -> Mapping[str, str]:
    opened: Mapping[str, str] = orjson.loads(key_ring.decrypt(_label(name), ciphertext))
    return opened


def _label(name: str) -> str:
    """What a ciphertext says that it belongs to; no secret can have such a name."""
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
