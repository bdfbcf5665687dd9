"""Answers kept by the key that a caller chose, written in the transaction of what they tell of.

So either both are there or neither, whatever is lost on the way. A key is the caller's own: two callers may use the
same one for different things. Only hashes of keys are stored.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, tuple_

from mainspring.errors import Conflict, MainspringError
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import idempotency_key

__all__ = ["KEPT_FOR", "AlreadyAnswered", "Call", "KeptAnswer", "KeyInUse", "claim_key", "find_answer", "keep_answer"]

KEPT_FOR = timedelta(hours=24)
_FORGOTTEN_AT_ONCE = 100


class KeyInUse(Conflict):
    """Another request with this key is under way: the same again, a little later, tells what became of it."""


class AlreadyAnswered(MainspringError):
    """Another request with this key has ended since it was looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request that is to have its effect once."""

    principal_id: str
    key_hash: str
    """SHA-256 (hex) of the key."""
    fingerprint: str
    """SHA-256 (hex) of what it asks for."""
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptAnswer:
    """What the first request with a key was answered."""

    fingerprint: str
    status: int
    media_type: str
    body: bytes
    is_sealed: bool
    """Encrypted by whoever kept it."""


def find_answer(database: Database, call: Call) -> KeptAnswer | None:
    """What a request with this key was answered in the last 24 hours; `None` when there was none."""
    with database.read() as connection:
        row = connection.execute(_FIND, _key_of(call)).one_or_none()
    return None if row is None else KeptAnswer(**row._asdict())


def claim_key(connection: Connection, call: Call) -> None:
    """Have the key to oneself until the end of the transaction.

    Raises:
        KeyInUse: Another transaction has it.
        AlreadyAnswered: There is an answer by now.
    """
    # SQLite has one writer at a time, so whoever is here is alone.
    is_shared = connection.dialect.name == "postgresql"
    if is_shared and not connection.scalar(_LOCK, {"name": f"{call.principal_id} {call.key_hash}"}):
        raise KeyInUse("a request with this Idempotency-Key is under way; send it again in a second")
    if connection.execute(_FIND, _key_of(call)).one_or_none() is not None:
        raise AlreadyAnswered("a request with this key has ended at this moment")


def keep_answer(connection: Connection, call: Call, answer: KeptAnswer) -> None:
    """Keep what a call whose key was claimed is answered, and forget some that are too old."""
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
# In one statement with the other, PostgreSQL would read the whole table.
_FORGET_THIS = delete(idempotency_key).where(_IS_THIS)
