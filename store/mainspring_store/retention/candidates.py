"""Which runs of a DAG may be pruned, and which of them something still needs.

A run stays, whatever its age, while any of these holds:

- The run is unfinished or kept, or a process of one of its tries may still run.
- The run is one of the newest `keep_last` ended runs, or the newest scheduled run.
- A task waits for the run, or a run that goes on was started by a task of the run.
- A backfill of the DAG is under way.
- A task with `depends_on_past` looks at the run: see `_first_needed_moment`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    type_coerce,
)

from mainspring.retention import RunPolicy
from mainspring.states import RunState, RunType
from mainspring_store.database.types import Key, UtcDateTime
from mainspring_store.tables import backfill, dag, dag_run, dag_version, task_instance, task_try

__all__ = ["Bounds", "Candidate", "bounds_of", "candidates", "is_held_by_backfill", "without_needed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """The runs of one DAG whose lifetime is over."""

    dag_id: str
    policy: RunPolicy
    success_before: datetime | None
    """A successful run that ended before is pruned; None = none is."""
    failed_before: datetime | None
    below_key: int
    """Runs from this key on are the newest `keep_last`."""
    excess_below: int | None
    """Runs below this key exceed `runs_max`; None = none does."""
    newest_scheduled: int | None
    needed_from: datetime | None
    """Runs that stand for this moment or a later one may be needed by `depends_on_past`; None = no task has it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A run whose lifetime is over."""

    key: int
    run_id: str
    tasks_total: int


def bounds_of(connection: Connection, dag_id: str, policy: RunPolicy, now: datetime) -> Bounds | None:
    """The bounds of the prunable runs of a DAG now; None = no run may be pruned."""
    if policy.is_empty:
        return None
    below = connection.scalar(_NTH_NEWEST, {"dag": dag_id, "skipped": policy.kept - 1})
    if below is None:
        return None
    runs_max = policy.runs_max
    return Bounds(
        dag_id=dag_id,
        policy=policy,
        success_before=None if policy.runs is None else now - policy.runs,
        failed_before=None if policy.failed_runs is None else now - policy.failed_runs,
        below_key=below,
        excess_below=None
        if runs_max is None
        else connection.scalar(_NTH_NEWEST, {"dag": dag_id, "skipped": runs_max - 1}),
        newest_scheduled=connection.scalar(_NEWEST_SCHEDULED, {"dag": dag_id}),
        needed_from=_first_needed_moment(connection, dag_id),
    )


def candidates(connection: Connection, bounds: Bounds, *, after: int, limit: int) -> list[Candidate]:
    """Runs within the bounds with keys above `after`, oldest first."""
    params = _params(bounds)
    rows = connection.execute(_CANDIDATES, {**params, "after": after, "limit_": limit})
    return [Candidate(*row) for row in rows]


def without_needed(connection: Connection, bounds: Bounds, keys: Sequence[int]) -> list[Candidate]:
    """The candidates among `keys` that no other row needs. The caller has locked the runs."""
    params = {**_params(bounds), "keys": list(keys)}
    rows = [Candidate(*row) for row in connection.execute(_UNNEEDED, params)]
    if not rows:
        return []
    waits = connection.scalars(_AWAITED_RUNS).all()
    awaited = {(wait["dag_id"], wait["run_id"]) for wait in waits if wait and "run_id" in wait}
    return [row for row in rows if (bounds.dag_id, row.run_id) not in awaited]


def is_held_by_backfill(connection: Connection, dag_id: str) -> bool:
    """Whether a backfill of the DAG is under way, so that its runs stay."""
    return connection.scalar(_HAS_BACKFILL, {"dag": dag_id}) is not None


def _first_needed_moment(connection: Connection, dag_id: str) -> datetime | None:
    """From which moment on runs of a DAG may be the previous run of a task with `depends_on_past`; None = never.

    An unfinished run needs the run just before. The next new run needs the latest run.
    """
    if connection.scalar(_LOOKS_BACK, {"dag": dag_id}) is None:
        return None
    first: datetime | None = connection.scalar(_FIRST_UNFINISHED, {"dag": dag_id})
    if first is None:
        return connection.scalar(_LATEST, {"dag": dag_id})
    before: datetime | None = connection.scalar(_LATEST_BEFORE, {"dag": dag_id, "first": first})
    return before or first


def _params(bounds: Bounds) -> dict[str, Any]:
    return {
        "dag": bounds.dag_id,
        "success_before": bounds.success_before,
        "failed_before": bounds.failed_before,
        "below": bounds.below_key,
        "excess": bounds.excess_below,
        "newest": bounds.newest_scheduled or 0,
        "needed": bounds.needed_from,
    }


_run = dag_run.c
_OF_DAG = _run.dag_id == bindparam("dag")
_HAS_ENDED = _run.state.in_([literal_column("'success'"), literal_column("'failed'")])
_IS_UNFINISHED = text("dag_run.state IN ('queued', 'running')")
_MOMENT = func.coalesce(_run.logical_date, _run.run_after, type_=UtcDateTime)

_NTH_NEWEST = (
    select(_run.id)
    .where(_OF_DAG, _HAS_ENDED)
    .order_by(_run.id.desc())
    .limit(1)
    .offset(bindparam("skipped", type_=Integer()))
)
_NEWEST_SCHEDULED = (
    select(_run.id)
    .where(_OF_DAG, _run.run_type == literal_column(f"'{RunType.SCHEDULED}'"))
    .order_by(_run.logical_date.desc())
    .limit(1)
)


def _before(name: str) -> Any:
    return _run.end_date < bindparam(name, type_=UtcDateTime)


_needed = bindparam("needed", type_=UtcDateTime)
_WITHIN = (
    _OF_DAG,
    _run.id < bindparam("below", type_=Key),
    _HAS_ENDED,
    ~_run.keep,
    _run.parent_attempt_id.is_(None),
    _run.id != bindparam("newest", type_=Key),
    or_(_needed.is_(None), _needed > _MOMENT),
    or_(
        and_(_run.state == literal_column(f"'{RunState.SUCCESS}'"), _before("success_before")),
        and_(_run.state == literal_column(f"'{RunState.FAILED}'"), _before("failed_before")),
        _run.id < bindparam("excess", type_=Key),
    ),
)
_CANDIDATE = select(_run.id, _run.run_id, _run.tasks_total).where(*_WITHIN).order_by(_run.id)
_CANDIDATES = _CANDIDATE.where(_run.id > bindparam("after", type_=Key)).limit(bindparam("limit_", type_=Integer()))

# Live rows only: partial indexes keep these subqueries small.
_child = dag_run.alias("child")
_starts_live_run = (
    select(task_instance.c.dag_run_id)
    .join(task_try, task_try.c.task_instance_id == task_instance.c.id)
    .join(_child, _child.c.parent_attempt_id == task_try.c.attempt_id)
    .where(text("child.state IN ('queued', 'running') AND child.parent_attempt_id IS NOT NULL"))
)
_may_still_run = (
    select(task_instance.c.dag_run_id)
    .join(task_try, task_try.c.task_instance_id == task_instance.c.id)
    .where(text("task_try.stopped_at IS NULL"))
)
_UNNEEDED = _CANDIDATE.where(
    _run.id.in_(bindparam("keys", expanding=True)),
    _run.id.not_in(_starts_live_run),
    _run.id.not_in(_may_still_run),
)
_AWAITED_RUNS = select(task_instance.c.waits_for).where(
    text("task_instance.state = 'deferred'"), task_instance.c.operator == literal_column("'dag'")
)
_HAS_BACKFILL = select(backfill.c.id).where(
    backfill.c.dag_id == bindparam("dag"), text("backfill.completed_at IS NULL")
)
_LOOKS_BACK: Select[Any] = (
    select(literal_column("1"))
    .where(
        dag_version.c.dag_id == bindparam("dag"),
        or_(
            exists().where(dag.c.version_id == dag_version.c.id, dag.c.dag_id == bindparam("dag")),
            exists().where(dag_run.c.dag_version_id == dag_version.c.id, _IS_UNFINISHED),
        ),
        type_coerce(dag_version.c.document, Text).contains('"depends_on_past":true'),
    )
    .limit(1)
)
_FIRST_UNFINISHED = select(func.min(_MOMENT, type_=UtcDateTime)).where(_OF_DAG, _IS_UNFINISHED)
_LATEST = select(func.max(_MOMENT, type_=UtcDateTime)).where(_OF_DAG)
_LATEST_BEFORE = _LATEST.where(bindparam("first", type_=UtcDateTime) > _MOMENT)
