"""Logs of tries."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, null, select

from mainspring.errors import LogStoreUnavailable, NotFound
from mainspring.log_index import LogIndex
from mainspring.states import ATTEMPT_LIVE, TaskState
from mainspring_store.database.log_blocks import unpack
from mainspring_store.database.log_stores import CachedLogStore
from mainspring_store.database.transactions import Database
from mainspring_store.tables import dag_run, task_instance, task_log, task_try

__all__ = ["LogPiece", "LoggedTry", "find_try", "read_log", "stored_index"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedTry:
    """The attempt of a try, for `read_log`."""

    attempt_id: str | None
    """`None` = the task instance has had no try, and the try number is 0."""
    is_finished: bool
    """Whether the attempt has ended."""
    state: TaskState
    """Of the task instance."""
    changed_at: datetime
    """Of the task instance, the latest change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogPiece:
    """A part of a log."""

    offset: int
    """The number of bytes of the log before this part."""
    data: bytes
    at: datetime


def find_try(
    database: Database, dag_id: str, run_id: str, task_id: str, try_number: int, *, map_index: int = -1
) -> LoggedTry:
    """The latest attempt with this try number. Number 0 is the task instance itself, as long as it has had no try.

    Raises:
        NotFound: There is no such try.
    """
    names = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index, "try_number": try_number}
    with database.read() as connection:
        row = connection.execute(_TRY if try_number else _WITHOUT_TRY, names).first()
    if row is None:
        raise NotFound(
            f"TaskInstance not found: task '{task_id}' of run '{run_id}' of dag '{dag_id}' has no try {try_number}"
        )
    is_finished = row.attempt_id is None or row.state not in ATTEMPT_LIVE
    return LoggedTry(
        attempt_id=row.attempt_id,
        is_finished=is_finished,
        state=TaskState(row.instance_state),
        changed_at=row.changed_at,
    )


def read_log(database: Database, attempt_id: str, *, offset: int, bytes_max: int) -> Sequence[LogPiece]:
    """The log from `offset` on, in order; the first piece begins exactly at `offset`.

    bytes_max: reading stops after the piece with which the total reaches this number, so the result may be larger.

    Raises:
        LogStoreUnavailable: A part lies outside the database and cannot be read now.
    """
    with database.read() as connection:
        first = connection.scalar(_FIRST_OFFSET, {"attempt_id": attempt_id, "offset": offset})
        with connection.execute(_PIECES, {"attempt_id": attempt_id, "first": first or 0}) as stream:
            rows = _enough(stream, offset + bytes_max)
    # The connection is free again: the log store may take seconds.
    pieces: list[LogPiece] = []
    position = offset
    for chunk_offset, at, chunk in _chunks(database.log_store, rows, offset):
        data = chunk[max(0, position - chunk_offset) :]
        if data:
            pieces.append(LogPiece(offset=max(chunk_offset, position), data=data, at=at))
            position = max(chunk_offset, position) + len(data)
        if position - offset >= bytes_max:
            break
    return pieces


def stored_index(database: Database, attempt_id: str) -> LogIndex | None:
    """The index of the part of a log that lies outside the database; None = nothing of it does."""
    with database.read() as connection:
        content = connection.scalar(_INDEX, {"attempt_id": attempt_id})
    return None if content is None else LogIndex.load(content)


def _enough(rows: Iterable[Any], end: int) -> list[Any]:
    """The first rows that reach the byte `end`. Chunks that came twice count once."""
    taken: list[Any] = []
    for row in rows:
        taken.append(row)
        if row.offset + (len(row.data) if row.raw_bytes is None else row.raw_bytes) >= end:
            break
    return taken


def _chunks(store: CachedLogStore | None, rows: Iterable[Any], offset: int) -> Iterator[tuple[int, datetime, bytes]]:
    """Offset, instant and bytes of each chunk that ends behind `offset`; blocks are unpacked.

    Raises:
        LogStoreUnavailable: A block lies outside the database and cannot be read now.
    """
    for row in rows:
        position = row.offset
        if row.raw_bytes is not None and position + row.raw_bytes <= offset:
            continue  # nothing of it is wanted, so the store need not be asked
        for at, data in [(row.at, row.data)] if row.raw_bytes is None else unpack(_block(store, row)):
            if position + len(data) > offset:
                yield position, at, data
            position += len(data)


def _block(store: CachedLogStore | None, row: Any) -> bytes:
    if row.object_key is None:
        block: bytes = row.data
        return block
    if store is None:
        raise LogStoreUnavailable(f"{row.object_key}: this process has no log_store; set it as before")
    return store.get(row.object_key, row.object_start, row.object_bytes)


_WITHOUT_TRY = (
    select(
        null().label("attempt_id"),
        task_instance.c.state.label("instance_state"),
        task_instance.c.updated_at.label("changed_at"),
    )
    .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
    .where(
        dag_run.c.dag_id == bindparam("dag_id"),
        dag_run.c.run_id == bindparam("run_id"),
        task_instance.c.task_id == bindparam("task_id"),
        task_instance.c.map_index == bindparam("map_index"),
        task_instance.c.try_number == 0,
    )
)
_TRY = (
    select(
        task_try.c.attempt_id,
        task_try.c.state,
        task_instance.c.state.label("instance_state"),
        task_instance.c.updated_at.label("changed_at"),
    )
    .join(task_instance, task_instance.c.id == task_try.c.task_instance_id)
    .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
    .where(
        dag_run.c.dag_id == bindparam("dag_id"),
        dag_run.c.run_id == bindparam("run_id"),
        task_instance.c.task_id == bindparam("task_id"),
        task_instance.c.map_index == bindparam("map_index"),
        task_try.c.try_number == bindparam("try_number"),
    )
    .order_by(task_try.c.generation.desc(), task_try.c.queued_at.desc(), task_try.c.attempt_id.desc())
    .limit(1)
)
_FIRST_OFFSET = (
    select(task_log.c.offset)
    .where(task_log.c.attempt_id == bindparam("attempt_id"), task_log.c.offset <= bindparam("offset"))
    .order_by(task_log.c.offset.desc())
    .limit(1)
)
_PIECES = (
    select(
        task_log.c.offset,
        task_log.c.at,
        task_log.c.data,
        task_log.c.raw_bytes,
        task_log.c.object_key,
        task_log.c.object_start,
        task_log.c.object_bytes,
    )
    .where(task_log.c.attempt_id == bindparam("attempt_id"), task_log.c.offset >= bindparam("first"))
    .order_by(task_log.c.offset)
)
_INDEX = select(task_try.c.log_index).where(task_try.c.attempt_id == bindparam("attempt_id"))
