"""Moving large values of ended runs out of the database, into the store of logs.

The pieces of a value become one object, which is read again before the rows give up their bytes. The rows stay: they
say where each piece lies. Only values of ended runs move, so no task of a run under way waits for the store.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, bindparam, exists, literal, literal_column, select, text, update

from mainspring.errors import LogStoreUnavailable
from mainspring.states import RUN_FINISHED
from mainspring_store.database.log_stores import CachedLogStore
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.resources.log_moving import MOVE_SECONDS_MAX, delete_unused_object, new_object_key
from mainspring_store.tables import dag_run, large_value, large_value_piece, task_instance, xcom

__all__ = ["move_value", "next_value_to_move"]


def next_value_to_move(database: Database, last_id: str = "", *, ended_before: datetime) -> str | None:
    """The next value in the database whose run ended before an instant, by id; None = none is left.

    last_id: the value behind which to look.
    """
    with database.read() as connection:
        value_id: str | None = connection.scalar(_NEXT, {"last_id": last_id, "before": ended_before})
    return value_id


def move_value(database: Database, store: CachedLogStore, value_id: str) -> bool:
    """Move a value; returns whether it was moved.

    Several schedulers may call this at once: each writes an object of its own, and the first one is used.

    Raises:
        LogStoreUnavailable: The value stays in the database.
    """
    with database.read() as connection:
        attempt_id = connection.scalar(_ATTEMPT, {"me": value_id})
        pieces = connection.execute(_PIECES, {"me": value_id}).all() if attempt_id is not None else []
    if attempt_id is None or not pieces:
        return False
    key = new_object_key(attempt_id)
    began = time.time()
    store.put(key, b"".join(piece.data for piece in pieces))
    with database.write() as connection:
        if time.time() - began > MOVE_SECONDS_MAX:
            raise LogStoreUnavailable(f"{key}: was written {time.time() - began:.0f} s ago, and may be gone again")
        is_moved = connection.execute(_GIVE_UP, {"me": value_id, "key": key}).rowcount == 1
        if is_moved:
            connection.execute(_GIVE_UP_PIECE, _places(value_id, pieces))
    if not is_moved:
        delete_unused_object(store, key)
    return is_moved


def _places(value_id: str, pieces: Sequence[Any]) -> list[dict[str, Any]]:
    """Where each piece lies in the object."""
    places, start = [], 0
    for piece in pieces:
        length = len(piece.data)
        places.append({"me": value_id, "at_position": piece.position, "start": start, "length": length})
        start += length
    return places


_IS_HERE = text("large_value.object_key IS NULL")
_NEXT = (
    select(large_value.c.id)
    .join(task_instance, task_instance.c.id == large_value.c.task_instance_id)
    .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
    .where(
        _IS_HERE,
        large_value.c.id > bindparam("last_id"),
        dag_run.c.state.in_([literal_column(f"'{state}'") for state in sorted(RUN_FINISHED)]),
        dag_run.c.end_date < bindparam("before", type_=UtcDateTime),
        exists().where(xcom.c.large_id.is_not(None), xcom.c.large_id == large_value.c.id),
    )
    .order_by(large_value.c.id)
    .limit(literal_column("1", Integer()))
)
_ATTEMPT = select(large_value.c.attempt_id).where(large_value.c.id == bindparam("me"), _IS_HERE)
_PIECES = (
    select(large_value_piece.c.position, large_value_piece.c.data)
    .where(large_value_piece.c.value_id == bindparam("me"))
    .order_by(large_value_piece.c.position)
)
_GIVE_UP = update(large_value).where(large_value.c.id == bindparam("me"), _IS_HERE).values(object_key=bindparam("key"))
_GIVE_UP_PIECE = (
    update(large_value_piece)
    .where(large_value_piece.c.value_id == bindparam("me"), large_value_piece.c.position == bindparam("at_position"))
    .values(data=literal(b""), object_start=bindparam("start"), object_bytes=bindparam("length"))
)
