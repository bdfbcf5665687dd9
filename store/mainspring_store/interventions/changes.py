"""What an intervention writes: live attempts fenced, instances moved, counters recounted, readiness found anew.

Counters of the run and slots follow from the rows that a guarded statement returned, as everywhere; those of upstream
results are recounted from the states, because what is taken back cannot be told from what never was.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, delete, func, literal_column, null, select, update

from mainspring.definition.model import TaskType
from mainspring.selection import Instance
from mainspring.states import ATTEMPT_LIVE, TASK_ACTIVE, TASK_FINISHED, AttemptState, RunState, StateReason, TaskState
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.types import UtcDateTime
from mainspring_store.interventions.targets import Shape, TargetRun
from mainspring_store.state.blocking import BLOCKED
from mainspring_store.state.effects import Effects, InstanceRef
from mainspring_store.state.readiness import may_decide
from mainspring_store.state.runs import wake_waiting
from mainspring_store.tables import dag_run, task_instance, task_try, xcom

__all__ = ["Changes"]

_BEGUN = TASK_ACTIVE | {TaskState.DEFERRED}
_Move = tuple[TargetRun, Instance, TaskState, StateReason | None]


class Changes:
    """Collects, then applies once, under the locks of all its runs. Every instance at most once."""

    def __init__(self, *, now: datetime, fence_reason: StateReason, fence_message: str) -> None:
        self._now = now
        self._fence = {"why": fence_reason, "told": fence_message, "now": now}
        self._runs: dict[int, TargetRun] = {}
        self._moves: dict[int, _Move] = {}
        # The states that the guarded statements brought about, by instance id.
        self._now_in: dict[int, TaskState] = {}
        self._back: list[dict[str, Any]] = []
        self._ended: list[dict[str, Any]] = []
        self._forgotten: list[int] = []
        self._requeued: list[TargetRun] = []
        self._renewed: list[TargetRun] = []
        self._run_ends: list[tuple[TargetRun, dict[str, Any]]] = []
        self._effects = Effects()

    def send_back(self, run: TargetRun, instance: Instance, *, is_placeholder: bool = False) -> None:
        """To be decided again, with all its tries; its outputs are forgotten.

        is_placeholder: it stands for a mapped task whose items are to be found anew.
        """
        retries = run.shape.tasks[instance.task_index].retries
        self._note_move(run, instance, TaskState.SCHEDULED, None)
        self._forgotten.append(instance.id)
        self._back.append(
            {
                "id": instance.id,
                "old": instance.state,
                "max_tries": run.rows[instance.id].try_number + retries,
                "is_placeholder": is_placeholder,
            }
        )

    def end(self, run: TargetRun, instance: Instance, state: TaskState, reason: StateReason) -> None:
        """To be final in another state than it has."""
        self._note_move(run, instance, state, reason)
        if state is TaskState.REMOVED:
            self._forgotten.append(instance.id)
        self._ended.append(
            {
                "id": instance.id,
                "old": instance.state,
                "state": state,
                "reason": reason,
                "was_over": instance.state in TASK_FINISHED,
            }
        )

    def renew_run(self, run: TargetRun) -> None:
        """A run whose graph is another one than its counters were made by: all of them are counted again."""
        self._runs[run.key] = run
        self._renewed.append(run)

    def requeue_run(self, run: TargetRun) -> None:
        """A run that had ended begins again when it is its turn."""
        self._requeued.append(run)

    def end_run(self, run: TargetRun, state: RunState, reason: StateReason | None, message: str | None) -> None:
        """A run is over in this state from now on."""
        self._run_ends.append((run, {"id": run.key, "state": state, "reason": reason, "message": message}))

    @property
    def moved(self) -> Set[int]:
        """Ids of the instances that are noted to change."""
        return self._moves.keys()

    def apply(self, connection: Connection) -> None:
        """Write everything; a number of statements that depends on the versions involved, not on the instances."""
        statements = _statements(connection.dialect.name == "sqlite")
        begun = [move[1].id for move in self._moves.values() if move[1].state in _BEGUN]
        if begun:
            connection.execute(statements.fence, {**_ids(begun), **self._fence})
        moved = self._move(connection, statements)
        self._collect_effects(moved)
        if self._forgotten:
            connection.execute(statements.forget_outputs, _ids(self._forgotten))
        self._move_runs(connection, statements)
        for shape, runs in self._runs_by_shape().items():
            self._recount(connection, statements, shape, runs)
        self._wake_blocked(connection, statements)
        self._effects.apply(connection)

    def _note_move(self, run: TargetRun, instance: Instance, state: TaskState, reason: StateReason | None) -> None:
        assert instance.id not in self._moves
        self._runs[run.key] = run
        self._moves[instance.id] = (run, instance, state, reason)

    def _move(self, connection: Connection, statements: "_Statements") -> frozenset[int]:
        moved: set[int] = set()
        for statement, rows in ((statements.send_back, self._back), (statements.end, self._ended)):
            if rows:
                moved.update(connection.scalars(statement, {"rows": dump_rows(rows), "now": self._now}))
        return frozenset(moved)

    def _collect_effects(self, moved: frozenset[int]) -> None:
        for id_, (run, instance, state, reason) in self._moves.items():
            if id_ not in moved:
                continue
            self._now_in[id_] = state
            if state is instance.state:
                continue  # a waiting instance that became the placeholder of its task
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

    def _move_runs(self, connection: Connection, statements: "_Statements") -> None:
        if self._requeued:
            connection.execute(statements.requeue_runs, {**_ids(run.key for run in self._requeued), "now": self._now})
        if self._run_ends:
            params = {"rows": dump_rows(new for _, new in self._run_ends), "now": self._now}
            ended = connection.execute(statements.end_runs, params)
            wake_waiting(connection, [(row.id, row.parent_attempt_id) for row in ended], now=self._now)

    def _runs_by_shape(self) -> Mapping[Shape, Mapping[int, set[int]]]:
        """Shape -> run key -> task indexes that changed."""
        found: dict[Shape, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
        for run in self._renewed:
            found[run.shape][run.key].update(range(len(run.shape.tasks)))
        for run, instance, _, _ in self._moves.values():
            if instance.task_index < len(run.shape.tasks):  # else its task is gone, and nothing is downstream of it
                found[run.shape][run.key].add(instance.task_index)
        return found

    def _recount(
        self, connection: Connection, statements: "_Statements", shape: Shape, runs: Mapping[int, set[int]]
    ) -> None:
        graph = shape.graph
        changed = set().union(*runs.values())
        touched = changed.union(*(graph.downstream[index] for index in changed))
        counts = [
            {"run": key, "task": index, **_upstream_counts(states, graph.upstream[index])}
            for key, states in ((key, self._states(key)) for key in sorted(runs))
            for index in sorted(touched)
        ]
        connection.execute(statements.recount, {"rows": dump_rows(counts)})
        of_runs = dump_rows({"id": key} for key in sorted(runs))
        connection.execute(
            statements.find_ready, {"runs": of_runs, "tasks": dump_rows({"id": index} for index in sorted(touched))}
        )

    def _wake_blocked(self, connection: Connection, statements: "_Statements") -> None:
        moved: dict[str, set[str]] = defaultdict(set)
        for run, instance, _, _ in self._moves.values():
            moved[run.dag_id].add(run.rows[instance.id].task_id)
        for dag_id, names in moved.items():
            tasks = dump_rows({"task_id": name} for name in sorted(names))
            connection.execute(statements.wake_blocked, {"tasks": tasks, "of_dag": dag_id})

    def _states(self, run_key: int) -> Mapping[int, Counter[TaskState]]:
        """Task index -> how many instances of the run are in each state now."""
        found: dict[int, Counter[TaskState]] = defaultdict(Counter)
        for one in self._runs[run_key].instances:
            found[one.task_index][self._now_in.get(one.id, one.state)] += 1
        return found


def _upstream_counts(states: Mapping[int, Counter[TaskState]], upstream: Iterable[int]) -> Mapping[str, int]:
    found: Counter[TaskState] = Counter()
    for index in upstream:
        found.update(states[index])
    return {"total": found.total(), **{state.value: found[state] for state in TASK_FINISHED}}


def _ids(ids: Iterable[int]) -> Mapping[str, str]:
    return {"rows": dump_rows({"id": one} for one in ids)}


class _Statements:
    def __init__(self, is_sqlite: bool) -> None:
        def rows_of(parameter: str = "rows", **fields: type) -> Any:
            return as_rows(fields, is_sqlite=is_sqlite, parameter=parameter)

        table, run = task_instance.c, dag_run.c
        now = bindparam("now", type_=UtcDateTime)
        ids = rows_of(id=int)
        self.fence = (
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
        rows = rows_of(id=int, old=str, max_tries=int, is_placeholder=bool)
        is_placeholder = rows.c.is_placeholder.is_(True) if not is_sqlite else rows.c.is_placeholder == 1
        self.send_back = (
            update(task_instance)
            .where(table.id == rows.c.id, table.state == rows.c.old)
            .values(
                state=TaskState.SCHEDULED,
                state_reason=None,
                ready=False,
                not_before=None,
                waits_for=None,
                generation=table.generation + 1,
                max_tries=rows.c.max_tries,
                map_index=case((is_placeholder, -1), else_=table.map_index),
                map_value=case((is_placeholder, null()), else_=table.map_value),
                queued_at=None,
                start_date=None,
                end_date=None,
                updated_at=now,
            )
            .returning(table.id)
        )
        rows = rows_of(id=int, old=str, state=str, reason=str, was_over=bool)
        was_over = rows.c.was_over.is_(True) if not is_sqlite else rows.c.was_over == 1
        self.end = (
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
        ids = rows_of(id=int)
        self.forget_outputs = delete(xcom).where(xcom.c.task_instance_id.in_(select(ids.c.id)))
        ids = rows_of(id=int)
        self.requeue_runs = (
            update(dag_run)
            .where(run.id.in_(select(ids.c.id)))
            .values(
                state=RunState.QUEUED,
                state_reason=None,
                message=None,
                outputs=None,
                queued_at=now,
                start_date=None,
                end_date=None,
                timeout_at=None,
                updated_at=now,
            )
        )
        rows = rows_of(id=int, state=str, reason=str, message=str)
        self.end_runs = (
            update(dag_run)
            .where(run.id == rows.c.id)
            .values(
                state=rows.c.state,
                state_reason=rows.c.reason,
                message=rows.c.message,
                outputs=None,
                end_date=func.coalesce(run.end_date, now),
                timeout_at=None,
                updated_at=now,
            )
            .returning(run.id, run.parent_attempt_id)
        )
        self._build_recount(rows_of)

    def _build_recount(self, rows_of: Any) -> None:
        table, run = task_instance.c, dag_run.c
        rows = rows_of(run=int, task=int, total=int, **{state.value: int for state in TASK_FINISHED})
        self.recount = (
            update(task_instance)
            .where(table.dag_run_id == rows.c.run, table.task_index == rows.c.task)
            .values(up_total=rows.c.total, **{f"up_{state}": rows.c[state.value] for state in TASK_FINISHED})
        )
        runs, tasks = rows_of("runs", id=int), rows_of("tasks", id=int)
        running = rows_of("runs", id=int)
        self.find_ready = (
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
                # Whoever was parked is asked again.
                state_reason=None,
            )
        )
        tasks = rows_of("tasks", task_id=str)
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
        self.wake_blocked = update(task_instance).where(table.id.in_(blocked)).values(ready=True, state_reason=None)


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)
