"""Stored responses by idempotency key. The transaction of the effect also writes the response.

So a crash cannot separate effect and response: either both are stored, or neither. A key belongs to its principal: two
principals may use equal keys for different requests. The store keeps only hashes of keys.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, tuple_

from mainspring.errors import Conflict, MainspringError
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import idempotency_key

__all__ = [
    "KEPT_FOR",
    "AlreadyAnswered",
    "Call",
    "KeyInUse",
    "StoredResponse",
    "claim_key",
    "find_answered",
    "find_response",
    "store_response",
]

KEPT_FOR = timedelta(hours=24)
_FORGOTTEN_AT_ONCE = 100


class KeyInUse(Conflict):
    """A concurrent request holds this key. Repeat the request a little later to get its response."""


class AlreadyAnswered(MainspringError):
    """A concurrent request with this key has stored its response in the meantime; read the response."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request that must take effect exactly once."""

    principal_id: str
    key_hash: str
    """SHA-256 (hex) of the key."""
    fingerprint: str
    """SHA-256 (hex) of method, path, media type and body."""
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredResponse:
    """The response to the first request with a key."""

    fingerprint: str
    status: int
    media_type: str
    body: bytes
    is_sealed: bool
    """Whether the caller of `store_response` encrypted `body`."""


def find_response(database: Database, call: Call) -> StoredResponse | None:
    """The response stored for this key in the last 24 hours; `None` = no response."""
    with database.read() as connection:
        row = connection.execute(_FIND, _key_of(call)).one_or_none()
    return None if row is None else StoredResponse(**row._asdict())


def find_answered(database: Database, call: Call) -> tuple[datetime, StoredResponse] | None:
    """The instant and the response stored for this key in the last 24 hours; `None` = no response."""
    with database.read() as connection:
        row = connection.execute(_FIND_WITH_TIME, _key_of(call)).one_or_none()
    if row is None:
        return None
    columns = row._asdict()
    return columns.pop("created_at"), StoredResponse(**columns)


def claim_key(connection: Connection, call: Call) -> None:
    """Hold the key exclusively until the end of the caller's transaction.

    Raises:
        KeyInUse: A concurrent transaction holds the key.
        AlreadyAnswered: A response is stored by now.
    """
    # SQLite has one writer at a time, so the transaction needs no lock on the key.
    is_shared = connection.dialect.name == "postgresql"
    if is_shared and not connection.scalar(_LOCK, {"name": f"{call.principal_id} {call.key_hash}"}):
        raise KeyInUse("a request with this Idempotency-Key is under way; send it again in a second")
    if connection.execute(_FIND, _key_of(call)).one_or_none() is not None:
        raise AlreadyAnswered("a request with this key has ended at this moment")


def store_response(connection: Connection, call: Call, answer: StoredResponse) -> None:
    """Store the response of a call after `claim_key`, and delete some expired responses."""
    connection.execute(_FORGET, {"oldest": call.now - KEPT_FOR})
    connection.execute(_FORGET_THIS, {"principal": call.principal_id, "key": call.key_hash})
    connection.execute(
        insert(idempotency_key),
        {
            "principal_id": call.principal_id,
            "key_hash": call.key_hash,
            "created_at": call.now,
            "fingerprint": answer.fingerprint,
            "status": answer.status,
            "media_type": answer.media_type,
            "body": answer.body,
            "is_sealed": answer.is_sealed,
        },
    )


def _key_of(call: Call) -> dict[str, object]:
    return {"principal": call.principal_id, "key": call.key_hash, "oldest": call.now - KEPT_FOR}


_kept = idempotency_key.c
_oldest = bindparam("oldest", type_=UtcDateTime)
_IS_THIS = and_(_kept.principal_id == bindparam("principal"), _kept.key_hash == bindparam("key"))
_FIND = select(_kept.fingerprint, _kept.status, _kept.media_type, _kept.body, _kept.is_sealed).where(
    _IS_THIS, _kept.created_at >= _oldest
)
_FIND_WITH_TIME = _FIND.add_columns(_kept.created_at)
_LOCK = select(func.pg_try_advisory_xact_lock(func.hashtextextended(bindparam("name"), 0)))
_FORGET = delete(idempotency_key).where(
    tuple_(_kept.principal_id, _kept.key_hash).in_(
        select(_kept.principal_id, _kept.key_hash)
        .where(_kept.created_at < _oldest)
        .order_by(_kept.created_at)
        .limit(_FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
)
# Joined with `_FORGET` in one statement, PostgreSQL would scan the whole table.
_FORGET_THIS = delete(idempotency_key).where(_IS_THIS)
