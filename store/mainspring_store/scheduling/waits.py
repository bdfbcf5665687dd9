"""Waits: deferred instances that time, a child run or a person lets go on."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, literal_column, select, update
from sqlalchemy.types import Integer

from mainspring.states import RunState, TaskState
from mainspring_store.database.batches import Fields, as_rows, dump_rows
from mainspring_store.database.types import UtcDateTime
from mainspring_store.state.blocking import ANY_BLOCKED
from mainspring_store.state.conditions import DUE, decide_rows, ended_values, update_values
from mainspring_store.state.readiness import may_decide
from mainspring_store.state.records import (
    END_FIELDS,
    UPDATE_FIELDS,
    AttemptEnd,
    ChildRun,
    LiveAttempt,
    StateUpdate,
)
from mainspring_store.tables import dag_run, task_instance, task_try

__all__ = ["WaitWrites"]


class WaitWrites:
    """The part of a pass that lets deferred instances go on."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._statements = _statements(connection.dialect.name == "sqlite")
        self.saw_blocked = False

    def due_runs(self, now: datetime, limit: int) -> frozenset[int]:
        """Runs of the deferred instances that are due, of the first `limit` instances."""
        return frozenset(self._connection.scalars(self._statements.due_runs, {"now": now, "limit_": limit}))

    def due(self, run_ids: Iterable[int], now: datetime, limit: int) -> list[LiveAttempt]:
        """The deferred instances of these runs that are due. To be read after the runs are locked: an answer that was
        given before is then in `waits_for`."""
        params = {"rows": dump_rows({"id": run_id} for run_id in run_ids), "now": now, "limit_": limit}
        return [
            LiveAttempt(**{**row._mapping, "state": TaskState.DEFERRED})
            for row in self._connection.execute(self._statements.due, params)
        ]

    def child_runs(self, run_ids: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], ChildRun]:
        """(DAG id, run id) -> run, for those that exist."""
        rows = {"rows": dump_rows({"dag_id": dag_id, "run_id": run_id} for dag_id, run_id in run_ids)}
        return {
            (row.dag_id, row.run_id): ChildRun(row.dag_id, row.run_id, RunState(row.state), row.message, row.outputs)
            for row in self._connection.execute(self._statements.child_runs, rows)
        }

    def end_attempts(self, ends: Sequence[AttemptEnd]) -> frozenset[str]:
        """Record the ends of deferred attempts; returns the ids of those that were still deferred."""
        rows = dump_rows({name: getattr(end, name) for name in END_FIELDS} for end in ends)
        return frozenset(self._connection.scalars(self._statements.end_attempts, {"rows": rows}))

    def leave(self, decided: Sequence[StateUpdate]) -> frozenset[int]:
        """Move deferred instances on; returns the ids of those that moved."""
        rows = self._connection.execute(self._statements.leave, {"rows": decide_rows(decided)}).all()
        self.saw_blocked = any(row.any_blocked for row in rows)
        return frozenset(row.id for row in rows)

    def make_ready(self, pokes: Sequence[LiveAttempt], *, now: datetime) -> frozenset[int]:
        """Have the next request of these HTTP waits made, as soon as there is a slot; of one whose upstream was cleared
        meanwhile, when that has ended again. Returns the ids of the instances that moved."""
        if not pokes:
            return frozenset()
        rows = dump_rows({"id": poke.instance_id, "attempt_id": poke.attempt_id} for poke in pokes)
        return frozenset(self._connection.scalars(self._statements.make_ready, {"rows": rows, "now": now}))

    def keep_waiting(self, waiting: LiveAttempt, until: datetime | None) -> None:
        """Leave an instance deferred that is not to go on yet."""
        params = {"waiting": waiting.instance_id, "attempt": waiting.attempt_id, "until": until}
        self._connection.execute(self._statements.keep_waiting, params)

    def await_run(self, dag_id: str, run_id: str, attempt_id: str) -> bool:
        """Have the end of a run wake this attempt; False = it has ended meanwhile."""
        params = {"of_dag": dag_id, "of_run": run_id, "attempt": attempt_id}
        return self._connection.scalar(self._statements.await_run, params) is not None

    def drop_earlier_pokes(self, instances: Iterable[tuple[int, int]]) -> None:
        """Remove the attempt, with its log, of each (instance id, try number): its next request takes its place."""
        rows = dump_rows({"id": id_, "try_number": try_number} for id_, try_number in instances)
        self._connection.execute(self._statements.drop_earlier_pokes, {"rows": rows})


