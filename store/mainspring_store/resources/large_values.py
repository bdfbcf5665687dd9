"""Storing large values: outputs that are kept by reference, in pieces, before the report of the end that names them.

The id of a value follows from its try and its name, and a piece is written once. So a sender repeats what it sent
without effect, and a try that is lost while it sends leaves rows that no output names; `delete_unused` deletes them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    String,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from mainspring.large_values import VALUES_BYTES_MAX, LargeValue
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.database.value_pieces import compress_piece
from mainspring_store.tables import large_value, large_value_piece, task_instance, task_try, xcom

__all__ = ["Piece", "TooManyBytes", "delete_unused", "store_piece", "store_value"]

_UNUSED_AGE_MIN = timedelta(hours=1)
"""The report of a younger value may be under way."""


class TooManyBytes(Exception):
    """The values of one try have more than `VALUES_BYTES_MAX` together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One piece of the JSON text of a value."""

    value: LargeValue
    position: int
    data: bytes


def store_value(database: Database, attempt_id: str, value: LargeValue, pieces: Iterable[bytes], now: datetime) -> None:
    """Store all pieces of a value, each in a transaction of its own. Does nothing for a try that was deleted."""
    for position, data in enumerate(pieces):
        store_piece(database, attempt_id, Piece(value=value, position=position, data=data), now=now)


def store_piece(
    database: Database, attempt_id: str, piece: Piece, *, now: datetime, token_hash: str | None = None
) -> bool:
    """Store a piece of an output of a try; False = the token does not match. A stored piece never changes.

    token_hash: of the worker that runs the try; `None` = the scheduler runs it.

    Raises:
        TooManyBytes: Nothing has changed.
    """
    data = compress_piece(piece.data)
    value = piece.value
    with database.write() as connection:
        if token_hash is not None and not connection.scalar(_IS_HOLDER, {"me": attempt_id, "hash": token_hash}):
            return False
        head = {
            "id": value.id,
            "me": attempt_id,
            "bytes_": value.bytes,
            "digest": value.sha256,
            "now": now,
        }
        if connection.execute(_insert_head(connection.dialect.name), head).rowcount:
            _check_total(connection, attempt_id)
        row = {"value_id": value.id, "at_position": piece.position, "data_": data, "bytes_": len(piece.data)}
        connection.execute(_insert_piece(connection.dialect.name), row)
    return True


def delete_unused(database: Database, *, now: datetime) -> int:
    """Delete values that no output names and that no try may still be handed; returns their number, at most 16.

    A try that was queued with the value may run long after a clear replaced the output, so the values of a run stay
    while a try of the run is live.
    """
    before = now - _UNUSED_AGE_MIN
    with database.read() as connection:  # most looks find nothing, and take no turn to write
        ids = connection.scalars(_SELECT_UNUSED, {"before": before}).all()
    if not ids:
        return 0
    with database.write() as connection:
        return connection.execute(_DELETE_UNUSED, {"before": before, "ids": list(ids)}).rowcount


def _check_total(connection: Connection, attempt_id: str) -> None:
    total = connection.scalar(_TOTAL, {"me": attempt_id}) or 0
    if total > VALUES_BYTES_MAX:
        raise TooManyBytes(f"the large outputs of the try have {total} bytes; at most {VALUES_BYTES_MAX} are possible")


_IS_HOLDER = select(task_try.c.attempt_id).where(
    task_try.c.attempt_id == bindparam("me"), task_try.c.token_hash == bindparam("hash")
)
_TOTAL = select(func.sum(large_value.c.raw_bytes)).where(
    large_value.c.task_instance_id
    == select(task_try.c.task_instance_id).where(task_try.c.attempt_id == bindparam("me")).scalar_subquery(),
    large_value.c.attempt_id == bindparam("me"),
)


@cache
def _insert_head(dialect: str) -> Any:
    kind = sqlite if dialect == "sqlite" else postgresql
    row = select(
        bindparam("id", type_=String(32)).label("id"),
        task_try.c.task_instance_id,
        task_try.c.attempt_id,
        bindparam("bytes_", type_=large_value.c.raw_bytes.type).label("raw_bytes"),
        bindparam("digest", type_=large_value.c.sha256.type).label("sha256"),
        bindparam("now", type_=UtcDateTime).label("stored_at"),
    ).where(task_try.c.attempt_id == bindparam("me"))
    columns = ["id", "task_instance_id", "attempt_id", "raw_bytes", "sha256", "stored_at"]
    return kind.insert(large_value).from_select(columns, row).on_conflict_do_nothing()


@cache
def _insert_piece(dialect: str) -> Any:
    kind = sqlite if dialect == "sqlite" else postgresql
    row = select(
        large_value.c.id,
        bindparam("at_position", type_=large_value_piece.c.position.type).label("position"),
        bindparam("data_", type_=large_value_piece.c.data.type).label("data"),
        bindparam("bytes_", type_=large_value_piece.c.raw_bytes.type).label("raw_bytes"),
    ).where(large_value.c.id == bindparam("value_id"))
    columns = ["value_id", "position", "data", "raw_bytes"]
    return kind.insert(large_value_piece).from_select(columns, row).on_conflict_do_nothing()


def _is_unused() -> ColumnElement[bool]:
    instance, sibling = task_instance.alias("instance"), task_instance.alias("sibling")
    is_live = (
        exists()
        .where(
            instance.c.id == large_value.c.task_instance_id,
            sibling.c.dag_run_id == instance.c.dag_run_id,
            task_try.c.task_instance_id == sibling.c.id,
            or_(
                task_try.c.state.in_([literal_column("'queued'"), literal_column("'running'")]),
                task_try.c.stopped_at.is_(None),
            ),
        )
        .correlate(large_value)
    )
    is_named = exists().where(and_(xcom.c.large_id.is_not(None), xcom.c.large_id == large_value.c.id))
    return and_(large_value.c.stored_at < bindparam("before", type_=UtcDateTime), ~is_named, ~is_live)


_SELECT_UNUSED = (
    select(large_value.c.id).where(_is_unused()).order_by(large_value.c.id).limit(literal_column("16", Integer()))
)
_DELETE_UNUSED = delete(large_value).where(large_value.c.id.in_(bindparam("ids", expanding=True)), _is_unused())
