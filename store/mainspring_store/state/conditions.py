"""Conditions and values shared by several statements, spelled as in the partial indexes."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import and_, case, func, literal_column, text

from mainspring_store.database.batches import Batch
from mainspring_store.database.types import UtcDateTime
from mainspring_store.state.records import (
    UPDATE_FIELDS,
    StateUpdate,
)
from mainspring_store.tables import task_instance, task_try

__all__ = [
    "ACTIVE",
    "DUE",
    "LIVE",
    "READY",
    "UNLIMITED",
    "decide_rows",
    "either",
    "ended_values",
    "update_values",
]

# Constants and the exact text of the partial indexes, so that both databases use the indexes.
LIVE = task_try.c.state.in_([literal_column("'queued'"), literal_column("'running'")])
ACTIVE = task_instance.c.state.in_([literal_column("'queued'"), literal_column("'running'")])
READY = text("task_instance.state = 'scheduled' AND task_instance.ready")
DUE = text("task_instance.state IN ('up_for_retry', 'deferred') AND task_instance.not_before IS NOT NULL")
UNLIMITED = 2**31 - 1
"""Free slots of a pool with -1 slots."""
CALLING = and_(
    task_instance.c.state == literal_column("'deferred'"), task_instance.c.operator == literal_column("'dag'")
)
"""A `dag` task during its child run; counts for the limits of its run and of its task."""


def decide_rows(updates: Iterable[StateUpdate]) -> Batch:
    """A batch with `UPDATE_FIELDS`."""
    return Batch({name: getattr(update, name) for name in UPDATE_FIELDS} for update in updates)


def update_values(rows: Any) -> dict[str, Any]:
    table = task_instance.c
    return {
        "state": rows.c.state,
        "state_reason": rows.c.reason,
        "ready": rows.c.ready,
        "not_before": rows.c.not_before,
        "start_date": func.coalesce(rows.c.start_date, table.start_date),
        "end_date": rows.c.end_date,
        "max_tries": table.max_tries + rows.c.more_tries,
        "waits_for": rows.c.waits_for,
        "turn": func.coalesce(rows.c.turn, table.turn),
        "updated_at": rows.c.at,
    }


def ended_values(rows: Any) -> dict[str, Any]:
    table = task_try.c
    return {
        "state": rows.c.state,
        "state_reason": rows.c.reason,
        "message": rows.c.message,
        "start_date": func.coalesce(table.start_date, rows.c.start_date),
        "end_date": rows.c.end_date,
        "stopped_at": func.coalesce(rows.c.stopped_at, table.stopped_at),
        "hostname": func.coalesce(table.hostname, rows.c.hostname),
        "pid": func.coalesce(table.pid, rows.c.pid),
        "exit_code": rows.c.exit_code,
        "log_bytes": func.coalesce(rows.c.log_bytes, table.log_bytes),
        "outputs": rows.c.outputs,
    }


def either(condition: Any, yes: Any, no: Any, is_sqlite: bool) -> Any:
    return func.iif(condition, yes, no, type_=UtcDateTime) if is_sqlite else case((condition, yes), else_=no)
