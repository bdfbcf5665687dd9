"""Tokens of workers. A worker token belongs to one queue and gives access to the execution API only."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, or_, select
from uuid_utils import uuid7

from mainspring_store.access.tokens import TokenKind
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import api_token

__all__ = ["WorkerToken", "add_worker_token", "valid_worker_tokens"]


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerToken:
    """A token of the workers of one queue, neither expired nor revoked."""

    id: str
    name: str
    queue: str
    expires_at: datetime | None
    """`None` = never."""


def add_worker_token(
    database: Database, token: str, *, name: str, queue: str, now: datetime, expires_at: datetime | None
) -> str:
    """Store the hash of a token for the workers of a queue; returns the id of the token."""
    key = str(uuid7())
    hashed = hashlib.sha256(token.encode()).hexdigest()
    values = {"id": key, "name": name, "kind": TokenKind.WORKER, "token_hash": hashed, "queue": queue}
    with database.write() as connection:
        connection.execute(insert(api_token), {**values, "created_at": now, "expires_at": expires_at})
    return key


def valid_worker_tokens(database: Database, *, now: datetime) -> dict[str, WorkerToken]:
    """SHA-256 (hex) of a token -> the token, for all tokens that are valid now."""
    with database.read() as connection:
        return {
            row.token_hash: WorkerToken(id=row.id, name=row.name, queue=row.queue, expires_at=row.expires_at)
            for row in connection.execute(_VALID, {"now": now})
        }


_token = api_token.c
_VALID = select(_token.id, _token.name, _token.queue, _token.token_hash, _token.expires_at).where(
    _token.kind == TokenKind.WORKER,
    _token.revoked_at.is_(None),
    or_(_token.expires_at.is_(None), _token.expires_at > bindparam("now", type_=UtcDateTime)),
)
