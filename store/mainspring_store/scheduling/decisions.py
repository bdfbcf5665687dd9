"""Decisions: which instances are ready, and what becomes of them."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, insert, literal_column, or_, select, text, update
from sqlalchemy.types import Integer

from mainspring.states import TaskState
from mainspring.trigger_rules import UpstreamCounts
from mainspring_store.batches import Fields, as_rows, dump_rows
from mainspring_store.readiness import may_decide
from mainspring_store.scheduling.conditions import READY, UNLIMITED, decide_rows, decided_values, either
from mainspring_store.scheduling.records import (
    ATTEMPT_FIELDS,
    DECIDED_FIELDS,
    Candidate,
    Decided,
    NewAttempt,
)
from mainspring_store.tables import dag, dag_run, pool, task_instance, task_try
from mainspring_store.types import UtcDateTime

__all__ = ["DecisionWrites"]


class DecisionWrites:
    """The part of a pass that decides on ready instances."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._statements = _statements(connection.dialect.name == "sqlite")

    def candidates(self, limit: int) -> list[Candidate]:
        """Ready instances that have room in their run and pool, highest priority first, then oldest.

        One whose pool is gone is among them, to be told so.
        """
        return [_candidate(row) for row in self._connection.execute(self._statements.candidates, {"limit_": limit})]

    def decide(self, decided: Sequence[Decided]) -> frozenset[int]:
        """Move ready instances: queued with a new attempt, or to a final state; returns the ids that moved."""
        return frozenset(self._connection.scalars(self._statements.decide, {"rows": decide_rows(decided)}))

    def add_attempts(self, attempts: Sequence[NewAttempt]) -> None:
        rows = dump_rows({name: getattr(attempt, name) for name in ATTEMPT_FIELDS} for attempt in attempts)
        self._connection.execute(self._statements.add_attempts, {"rows": rows})

    def wake_due(self, now: datetime) -> list[tuple[int, int]]:
        """Let instances go on whose retry is due; returns (instance id, run id)."""
        return [(row.id, row.dag_run_id) for row in self._connection.execute(self._statements.wake_due, {"now": now})]

    def next_due_at(self) -> datetime | None:
        """When the next retry is due."""
        due: datetime | None = self._connection.scalar(self._statements.next_due)
        return due


class _Statements:
    def __init__(self, is_sqlite: bool) -> None:
        def rows_of(fields: Fields) -> Any:
            return as_rows(fields, is_sqlite=is_sqlite)

        table = task_instance.c
        self.candidates = (
            select(
                table.id,
                table.dag_run_id,
                dag_run.c.dag_id,
                dag_run.c.run_id,
                dag_run.c.dag_version_id,
                table.task_index,
                table.map_index,
                table.try_number,
                table.max_tries,
                table.generation,
                table.up_total,
                table.up_success,
                table.up_failed,
                table.up_upstream_failed,
                table.up_skipped,
                table.up_removed,
                table.pool,
                table.pool_slots,
                table.executor,
                table.map_value,
                (dag_run.c.max_active_tasks - dag_run.c.tasks_active).label("run_slots_free"),
                case((pool.c.slots < 0, UNLIMITED), else_=pool.c.slots - pool.c.used).label("pool_slots_free"),
            )
            .select_from(task_instance)
            .join(dag_run, dag_run.c.id == table.dag_run_id)
            .join(dag, dag.c.dag_id == dag_run.c.dag_id)
            .outerjoin(pool, pool.c.name == table.pool)
            .where(
                READY,
                dag_run.c.state == literal_column("'running'"),
                ~dag.c.is_paused,
                dag_run.c.tasks_active < dag_run.c.max_active_tasks,
                or_(pool.c.name.is_(None), pool.c.slots < 0, pool.c.used + table.pool_slots <= pool.c.slots),
            )
            .order_by(table.rank, table.id)
            .limit(bindparam("limit_", type_=Integer()))
        )
        rows = rows_of(DECIDED_FIELDS)
        queued = rows.c.state == literal_column("'queued'")
        self.decide = (
            update(task_instance)
            .where(table.id == rows.c.id, READY)
            .values(
                **decided_values(rows),
                attempt_id=func.coalesce(rows.c.attempt_id, table.attempt_id),
                try_number=table.try_number + func.iif(rows.c.attempt_id.is_not(None), 1, 0)
                if is_sqlite
                else table.try_number + (rows.c.attempt_id.is_not(None)).cast(Integer),
                map_index=func.coalesce(rows.c.map_index, table.map_index),
                map_value=func.coalesce(rows.c.map_value, table.map_value),
                queued_at=either(queued, rows.c.at, table.queued_at, is_sqlite),
            )
            .returning(table.id)
        )
        rows = rows_of(ATTEMPT_FIELDS)
        self.add_attempts = insert(task_try).from_select(
            [
                "attempt_id",
                "task_instance_id",
                "generation",
                "try_number",
                "executor",
                "owner",
                "queued_at",
                "payload",
                "state",
                "state_reason",
                "message",
                "end_date",
                "stopped_at",
            ],
            select(*(rows.c[name] for name in ATTEMPT_FIELDS), rows.c.ended_at.label("stopped")),
        )
        due = text("state IN ('up_for_retry', 'deferred') AND not_before IS NOT NULL")
        self.wake_due = (
            update(task_instance)
            .where(
                due,
                table.not_before <= bindparam("now", type_=UtcDateTime),
                table.state == literal_column("'up_for_retry'"),
            )
            .values(
                state=TaskState.SCHEDULED,
                # Its upstream may have been cleared meanwhile.
                ready=may_decide(),
                not_before=None,
                updated_at=bindparam("now", type_=UtcDateTime),
            )
            .returning(table.id, table.dag_run_id)
        )
        self.next_due = select(func.min(table.not_before, type_=UtcDateTime)).where(due)


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)


def _candidate(row: Any) -> Candidate:
    (
        id_, dag_run_id, dag_id, run_id, version_id, task_index, map_index, try_number, max_tries, generation,
        total, success, failed, upstream_failed, skipped, removed, pool_name, pool_slots, executor, map_value,
        run_free, pool_free,
    ) = row  # fmt: skip
    return Candidate(
        id_, dag_run_id, dag_id, run_id, version_id, task_index, map_index, try_number, max_tries, generation,
        UpstreamCounts(total, success, failed, upstream_failed, skipped, removed),
        pool_name, pool_slots, executor, map_value, run_free, pool_free,
    )  # fmt: skip
