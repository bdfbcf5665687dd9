"""A run as bars on a line of time: its instances, their tries, and how long its tasks usually take."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

from sqlalchemy import Connection, and_, bindparam, select, text

from mainspring.ids import parent_attempt_id
from mainspring_store.database.transactions import Database
from mainspring_store.queries.listing import Seen, is_seen
from mainspring_store.queries.page.latest_runs import latest_runs, median_duration
from mainspring_store.queries.runs import run_not_found
from mainspring_store.tables import dag_run, task_instance, task_try

__all__ = ["ParentTask", "TimelineInstance", "TimelineRun", "TimelineTry", "read_timeline"]

SAMPLE_RUNS_MAX = 20
SAMPLE_INSTANCES_MAX = 20_000
"""Instances of earlier runs that the usual durations are taken from."""


@dataclass(frozen=True, slots=True)
class TimelineInstance:
    """An instance with the message of its latest attempt."""

    key: int
    task_id: str
    map_index: int
    map_key: str | None
    state: str
    state_reason: str | None
    ready: bool
    not_before: datetime | None
    waits_for: Any
    start_date: datetime | None
    end_date: datetime | None
    queued_at: datetime | None
    try_number: int
    message: str | None


@dataclass(frozen=True, slots=True)
class TimelineTry:
    """An attempt of an instance."""

    instance_key: int
    try_number: int
    queued_at: datetime
    start_date: datetime | None
    end_date: datetime | None
    state: str
    hostname: str | None


@dataclass(frozen=True, slots=True)
class ParentTask:
    """The instance of a `dag` task that made a run."""

    dag_id: str
    dag_run_id: str
    task_id: str
    map_index: int


@dataclass(frozen=True, slots=True)
class TimelineRun:
    """A run, for its timeline."""

    version_id: int
    instances: list[TimelineInstance]
    """By task and map index."""
    tries: list[TimelineTry]
    """Oldest first; of the instances that were asked for."""
    medians: dict[str, float]
    """Task id -> median seconds of successful instances of the latest successful runs of the DAG."""
    median_duration: float | None
    """Seconds, see `median_duration`; `None` = no run of the DAG succeeded."""
    parent: ParentTask | None
    """`None` = no task made the run, the task is gone, or the caller does not see its DAG."""


def read_timeline(
    database: Database, dag_id: str, run_id: str, *, expanded: Sequence[str], seen: Seen | None
) -> TimelineRun:
    """The timeline of a run. expanded: mapped tasks whose instances have tries; other mapped tasks have none.

    seen: the visible DAGs, as in `ListQuery`; the parent may be in another DAG.

    Raises:
        NotFound: There is no such run.
    """
    with database.read() as connection:
        run = connection.execute(_RUN, {"dag_id": dag_id, "run_id": run_id}).one_or_none()
        if run is None:
            raise run_not_found(dag_id, run_id)
        rows: Any = connection.execute(_INSTANCES, {"run": run.id})
        instances = [TimelineInstance(*row) for row in rows]
        tries: Any = connection.execute(_TRIES, {"run": run.id, "task_ids": [*expanded, ""]})
        timeline_tries = [TimelineTry(*row) for row in tries]
        sample = max(1, min(SAMPLE_RUNS_MAX, SAMPLE_INSTANCES_MAX // max(1, run.tasks_total)))
        durations: dict[str, list[float]] = {}
        for row in connection.execute(_DURATIONS, {"dag_id": dag_id, "run": run.id, "count": sample}):
            seconds = (row.end_date - row.start_date).total_seconds()
            durations.setdefault(row.task_id, []).append(max(0.0, seconds))
        strips = latest_runs(connection, [dag_id], count=SAMPLE_RUNS_MAX, now=datetime.now(UTC))
        parent = _parent(connection, run_id, seen)
    medians = {task_id: median(values) for task_id, values in durations.items()}
    usual = median_duration(strips.get(dag_id, ()))
    return TimelineRun(run.dag_version_id, instances, timeline_tries, medians, usual, parent)


def _parent(connection: Connection, run_id: str, seen: Seen | None) -> ParentTask | None:
    attempt_id = parent_attempt_id(run_id)
    if attempt_id is None:
        return None
    statement = _PARENT if seen is None else _PARENT.where(is_seen(dag_run.c.dag_id, seen))
    row = connection.execute(statement, {"attempt_id": attempt_id}).one_or_none()
    return None if row is None else ParentTask(*row)


_ti = task_instance.c
_try = task_try.c
_RUN = select(dag_run.c.id, dag_run.c.dag_version_id, dag_run.c.tasks_total).where(
    dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.run_id == bindparam("run_id")
)
_INSTANCES = (
    select(
        _ti.id,
        _ti.task_id,
        _ti.map_index,
        _ti.map_key,
        _ti.state,
        _ti.state_reason,
        _ti.ready,
        _ti.not_before,
        _ti.waits_for,
        _ti.start_date,
        _ti.end_date,
        _ti.queued_at,
        _ti.try_number,
        _try.message,
    )
    .outerjoin(task_try, _try.attempt_id == _ti.attempt_id)
    .where(_ti.dag_run_id == bindparam("run"))
    .order_by(_ti.task_index, _ti.map_index)
)
_TRIES = (
    select(
        _try.task_instance_id,
        _try.try_number,
        _try.queued_at,
        _try.start_date,
        _try.end_date,
        _try.state,
        _try.hostname,
    )
    .join(task_instance, _ti.id == _try.task_instance_id)
    .where(
        _ti.dag_run_id == bindparam("run"),
        (_ti.map_index < 0) | _ti.task_id.in_(bindparam("task_ids", expanding=True)),
    )
    .order_by(_try.task_instance_id, _try.queued_at, _try.attempt_id)
)
_PARENT = (
    select(dag_run.c.dag_id, dag_run.c.run_id, _ti.task_id, _ti.map_index)
    .join(task_instance, _ti.dag_run_id == dag_run.c.id)
    .join(task_try, _try.task_instance_id == _ti.id)
    .where(_try.attempt_id == bindparam("attempt_id"))
)
_earlier = dag_run.alias("earlier")
_SAMPLE = (
    select(_earlier.c.id)
    .where(
        _earlier.c.dag_id == bindparam("dag_id"), _earlier.c.id != bindparam("run"), text("earlier.state = 'success'")
    )
    .order_by(_earlier.c.run_after.desc(), _earlier.c.id.desc())
    .limit(bindparam("count"))
)
_DURATIONS = select(_ti.task_id, _ti.start_date, _ti.end_date).where(
    and_(
        _ti.dag_run_id.in_(_SAMPLE),
        text("task_instance.state = 'success'"),
        _ti.start_date.is_not(None),
        _ti.end_date.is_not(None),
    )
)
