"""Waits in a pass: deferred instances resume after an instant, a child run, a signal or a user's
answer."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    func,
    literal,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.types import Integer

from mainspring.instants import parse_instant
from mainspring.states import RunState, TaskState
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.types import UtcDateTime
from mainspring_store.scheduling.parts import MovingPart
from mainspring_store.state.blocking import ANY_BLOCKED
from mainspring_store.state.conditions import DUE, LIVE, decide_rows, ended_values, update_values
from mainspring_store.state.readiness import may_decide
from mainspring_store.state.records import (
    END_FIELDS,
    UPDATE_FIELDS,
    AttemptEnd,
    ChildRun,
    LiveAttempt,
    StateUpdate,
    TakenSignal,
)
from mainspring_store.tables import dag_run, run_signal, task_instance, task_try

__all__ = ["WaitWrites"]


class WaitWrites(MovingPart):
    """The part of a pass that resumes deferred instances.

    Each statement is built once for each dialect, by the cached function above the method that runs it.
    """

    @staticmethod
    @cache
    def _select_runs_of_due_instances() -> Select[Any]:
        return _select_due_instances().with_only_columns(task_instance.c.dag_run_id)

    def due_runs(self, now: datetime, limit: int) -> frozenset[int]:
        """Ids of the runs of the first `limit` due deferred instances."""
        params = {"now": now, "limit_": limit}
        return frozenset(self._connection.scalars(self._select_runs_of_due_instances(), params))

    @staticmethod
    @cache
    def _select_due_instances_of_runs(is_sqlite: bool) -> Select[Any]:
        table = task_instance.c
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        return (
            _select_due_instances()
            .with_only_columns(
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

    def due(self, run_ids: Iterable[int], now: datetime, limit: int) -> list[LiveAttempt]:
        """Due deferred instances of these runs.

        Call after the locks of the runs: then `waits_for` contains a user's answer of an earlier transaction.
        """
        params = {"rows": dump_rows({"id": run_id} for run_id in run_ids), "now": now, "limit_": limit}
        return [
            LiveAttempt(**{**row._mapping, "state": TaskState.DEFERRED})
            for row in self._connection.execute(self._select_due_instances_of_runs(self._is_sqlite), params)
        ]

    @staticmethod
    @cache
    def _select_child_runs(is_sqlite: bool) -> Select[Any]:
        run = dag_run.c
        rows = as_rows({"dag_id": str, "run_id": str}, is_sqlite=is_sqlite)
        return select(run.dag_id, run.run_id, run.state, run.message, run.outputs).join(
            rows, and_(run.dag_id == rows.c.dag_id, run.run_id == rows.c.run_id)
        )

    def child_runs(self, run_ids: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], ChildRun]:
        """(DAG id, run id) -> run; missing runs are absent."""
        rows = {"rows": dump_rows({"dag_id": dag_id, "run_id": run_id} for dag_id, run_id in run_ids)}
        return {
            (row.dag_id, row.run_id): ChildRun(row.dag_id, row.run_id, RunState(row.state), row.message, row.outputs)
            for row in self._connection.execute(self._select_child_runs(self._is_sqlite), rows)
        }

    @staticmethod
    @cache
    def _update_deferred_attempts(is_sqlite: bool) -> Update:
        rows = as_rows(END_FIELDS, is_sqlite=is_sqlite)
        return (
            update(task_try)
            .where(task_try.c.attempt_id == rows.c.attempt_id, task_try.c.state == literal_column("'deferred'"))
            .values(**ended_values(rows))
            .returning(task_try.c.attempt_id)
        )

    def end_attempts(self, ends: Sequence[AttemptEnd]) -> frozenset[str]:
        """Record the ends of deferred attempts; returns the ids of the changed attempts."""
        rows = dump_rows({name: getattr(end, name) for name in END_FIELDS} for end in ends)
        return frozenset(self._connection.scalars(self._update_deferred_attempts(self._is_sqlite), {"rows": rows}))

    @staticmethod
    @cache
    def _update_deferred_instances(is_sqlite: bool) -> Update:
        table = task_instance.c
        rows = as_rows(UPDATE_FIELDS, is_sqlite=is_sqlite)
        return (
            update(task_instance)
            .where(table.id == rows.c.id, table.attempt_id == rows.c.attempt_id, _is_deferred())
            .values(**update_values(rows))
            .returning(table.id, ANY_BLOCKED.label("any_blocked"))
        )

    def leave(self, updates: Sequence[StateUpdate]) -> frozenset[int]:
        """Move instances out of the deferred state; returns the ids of the moved instances."""
        statement = self._update_deferred_instances(self._is_sqlite)
        rows = self._connection.execute(statement, {"rows": decide_rows(updates).text}).all()
        if rows:
            self._blocked.note(any(row.any_blocked for row in rows))
        return frozenset(row.id for row in rows)

    @staticmethod
    @cache
    def _schedule_deferred_instances(is_sqlite: bool) -> Update:
        table = task_instance.c
        rows = as_rows({"id": int, "attempt_id": str}, is_sqlite=is_sqlite)
        now = bindparam("now", type_=UtcDateTime)
        return (
            update(task_instance)
            .where(table.id == rows.c.id, table.attempt_id == rows.c.attempt_id, _is_deferred())
            .values(state=TaskState.SCHEDULED, ready=may_decide(), not_before=None, updated_at=now)
            .returning(table.id)
        )

    def make_ready(self, pokes: Sequence[LiveAttempt], *, now: datetime) -> frozenset[int]:
        """Schedule the next check of these waits; returns the ids of the moved instances.

        The check starts at the next free slot. An instance with a cleared upstream waits until the upstream has
        ended again.
        """
        if not pokes:
            return frozenset()
        rows = dump_rows({"id": poke.instance_id, "attempt_id": poke.attempt_id} for poke in pokes)
        statement = self._schedule_deferred_instances(self._is_sqlite)
        return frozenset(self._connection.scalars(statement, {"rows": rows, "now": now}))

    @staticmethod
    @cache
    def _update_next_looks(is_sqlite: bool) -> Update:
        table = task_instance.c
        rows = as_rows({"id": int, "attempt_id": str, "until": datetime}, is_sqlite=is_sqlite)
        return (
            update(task_instance)
            .where(table.id == rows.c.id, table.attempt_id == rows.c.attempt_id, _is_deferred())
            .values(not_before=rows.c.until)
        )

    def keep_waiting(self, waits: Iterable[tuple[LiveAttempt, datetime | None]]) -> None:
        """Leave each instance deferred until its instant; None = until an event wakes the instance."""
        rows = dump_rows(
            {"id": waiting.instance_id, "attempt_id": waiting.attempt_id, "until": until} for waiting, until in waits
        )
        self._connection.execute(self._update_next_looks(self._is_sqlite), {"rows": rows})

    @staticmethod
    @cache
    def _update_parent_attempt() -> Update:
        return (
            update(dag_run)
            .where(
                dag_run.c.dag_id == bindparam("of_dag"),
                dag_run.c.run_id == bindparam("of_run"),
                dag_run.c.state.in_([literal_column("'queued'"), literal_column("'running'")]),
            )
            .values(parent_attempt_id=bindparam("attempt"))
            .returning(dag_run.c.id)
        )

    def await_run(self, dag_id: str, run_id: str, attempt_id: str) -> bool:
        """Let the end of a run wake this attempt; False = the run has already ended."""
        params = {"of_dag": dag_id, "of_run": run_id, "attempt": attempt_id}
        return self._connection.scalar(self._update_parent_attempt(), params) is not None

    @staticmethod
    @cache
    def _select_kept_signals(is_sqlite: bool) -> Select[Any]:
        signal = run_signal.c
        rows = as_rows({"run": int, "name": str}, is_sqlite=is_sqlite)
        return (
            select(signal.id, signal.dag_run_id, signal.name, signal.sent_at)
            .join(rows, and_(signal.dag_run_id == rows.c.run, signal.name == rows.c.name))
            .where(text("run_signal.taken_at IS NULL"))
            .order_by(signal.id)
        )

    @staticmethod
    @cache
    def _update_taken_signals(is_sqlite: bool) -> Update:
        rows = as_rows({"id": int, "instance": int}, is_sqlite=is_sqlite)
        takers = (
            select(rows.c.id, task_instance.c.task_id, task_instance.c.map_index)
            .join(task_instance, task_instance.c.id == rows.c.instance)
            .subquery("takers")
        )
        return (
            update(run_signal)
            .where(run_signal.c.id == takers.c.id, text("run_signal.taken_at IS NULL"))
            .values(
                taken_by=takers.c.task_id,
                taken_by_map_index=takers.c.map_index,
                taken_at=bindparam("now", type_=UtcDateTime),
            )
            .returning(run_signal.c.id, run_signal.c.value, run_signal.c.sent_by, run_signal.c.sent_at)
        )

    def take_signals(self, waits: Sequence[LiveAttempt], *, now: datetime) -> Mapping[str, TakenSignal]:
        """Give the earliest signals that no wait has taken to these waits, in their order: attempt id -> signal.

        Waits without a signal are absent. A wait takes no signal that came after its timeout. The caller has locked the
        runs of the waits.
        """
        names = {(wait.dag_run_id, wait.waits_for["name"]) for wait in waits if wait.waits_for}
        rows = dump_rows({"run": run_id, "name": name} for run_id, name in names)
        kept: dict[tuple[int, str], deque[Any]] = {}
        for row in self._connection.execute(self._select_kept_signals(self._is_sqlite), {"rows": rows}):
            kept.setdefault((row.dag_run_id, row.name), deque()).append(row)
        takers: dict[int, LiveAttempt] = {}
        for wait in waits:
            waits_for = wait.waits_for or {}
            signals = kept.get((wait.dag_run_id, waits_for["name"]))
            give_up_at = waits_for["give_up_at"]
            if signals and (give_up_at is None or signals[0].sent_at <= parse_instant(give_up_at)):
                takers[signals.popleft().id] = wait
        if not takers:
            return {}
        rows = dump_rows({"id": id_, "instance": wait.instance_id} for id_, wait in takers.items())
        statement = self._update_taken_signals(self._is_sqlite)
        return {
            takers[row.id].attempt_id: TakenSignal(value=row.value, sent_by=row.sent_by, sent_at=row.sent_at)
            for row in self._connection.execute(statement, {"rows": rows, "now": now})
        }

    @staticmethod
    @cache
    def _delete_attempts_of_tries(is_sqlite: bool) -> Delete:
        rows = as_rows({"id": int, "try_number": int}, is_sqlite=is_sqlite)
        return delete(task_try).where(
            task_try.c.attempt_id.in_(
                select(task_try.c.attempt_id).join(
                    rows,
                    and_(task_try.c.task_instance_id == rows.c.id, task_try.c.try_number == rows.c.try_number),
                )
            )
        )

    def drop_earlier_pokes(self, instances: Iterable[tuple[int, int]]) -> None:
        """Delete the attempt and the log of each (instance id, try number): the next check replaces the attempt."""
        rows = dump_rows({"id": id_, "try_number": try_number} for id_, try_number in instances)
        self._connection.execute(self._delete_attempts_of_tries(self._is_sqlite), {"rows": rows})

    @staticmethod
    @cache
    def _lock_checks() -> Select[Any]:
        return select(
            func.pg_try_advisory_xact_lock(func.hashtextextended(literal("checks ") + bindparam("name"), literal(0)))
        )

    def hold_checks(self, executor: str) -> bool:
        """Lock the places for checks of an executor until the end of the pass; False = another scheduler holds them.

        The call never waits, because this pass already holds locks of runs. A count after the call includes the commits
        of the previous holders.
        """
        if self._is_sqlite:
            return True  # the write transaction is the lock
        return bool(self._connection.scalar(self._lock_checks(), {"name": executor}))

    @staticmethod
    @cache
    def _count_live_checks() -> Select[Any]:
        return (
            select(func.count())
            .select_from(task_try)
            .join(task_instance, task_instance.c.id == task_try.c.task_instance_id)
            .where(
                text("task_try.stopped_at IS NULL"),
                task_try.c.executor == bindparam("executor"),
                LIVE,
                task_instance.c.waits_for.is_not(None),
            )
        )

    def live_checks(self, executor: str) -> int:
        """Number of queued and running checks of an executor, those of other schedulers included."""
        return self._connection.scalar(self._count_live_checks(), {"executor": executor}) or 0


def _is_deferred() -> ColumnElement[bool]:
    return task_instance.c.state == literal_column("'deferred'")


@cache
def _select_due_instances() -> Select[Any]:
    """Due deferred instances of running runs, longest due first; the callers choose the columns."""
    table = task_instance.c
    now = bindparam("now", type_=UtcDateTime)
    return (
        select(table.id)
        .join(dag_run, dag_run.c.id == table.dag_run_id)
        .where(DUE, _is_deferred(), table.not_before <= now, dag_run.c.state == literal_column("'running'"))
        .order_by(table.not_before, table.id)
        .limit(bindparam("limit_", type_=Integer()))
    )
