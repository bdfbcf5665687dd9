"""Runs in a pass: starts, ends, and the facts for expressions of tasks."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Update, and_, bindparam, func, literal_column, null, select, text, update
from sqlalchemy.types import String

from mainspring.states import RunState, StateReason, TaskState
from mainspring_store.database.batches import Batch, as_rows
from mainspring_store.database.pipeline import Check, Read, Rows, Statements
from mainspring_store.database.types import UtcDateTime
from mainspring_store.scheduling.parts import PassPart
from mainspring_store.state.awaited_ends import has_followers, note_ends
from mainspring_store.state.effects import Effects, InstanceRef
from mainspring_store.state.readiness import may_decide
from mainspring_store.state.records import ParentAndChild, RunFacts
from mainspring_store.state.runs import NewRun, end_run, insert_decided_run, wake_waiting
from mainspring_store.tables import dag, dag_run, dag_version, task_instance, task_try, xcom

__all__ = ["RunWrites"]

FAILURES_MAX = 100
"""Failed instances that a handler of the run sees."""
_COUNTED = ("success", "failed", "upstream_failed", "skipped", "removed")
_SELECT_COMING_END = select(dag_run.c.ending, dag_run.c.message).where(dag_run.c.id == bindparam("run"))


class RunWrites(PassPart):
    """The part of a pass that starts and ends runs.

    Each statement is built once for each dialect, by the cached function above the method that runs it.
    """

    def __init__(self, statements: Statements, effects: Callable[[], Effects]) -> None:
        """effects: returns the effects that the pass collects at the moment of the call."""
        super().__init__(statements)
        self._effects = effects
        self._facts_ahead: dict[int, RunFacts] = {}

    @staticmethod
    @cache
    def _update_started_runs(is_sqlite: bool) -> Update:
        run = dag_run.c
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        now = bindparam("now", type_=UtcDateTime)
        return (
            update(dag_run)
            .where(run.id == rows.c.id, text("dag_run.state = 'queued'"))
            .values(
                state=RunState.RUNNING,
                start_date=func.coalesce(run.start_date, now),
                updated_at=now,
                last_scheduling_decision=now,
            )
            .returning(*_facts())
        )

    @staticmethod
    @cache
    def _make_roots_ready(is_sqlite: bool) -> Update:
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        return (
            update(task_instance)
            .where(
                task_instance.c.dag_run_id.in_(select(rows.c.id)),
                task_instance.c.state == literal_column("'scheduled'"),
                may_decide(),
            )
            .values(ready=True)
        )

    def start_runs(self, run_ids: Sequence[int], *, now: datetime) -> list[RunFacts]:
        """Move queued runs to running and make their root tasks ready; returns the runs that started."""
        rows = {"rows": Batch({"id": run_id} for run_id in run_ids), "now": now}
        updated = self._statements.rows(self._update_started_runs(self._is_sqlite), rows)
        if updated:
            rows = {"rows": Batch({"id": row.id} for row in updated)}
            self._statements.write(self._make_roots_ready(self._is_sqlite), rows)
        return _run_facts(updated)

    @staticmethod
    @cache
    def _update_run_timeouts(is_sqlite: bool) -> Update:
        rows = as_rows({"id": int, "at": datetime}, is_sqlite=is_sqlite)
        return update(dag_run).where(dag_run.c.id == rows.c.id).values(timeout_at=rows.c.at)

    def set_run_timeouts(self, deadlines: Mapping[int, datetime]) -> None:
        """Set the instant at which the scheduler ends each running run."""
        rows = Batch({"id": run_id, "at": at} for run_id, at in deadlines.items())
        self._statements.write(self._update_run_timeouts(self._is_sqlite), {"rows": rows})

    def stop_run(self, run_id: int, *, now: datetime, reason: StateReason, message: str) -> bool:
        """End a run at once, as a cancel does; the pass collects the effects."""
        self._facts_ahead.pop(run_id, None)
        return end_run(self._connection, run_id, self._effects(), now=now, reason=reason, message=message)

    @staticmethod
    @cache
    def _select_parent_and_child() -> Select[Any]:
        run = dag_run.c
        return (
            select(run.depth, run.principal_id, dag.c.version_id)
            .select_from(dag_run)
            # No new run of a stale DAG starts.
            .outerjoin(dag, and_(dag.c.dag_id == bindparam("dag_id"), ~dag.c.is_stale))
            .where(run.id == bindparam("run"))
        )

    def parent_and_child(self, run_id: int, dag_id: str) -> ParentAndChild:
        """The facts of the parent run that its child run inherits, and the version of the DAG of the child."""
        row = self._connection.execute(self._select_parent_and_child(), {"run": run_id, "dag_id": dag_id}).one()
        return ParentAndChild(**row._mapping)

    @staticmethod
    @cache
    def _select_saved_version() -> Select[Any]:
        version = dag_version.c
        return select(version.id).where(
            version.dag_id == bindparam("dag_id"), version.version_number == bindparam("number"), ~version.is_inline
        )

    def saved_version(self, dag_id: str, number: int) -> int | None:
        """The id of a version of a DAG; None = there is none of this number, or a run brought it along."""
        values = {"dag_id": dag_id, "number": number}
        version_id: int | None = self._connection.scalar(self._select_saved_version(), values)
        return version_id

    def create_child(self, run: NewRun, *, now: datetime) -> None:
        """Create a run of another DAG; its run id must be new."""
        insert_decided_run(self._connection, run, now=now)

    @staticmethod
    @cache
    def _select_instance_states(is_sqlite: bool) -> Select[Any]:
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        return select(task_instance.c.dag_run_id, task_instance.c.task_index, task_instance.c.state).where(
            task_instance.c.dag_run_id.in_(select(rows.c.id))
        )

    def instance_states(self, run_ids: Sequence[int]) -> Mapping[int, list[tuple[int, TaskState]]]:
        """For each run its (task_index, state) pairs."""
        states: dict[int, list[tuple[int, TaskState]]] = {run_id: [] for run_id in run_ids}
        rows = {"rows": Batch({"id": run_id} for run_id in run_ids)}
        for row in self._statements.rows(self._select_instance_states(self._is_sqlite), rows):
            states[row.dag_run_id].append((row.task_index, TaskState(row.state)))
        return states

    @staticmethod
    @cache
    def _select_states_of_tasks(is_sqlite: bool) -> Select[Any]:
        rows, instance = as_rows({"run": int, "task": int}, is_sqlite=is_sqlite), task_instance.c
        return select(instance.dag_run_id, instance.task_index, instance.state).where(
            instance.dag_run_id == rows.c.run,
            instance.task_index == rows.c.task,
            # In the versions before, the task may have been mapped.
            instance.map_index == literal_column("-1"),
        )

    def states_of_tasks(self, tasks: Iterable[tuple[int, int]]) -> Mapping[tuple[int, int], TaskState]:
        """(run, task_index) -> state, of tasks that are not mapped. The keys are distinct."""
        rows = {"rows": Batch({"run": run_id, "task": index} for run_id, index in tasks)}
        states = self._statements.rows(self._select_states_of_tasks(self._is_sqlite), rows)
        return {(row.dag_run_id, row.task_index): TaskState(row.state) for row in states}

    @staticmethod
    @cache
    def _update_finished_runs(is_sqlite: bool) -> Update:
        run = dag_run.c
        rows = as_rows({"id": int, "state": str, "reason": str, "message": str, "outputs": str}, is_sqlite=is_sqlite)
        now = bindparam("now", type_=UtcDateTime)
        return (
            update(dag_run)
            .where(run.id == rows.c.id, text("dag_run.state = 'running'"), run.tasks_unfinished == 0)
            .values(
                state=rows.c.state,
                state_reason=rows.c.reason,
                message=rows.c.message,
                outputs=rows.c.outputs,
                ending=None,
                end_date=now,
                updated_at=now,
                timeout_at=None,
            )
            .returning(run.id, run.parent_attempt_id)
        )

    def finish_runs(
        self,
        ends: Sequence[Mapping[str, Any]],
        *,
        parents: Mapping[int, str | None],
        followed: Collection[int] = (),
        now: datetime,
    ) -> tuple[list[int], bool]:
        """Move running runs to success or failed, wake the `dag` tasks that wait for these runs, and note their ends
        for the schedules that wait for them.

        Returns the ids of the runs that moved, and whether a `dag` task was woken.

        ends: `id`, `state`, `reason`, `message`, `outputs` (JSON text) of each run.
        parents: `RunFacts.parent_attempt_id` of each run, read under its lock.
        followed: the runs of DAGs for which a schedule waits.
        """
        params = {"rows": Batch(ends), "now": now}
        predicted = [(end["id"], parents.get(end["id"])) for end in ends]
        check = Check("true", len(predicted))
        rows = self._statements.guarded(self._update_finished_runs(self._is_sqlite), params, predicted, check=check)
        finished = sorted(key for key, _ in rows)
        # Asking for the connection sends what waits.
        has_parents = any(parent is not None for _, parent in rows)
        has_woken = has_parents and wake_waiting(self._connection, sorted(rows), now=now)
        states = {end["id"]: end["state"] for end in ends}
        if ends_to_note := [(key, states[key]) for key in finished if key in followed]:
            note_ends(self._connection, ends_to_note, now=now)
        return finished, has_woken

    @staticmethod
    @cache
    def _select_run_facts(is_sqlite: bool) -> Select[Any]:
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        return select(*_facts()).where(dag_run.c.id.in_(select(rows.c.id)))

    def run_facts(self, run_ids: Sequence[int]) -> list[RunFacts]:
        if self._facts_ahead.keys() >= set(run_ids):
            return [self._facts_ahead.pop(run_id) for run_id in run_ids]
        return _run_facts(self._statements.rows(*self._read_of_facts(run_ids)))

    def read_facts_along(self, run_ids: Sequence[int]) -> None:
        """Let the query of `run_facts` travel with the next statement, where statements travel together."""

        def receive(rows: Rows) -> None:
            self._facts_ahead = {facts.id: facts for facts in _run_facts(rows)}

        if run_ids and self._statements.predicts:
            self._statements.read_along(self._read_of_facts(run_ids), receive)

    def _read_of_facts(self, run_ids: Sequence[int]) -> Read:
        return self._select_run_facts(self._is_sqlite), {"rows": Batch({"id": run_id} for run_id in run_ids)}

    @staticmethod
    @cache
    def _select_outputs(is_sqlite: bool, is_of_item: bool) -> Select[Any]:
        instance = task_instance.c
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        return (
            select(
                instance.task_index,
                instance.map_index,
                instance.state,
                xcom.c.key,
                xcom.c.value,
                xcom.c.large_id,
            )
            .select_from(task_instance)
            .outerjoin(xcom, xcom.c.task_instance_id == instance.id)
            .where(
                instance.dag_run_id == bindparam("run"),
                instance.task_index.in_(select(rows.c.id)),
                instance.state != literal_column("'removed'"),
                *_of_item(is_of_item),
            )
            .order_by(instance.task_index, instance.map_index, xcom.c.key)
        )

    def outputs(
        self, run_id: int, task_indexes: Iterable[int], *, map_index: int | None = None
    ) -> list[tuple[int, int, TaskState, str | None, str, str | None]]:
        """(task_index, map_index, state, output name or None, value as JSON text, `large_id`) of tasks of a run, in
        this order; without removed instances. `large_id` is for `LargeValue.stored`.

        map_index: of the only instances to read; None = all instances.
        """
        statement = self._select_outputs(self._is_sqlite, map_index is not None)
        return [
            (row.task_index, row.map_index, TaskState(row.state), row.key, row.value, row.large_id)
            for row in self._statements.rows(statement, _of_tasks(run_id, task_indexes, map_index))
        ]

    @staticmethod
    @cache
    def _select_stopping(is_sqlite: bool) -> Select[Any]:
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        return (
            select(task_instance.c.dag_run_id)
            .distinct()
            .join(task_try, task_try.c.task_instance_id == task_instance.c.id)
            .where(task_instance.c.dag_run_id.in_(select(rows.c.id)), text("task_try.stopped_at IS NULL"))
        )

    def stopping(self, run_ids: Sequence[int]) -> frozenset[int]:
        """The runs with attempts whose processes may not have stopped."""
        rows = {"rows": Batch({"id": run_id} for run_id in run_ids)}
        return frozenset(row.dag_run_id for row in self._statements.rows(self._select_stopping(self._is_sqlite), rows))

    @staticmethod
    @cache
    def _revive_handlers(is_sqlite: bool) -> Update:
        table = task_instance.c
        rows = as_rows(
            {"index": int, "ready": int, "retries": int, **dict.fromkeys(_COUNTED, int)}, is_sqlite=is_sqlite
        )
        return (
            update(task_instance)
            .where(
                table.dag_run_id == bindparam("run"),
                table.task_index == rows.c.index,
                table.state == literal_column("'removed'"),
                # In the versions before, the task may have been mapped.
                table.map_index == literal_column("-1"),
            )
            .values(
                state=TaskState.SCHEDULED,
                state_reason=None,
                ready=rows.c.ready == 1,
                generation=table.generation + 1,
                max_tries=table.try_number + rows.c.retries,
                **{f"up_{name}": rows.c[name] for name in _COUNTED},
                **dict.fromkeys(("queued_at", "start_date", "end_date", "late_since"), null()),
                updated_at=bindparam("now", type_=UtcDateTime),
            )
            .returning(table.id, table.task_index, table.pool, table.pool_slots)
        )

    @staticmethod
    @cache
    def _update_ending() -> Update:
        run = dag_run.c
        return (
            update(dag_run)
            .where(run.id == bindparam("run"), text("dag_run.state = 'running'"), run.tasks_unfinished == 0)
            .values(
                ending=func.coalesce(run.ending, bindparam("why", type_=String())),
                message=func.coalesce(run.message, bindparam("told", type_=String())),
                timeout_at=None,
                updated_at=bindparam("now", type_=UtcDateTime),
            )
            .returning(run.id)
        )

    def begin_handlers(
        self, run_id: int, handlers: Iterable[Mapping[str, Any]], *, reason: str, message: str | None, now: datetime
    ) -> list[InstanceRef]:
        """Let handlers of a running run whose tasks have ended run; returns their instances.

        handlers: `index`, `ready` (1 or 0), `retries`, and the number of upstream instances in each terminal state.
        reason, message: of the end, kept until the end of the handlers; a run that was ended from outside has its own.
        """
        end = {"run": run_id, "why": reason, "told": message, "now": now}
        if not self._statements.rows(self._update_ending(), end):
            return []
        parameters = {"rows": Batch(handlers), "run": run_id, "now": now}
        return [
            InstanceRef(row.id, run_id, row.task_index, row.pool, row.pool_slots)
            for row in self._statements.rows(self._revive_handlers(self._is_sqlite), parameters)
        ]

    def coming_end(self, run_id: int) -> tuple[str | None, str | None]:
        """The reason of the end that the handlers of a run follow, or `success`, and its message; None = no such end,
        as of a run that was deleted or goes on."""
        ends = self._connection.execute(_SELECT_COMING_END, {"run": run_id}).all()
        return (ends[0].ending, ends[0].message) if ends else (None, None)

    @staticmethod
    @cache
    def _select_failures() -> Select[Any]:
        instance = task_instance.c
        return (
            select(
                instance.task_id,
                instance.map_index,
                instance.state_reason.label("reason"),
                task_try.c.exit_code,
                task_try.c.message,
            )
            .select_from(task_instance)
            .outerjoin(task_try, task_try.c.attempt_id == instance.attempt_id)
            .where(instance.dag_run_id == bindparam("run"), instance.state == literal_column("'failed'"))
            .order_by(instance.end_date, instance.id)
            .limit(FAILURES_MAX)
        )

    def failures(self, run_id: int) -> list[Mapping[str, Any]]:
        """`task_id`, `map_index`, `reason`, `exit_code` and `message` of the failed instances of a run, earliest first;
        at most `FAILURES_MAX`."""
        rows = self._statements.rows(self._select_failures(), {"run": run_id})
        names = ("task_id", "map_index", "reason", "exit_code", "message")
        return [{name: getattr(row, name) for name in names} for row in rows]

    @staticmethod
    @cache
    def _select_ends(is_sqlite: bool, is_of_item: bool) -> Select[Any]:
        instance = task_instance.c
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        return (
            select(instance.task_index, task_try.c.exit_code, instance.state_reason, task_try.c.message)
            .select_from(task_instance)
            .outerjoin(task_try, task_try.c.attempt_id == instance.attempt_id)
            .where(
                instance.dag_run_id == bindparam("run"),
                instance.task_index.in_(select(rows.c.id)),
                instance.state != literal_column("'removed'"),
                *_of_item(is_of_item),
            )
            .order_by(instance.task_index, instance.map_index)
        )

    def ends(
        self, run_id: int, task_indexes: Iterable[int], *, map_index: int | None = None
    ) -> list[tuple[int, int | None, str | None, str | None]]:
        """(task_index, exit code, reason of the state, message) of tasks of a run and their latest tries, ordered by
        task index and map index; without removed instances.

        map_index: of the only instances to read; None = all instances.
        """
        statement = self._select_ends(self._is_sqlite, map_index is not None)
        return [
            (row.task_index, row.exit_code, row.state_reason, row.message)
            for row in self._statements.rows(statement, _of_tasks(run_id, task_indexes, map_index))
        ]

    @staticmethod
    @cache
    def _select_version_document() -> Select[Any]:
        return select(dag_version.c.document).where(dag_version.c.id == bindparam("id"))

    def version_document(self, version_id: int) -> Mapping[str, Any]:
        """The stored definition of a version."""
        document: Mapping[str, Any] = self._connection.execute(
            self._select_version_document(), {"id": version_id}
        ).scalar_one()
        return document


def _of_item(is_of_item: bool) -> list[ColumnElement[bool]]:
    return [task_instance.c.map_index == bindparam("map_index")] if is_of_item else []


def _of_tasks(run_id: int, task_indexes: Iterable[int], map_index: int | None) -> Mapping[str, Any]:
    parameters = {"rows": Batch({"id": index} for index in task_indexes), "run": run_id}
    return parameters if map_index is None else {**parameters, "map_index": map_index}


def _facts() -> list[ColumnElement[Any]]:
    """The columns of `RunFacts`."""
    run = dag_run.c
    return [
        run.id,
        run.dag_id,
        run.run_id,
        run.run_type,
        run.dag_version_id.label("version_id"),
        run.conf,
        run.params,
        run.logical_date,
        run.data_interval_start,
        run.data_interval_end,
        run.run_after,
        run.traceparent,
        run.state,
        run.ending,
        run.message,
        run.parent_attempt_id,
        has_followers().label("has_followers"),
    ]


def _run_facts(rows: Rows) -> list[RunFacts]:
    return [RunFacts(**row._asdict()) for row in rows]
