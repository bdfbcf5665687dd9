"""Token buckets that all processes share, one row for each bucket that is not full.

A bucket is one number: the instant at which the bucket is full again. Taking permits postpones the instant. A request
is refused when the wait until full would exceed the fill time of an empty bucket (the virtual scheduling form of the
generic cell rate algorithm, ITU-T I.371). The clock of the database gives the time, so the clocks of hosts may differ.

On PostgreSQL the table is unlogged, so requests do not wait for a disk; after a crash of the database all buckets are
full.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Double, bindparam, delete, func, literal_column, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from mainspring_store.database.transactions import Database
from mainspring_store.tables import rate_limit

__all__ = ["Bucket", "forget_full_buckets", "give_back_permit", "take_permits"]

_FORGOTTEN_AT_ONCE = 1000
_ROUNDING_SECONDS = 0.001


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """A kind of bucket. Each holder has a separate bucket of the kind."""

    name: str
    per_second: float
    """Permits that return in a second."""
    size: float
    """Permits of a full bucket; at least 1."""

    @property
    def fill_seconds(self) -> float:
        """From empty to full."""
        return self.size / self.per_second


def take_permits(database: Database, bucket: Bucket, holder: str, permits: int) -> float:
    """Take all permits or none. Returns 0 on success, else the seconds until enough permits are available.

    holder: at most 64 characters.
    permits: at most the size of the bucket; a negative number gives permits back.
    """
    params = {
        "bucket": bucket.name,
        "who": holder,
        "cost": permits / bucket.per_second,
        "depth": bucket.fill_seconds,
    }
    statements = _statements(database.is_sqlite)
    with database.autocommit() as connection:
        if connection.scalar(statements.take, params) is not None:
            return 0.0
        missing: float | None = connection.scalar(statements.missing, params)
    return max(missing or 0.0, _ROUNDING_SECONDS)


def give_back_permit(database: Database, bucket: Bucket, holder: str) -> None:
    """Undo the taking of one permit."""
    take_permits(database, bucket, holder, -1)


def forget_full_buckets(database: Database) -> None:
    """Delete some rows of full buckets; a missing row means a full bucket."""
    with database.autocommit() as connection:
        connection.execute(_statements(database.is_sqlite).forget)


class _Statements:
    def __init__(self, is_sqlite: bool) -> None:
        dialect: Any = sqlite if is_sqlite else postgresql
        later, earlier = (func.max, func.min) if is_sqlite else (func.greatest, func.least)
        seconds: Double[float] = Double()
        now = literal_column(_SQLITE_NOW if is_sqlite else _POSTGRESQL_NOW, seconds)
        cost, depth = bindparam("cost", type_=seconds), bindparam("depth", type_=seconds)
        table = rate_limit.c
        # The upper bound keeps a bucket from being emptier than empty after the clock was set back.
        new_full_at = earlier(later(table.full_at, now), now + depth) + cost
        insert = dialect.insert(rate_limit).values(
            name=bindparam("bucket"), holder=bindparam("who"), full_at=now + cost
        )
        self.take = insert.on_conflict_do_update(
            index_elements=[table.name, table.holder],
            set_={"full_at": new_full_at},
            where=new_full_at <= now + depth + _ROUNDING_SECONDS,
        ).returning(table.full_at)
        self.missing = select(new_full_at - now - depth).where(
            table.name == bindparam("bucket"), table.holder == bindparam("who")
        )
        key = tuple_(table.name, table.holder)
        full = select(table.name, table.holder).where(table.full_at < now).limit(_FORGOTTEN_AT_ONCE)
        self.forget = delete(rate_limit).where(key.in_(full.with_for_update(skip_locked=True)))


_SQLITE_NOW = "((julianday('now') - 2440587.5) * 86400.0)"
_POSTGRESQL_NOW = "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)
