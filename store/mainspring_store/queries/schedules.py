"""The planned slots of a DAG's schedule."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select

from mainspring.states import RunType
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.dags import dag_not_found
from mainspring_store.tables import dag, dag_run

__all__ = ["SchedulePlan", "schedule_plan"]


@dataclass(frozen=True, slots=True)
class SchedulePlan:
    """The progress of a DAG's schedule."""

    version_id: int
    is_paused: bool
    next_logical_date: datetime | None
    """None = no slot is planned, or the scheduler must plan again."""
    latest_logical_date: datetime | None
    """The latest logical date of the scheduled runs; None = no scheduled run."""
    error: str | None
    next_run_after: datetime | None = None
    """When the planned slot is due; without a plan, when the plan was dropped."""

    @property
    def renewed_at(self) -> datetime | None:
        """When the plan was dropped; None = the plan stands."""
        return self.next_run_after if self.next_logical_date is None else None


def schedule_plan(database: Database, dag_id: str) -> SchedulePlan:
    """The progress of a DAG's schedule.

    Raises:
        NotFound: There is no such DAG.
    """
    with database.read() as connection:
        row = connection.execute(_PLANNED, {"dag_id": dag_id}).one_or_none()
    if row is None:
        raise dag_not_found(dag_id)
    return SchedulePlan(*row)


_LATEST = (
    select(func.max(dag_run.c.logical_date, type_=UtcDateTime))
    .where(dag_run.c.dag_id == dag.c.dag_id, dag_run.c.run_type == RunType.SCHEDULED)
    .scalar_subquery()
)
_PLANNED = select(
    dag.c.version_id, dag.c.is_paused, dag.c.next_logical_date, _LATEST, dag.c.schedule_error, dag.c.next_run_after
).where(dag.c.dag_id == bindparam("dag_id"))
