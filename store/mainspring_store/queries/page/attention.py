"""What needs a person: failures, lost workers, late and slow runs, approvals, paused backfills; and counts of runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, or_, select, text

from mainspring.definition.model import ScheduleAlias
from mainspring.states import RUN_FINISHED, AttemptState, RunState
from mainspring_store.database.transactions import Database
from mainspring_store.queries.approvals import APPROVALS
from mainspring_store.queries.listing import Seen, is_seen
from mainspring_store.queries.page.latest_runs import RunInStrip, latest_runs, median_duration
from mainspring_store.tables import backfill, dag, dag_run, task_instance, task_try

__all__ = ["Attention", "Failure", "LateRun", "SlowRun", "read_attention"]

LATE_AFTER = timedelta(minutes=1)
"""A run that the scheduler has not begun this long after it was due is late."""
SLOW_FACTOR = 3.0
"""A run is slow when it has taken this many times the median of its DAG."""
SLOW_SECONDS_MIN = 60.0
STRIP_RUNS = 20
_FAILING_MAX = 1_000
_LATE_MAX = 1_000
_FAILED_INSTANCES_MAX = 5_000
_RUNNING_MAX = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A DAG whose latest finished run failed."""

    dag_id: str
    run_id: str
    ended_at: datetime | None
    state_reason: str | None
    message: str | None
    failed_in_a_row: int
    instance: Any
    """The first failed instance: `task_id`, `map_index`, `map_key`, `try_number`, `state_reason`, `attempt_id`,
    `message`; `None` = the run failed by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LateRun:
    """A run that was due and has not begun."""

    dag_id: str
    run_id: str | None
    """`None` = the scheduler has not made the run."""
    due_at: datetime
    message: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SlowRun:
    """A run that takes much longer than usual."""

    dag_id: str
    run_id: str
    since: datetime
    median_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Attention:
    """What needs a person; each list has at most the wanted number of entries, latest first."""

    running: int
    queued: int
    """Runs that are due and wait."""
    failing: int
    late: int
    approvals: int
    runs: int
    """Runs that were due in the last day."""
    successes: int
    failures: list[Failure] = field(default_factory=list)
    retries: list[Any] = field(default_factory=list)
    """Instances that wait for another try after a lost worker."""
    late_runs: list[LateRun] = field(default_factory=list)
    slow_runs: list[SlowRun] = field(default_factory=list)
    open_approvals: list[Any] = field(default_factory=list)
    paused_backfills: list[Any] = field(default_factory=list)


def read_attention(database: Database, *, seen: Seen | None, now: datetime, limit: int) -> Attention:
    """Counts and lists for the DAGs that the caller sees. seen: as in `ListQuery`."""
    with database.read() as connection:
        active = _active(connection, seen, now)
        day = connection.execute(_narrowed(_DAY, _run.dag_id, seen), {"since": now - timedelta(days=1), "now": now})
        by_state = {row.state: row.runs for row in day}
        failing = connection.execute(_narrowed(_FAILING, dag.c.dag_id, seen)).all()
        late = _late(connection, seen, now)
        approvals = connection.execute(_narrowed(_OPEN_APPROVALS, _run.dag_id, seen)).all()
        return Attention(
            running=active.get(RunState.RUNNING, 0),
            queued=active.get(RunState.QUEUED, 0),
            failing=len(failing),
            late=len(late),
            approvals=len(approvals),
            runs=sum(by_state.values()),
            successes=by_state.get(RunState.SUCCESS, 0),
            failures=_failures(connection, failing[:limit], now),
            retries=list(connection.execute(_narrowed(_RETRIES, _run.dag_id, seen).limit(limit))),
            late_runs=late[:limit],
            slow_runs=_slow(connection, seen, now)[:limit],
            open_approvals=list(approvals[:limit]),
            paused_backfills=list(connection.execute(_narrowed(_BACKFILLS, backfill.c.dag_id, seen).limit(limit))),
        )


def _active(connection: Connection, seen: Seen | None, now: datetime) -> dict[str, int]:
    # By one condition on both states, PostgreSQL reads all stored runs.
    return {
        state: connection.scalars(_narrowed(statement, _run.dag_id, seen), {"now": now}).one()
        for state, statement in _ACTIVE.items()
    }


def _late(connection: Connection, seen: Seen | None, now: datetime) -> list[LateRun]:
    due = {"due": now - LATE_AFTER}
    late = [
        LateRun(dag_id=row.dag_id, run_id=row.run_id, due_at=row.run_after, message=None)
        for row in connection.execute(_narrowed(_WAITING, _run.dag_id, seen), due)
    ]
    late += [
        LateRun(dag_id=row.dag_id, run_id=None, due_at=row.next_run_after, message=row.schedule_error)
        for row in connection.execute(_narrowed(_NOT_MADE, dag.c.dag_id, seen), due)
    ]
    return sorted(late, key=lambda run: run.due_at)


def _failures(connection: Connection, runs: Sequence[Any], now: datetime) -> list[Failure]:
    first: dict[int, Any] = {}
    if runs:
        for row in connection.execute(_FAILED_INSTANCES, {"keys": [run.id for run in runs]}):
            first.setdefault(row.dag_run_id, row)
    strips = latest_runs(connection, [run.dag_id for run in runs], count=STRIP_RUNS, now=now)
    return [
        Failure(
            dag_id=run.dag_id,
            run_id=run.run_id,
            ended_at=run.end_date,
            state_reason=run.state_reason,
            message=run.message,
            failed_in_a_row=max(1, _failed_in_a_row(strips.get(run.dag_id, ()))),
            instance=first.get(run.id),
        )
        for run in runs
    ]


def _failed_in_a_row(runs: Iterable[RunInStrip]) -> int:
    count = 0
    for run in runs:
        if run.state in RUN_FINISHED:
            count = count + 1 if run.state == RunState.FAILED else 0
    return count


def _slow(connection: Connection, seen: Seen | None, now: datetime) -> list[SlowRun]:
    """Running runs that take much longer than the median of their DAG, the slowest first."""
    running = connection.execute(_narrowed(_RUNNING, _run.dag_id, seen)).all()
    old = [row for row in running if (now - row.start_date).total_seconds() >= SLOW_SECONDS_MIN]
    strips = latest_runs(connection, sorted({row.dag_id for row in old}), count=STRIP_RUNS, now=now)
    slow = []
    for row in old:
        usual = median_duration(strips.get(row.dag_id, ()))
        if usual is not None and (now - row.start_date).total_seconds() > SLOW_FACTOR * usual:
            slow.append(SlowRun(dag_id=row.dag_id, run_id=row.run_id, since=row.start_date, median_seconds=usual))
    return slow


def _narrowed(statement: Select[Any], dag_id: ColumnElement[str], seen: Seen | None) -> Select[Any]:
    return statement if seen is None else statement.where(is_seen(dag_id, seen))


_run = dag_run.c
_ti = task_instance.c
_due = bindparam("due", type_=_run.run_after.type)
_now = bindparam("now", type_=_run.run_after.type)
_ACTIVE = {
    state: select(func.count()).select_from(dag_run).where(text(f"dag_run.state = '{state}'"), _run.run_after <= _now)
    for state in (RunState.QUEUED, RunState.RUNNING)
}
_DAY = (
    select(_run.state, func.count().label("runs"))
    .where(_run.run_after > bindparam("since", type_=_run.run_after.type), _run.run_after <= _now)
    .group_by(_run.state)
)
_finished = dag_run.alias("finished")
_latest_finished = (
    select(_finished.c.id)
    .where(_finished.c.dag_id == dag.c.dag_id, _finished.c.state.in_(sorted(RUN_FINISHED)))
    .order_by(_finished.c.id.desc())
    .limit(1)
    .correlate(dag)
    .scalar_subquery()
)
_FAILING = (
    select(dag.c.dag_id, _run.id, _run.run_id, _run.end_date, _run.state_reason, _run.message)
    .select_from(dag)
    .join(dag_run, _run.id == _latest_finished)
    .where(_run.state == RunState.FAILED, ~dag.c.is_stale)
    .order_by(_run.end_date.desc(), _run.id.desc())
    .limit(_FAILING_MAX)
)
_FAILED_INSTANCES = (
    select(
        _ti.dag_run_id,
        _ti.task_id,
        _ti.map_index,
        _ti.map_key,
        _ti.try_number,
        _ti.state_reason,
        _ti.attempt_id,
        task_try.c.message,
    )
    .outerjoin(task_try, task_try.c.attempt_id == _ti.attempt_id)
    .where(_ti.dag_run_id.in_(bindparam("keys", expanding=True)), text("task_instance.state = 'failed'"))
    .order_by(_ti.end_date, _ti.task_index, _ti.map_index)
    .limit(_FAILED_INSTANCES_MAX)
)
_RETRIES = (
    select(
        _run.dag_id,
        _run.run_id,
        _ti.task_id,
        _ti.map_index,
        _ti.map_key,
        _ti.try_number,
        _ti.attempt_id,
        _ti.not_before,
        task_try.c.state_reason,
        task_try.c.message,
        task_try.c.end_date,
    )
    .join(dag_run, _run.id == _ti.dag_run_id)
    .join(task_try, and_(task_try.c.attempt_id == _ti.attempt_id, task_try.c.state == AttemptState.LOST))
    .where(text("task_instance.state = 'up_for_retry' AND task_instance.not_before IS NOT NULL"))
    .order_by(_ti.not_before.desc())
)
_WAITING = (
    select(_run.dag_id, _run.run_id, _run.run_after)
    .join(dag, dag.c.dag_id == _run.dag_id)
    .where(text("dag_run.state = 'queued'"), _run.run_after < _due, ~_run.is_paused, ~dag.c.is_paused)
    .order_by(_run.run_after)
    .limit(_LATE_MAX)
)
_NOT_MADE = (
    select(dag.c.dag_id, dag.c.next_run_after, dag.c.schedule_error)
    .where(
        text("dag.next_run_after IS NOT NULL AND NOT dag.is_paused"),
        dag.c.next_run_after < _due,
        # Its next run waits for the end of the last one.
        or_(dag.c.timetable_summary.is_(None), dag.c.timetable_summary != ScheduleAlias.CONTINUOUS.value),
    )
    .order_by(dag.c.next_run_after)
    .limit(_LATE_MAX)
)
_RUNNING = (
    select(_run.dag_id, _run.run_id, _run.start_date)
    .where(text("dag_run.state = 'running'"), _run.start_date.is_not(None))
    .order_by(_run.start_date)
    .limit(_RUNNING_MAX)
)
_OPEN_APPROVALS = (
    APPROVALS.rows.where(text("task_instance.state = 'deferred'")).order_by(_ti.start_date).limit(_FAILING_MAX)
)
_BACKFILLS = (
    select(backfill.c.id, backfill.c.dag_id, backfill.c.message, backfill.c.updated_at)
    .where(text("backfill.completed_at IS NULL"), backfill.c.is_paused)
    .order_by(backfill.c.updated_at.desc())
)
