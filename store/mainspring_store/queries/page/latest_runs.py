"""The latest runs of many DAGs at once, and what follows from them.

A run is later than another when its `run_after` is later. The statements read the runs of each DAG by their index, so
that the cost follows the number of wanted runs and not the number of stored runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from sqlalchemy import BindParameter, ColumnElement, Connection, and_, bindparam, func, literal, select, true

from mainspring.states import RunState
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import dag, dag_run, dag_version

__all__ = ["RunInStrip", "latest_runs", "median_duration"]

_BEGIN_OF_TIME = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class RunInStrip:
    """A run as a bar among other runs of its DAG."""

    key: int
    dag_id: str
    run_id: str
    state: str
    run_type: str
    run_after: datetime
    start_date: datetime | None
    end_date: datetime | None
    version_number: int

    @property
    def duration(self) -> float | None:
        """Seconds from the start to the end; `None` = not ended, or never started."""
        if self.start_date is None or self.end_date is None:
            return None
        return max(0.0, (self.end_date - self.start_date).total_seconds())


def latest_runs(
    connection: Connection, dag_ids: Sequence[str], *, count: int, now: datetime
) -> dict[str, list[RunInStrip]]:
    """At most `count` latest runs of each DAG, oldest first; a DAG without runs is missing.

    Runs that are due later than `now` do not count.
    """
    runs: dict[str, list[RunInStrip]] = {}
    if not dag_ids:
        return runs
    parameters = {"dag_ids": list(dag_ids), "now": now}
    if connection.dialect.name == "sqlite":
        rows = connection.execute(_LATEST_BY_BOUND, {**parameters, "skipped": count - 1})
    else:
        rows = connection.execute(_LATEST, {**parameters, "count": count})
    for row in rows:
        runs.setdefault(row.dag_id, []).append(RunInStrip(*row))
    # Runs that are due at one instant may exceed the count.
    return {dag_id: strip[:count][::-1] for dag_id, strip in runs.items()}


def median_duration(runs: Sequence[RunInStrip]) -> float | None:
    """The median duration of the successful runs in seconds; `None` = no run succeeded."""
    durations = [run.duration for run in runs if run.state == RunState.SUCCESS]
    known = [duration for duration in durations if duration is not None]
    return median(known) if known else None


_now = bindparam("now", type_=UtcDateTime)
_dag_ids: BindParameter[str] = bindparam("dag_ids", expanding=True)
_STRIP = (
    select(
        dag_run.c.id,
        dag_run.c.dag_id,
        dag_run.c.run_id,
        dag_run.c.state,
        dag_run.c.run_type,
        dag_run.c.run_after,
        dag_run.c.start_date,
        dag_run.c.end_date,
        dag_run.c.dag_version_id,
    )
    .where(dag_run.c.dag_id == dag.c.dag_id, dag_run.c.run_after <= _now)
    .order_by(dag_run.c.run_after.desc(), dag_run.c.id.desc())
    .limit(bindparam("count"))
    .correlate(dag)
    .lateral("strip")
)
_LATEST = (
    select(*(column for column in _STRIP.c if column.name != "dag_version_id"), dag_version.c.version_number)
    .select_from(dag)
    .join(_STRIP, true())
    .join(dag_version, dag_version.c.id == _STRIP.c.dag_version_id)
    .where(dag.c.dag_id.in_(_dag_ids))
    .order_by(_STRIP.c.dag_id, _STRIP.c.run_after.desc(), _STRIP.c.id.desc())
)
"""For PostgreSQL, which reads all stored runs for a join with bounds: it cannot know how few runs are above a bound."""

_bounded = dag_run.alias("bounded")
_is_past: ColumnElement[bool] = _bounded.c.run_after <= _now
_BOUNDS = (
    select(
        dag.c.dag_id,
        func.coalesce(
            select(_bounded.c.run_after)
            .where(_bounded.c.dag_id == dag.c.dag_id, _is_past)
            .order_by(_bounded.c.run_after.desc(), _bounded.c.id.desc())
            .limit(1)
            .offset(bindparam("skipped"))
            .correlate(dag)
            .scalar_subquery(),
            literal(_BEGIN_OF_TIME, UtcDateTime),
        ).label("bound"),
    )
    .where(dag.c.dag_id.in_(_dag_ids))
    .cte("bounds")
)
_LATEST_BY_BOUND = (
    select(
        dag_run.c.id,
        dag_run.c.dag_id,
        dag_run.c.run_id,
        dag_run.c.state,
        dag_run.c.run_type,
        dag_run.c.run_after,
        dag_run.c.start_date,
        dag_run.c.end_date,
        dag_version.c.version_number,
    )
    .select_from(_BOUNDS)
    .join(
        dag_run,
        and_(
            dag_run.c.dag_id == _BOUNDS.c.dag_id,
            dag_run.c.run_after >= _BOUNDS.c.bound,
            dag_run.c.run_after <= _now,
        ),
    )
    .join(dag_version, dag_version.c.id == dag_run.c.dag_version_id)
    .order_by(dag_run.c.dag_id, dag_run.c.run_after.desc(), dag_run.c.id.desc())
)
"""For SQLite, which has no lateral joins."""
