"""Token buckets that all processes share, one row for each bucket that is not full.

A bucket is one number: the instant at which the bucket is full again. Taking permits postpones the instant. A request
is refused when the wait until full would exceed the fill time of an empty bucket (the virtual scheduling form of the
generic cell rate algorithm, ITU-T I.371). The clock of the database gives the time, so the clocks of hosts may differ.

On PostgreSQL the table is unlogged, so requests do not wait for a disk; after a crash of the database all buckets are
full.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Double,
    Insert,
    Select,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite

from mainspring_store.database.transactions import Database
from mainspring_store.tables import rate_limit

__all__ = ["Bucket", "Grant", "forget_full_buckets", "give_back_permit", "take_permits"]

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


@dataclass(frozen=True, slots=True)
class Grant:
    """The result of taking permits."""

    missing_seconds: float
    """0 = all permits were taken; else the seconds until enough permits are available."""
    remaining: int
    """Whole permits in the bucket afterwards; 0 when none were taken."""


@cache
def _take(is_sqlite: bool) -> Insert:
    dialect: Any = sqlite if is_sqlite else postgresql
    table, now, new_full_at = rate_limit.c, _now(is_sqlite), _new_full_at(is_sqlite)
    first = {"name": bindparam("bucket"), "holder": bindparam("who"), "full_at": now + _COST}
    statement: Insert = (
        dialect.insert(rate_limit)
        .values(**first)
        .on_conflict_do_update(
            index_elements=[table.name, table.holder],
            set_={"full_at": new_full_at},
            where=new_full_at <= now + _DEPTH + _ROUNDING_SECONDS,
        )
        .returning(table.full_at - now)
    )
    return statement


@cache
def _missing(is_sqlite: bool) -> Select[Any]:
    return select(_new_full_at(is_sqlite) - _now(is_sqlite) - _DEPTH).where(
        rate_limit.c.name == bindparam("bucket"), rate_limit.c.holder == bindparam("who")
    )


def take_permits(database: Database, bucket: Bucket, holder: str, permits: int) -> Grant:
    """Take all permits or none.

    holder: at most 64 characters.
    permits: at most the size of the bucket; a negative number gives permits back.
    """
    params = {
        "bucket": bucket.name,
        "who": holder,
        "cost": permits / bucket.per_second,
        "depth": bucket.fill_seconds,
    }
    with database.autocommit() as connection:
        until_full: float | None = connection.scalar(_take(database.is_sqlite), params)
        if until_full is not None:
            permits_left = (bucket.fill_seconds - max(0.0, until_full)) * bucket.per_second
            return Grant(0.0, max(0, int(permits_left + _ROUNDING_SECONDS)))
        missing: float | None = connection.scalar(_missing(database.is_sqlite), params)
    return Grant(max(missing or 0.0, _ROUNDING_SECONDS), 0)


def give_back_permit(database: Database, bucket: Bucket, holder: str) -> None:
    """Undo the taking of one permit."""
    take_permits(database, bucket, holder, -1)


@cache
def _forget(is_sqlite: bool) -> Delete:
    table = rate_limit.c
    full = select(table.name, table.holder).where(table.full_at < _now(is_sqlite)).limit(_FORGOTTEN_AT_ONCE)
    return delete(rate_limit).where(tuple_(table.name, table.holder).in_(full.with_for_update(skip_locked=True)))


def forget_full_buckets(database: Database) -> None:
    """Delete some rows of full buckets; a missing row means a full bucket."""
    with database.autocommit() as connection:
        connection.execute(_forget(database.is_sqlite))


_SECONDS: Double[float] = Double()
_COST = bindparam("cost", type_=_SECONDS)
_DEPTH = bindparam("depth", type_=_SECONDS)
_SQLITE_NOW = "((julianday('now') - 2440587.5) * 86400.0)"
_POSTGRESQL_NOW = "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"


def _now(is_sqlite: bool) -> ColumnElement[float]:
    return literal_column(_SQLITE_NOW if is_sqlite else _POSTGRESQL_NOW, _SECONDS)


def _new_full_at(is_sqlite: bool) -> ColumnElement[float]:
    later, earlier = (func.max, func.min) if is_sqlite else (func.greatest, func.least)
    now = _now(is_sqlite)
    # The upper bound keeps a bucket from being emptier than empty after the clock was set back.
    bounded: ColumnElement[float] = earlier(later(rate_limit.c.full_at, now), now + _DEPTH) + _COST
    return bounded
