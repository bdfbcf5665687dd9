"""Due runs: which DAGs have a slot that is due, and what is planned next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, literal_column, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import Integer

from mainspring.states import RunType
from mainspring_store.database.types import UtcDateTime
from mainspring_store.state.runs import NewRun, insert_run
from mainspring_store.tables import backfill, dag, dag_run

__all__ = ["DueDag", "DueWrites", "Plan"]


@dataclass(frozen=True, slots=True)
class DueDag:
    """A DAG whose next slot is due, or is to be planned."""

    dag_id: str
    version_id: int
    next_logical_date: datetime | None
    """None = nothing is planned yet, or the plan is to be made anew."""
    latest_logical_date: datetime | None
    """Of its scheduled runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a DAG's row says about its next slot; all None = there is none."""

    logical_date: datetime | None = None
    data_interval_end: datetime | None = None
    run_after: datetime | None = None
    error: str | None = None


class DueWrites:
    """The part of a pass that makes scheduled runs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._statements = _statements(connection.dialect.name == "sqlite")

    def due_dags(self, now: datetime, limit: int) -> list[DueDag]:
        """DAGs that are not paused, whose next slot is due and that have room for another run; longest due first.

        On PostgreSQL their rows are locked, and those that another scheduler holds are left out.
        """
        return [
            DueDag(*row) for row in self._connection.execute(self._statements.due_dags, {"now": now, "limit_": limit})
        ]

    def prefetch(self, now: datetime) -> tuple[datetime | None, bool]:
        """When the next slot or the next run with a later start comes due, after `now`; and whether a backfill is
        under way."""
        *instants, has_backfills = self._connection.execute(self._statements.prefetch, {"now": now}).one()
        return min(filter(None, instants), default=None), has_backfills

    def create_run(self, run: NewRun, *, now: datetime) -> int | None:
        """Create a run; None, changing nothing, when the DAG has one of this logical date or id already."""
        try:
            with self._connection.begin_nested():
                return insert_run(self._connection, run, now=now)
        except IntegrityError:
            return None

    def plan(self, dag_id: str, version_id: int, plan: Plan, *, now: datetime) -> bool:
        """Write what is planned next, unless the DAG has another version by now."""
        params: Mapping[str, Any] = {
            "of_dag": dag_id,
            "of_version": version_id,
            "date": plan.logical_date,
            "end": plan.data_interval_end,
            "after": plan.run_after,
            "error": plan.error,
            "now": now,
        }
        return self._connection.execute(self._statements.plan, params).rowcount == 1


class _Statements:
    def __init__(self, is_sqlite: bool) -> None:
        now = bindparam("now", type_=UtcDateTime)
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
        self.due_dags = (
            select(dag.c.dag_id, dag.c.version_id, dag.c.next_logical_date, latest)
            .where(
                text("dag.next_run_after IS NOT NULL AND NOT dag.is_paused"),
                dag.c.next_run_after <= now,
                or_(dag.c.next_logical_date.is_(None), unfinished < dag.c.max_active_runs),
            )
            .order_by(dag.c.next_run_after, dag.c.dag_id)
            .limit(bindparam("limit_", type_=Integer()))
        )
        if not is_sqlite:
            self.due_dags = self.due_dags.with_for_update(key_share=True, skip_locked=True, of=dag)
        self.prefetch = select(
            select(func.min(dag.c.next_run_after, type_=UtcDateTime))
            .where(text("next_run_after IS NOT NULL AND NOT is_paused"), dag.c.next_run_after > now)
            .scalar_subquery(),
            select(func.min(dag_run.c.run_after, type_=UtcDateTime))
            .where(text("state = 'queued'"), dag_run.c.run_after > now)
            .scalar_subquery(),
            exists().where(text("completed_at IS NULL"), ~backfill.c.is_paused),
        )
        self.plan = (
            update(dag)
            .where(dag.c.dag_id == bindparam("of_dag"), dag.c.version_id == bindparam("of_version"))
            .values(
                next_logical_date=bindparam("date"),
                next_data_interval_end=bindparam("end"),
                next_run_after=bindparam("after"),
                schedule_error=bindparam("error"),
            )
        )


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)
