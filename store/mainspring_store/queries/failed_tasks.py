"""The task instances that failed in a run, with the last lines of their logs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, select

from mainspring.errors import LogStoreUnavailable
from mainspring.states import TaskState
from mainspring_store.database.transactions import Database
from mainspring_store.queries.logs import read_log
from mainspring_store.tables import task_instance, task_try

__all__ = ["FailedTasks", "failed_tasks", "last_lines"]

TASKS_MAX = 5
LINES_MAX = 20
LINE_CHARS_MAX = 2_000
_TAIL_BYTES = 32 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedTasks:
    """The failed instances of a run."""

    rows: Sequence[dict[str, Any]]
    """At most `TASKS_MAX`, in the order of their ends; `last_lines` is a list of texts."""
    total: int


def failed_tasks(database: Database, key: int) -> FailedTasks:
    """The instances of a run in the state `failed`. An instance whose upstream failed is in another state.

    key: primary key of the run.
    """
    with database.read() as connection:
        rows = [row._asdict() for row in connection.execute(_FAILED, {"key": key})]
        total = len(rows) if len(rows) < TASKS_MAX else connection.scalar(_COUNT, {"key": key}) or 0
    for row in rows:
        attempt_id, size = row.pop("attempt_id"), row.pop("log_bytes")
        row["last_lines"] = [] if attempt_id is None else last_lines(database, attempt_id, size)
    return FailedTasks(rows=rows, total=total)


def last_lines(database: Database, attempt_id: str, log_bytes: int, *, lines_max: int = LINES_MAX) -> list[str]:
    """The end of the log of an attempt: whole lines, each cut to `LINE_CHARS_MAX`.

    log_bytes: size of the log. Empty while the log lies in a store that cannot be read.
    """
    begin = max(0, log_bytes - _TAIL_BYTES)
    try:
        pieces = read_log(database, attempt_id, offset=begin, bytes_max=2 * _TAIL_BYTES)
    except LogStoreUnavailable:
        return []
    data = b"".join(piece.data for piece in pieces)
    lines = data.removesuffix(b"\n").split(b"\n") if data else []
    if begin and len(lines) > 1:
        del lines[0]  # the tail begins within this line
    return [line.removesuffix(b"\r").decode(errors="replace")[:LINE_CHARS_MAX] for line in lines[-lines_max:]]


_ti = task_instance.c
_IS_FAILED = (_ti.dag_run_id == bindparam("key"), _ti.state == TaskState.FAILED)
_FAILED = (
    select(
        _ti.task_id,
        _ti.map_index,
        _ti.try_number,
        _ti.state_reason,
        _ti.attempt_id,
        task_try.c.message,
        task_try.c.exit_code,
        func.coalesce(task_try.c.log_bytes, 0).label("log_bytes"),
    )
    .outerjoin(task_try, task_try.c.attempt_id == _ti.attempt_id)
    .where(*_IS_FAILED)
    .order_by(_ti.end_date, _ti.id)
    .limit(TASKS_MAX)
)
_COUNT = select(func.count()).select_from(task_instance).where(*_IS_FAILED)
