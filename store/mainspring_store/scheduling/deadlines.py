"""Deadlines in a pass: find the missed deadlines, mark what is late, and fail instances."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, Update, and_, bindparam, func, literal_column, or_, select, text, update
from sqlalchemy.types import Integer

from mainspring.definition.model import TaskType
from mainspring.states import ATTEMPT_LIVE, TASK_FINISHED, AttemptState, StateReason, TaskState
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.types import UtcDateTime
from mainspring_store.scheduling.parts import MovingPart
from mainspring_store.state.blocking import ANY_BLOCKED
from mainspring_store.state.deadlines import ALL_INSTANCES, DeadlineKind, NewDeadline, add_deadlines
from mainspring_store.state.effects import InstanceRef
from mainspring_store.tables import dag_run, deadline, task_instance, task_try

__all__ = ["DeadlineWrites", "LateInstance", "PassedDeadline"]

_FINISHED: list[Any] = [literal_column(f"'{state.value}'") for state in sorted(TASK_FINISHED)]


@dataclass(frozen=True, slots=True)
class PassedDeadline:
    """A deadline whose instant has come."""

    dag_run_id: int
    task_id: str
    """Empty = of the run itself."""
    map_index: int
    kind: DeadlineKind


@dataclass(frozen=True, slots=True)
class LateInstance:
    """An instance that missed a deadline."""

    ref: InstanceRef
    task_id: str
    state: TaskState
    try_number: int


class DeadlineWrites(MovingPart):
    """The part of a pass that looks at deadlines. Every statement runs under the locks of the runs.

    Each statement is built once for each dialect, by the cached function above the method that runs it.
    """

    def add(self, deadlines: Iterable[NewDeadline]) -> None:
        """See `add_deadlines`."""
        add_deadlines(self._connection, deadlines)

    @staticmethod
    @cache
    def _select_due_runs() -> Select[Any]:
        return (
            select(deadline.c.dag_run_id)
            .where(deadline.c.due_at <= bindparam("now", type_=UtcDateTime))
            .order_by(deadline.c.due_at)
            .limit(bindparam("limit_", type_=Integer()))
        )

    def due_runs(self, now: datetime, limit: int) -> list[int]:
        """Keys of the runs of the first `limit` passed deadlines, earliest first; a key may come twice."""
        return list(self._connection.scalars(self._select_due_runs(), {"now": now, "limit_": limit}))

    @staticmethod
    @cache
    def _take_passed(is_sqlite: bool) -> Update:
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        return (
            update(deadline)
            .where(
                deadline.c.dag_run_id.in_(select(rows.c.id)),
                deadline.c.due_at <= bindparam("now", type_=UtcDateTime),
            )
            .values(due_at=None)
            .returning(deadline.c.dag_run_id, deadline.c.task_id, deadline.c.map_index, deadline.c.kind)
        )

    def take_passed(self, run_ids: Iterable[int], now: datetime) -> list[PassedDeadline]:
        """The passed deadlines of these runs, each once: a second call does not return them."""
        params = {"rows": dump_rows({"id": run_id} for run_id in run_ids), "now": now}
        return [
            PassedDeadline(row.dag_run_id, row.task_id, row.map_index, DeadlineKind(row.kind))
            for row in self._connection.execute(self._take_passed(self._is_sqlite), params)
        ]

    @staticmethod
    @cache
    def _mark_late_runs(is_sqlite: bool) -> Update:
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        now = bindparam("now", type_=UtcDateTime)
        return (
            update(dag_run)
            .where(dag_run.c.id.in_(select(rows.c.id)), text("dag_run.state IN ('queued', 'running')"))
            .values(late_since=func.coalesce(dag_run.c.late_since, now), updated_at=now)
            .returning(dag_run.c.id, dag_run.c.state)
        )

    def mark_late_runs(self, run_ids: Sequence[int], now: datetime) -> list[tuple[int, str]]:
        """Mark the unfinished runs among these as late; returns their keys and states."""
        if not run_ids:
            return []
        params = {"rows": dump_rows({"id": run_id} for run_id in run_ids), "now": now}
        rows = self._connection.execute(self._mark_late_runs(self._is_sqlite), params)
        return [(row.id, row.state) for row in rows]

    @staticmethod
    @cache
    def _mark_late_instances(is_sqlite: bool) -> Update:
        table = task_instance.c
        rows = as_rows({"run": int, "task_id": str, "map_index": int, "kind": str}, is_sqlite=is_sqlite)
        now = bindparam("now", type_=UtcDateTime)
        is_late = or_(
            and_(rows.c.kind == literal_column("'start'"), table.state == literal_column("'queued'")),
            and_(rows.c.kind == literal_column("'end'"), table.state.not_in(_FINISHED)),
        )
        return (
            update(task_instance)
            .where(
                table.dag_run_id == rows.c.run,
                table.task_id == rows.c.task_id,
                or_(rows.c.map_index == literal_column(str(ALL_INSTANCES)), table.map_index == rows.c.map_index),
                is_late,
            )
            .values(late_since=func.coalesce(table.late_since, now), updated_at=now)
            .returning(
                table.id,
                table.dag_run_id,
                table.task_id,
                table.task_index,
                table.state,
                table.try_number,
                table.pool,
                table.pool_slots,
                table.operator,
                table.map_index,
            )
        )

    def mark_late_instances(self, passed: Sequence[PassedDeadline], now: datetime) -> list[LateInstance]:
        """Mark the instances that miss these deadlines, each once, and return them with their states.

        Call with at most one deadline for an instance: a row that matches twice changes once.
        """
        if not passed:
            return []
        rows = dump_rows(
            {"run": row.dag_run_id, "task_id": row.task_id, "map_index": row.map_index, "kind": row.kind}
            for row in passed
        )
        late = self._connection.execute(self._mark_late_instances(self._is_sqlite), {"rows": rows, "now": now}).all()
        return [
            LateInstance(
                InstanceRef(
                    row.id,
                    row.dag_run_id,
                    row.task_index,
                    row.pool,
                    row.pool_slots,
                    row.operator == TaskType.DAG,
                    row.map_index,
                ),
                row.task_id,
                TaskState(row.state),
                row.try_number,
            )
            for row in late
        ]

    @staticmethod
    @cache
    def _fail_instances(is_sqlite: bool) -> Update:
        table = task_instance.c
        rows = as_rows({"id": int, "old": str}, is_sqlite=is_sqlite)
        now = bindparam("now", type_=UtcDateTime)
        return (
            update(task_instance)
            .where(table.id == rows.c.id, table.state == rows.c.old)
            .values(
                state=TaskState.FAILED,
                state_reason=StateReason.DEADLINE_MISSED,
                ready=False,
                not_before=None,
                waits_for=None,
                end_date=now,
                updated_at=now,
            )
            .returning(table.id, ANY_BLOCKED.label("any_blocked"))
        )

    @staticmethod
    @cache
    def _fence_attempts(is_sqlite: bool) -> Update:
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        now = bindparam("now", type_=UtcDateTime)
        return (
            update(task_try)
            .where(task_try.c.task_instance_id.in_(select(rows.c.id)), task_try.c.state.in_(ATTEMPT_LIVE))
            .values(
                state=AttemptState.CANCELLED,
                state_reason=StateReason.DEADLINE_MISSED,
                message="stopped, because the deadline of its task had passed",
                end_date=now,
                cancel_requested_at=now,
            )
        )

    def fail(self, late: Sequence[LateInstance], now: datetime) -> list[LateInstance]:
        """Fail unfinished instances without a retry, and fence their attempts; returns the failed instances."""
        if not late:
            return []
        rows = dump_rows({"id": instance.ref.id, "old": instance.state} for instance in late)
        failed = self._connection.execute(self._fail_instances(self._is_sqlite), {"rows": rows, "now": now}).all()
        if failed:
            self._blocked.note(any(row.any_blocked for row in failed))
        ids = {row.id for row in failed}
        of_failed = dump_rows({"id": id_} for id_ in ids)
        self._connection.execute(self._fence_attempts(self._is_sqlite), {"rows": of_failed, "now": now})
        return [instance for instance in late if instance.ref.id in ids]
