"""API tokens. Only their SHA-256 is kept: tokens are 256 random bits, so a fast hash leaves nothing to guess."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError
from uuid_utils import uuid7

from mainspring_store.database import Database
from mainspring_store.tables import api_token

__all__ = ["Role", "Token", "add_token", "find_token"]


class Role(StrEnum):
    """What a token may do. Each role may do what those before it may."""

    VIEWER = "viewer"
    """Read everything but secrets."""
    OPERATOR = "operator"
    """Trigger, cancel, pause."""
    AUTHOR = "author"
    """Write and delete DAGs, and so run code on the workers."""
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A known token, without the token."""

    id: str
    name: str
    role: Role
    expires_at: datetime | None
    """`None` = never."""
    revoked_at: datetime | None


def add_token(
    database: Database, token: str, *, name: str, role: Role, now: datetime, expires_at: datetime | None = None
) -> bool:
    """Make a token known. Returns False, changing nothing, when it is known already."""
    row = {
        "id": str(uuid7()),
        "name": name,
        "kind": "api",
        "token_hash": _hash(token),
        "role": role,
        "created_at": now,
        "expires_at": expires_at,
    }
    if find_token(database, token) is not None:
        return False
    try:
        with database.write() as connection:
            connection.execute(insert(api_token), row)
    except IntegrityError:
        return False
    return True


def find_token(database: Database, token: str) -> Token | None:
    """What is known about a token that a caller sent; `None` when nothing is.

    Looked up by the hash, so how long it takes tells nothing about the token.
    """
    with database.read() as connection:
        row = connection.execute(_BY_HASH, {"token_hash": _hash(token)}).one_or_none()
    if row is None:
        return None
    return Token(id=row.id, name=row.name, role=Role(row.role), expires_at=row.expires_at, revoked_at=row.revoked_at)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


_BY_HASH = select(
    api_token.c.id, api_token.c.name, api_token.c.role, api_token.c.expires_at, api_token.c.revoked_at
).where(api_token.c.token_hash == bindparam("token_hash"))
