"""Due runs in a pass: DAGs with a due slot, and the plan of the next slot."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, Update, bindparam, exists, func, literal_column, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import Integer

from mainspring.states import RunType
from mainspring_store.database.pipeline import Read
from mainspring_store.database.types import UtcDateTime
from mainspring_store.scheduling.awaited_ends import has_new_ends
from mainspring_store.scheduling.parts import PassPart
from mainspring_store.state.runs import NewRun, RunPruned, insert_decided_run
from mainspring_store.tables import backfill, dag, dag_run

__all__ = ["DueDag", "DueWrites", "Plan"]


@dataclass(frozen=True, slots=True)
class DueDag:
    """A DAG whose next slot is due, or has no plan."""

    dag_id: str
    version_id: int
    next_logical_date: datetime | None
    """None = the DAG has no plan, or the scheduler must renew the plan."""
    latest_logical_date: datetime | None
    """Latest logical date of the scheduled runs."""
    next_run_after: datetime | None
    """When the planned slot is due; without a plan, when the plan was dropped."""

    @property
    def renewed_at(self) -> datetime | None:
        """When the plan was dropped; None = the plan stands."""
        return self.next_run_after if self.next_logical_date is None else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The next slot of a DAG, as its row stores the slot; all None = no next slot."""

    logical_date: datetime | None = None
    data_interval_end: datetime | None = None
    run_after: datetime | None = None
    error: str | None = None


class DueWrites(PassPart):
    """The part of a pass that creates scheduled runs.

    Each statement is built once for each dialect, by the cached function above the method that runs it.
    """

    @staticmethod
    @cache
    def _select_due_dags(is_sqlite: bool) -> Select[Any]:
        scheduled = dag_run.alias("scheduled")
        latest = (
            select(func.max(scheduled.c.logical_date, type_=UtcDateTime))
            .where(scheduled.c.dag_id == dag.c.dag_id, scheduled.c.run_type == literal_column(f"'{RunType.SCHEDULED}'"))
            .scalar_subquery()
        )
        unfinished = (
            select(func.count())
            .select_from(dag_run)
            .where(
                dag_run.c.dag_id == dag.c.dag_id,
                dag_run.c.run_type == literal_column(f"'{RunType.SCHEDULED}'"),
                dag_run.c.state.in_([literal_column("'queued'"), literal_column("'running'")]),
            )
            .scalar_subquery()
        )
        due_dags = (
            select(dag.c.dag_id, dag.c.version_id, dag.c.next_logical_date, latest, dag.c.next_run_after)
            .where(
                text("dag.next_run_after IS NOT NULL AND NOT dag.is_paused"),
                dag.c.next_run_after <= bindparam("now", type_=UtcDateTime),
                or_(dag.c.next_logical_date.is_(None), unfinished < dag.c.max_active_runs),
            )
            .order_by(dag.c.next_run_after, dag.c.dag_id)
            .limit(bindparam("limit_", type_=Integer()))
        )
        return due_dags if is_sqlite else due_dags.with_for_update(key_share=True, skip_locked=True, of=dag)

    def read_of_due_dags(self, now: datetime, limit: int) -> Read:
        """The query of `due_dags`, for `Pass.read_ahead`."""
        return self._select_due_dags(self._is_sqlite), {"now": now, "limit_": limit}

    def due_dags(self, now: datetime, limit: int) -> list[DueDag]:
        """Unpaused DAGs with a due slot and below their limit of active runs; longest due first.

        PostgreSQL locks the rows of the DAGs, and skips rows locked by another scheduler.
        """
        rows = self._statements.rows(*self.read_of_due_dags(now, limit))
        return [DueDag(*row) for row in rows]

    @staticmethod
    @cache
    def _select_next_due() -> Select[Any]:
        now = bindparam("now", type_=UtcDateTime)
        return select(
            select(func.min(dag.c.next_run_after, type_=UtcDateTime))
            .where(text("next_run_after IS NOT NULL AND NOT is_paused"), dag.c.next_run_after > now)
            .scalar_subquery(),
            select(func.min(dag_run.c.run_after, type_=UtcDateTime))
            .where(text("state = 'queued'"), dag_run.c.run_after > now)
            .scalar_subquery(),
            exists().where(text("completed_at IS NULL"), ~backfill.c.is_paused),
            has_new_ends(),
        )

    def read_of_prefetch(self, now: datetime) -> Read:
        """The query of `prefetch`, for `Pass.read_ahead`."""
        return self._select_next_due(), {"now": now}

    def prefetch(self, now: datetime) -> tuple[datetime | None, bool, bool]:
        """The instant after `now` at which the next slot or the next queued run becomes due, whether a backfill is
        open, and whether a run has ended for which the schedule of a DAG waits.

        The instant is None when no slot and no run is ahead.
        """
        ((*instants, has_backfills, has_ends),) = self._statements.rows(*self.read_of_prefetch(now))
        return min(filter(None, instants), default=None), has_backfills, has_ends

    def create_run(self, run: NewRun, *, now: datetime) -> int | None:
        """Create a run; None, without a change, when the DAG has or had a run with the logical date or id."""
        try:
            with self._statements.savepoint():
                return insert_decided_run(self._connection, run, now=now)
        except (IntegrityError, RunPruned):
            return None

    @staticmethod
    @cache
    def _update_plan() -> Update:
        return (
            update(dag)
            .where(dag.c.dag_id == bindparam("of_dag"), dag.c.version_id == bindparam("of_version"))
            .values(
                next_logical_date=bindparam("date"),
                next_data_interval_end=bindparam("end"),
                next_run_after=bindparam("after"),
                schedule_error=bindparam("error"),
            )
        )

    def plan(self, dag_id: str, version_id: int, plan: Plan, *, now: datetime) -> bool:
        """Write the plan of the next slot; False when the DAG has a newer version."""
        params: Mapping[str, Any] = {
            "of_dag": dag_id,
            "of_version": version_id,
            "date": plan.logical_date,
            "end": plan.data_interval_end,
            "after": plan.run_after,
            "error": plan.error,
            "now": now,
        }
        return self._connection.execute(self._update_plan(), params).rowcount == 1
