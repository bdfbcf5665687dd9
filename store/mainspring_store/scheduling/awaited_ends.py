"""Notes the ends of runs for the DAGs that wait for them, and takes the noted ends."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Update, bindparam, exists, func, select, text, update
from sqlalchemy.types import Integer, String

from mainspring.upstream_ends import RunEnd
from mainspring_store.database.batches import Batch, as_rows
from mainspring_store.scheduling.parts import PassPart
from mainspring_store.tables import awaited_end, dag, dag_run

__all__ = ["AwaitedWrites", "WaitingDag", "has_new_ends"]

_IS_NEW = text("awaited_end.status = 'new'")
"""Spelled out, so that the partial index serves every plan."""


@dataclass(frozen=True, slots=True)
class WaitingDag:
    """A DAG with ends that the scheduler has not looked at."""

    dag_id: str
    version_id: int


def has_new_ends() -> ColumnElement[bool]:
    """Whether an unpaused DAG has an end that the scheduler has not looked at."""
    return exists().where(_IS_NEW, dag.c.dag_id == awaited_end.c.dag_id, ~dag.c.is_paused, ~dag.c.is_stale)


class AwaitedWrites(PassPart):
    """The part of a pass that takes the ends for which schedules wait.

    Each statement is built once for each dialect, by the cached function above the method that runs it.
    """

    @staticmethod
    @cache
    def _select_waiting_dags(is_sqlite: bool) -> Select[Any]:
        unpaused = dag.alias("unpaused")
        firsts = (
            select(awaited_end.c.dag_id, func.min(awaited_end.c.id).label("first"))
            .join(unpaused, unpaused.c.dag_id == awaited_end.c.dag_id)
            .where(_IS_NEW, ~unpaused.c.is_paused, ~unpaused.c.is_stale)
            .group_by(awaited_end.c.dag_id)
            .order_by(func.min(awaited_end.c.id))
            .limit(bindparam("limit_", type_=Integer()))
            .subquery("firsts")
        )
        waiting_dags = (
            select(dag.c.dag_id, dag.c.version_id)
            .join(firsts, firsts.c.dag_id == dag.c.dag_id)
            .order_by(firsts.c.first)
        )
        return waiting_dags if is_sqlite else waiting_dags.with_for_update(key_share=True, skip_locked=True, of=dag)

    def waiting_dags(self, limit: int) -> list[WaitingDag]:
        """Unpaused DAGs with new ends, in the order of these ends.

        PostgreSQL locks the rows of the DAGs, and skips rows locked by another scheduler.
        """
        rows = self._statements.rows(self._select_waiting_dags(self._is_sqlite), {"limit_": limit})
        return [WaitingDag(*row) for row in rows]

    @staticmethod
    @cache
    def _select_ends() -> Select[Any]:
        end, run = awaited_end.c, dag_run.c
        return (
            select(
                end.id,
                run.dag_id,
                run.run_id,
                end.state,
                end.ended_at,
                run.logical_date,
                run.data_interval_start,
                run.data_interval_end,
                run.depth,
            )
            .join(dag_run, run.id == end.dag_run_id)
            .where(end.dag_id == bindparam("dag_id", type_=String()), text("awaited_end.status IN ('new', 'waiting')"))
            .order_by(end.id)
            .limit(bindparam("limit_", type_=Integer()))
        )

    def ends(self, dag_id: str, limit: int) -> list[RunEnd]:
        """The ends that have not made a run yet, ascending. The caller has locked the DAG, so no scheduler takes them
        at the same time."""
        rows = self._statements.rows(self._select_ends(), {"dag_id": dag_id, "limit_": limit})
        return [
            RunEnd(
                id=row.id,
                dag_id=row.dag_id,
                run_id=row.run_id,
                state=row.state,
                ended_at=row.ended_at,
                logical_date=row.logical_date,
                data_interval=(row.data_interval_start, row.data_interval_end) if row.data_interval_end else None,
                depth=row.depth,
            )
            for row in rows
        ]

    @staticmethod
    @cache
    def _update_new_ends() -> Update:
        return (
            update(awaited_end)
            .where(awaited_end.c.dag_id == bindparam("of_dag", type_=String()), _IS_NEW)
            .values(status="waiting")
        )

    def set_aside(self, dag_id: str) -> None:
        """Let the new ends of a DAG wait. The next save of the DAG lets the scheduler look at them again."""
        self._connection.execute(self._update_new_ends(), {"of_dag": dag_id})

    @staticmethod
    @cache
    def _update_statuses(is_sqlite: bool) -> Update:
        rows = as_rows({"id": int, "status": str}, is_sqlite=is_sqlite)
        return update(awaited_end).where(awaited_end.c.id == rows.c.id).values(status=rows.c.status)

    def set_statuses(self, *, used: Iterable[int], waiting: Iterable[int]) -> None:
        """Note what becomes of ends: a run was made of them or they count no more, or they wait for other ends."""
        statuses = [(id_, "used") for id_ in used] + [(id_, "waiting") for id_ in waiting]
        rows = Batch({"id": id_, "status": status} for id_, status in statuses)
        self._statements.write(self._update_statuses(self._is_sqlite), {"rows": rows})
