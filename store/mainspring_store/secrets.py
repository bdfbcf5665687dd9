"""Secrets: stored encrypted, opened for the scheduler alone. Nothing here returns or logs a value."""

from datetime import datetime

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mainspring.errors import NotFound
from mainspring_store.database import Database
from mainspring_store.key_ring import KeyRing
from mainspring_store.tables import secret

__all__ = ["delete_secret", "put_secret", "rotate_keys"]


def put_secret(database: Database, key_ring: KeyRing, name: str, value: str, *, now: datetime) -> bool:
    """Create a secret or give it another value; whether it is new."""
    row = {"name": name, "ciphertext": key_ring.encrypt(name, value), "updated_at": now}
    dialect = sqlite if database.is_sqlite else postgresql
    with database.write() as connection:
        created = connection.scalar(
            dialect.insert(secret).on_conflict_do_nothing(index_elements=["name"]).returning(secret.c.name), row
        )
        if created is None:
            connection.execute(update(secret).where(secret.c.name == name), row)
    return created is not None


def delete_secret(database: Database, name: str) -> None:
    """Raises NotFound when there is no such secret. A task that names it fails from now on."""
    with database.write() as connection:
        if connection.execute(_DELETE, {"name": name}).rowcount == 0:
            raise NotFound(f"The Secret with name: `{name}` was not found")


def rotate_keys(database: Database, key_ring: KeyRing) -> int:
    """Encrypt every secret again under the newest key, a new one when the keys are in a file; returns how many.

    Raises:
        CannotOpen: One of them is under a key that is gone; then none was changed.
    """
    with key_ring.rotating(), database.write() as connection:
        rows = connection.execute(_ALL).all()
        for row in rows:
            connection.execute(_REENCRYPT, {"id": row.name, "fresh": key_ring.reencrypt(row.ciphertext)})
    return len(rows)


_DELETE = delete(secret).where(secret.c.name == bindparam("name"))
_ALL = select(secret.c.name, secret.c.ciphertext).order_by(secret.c.name).with_for_update()
_REENCRYPT = update(secret).where(secret.c.name == bindparam("id")).values(ciphertext=bindparam("fresh"))
