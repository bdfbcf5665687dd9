"""Token buckets that all processes share, one row for each bucket that is not full.

A bucket is one number: the instant at which it is full again. Taking permits puts that off; it is refused when it would
then take longer than an empty bucket takes to fill (the virtual scheduling form of the generic cell rate algorithm,
ITU-T I.371). The instants are those of the database's clock, so hosts need not agree on theirs.

On PostgreSQL the table is unlogged, so that nobody waits for a disk; after a crash of the database all
buckets are full.
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
    """A kind of bucket; each holder has one of it."""

    name: str
    per_second: float
    """Permits that come back."""
    size: float
    """Permits that can be taken at once; at least 1."""

    @property
    def fill_seconds(self) -> float:
        """From empty to full."""
        return self.size / self.per_second


def take_permits(database: Database, bucket: Bucket, holder: str, permits: int) -> float:
    """Take that many permits or none; 0 = they were taken, else in how many seconds there are as many.

    holder: at most 64 characters.
    permits: no more than the size of the bucket.
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
    """One that was taken did not count after all."""
    take_permits(database, bucket, holder, -1)


def forget_full_buckets(database: Database) -> None:
    """Delete some rows that say no more than none would."""
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
        # A clock that was set back leaves no bucket emptier than empty.
        after = earlier(later(table.full_at, now), now + depth) + cost
        insert = dialect.insert(rate_limit).values(
            name=bindparam("bucket"), holder=bindparam("who"), full_at=now + cost
        )
        self.take = insert.on_conflict_do_update(
            index_elements=[table.name, table.holder],
            set_={"full_at": after},
            where=after <= now + depth + _ROUNDING_SECONDS,
        ).returning(table.full_at)
        self.missing = select(after - now - depth).where(
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
