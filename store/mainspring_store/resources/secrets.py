"""Secrets: stored encrypted, and decrypted only for attempts whose definition names the secret."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mainspring.errors import NotFound
from mainspring_store.access.installation import reencrypt_webhook_key
from mainspring_store.access.quotas import Owner, Quota
from mainspring_store.database.key_ring import CannotOpen, KeyRing
from mainspring_store.database.transactions import Database
from mainspring_store.resources.connections import reencrypt_connections
from mainspring_store.resources.hooks import reencrypt_hooks
from mainspring_store.resources.row_locks import lock_secret
from mainspring_store.state.receivers import reencrypt_receivers
from mainspring_store.tables import secret

__all__ = ["OpenedSecrets", "delete_secret", "open_ciphertexts", "open_secrets", "put_secret", "rotate_keys"]


@dataclass(frozen=True, slots=True)
class OpenedSecrets:
    """Decrypted secrets, and the secrets that could not be decrypted."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    locked: Mapping[str, str] = field(default_factory=dict)
    """Name -> why the secret is missing from `values`, and the cure."""


def put_secret(
    database: Database, key_ring: KeyRing, name: str, value: str, *, owner: Owner | None = None, now: datetime
) -> bool:
    """Create a secret or replace its value; returns whether the secret is new.

    owner: the principal whose quota a new secret counts for.

    Raises:
        QuotaExceeded: The secret is new, and the owner would exceed the quota.
    """
    row = {"name": name, "ciphertext": key_ring.encrypt(name, value), "updated_at": now}
    dialect = sqlite if database.is_sqlite else postgresql
    with database.write() as connection:
        lock_secret(connection, name)
        created = connection.scalar(
            dialect.insert(secret).on_conflict_do_nothing(index_elements=["name"]).returning(secret.c.name),
            {**row, "principal_id": owner and owner.principal_id},
        )
        if created is not None and owner is not None:
            owner.admit(connection, Quota.SECRETS, is_written=True)
        if created is None:
            connection.execute(update(secret).where(secret.c.name == name), row)
    return created is not None


def delete_secret(database: Database, name: str) -> None:
    """Delete a secret. Raises NotFound when there is no such secret. From now on tasks that name the secret fail."""
    with database.write() as connection:
        lock_secret(connection, name)
        if connection.execute(_DELETE, {"name": name}).rowcount == 0:
            raise NotFound(f"The Secret with name: `{name}` was not found")


def open_secrets(database: Database, key_ring: KeyRing, names: Iterable[str]) -> OpenedSecrets:
    """Read and decrypt secrets for an attempt that names them."""
    names = list(names)
    with database.read() as connection:
        ciphertexts = {row.name: row.ciphertext for row in connection.execute(_SOME, {"names": names})}
    return open_ciphertexts(names, ciphertexts, key_ring)


def open_ciphertexts(names: Iterable[str], ciphertexts: Mapping[str, bytes], key_ring: KeyRing | None) -> OpenedSecrets:
    """Decrypt ciphertexts (name -> ciphertext) of the named secrets. Without a `key_ring` all of them are `locked`."""
    values, locked = {}, {}
    for name in names:
        if name not in ciphertexts:
            locked[name] = f"there is no secret '{name}'; create it by PUT /api/v2/secrets/{name}"
        elif key_ring is None:
            locked[name] = f"secret '{name}' cannot be opened: this service has no keys; give it those of the API"
        else:
            try:
                values[name] = key_ring.decrypt(name, ciphertexts[name])
            except CannotOpen as exc:
                locked[name] = str(exc)
    return OpenedSecrets(values, locked)


def rotate_keys(database: Database, key_ring: KeyRing) -> int:
    """Encrypt all secrets, and the secret members of all connections, hooks and webhooks, with the newest key.

    Returns their number.

    With a key file, the function first creates a new key. An error changes no ciphertext.

    Raises:
        CannotOpen: No key decrypts a ciphertext.
    """
    with key_ring.rotating(), database.write() as connection:
        rows = connection.execute(_ALL).all()
        for row in rows:
            connection.execute(_REENCRYPT, {"id": row.name, "fresh": key_ring.reencrypt(row.ciphertext)})
        count = len(rows) + reencrypt_connections(connection, key_ring) + reencrypt_receivers(connection, key_ring)
        return count + reencrypt_hooks(connection, key_ring) + reencrypt_webhook_key(connection, key_ring)


_SOME = select(secret.c.name, secret.c.ciphertext).where(secret.c.name.in_(bindparam("names", expanding=True)))
_DELETE = delete(secret).where(secret.c.name == bindparam("name"))
_ALL = select(secret.c.name, secret.c.ciphertext).order_by(secret.c.name).with_for_update()
_REENCRYPT = update(secret).where(secret.c.name == bindparam("id")).values(ciphertext=bindparam("fresh"))
