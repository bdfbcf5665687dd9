"""Storing task logs: chunks by offset, in the database, so that each API process can read all logs."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from mainspring.attempts import LogChunk
from mainspring_store.database.transactions import Database
from mainspring_store.tables import task_log, task_try

__all__ = ["append_chunks", "insert_chunks"]


def append_chunks(database: Database, chunks: Sequence[LogChunk]) -> None:
    """Store chunks in a new transaction. Skips chunks that are stored or packed already, or whose attempt was
    deleted."""
    with database.write() as connection:
        insert_chunks(connection, chunks)


def insert_chunks(connection: Connection, chunks: Sequence[LogChunk]) -> None:
    """As `append_chunks`, in the caller's transaction."""
    connection.execute(
        _insert(connection.dialect.name),
        [
            {"attempt": chunk.attempt_id, "offset_": chunk.offset, "at_": chunk.at, "data_": chunk.data}
            for chunk in chunks
        ],
    )


@lru_cache(maxsize=2)
def _insert(dialect: str) -> Any:
    kind = sqlite if dialect == "sqlite" else postgresql
    row = select(
        task_try.c.attempt_id,
        bindparam("offset_", type_=task_log.c.offset.type).label("offset"),
        bindparam("at_", type_=task_log.c.at.type).label("at"),
        bindparam("data_", type_=task_log.c.data.type).label("data"),
    ).where(
        task_try.c.attempt_id == bindparam("attempt"),
        or_(task_try.c.log_packed_bytes.is_(None), task_try.c.log_packed_bytes <= bindparam("offset_")),
    )
    return kind.insert(task_log).from_select(["attempt_id", "offset", "at", "data"], row).on_conflict_do_nothing()
