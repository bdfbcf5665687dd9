"""What a trigger or a backfill would meet now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, text

from mainspring.errors import Conflict
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.dags import dag_not_found
from mainspring_store.queries.page.latest_runs import latest_runs, median_duration
from mainspring_store.tables import dag, dag_run

__all__ = ["TriggerFacts", "runs_in_range", "trigger_facts", "usual_seconds"]

_SAMPLE = 20


@dataclass(frozen=True, slots=True)
class TriggerFacts:
    """The facts that decide when a new run of a DAG starts."""

    is_paused: bool
    running_runs: int
    """Running runs that count for `max_active_runs` of the DAG."""
    max_active_runs: int
    usual_seconds: float | None
    """Median duration of the latest successful runs; `None` = no run succeeded."""


def trigger_facts(
    database: Database, dag_id: str, *, run_id: str, logical_date: datetime | None, now: datetime
) -> TriggerFacts:
    """The facts for a run with this id and logical date.

    Raises:
        NotFound: There is no such DAG.
        Conflict: The DAG has a run with the id or the logical date, as `create_run` says it.
    """
    with database.read() as connection:
        row = connection.execute(_DAG, {"dag_id": dag_id}).one_or_none()
        if row is None:
            raise dag_not_found(dag_id)
        if connection.execute(_WITH_ID, {"dag_id": dag_id, "run_id": run_id}).first() is not None:
            raise Conflict(f"dag '{dag_id}' has a run '{run_id}' already; use another dag_run_id")
        if logical_date is not None and _has_run_of(connection, dag_id, logical_date):
            date = logical_date.isoformat()
            raise Conflict(f"dag '{dag_id}' has a run for logical date {date} already; leave it out or use another")
        strip = latest_runs(connection, [dag_id], count=_SAMPLE, now=now).get(dag_id, [])
    return TriggerFacts(row.is_paused, row.running_runs, row.max_active_runs, median_duration(strip))


def usual_seconds(database: Database, dag_id: str, *, now: datetime) -> float | None:
    """The median duration of the latest successful runs of a DAG; `None` = no run succeeded."""
    with database.read() as connection:
        return median_duration(latest_runs(connection, [dag_id], count=_SAMPLE, now=now).get(dag_id, []))


def runs_in_range(
    database: Database, dag_id: str, first: datetime, last: datetime
) -> Mapping[datetime, tuple[str, str]]:
    """Logical date -> id and state of the runs of a DAG; both bounds are included."""
    with database.read() as connection:
        rows = connection.execute(_IN_RANGE, {"dag_id": dag_id, "first": first, "last": last})
        return {row.logical_date: (row.run_id, row.state) for row in rows}


def _has_run_of(connection: Any, dag_id: str, logical_date: datetime) -> bool:
    return connection.execute(_WITH_DATE, {"dag_id": dag_id, "date": logical_date}).first() is not None


_run = dag_run.c
_is_of_dag = _run.dag_id == bindparam("dag_id")
_DAG = select(
    dag.c.is_paused,
    dag.c.max_active_runs,
    select(func.count())
    .where(_run.dag_id == dag.c.dag_id, text("dag_run.state = 'running'"), _run.backfill_id.is_(None))
    .correlate(dag)
    .scalar_subquery()
    .label("running_runs"),
).where(dag.c.dag_id == bindparam("dag_id"))
_WITH_ID = select(_run.id).where(_is_of_dag, _run.run_id == bindparam("run_id"))
_WITH_DATE = select(_run.id).where(_is_of_dag, _run.logical_date == bindparam("date", type_=UtcDateTime))
_IN_RANGE = select(_run.logical_date, _run.run_id, _run.state).where(
    _is_of_dag,
    _run.logical_date >= bindparam("first", type_=UtcDateTime),
    _run.logical_date <= bindparam("last", type_=UtcDateTime),
)