class _Statements:
    def __init__(self, is_sqlite: bool) -> None:
        def rows_of(fields: Fields) -> Any:
            return as_rows(fields, is_sqlite=is_sqlite)

        table = task_instance.c
        is_deferred = table.state == literal_column("'deferred'")
        now = bindparam("now", type_=UtcDateTime)
        due = (
            select(table.id)
            .join(dag_run, dag_run.c.id == table.dag_run_id)
            .where(DUE, is_deferred, table.not_before <= now, dag_run.c.state == literal_column("'running'"))
            .order_by(table.not_before, table.id)
            .limit(bindparam("limit_", type_=Integer()))
        )
        self.due_runs = due.with_only_columns(table.dag_run_id)
        rows = rows_of({"id": int})
        self.due = (
            due.with_only_columns(
                table.attempt_id,
                table.id.label("instance_id"),
                table.dag_run_id,
                dag_run.c.dag_version_id.label("version_id"),
                table.task_index,
                table.map_index,
                table.try_number,
                table.max_tries,
                table.pool,
                table.pool_slots,
                task_try.c.executor,
                task_try.c.owner,
                task_try.c.queued_at,
                table.waits_for,
            )
            .join(task_try, task_try.c.attempt_id == table.attempt_id)
            .where(table.dag_run_id.in_(select(rows.c.id)))
        )
        rows = rows_of({"dag_id": str, "run_id": str})
        self.child_runs = select(
            dag_run.c.dag_id, dag_run.c.run_id, dag_run.c.state, dag_run.c.message, dag_run.c.outputs
        ).join(rows, and_(dag_run.c.dag_id == rows.c.dag_id, dag_run.c.run_id == rows.c.run_id))
        rows = rows_of(END_FIELDS)
        self.end_attempts = (
            update(task_try)
            .where(task_try.c.attempt_id == rows.c.attempt_id, task_try.c.state == literal_column("'deferred'"))
            .values(**ended_values(rows))
            .returning(task_try.c.attempt_id)
        )
        rows = rows_of(UPDATE_FIELDS)
        self.leave = (
            update(task_instance)
            .where(table.id == rows.c.id, table.attempt_id == rows.c.attempt_id, is_deferred)
            .values(**update_values(rows))
            .returning(table.id, ANY_BLOCKED.label("any_blocked"))
        )
        rows = rows_of({"id": int, "attempt_id": str})
        self.make_ready = (
            update(task_instance)
            .where(table.id == rows.c.id, table.attempt_id == rows.c.attempt_id, is_deferred)
            .values(state=TaskState.SCHEDULED, ready=may_decide(), not_before=None, updated_at=now)
            .returning(table.id)
        )
        self.keep_waiting = (
            update(task_instance)
            .where(table.id == bindparam("waiting"), table.attempt_id == bindparam("attempt"), is_deferred)
            .values(not_before=bindparam("until", type_=UtcDateTime))
        )
        self.await_run = (
            update(dag_run)
            .where(
                dag_run.c.dag_id == bindparam("of_dag"),
                dag_run.c.run_id == bindparam("of_run"),
                dag_run.c.state.in_([literal_column("'queued'"), literal_column("'running'")]),
            )
            .values(parent_attempt_id=bindparam("attempt"))
            .returning(dag_run.c.id)
        )
        rows = rows_of({"id": int, "try_number": int})
        self.drop_earlier_pokes = delete(task_try).where(
            task_try.c.attempt_id.in_(
                select(task_try.c.attempt_id).join(
                    rows,
                    and_(task_try.c.task_instance_id == rows.c.id, task_try.c.try_number == rows.c.try_number),
                )
            )
        )


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)
