"""Facts about the installation as a whole, which all processes share."""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from mainspring.instants import format_instant
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.database.transactions import Database
from mainspring_store.tables import installation

__all__ = [
    "HAS_RETENTION_DEFAULTS",
    "has_retention_defaults",
    "hold_schedules",
    "holds_schedules",
    "keep_fact",
    "keep_webhook_key",
    "read_fact",
    "reencrypt_webhook_key",
    "release_schedules",
    "sealed_webhook_key",
    "write_fact",
]

HAS_RETENTION_DEFAULTS = "has_retention_defaults"
_SCHEDULES_HELD_SINCE = "schedules_held_since"
_WEBHOOK_KEY = "webhook_private_key"


def has_retention_defaults(database: Database) -> bool:
    """Whether a version with retention made the instance, so that the default policy holds."""
    with database.read() as connection:
        return bool(read_fact(connection, HAS_RETENTION_DEFAULTS))


def hold_schedules(connection: Connection, now: datetime) -> None:
    """Let no scheduler make runs of schedules and backfills until `release_schedules`."""
    write_fact(connection, _SCHEDULES_HELD_SINCE, format_instant(now))


def holds_schedules(database: Database) -> bool:
    """Whether schedules and backfills are held, because the database was restored from a backup."""
    with database.read() as connection:
        return read_fact(connection, _SCHEDULES_HELD_SINCE) is not None


def release_schedules(database: Database) -> bool:
    """Let schedulers make runs again; returns whether schedules were held."""
    with database.write() as connection:
        is_held = read_fact(connection, _SCHEDULES_HELD_SINCE) is not None
        write_fact(connection, _SCHEDULES_HELD_SINCE, None)
    return is_held


def read_fact(connection: Connection, name: str) -> Any:
    """The value of a fact; None = there is no such fact."""
    return connection.execute(_READ, {"name": name}).scalar_one_or_none()


def write_fact(connection: Connection, name: str, value: Any) -> None:
    """Replace the value of a fact; None removes the fact."""
    if value is None:
        connection.execute(_REMOVE, {"of_name": name})
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(installation).values(name=name, value=value)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value})
    )


def keep_fact(connection: Connection, name: str, value: Any) -> Any:
    """The value of a fact. Stores this value first when there is no such fact; a concurrent process may be quicker."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(installation).values(name=name, value=value)
    connection.execute(statement.on_conflict_do_nothing(index_elements=["name"]))
    return read_fact(connection, name)


def keep_webhook_key(database: Database, key_ring: KeyRing, make: Callable[[], str]) -> str:
    """The private key that signs callbacks without a secret. The first call makes and stores the key.

    Raises:
        CannotOpen: No key of the ring decrypts the stored key.
    """
    with database.read() as connection:
        stored = read_fact(connection, _WEBHOOK_KEY)
    if stored is None:
        sealed = base64.b64encode(key_ring.encrypt(_WEBHOOK_KEY, make())).decode()
        with database.write() as connection:
            stored = keep_fact(connection, _WEBHOOK_KEY, sealed)
    return key_ring.decrypt(_WEBHOOK_KEY, base64.b64decode(stored))


def sealed_webhook_key(connection: Connection) -> bytes | None:
    """The private key of callbacks as the key ring encrypted it; None = there is none."""
    stored = read_fact(connection, _WEBHOOK_KEY)
    return None if stored is None else base64.b64decode(stored)


def reencrypt_webhook_key(connection: Connection, key_ring: KeyRing) -> int:
    """Encrypt the private key of callbacks with the newest key, in the caller's transaction; returns 1, or 0 = none.

    Raises:
        CannotOpen: No key of the ring decrypts the stored key.
    """
    sealed = sealed_webhook_key(connection)
    if sealed is None:
        return 0
    write_fact(connection, _WEBHOOK_KEY, base64.b64encode(key_ring.reencrypt(sealed)).decode())
    return 1


_READ = select(installation.c.value).where(installation.c.name == bindparam("name"))
_REMOVE = delete(installation).where(installation.c.name == bindparam("of_name"))
