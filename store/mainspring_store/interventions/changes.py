"""Writes of an intervention: fence live attempts, move instances, recount counters, compute readiness again.

Counters of runs and slots follow from the rows returned by a guarded statement, as in a pass of the scheduler. Upstream
counters are recounted from the states, because the counters do not show which results the intervention takes back.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Delete,
    Update,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    null,
    select,
    update,
)

from mainspring.definition.model import Task, TaskType
from mainspring.graph import Graph
from mainspring.run_ends import counts_as
from mainspring.selection import Instance
from mainspring.states import (
    ATTEMPT_LIVE,
    RUN_FINISHED,
    TASK_ACTIVE,
    TASK_FINISHED,
    AttemptState,
    RunState,
    StateReason,
    TaskState,
)
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.types import UtcDateTime
from mainspring_store.interventions.targets import Shape, TargetRun
from mainspring_store.state.awaited_ends import note_ends
from mainspring_store.state.blocking import BLOCKED
from mainspring_store.state.effects import MAP_INDEX_MAX, Effects, InstanceRef
from mainspring_store.state.instance_plan import initial_state
from mainspring_store.state.readiness import may_decide
from mainspring_store.state.runs import wake_waiting
from mainspring_store.tables import dag_run, task_instance, task_try, xcom

__all__ = ["Changes"]

_BEGUN = TASK_ACTIVE | {TaskState.DEFERRED}
_States = Mapping[int, Mapping[int, TaskState]]
"""Task index -> map index -> state of the instance, after the moves."""
_Move = tuple[TargetRun, Instance, TaskState, StateReason | None]


class Changes:
    """Collects changes, then applies them once, under the locks of all their runs. At most one change an instance.

    Each statement is built once for each dialect, by the cached function above the method that runs it.
    """

    def __init__(self, *, now: datetime, fence_reason: StateReason, fence_message: str) -> None:
        self._now = now
        self._fence = {"why": fence_reason, "told": fence_message, "now": now}
        self._runs: dict[int, TargetRun] = {}
        self._moves: dict[int, _Move] = {}
        # Instance id -> state after the guarded statement.
        self._new_states: dict[int, TaskState] = {}
        # Ids of the instances that become placeholders.
        self._placeholders: set[int] = set()
        self._sent_back: list[dict[str, Any]] = []
        self._ended: list[dict[str, Any]] = []
        self._without_outputs: list[int] = []
        self._requeued: list[TargetRun] = []
        self._resumed: list[TargetRun] = []
        self._changed_versions: list[TargetRun] = []
        self._run_ends: list[tuple[TargetRun, dict[str, Any]]] = []
        self._begun_ends: list[dict[str, Any]] = []
        self._effects = Effects()

    def send_back(self, run: TargetRun, instance: Instance, *, is_placeholder: bool = False) -> None:
        """Reset an instance to scheduled, with all its tries and without its outputs. A handler of the run becomes
        removed: the scheduler lets the handler run after the next end.

        is_placeholder: the instance becomes the placeholder of a mapped task, so that the scheduler expands the task
            again.
        """
        task = run.shape.tasks[instance.task_index]
        state, reason = initial_state(task)
        self._note_move(run, instance, state, reason)
        self._without_outputs.append(instance.id)
        if is_placeholder:
            self._placeholders.add(instance.id)
        self._sent_back.append(
            {
                "id": instance.id,
                "old": instance.state,
                "state": state,
                "reason": reason,
                "max_tries": run.rows[instance.id].try_number + task.retries,
                "is_placeholder": is_placeholder,
            }
        )

    def end(self, run: TargetRun, instance: Instance, state: TaskState, reason: StateReason) -> None:
        """End an instance in another state."""
        self._note_move(run, instance, state, reason)
        if state is TaskState.REMOVED:
            self._without_outputs.append(instance.id)
        self._ended.append(
            {
                "id": instance.id,
                "old": instance.state,
                "state": state,
                "reason": reason,
                "was_over": instance.state in TASK_FINISHED,
            }
        )

    def recount_run(self, run: TargetRun) -> None:
        """Recount all upstream counters of a run, because its version and so its graph changed."""
        self._runs[run.key] = run
        self._changed_versions.append(run)

    def withdraw_handlers(self, run: TargetRun) -> None:
        """Take the end of a run back whose tasks go on: its handlers run after the next end, and the tear-downs that
        the end has set aside wait again. Call this after other changes."""
        handlers = {task.index for task in run.shape.tasks if task.handler is not None}
        teardowns = {task.index for task in run.shape.tasks if task.teardown is not None}
        for instance in run.instances:
            is_removed = instance.state is TaskState.REMOVED
            is_undone = instance.task_index in (teardowns if is_removed else handlers)
            if is_undone and instance.id and instance.id not in self._moves:
                self.send_back(run, instance)
        if run.state not in RUN_FINISHED and run.is_ending:
            self._resumed.append(run)

    def requeue_run(self, run: TargetRun) -> None:
        """Queue an ended run again."""
        self._requeued.append(run)

    def end_run(self, run: TargetRun, state: RunState, reason: StateReason | None, message: str | None) -> None:
        """End a run in this state."""
        self._run_ends.append((run, {"id": run.key, "state": state, "reason": reason, "message": message}))

    def begin_end(self, run: TargetRun, ending: str, message: str) -> None:
        """Let a running run end after its tear-downs and handlers. ending: a reason, or `MARKED_SUCCESS`."""
        self._begun_ends.append({"id": run.key, "ending": ending, "message": message})

    @property
    def moved(self) -> Set[int]:
        """Ids of the instances with a collected change."""
        return self._moves.keys()

    @staticmethod
    @cache
    def _fence_attempts(is_sqlite: bool) -> Update:
        ids, now = as_rows({"id": int}, is_sqlite=is_sqlite), bindparam("now", type_=UtcDateTime)
        return (
            update(task_try)
            .where(task_try.c.task_instance_id.in_(select(ids.c.id)), task_try.c.state.in_(ATTEMPT_LIVE))
            .values(
                state=AttemptState.CANCELLED,
                state_reason=bindparam("why"),
                message=bindparam("told"),
                end_date=now,
                cancel_requested_at=now,
            )
        )

    @staticmethod
    @cache
    def _delete_outputs(is_sqlite: bool) -> Delete:
        ids = as_rows({"id": int}, is_sqlite=is_sqlite)
        return delete(xcom).where(xcom.c.task_instance_id.in_(select(ids.c.id)))

    def apply(self, connection: Connection) -> None:
        """Write all changes. The number of statements depends on the number of versions, not of instances."""
        is_sqlite = connection.dialect.name == "sqlite"
        begun = [move[1].id for move in self._moves.values() if move[1].state in _BEGUN]
        if begun:
            connection.execute(self._fence_attempts(is_sqlite), {**_ids(begun), **self._fence})
        self._collect_effects(self._move(connection, is_sqlite))
        if self._without_outputs:
            connection.execute(self._delete_outputs(is_sqlite), _ids(self._without_outputs))
        self._move_runs(connection, is_sqlite)
        for shape, runs in self._runs_by_shape().items():
            self._recount(connection, is_sqlite, shape, runs)
        self._unblock(connection, is_sqlite)
        self._effects.apply(connection)

    def _note_move(self, run: TargetRun, instance: Instance, state: TaskState, reason: StateReason | None) -> None:
        assert instance.id not in self._moves
        self._runs[run.key] = run
        self._moves[instance.id] = (run, instance, state, reason)

    @staticmethod
    @cache
    def _reset_instances(is_sqlite: bool) -> Update:
        table = task_instance.c
        fields = {"id": int, "old": str, "state": str, "reason": str, "max_tries": int, "is_placeholder": bool}
        rows = as_rows(fields, is_sqlite=is_sqlite)
        is_placeholder = rows.c.is_placeholder.is_(True) if not is_sqlite else rows.c.is_placeholder == 1
        return (
            update(task_instance)
            .where(table.id == rows.c.id, table.state == rows.c.old)
            .values(
                state=rows.c.state,
                state_reason=rows.c.reason,
                ready=False,
                not_before=None,
                waits_for=None,
                generation=table.generation + 1,
                max_tries=rows.c.max_tries,
                turn=None,
                map_index=case((is_placeholder, -1), else_=table.map_index),
                map_value=case((is_placeholder, null()), else_=table.map_value),
                map_key=case((is_placeholder, null()), else_=table.map_key),
                queued_at=None,
                start_date=None,
                end_date=None,
                late_since=None,
                updated_at=bindparam("now", type_=UtcDateTime),
            )
            .returning(table.id)
        )

    @staticmethod
    @cache
    def _end_instances(is_sqlite: bool) -> Update:
        table = task_instance.c
        fields = {"id": int, "old": str, "state": str, "reason": str, "was_over": bool}
        rows, now = as_rows(fields, is_sqlite=is_sqlite), bindparam("now", type_=UtcDateTime)
        was_over = rows.c.was_over.is_(True) if not is_sqlite else rows.c.was_over == 1
        return (
            update(task_instance)
            .where(table.id == rows.c.id, table.state == rows.c.old)
            .values(
                state=rows.c.state,
                state_reason=rows.c.reason,
                ready=False,
                not_before=None,
                waits_for=None,
                generation=table.generation + 1,
                end_date=case((was_over, table.end_date), else_=now),
                updated_at=now,
            )
            .returning(table.id)
        )

    def _move(self, connection: Connection, is_sqlite: bool) -> frozenset[int]:
        moved_ids: set[int] = set()
        for statement, rows in ((self._reset_instances, self._sent_back), (self._end_instances, self._ended)):
            if rows:
                moved_ids.update(connection.scalars(statement(is_sqlite), {"rows": dump_rows(rows), "now": self._now}))
        return frozenset(moved_ids)

    def _collect_effects(self, moved_ids: frozenset[int]) -> None:
        for id_, (run, instance, state, reason) in self._moves.items():
            if id_ not in moved_ids:
                continue
            self._new_states[id_] = state
            if state is instance.state:
                continue  # a scheduled instance became the placeholder of its task
            row = run.rows[id_]
            self._effects.moved(
                InstanceRef(id_, run.key, instance.task_index, row.pool, row.pool_slots, row.operator == TaskType.DAG),
                instance.state,
                state,
                at=self._now,
                reason=reason,
                try_number=row.try_number,
            )
        for run in self._requeued:
            self._effects.event(run.key, RunState.QUEUED, at=self._now)
        for run, new in self._run_ends:
            if new["state"] is not run.state:
                self._effects.event(run.key, new["state"], at=self._now, reason=new["reason"])

    @staticmethod
    @cache
    def _requeue_runs(is_sqlite: bool) -> Update:
        ids, now = as_rows({"id": int}, is_sqlite=is_sqlite), bindparam("now", type_=UtcDateTime)
        return (
            update(dag_run)
            .where(dag_run.c.id.in_(select(ids.c.id)))
            .values(
                state=RunState.QUEUED,
                state_reason=None,
                message=None,
                outputs=None,
                ending=None,
                queued_at=now,
                debounce_key=None,
                start_date=None,
                end_date=None,
                timeout_at=None,
                late_since=None,
                updated_at=now,
            )
        )

    @staticmethod
    @cache
    def _resume_runs(is_sqlite: bool) -> Update:
        rows, now = (
            as_rows({"id": int, "timeout_at": datetime}, is_sqlite=is_sqlite),
            bindparam("now", type_=UtcDateTime),
        )
        no_end = {"ending": None, "state_reason": None, "message": None}
        return (
            update(dag_run)
            .where(dag_run.c.id == rows.c.id)
            .values(**no_end, timeout_at=rows.c.timeout_at, updated_at=now)
        )

    @staticmethod
    @cache
    def _end_runs(is_sqlite: bool) -> Update:
        run, now = dag_run.c, bindparam("now", type_=UtcDateTime)
        rows = as_rows({"id": int, "state": str, "reason": str, "message": str}, is_sqlite=is_sqlite)
        return (
            update(dag_run)
            .where(run.id == rows.c.id)
            .values(
                state=rows.c.state,
                state_reason=rows.c.reason,
                message=rows.c.message,
                outputs=None,
                ending=None,
                end_date=func.coalesce(run.end_date, now),
                timeout_at=None,
                updated_at=now,
            )
            .returning(run.id, run.parent_attempt_id)
        )

    @staticmethod
    @cache
    def _begin_ends(is_sqlite: bool) -> Update:
        rows = as_rows({"id": int, "ending": str, "message": str}, is_sqlite=is_sqlite)
        return (
            update(dag_run)
            .where(dag_run.c.id == rows.c.id)
            .values(
                ending=rows.c.ending,
                state_reason=StateReason.CANCELLING,
                message=rows.c.message,
                timeout_at=None,
                updated_at=bindparam("now", type_=UtcDateTime),
            )
        )

    def _move_runs(self, connection: Connection, is_sqlite: bool) -> None:
        if self._requeued:
            ids = _ids(run.key for run in self._requeued)
            connection.execute(self._requeue_runs(is_sqlite), {**ids, "now": self._now})
        if self._resumed:
            # The end took the time limit away.
            limits = ((run.key, run.shape.definition.dagrun_timeout) for run in self._resumed)
            rows = dump_rows({"id": key, "timeout_at": limit and self._now + limit} for key, limit in limits)
            connection.execute(self._resume_runs(is_sqlite), {"rows": rows, "now": self._now})
        if self._begun_ends:
            connection.execute(self._begin_ends(is_sqlite), {"rows": dump_rows(self._begun_ends), "now": self._now})
        if self._run_ends:
            params = {"rows": dump_rows(new for _, new in self._run_ends), "now": self._now}
            ended_runs = connection.execute(self._end_runs(is_sqlite), params)
            wake_waiting(connection, [(row.id, row.parent_attempt_id) for row in ended_runs], now=self._now)
            changed = ((run.key, new["state"]) for run, new in self._run_ends if new["state"] is not run.state)
            note_ends(connection, changed, now=self._now)

    def _runs_by_shape(self) -> Mapping[Shape, Mapping[int, set[int]]]:
        """Shape -> run key -> indexes of the changed tasks."""
        changed: dict[Shape, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
        for run in self._changed_versions:
            changed[run.shape][run.key].update(range(len(run.shape.tasks)))
        for run, instance, _, _ in self._moves.values():
            if instance.task_index < len(run.shape.tasks):  # the version has the task; a removed task has no downstream
                changed[run.shape][run.key].add(instance.task_index)
        return changed

    @staticmethod
    @cache
    def _update_upstream_counters(is_sqlite: bool) -> Update:
        table = task_instance.c
        names = ("run", "task", "first", "last", "total", *(state.value for state in TASK_FINISHED))
        rows = as_rows(dict.fromkeys(names, int), is_sqlite=is_sqlite)
        return (
            update(task_instance)
            .where(
                table.dag_run_id == rows.c.run,
                table.task_index == rows.c.task,
                table.map_index.between(rows.c.first, rows.c.last),
            )
            .values(up_total=rows.c.total, **{f"up_{state}": rows.c[state.value] for state in TASK_FINISHED})
        )

    @staticmethod
    @cache
    def _update_readiness(is_sqlite: bool) -> Update:
        table, run = task_instance.c, dag_run.c
        runs = as_rows({"id": int}, is_sqlite=is_sqlite, parameter="runs")
        tasks = as_rows({"id": int}, is_sqlite=is_sqlite, parameter="tasks")
        running = as_rows({"id": int}, is_sqlite=is_sqlite, parameter="runs")
        return (
            update(task_instance)
            .where(
                table.dag_run_id.in_(select(runs.c.id)),
                table.task_index.in_(select(tasks.c.id)),
                table.state == literal_column("'scheduled'"),
            )
            .values(
                ready=and_(
                    table.dag_run_id.in_(
                        select(run.id).where(run.id.in_(select(running.c.id)), run.state == literal_column("'running'"))
                    ),
                    may_decide(),
                ),
                # The scheduler decides blocked instances again.
                state_reason=None,
            )
        )

    def _recount(self, connection: Connection, is_sqlite: bool, shape: Shape, runs: Mapping[int, set[int]]) -> None:
        graph = shape.graph
        changed = set().union(*runs.values())
        touched = changed.union(*(graph.downstream[index] for index in changed))
        counts = [
            {"run": key, "task": index, "first": first, "last": last, **_upstream_counts(shape.tasks, states)}
            for key, of_tasks in ((key, self._states(key)) for key in sorted(runs))
            for index in sorted(touched)
            for first, last, states in _states_before(graph, of_tasks, index)
        ]
        connection.execute(self._update_upstream_counters(is_sqlite), {"rows": dump_rows(counts)})
        of_runs = dump_rows({"id": key} for key in sorted(runs))
        connection.execute(
            self._update_readiness(is_sqlite),
            {"runs": of_runs, "tasks": dump_rows({"id": index} for index in sorted(touched))},
        )

    @staticmethod
    @cache
    def _update_blocked_instances(is_sqlite: bool) -> Update:
        table, run = task_instance.c, dag_run.c
        tasks = as_rows({"task_id": str}, is_sqlite=is_sqlite, parameter="tasks")
        blocked = (
            select(table.id)
            .join(dag_run, run.id == table.dag_run_id)
            .where(
                BLOCKED,
                table.task_id.in_(select(tasks.c.task_id)),
                run.dag_id == bindparam("of_dag"),
                run.state == literal_column("'running'"),
            )
        )
        return update(task_instance).where(table.id.in_(blocked)).values(ready=True, state_reason=None)

    def _unblock(self, connection: Connection, is_sqlite: bool) -> None:
        task_ids: dict[str, set[str]] = defaultdict(set)
        for run, instance, _, _ in self._moves.values():
            task_ids[run.dag_id].add(run.rows[instance.id].task_id)
        for dag_id, names in task_ids.items():
            tasks = dump_rows({"task_id": name} for name in sorted(names))
            connection.execute(self._update_blocked_instances(is_sqlite), {"tasks": tasks, "of_dag": dag_id})

    def _states(self, run_key: int) -> _States:
        states: dict[int, dict[int, TaskState]] = defaultdict(dict)
        for instance in self._runs[run_key].instances:
            map_index = -1 if instance.id in self._placeholders else instance.map_index
            states[instance.task_index][map_index] = self._new_states.get(instance.id, instance.state)
        return states


def _states_before(
    graph: Graph, states: _States, index: int
) -> Iterator[tuple[int, int, Mapping[int, Collection[TaskState]]]]:
    """Ranges of map indexes of a task, ends included, with the states of the instances before them by task index."""
    in_step = [task for task in graph.upstream[index] if graph.is_in_step(task, index)]
    of_all = {task: states[task].values() for task in graph.upstream[index] if task not in in_step}
    if not in_step:
        yield -1, MAP_INDEX_MAX, of_all
        return
    for map_index in states[index]:
        # An instance without an item stands for all items.
        same = {task: [of_task.get(-1, of_task.get(map_index))] for task in in_step for of_task in (states[task],)}
        yield map_index, map_index, of_all | {task: list(filter(None, pair)) for task, pair in same.items()}


def _upstream_counts(tasks: Sequence[Task], states: Mapping[int, Collection[TaskState]]) -> Mapping[str, int]:
    counts = Counter(counts_as(tasks[index], state) for index, of_task in states.items() for state in of_task)
    return {"total": counts.total(), **{state.value: counts[state] for state in TASK_FINISHED}}


def _ids(ids: Iterable[int]) -> Mapping[str, str]:
    return {"rows": dump_rows({"id": id_} for id_ in ids)}
