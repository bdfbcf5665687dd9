"""Packing the logs of ended attempts: many chunks become few compressed blocks in the same table.

A block stands at the offset of its first chunk, so that a reader finds a range of a log in the same way as before. A
log is packed in one transaction, and what is packed never changes: `logs.insert_chunks` takes later chunks only.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    String,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)

from mainspring_store.database.log_blocks import BLOCK_BYTES, TimedBytes, pack
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import task_log, task_try

__all__ = ["Packed", "next_log_to_pack", "pack_log"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """One log that was packed."""

    attempt_id: str
    bytes_before: int
    bytes_after: int


def next_log_to_pack(database: Database, *, ended_before: datetime, last_id: str = "") -> str | None:
    """The next attempt with chunks that ended and stopped before an instant, by attempt id; None = none is left.

    The search holds no lock, so no writer waits for it.

    last_id: the attempt behind which to look.
    """
    with database.read() as connection:
        attempt_id: str | None = connection.scalar(_NEXT, {"after": last_id, "before": ended_before})
    return attempt_id


def pack_log(database: Database, attempt_id: str) -> Packed | None:
    """Pack the log of an attempt that ended; None = another scheduler packs the log, or it is gone.

    Several schedulers may call this at once.
    """
    with database.write() as connection:
        attempt = connection.execute(_lock_attempt(database.is_sqlite), {"me": attempt_id}).first()
        rows = connection.execute(_CHUNKS, {"me": attempt_id}).all() if attempt is not None else []
        if attempt is None or not rows:
            return None
        connection.execute(_DELETE_CHUNKS, {"me": attempt_id})
        blocks: list[dict[str, Any]] = [
            {
                "attempt_id": attempt_id,
                "offset": offset,
                "at": chunks[-1][0],
                "data": pack(chunks),
                "raw_bytes": sum(len(data) for _, data in chunks),
            }
            for offset, chunks in _blocks(_without_overlaps(rows, attempt.log_packed_bytes or 0))
        ]
        if blocks:
            connection.execute(insert(task_log), blocks)
            end = blocks[-1]["offset"] + blocks[-1]["raw_bytes"]
            connection.execute(_NOTE_PACKED, {"me": attempt_id, "end": end})
    return Packed(
        attempt_id=attempt_id,
        bytes_before=sum(len(row.data) for row in rows),
        bytes_after=sum(len(block["data"]) for block in blocks),
    )


_Placed = tuple[int, TimedBytes]
"""Offset of a chunk, and the chunk."""


def _without_overlaps(rows: Iterable[Any], position: int) -> Iterator[_Placed]:
    """The chunks from `position` on, each byte once."""
    for row in rows:
        end = row.offset + len(row.data)
        if end > position:
            begin = max(row.offset, position)
            yield begin, (row.at, row.data[begin - row.offset :])
            position = end


def _blocks(placed: Iterator[_Placed]) -> Iterator[tuple[int, list[TimedBytes]]]:
    """Groups of adjacent chunks, each with its offset."""
    chunks: list[TimedBytes] = []
    first = following = size = 0
    for offset, chunk in placed:
        if chunks and (offset != following or size >= BLOCK_BYTES):
            yield first, chunks
            chunks, size = [], 0
        if not chunks:
            first = offset
        chunks.append(chunk)
        size += len(chunk[1])
        following = offset + len(chunk[1])
    if chunks:
        yield first, chunks


@cache
def _lock_attempt(is_sqlite: bool) -> Select[Any]:
    statement = select(task_try.c.log_packed_bytes).where(task_try.c.attempt_id == bindparam("me"))
    return statement if is_sqlite else statement.with_for_update(skip_locked=True)


def _first_unpacked(lower_id: ColumnElement[str]) -> ScalarSelect[Any]:
    unpacked = task_log.alias()
    # The literal condition is that of the partial index.
    is_chunk = unpacked.c.raw_bytes.is_(None)
    return select(func.min(unpacked.c.attempt_id)).where(is_chunk, unpacked.c.attempt_id > lower_id).scalar_subquery()


def _select_next() -> Select[Any]:
    """The first attempt to pack. Steps from attempt to attempt in the index, and reads no chunks."""
    attempts = select(_first_unpacked(bindparam("after", type_=String())).label("attempt_id")).cte(recursive=True)
    following = select(_first_unpacked(attempts.c.attempt_id)).where(attempts.c.attempt_id.is_not(None))
    attempts = attempts.union_all(following)
    return (
        select(attempts.c.attempt_id)
        .join(task_try, task_try.c.attempt_id == attempts.c.attempt_id)
        .where(
            task_try.c.state.not_in([literal_column("'queued'"), literal_column("'running'")]),
            task_try.c.stopped_at < bindparam("before", type_=UtcDateTime),
            task_try.c.end_date < bindparam("before", type_=UtcDateTime),
        )
        .limit(literal_column("1", Integer()))
    )


_NEXT = _select_next()
_OF_ATTEMPT = task_log.c.attempt_id == bindparam("me")
_IS_CHUNK = task_log.c.raw_bytes.is_(None)
_CHUNKS = (
    select(task_log.c.offset, task_log.c.at, task_log.c.data).where(_OF_ATTEMPT, _IS_CHUNK).order_by(task_log.c.offset)
)
_NOTE_PACKED = (
    update(task_try).where(task_try.c.attempt_id == bindparam("me")).values(log_packed_bytes=bindparam("end"))
)
_DELETE_CHUNKS = delete(task_log).where(_OF_ATTEMPT, _IS_CHUNK)
