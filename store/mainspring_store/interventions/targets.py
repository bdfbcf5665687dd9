"""The runs and task instances that a request means, read from the store."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import Connection, Select, func, select

from mainspring.definition.model import Definition, Task, TaskType
from mainspring.errors import Conflict, InvalidInput, NotFound, Problem
from mainspring.graph import Graph
from mainspring.selection import Instance, Wanted
from mainspring.states import RunState, StateReason, TaskState
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.transactions import Database
from mainspring_store.queries.dags import require_dag
from mainspring_store.queries.runs import run_not_found
from mainspring_store.resources.dags import Versions
from mainspring_store.state.effects import lock_runs
from mainspring_store.tables import dag_run, task_instance

__all__ = ["RunsWanted", "Shape", "TargetRun", "TasksWanted", "find_runs", "load_runs", "wanted_in"]

RUNS_MAX = 1_000
INSTANCES_MAX = 100_000
"""Of all runs of one request together; what is more must be asked for in parts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunsWanted:
    """Some runs of one DAG. All of them when nothing is given."""

    run_id: str | None = None
    include_past: bool = False
    """Also runs with an earlier logical date than the one named."""
    include_future: bool = False
    start: datetime | None = None
    """Of the logical date, or of `run_after` where there is none; both ends included."""
    end: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TasksWanted:
    """Some task instances of each of these runs."""

    task_ids: Sequence[str | tuple[str, int]] | None = None
    """Task ids, or pairs of task id and map index; None = all tasks."""
    include_upstream: bool = False
    include_downstream: bool = False
    states: frozenset[TaskState] | None = None
    """None = in any state."""


class Shape:
    """What of a version decides what a request means."""

    def __init__(self, version_id: int, definition: Definition) -> None:
        self.version_id = version_id
        self.definition = definition
        self.tasks: Sequence[Task] = tuple(definition.tasks.values())

    @cached_property
    def graph(self) -> Graph:
        return Graph.of(self.definition.tasks)

    @cached_property
    def branches(self) -> frozenset[int]:
        return frozenset(task.index for task in self.tasks if task.type == TaskType.BRANCH)

    @cached_property
    def mapped(self) -> Sequence[int]:
        return [task.index for task in self.tasks if task.is_mapped]


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetRun:
    """One run with all its instances, as they stand under its lock."""

    key: int
    dag_id: str
    run_id: str
    state: RunState
    reason: StateReason | None
    shape: Shape
    instances: Sequence[Instance]
    """By task and map index."""
    rows: Mapping[int, Any]
    """Instance id -> `task_id`, `try_number`, `pool`, `pool_slots`, `operator`."""

    @property
    def prevented(self) -> Sequence[Instance]:
        """Instances that the end of the run kept from running."""
        return [instance for instance in self.instances if instance.was_prevented]


def find_runs(database: Database, versions: Versions, dag_id: str, wanted: RunsWanted) -> Mapping[int, Shape]:
    """Key -> shape of each run that is meant; none is a normal answer when no run is named.

    Reads definitions, so it is called before a lock is taken; `load_runs` finds out when a version changed since.

    Raises:
        NotFound: There is no such DAG or run.
        InvalidInput: More than `RUNS_MAX` runs.
    """
    with database.read() as connection:
        require_dag(connection, dag_id)
        found = connection.execute(_runs_query(connection, dag_id, wanted)).all()
    if len(found) > RUNS_MAX:
        message = f"means more than {RUNS_MAX} runs; narrow it by dates"
        raise InvalidInput([Problem(pointer="", message=message, code="too_many")])
    shapes = {version_id: Shape(version_id, versions.definition(version_id)) for _, version_id in found}
    return {key: shapes[version_id] for key, version_id in found}


def load_runs(connection: Connection, runs: Mapping[int, Shape], *, is_locking: bool) -> list[TargetRun]:
    """The runs with their instances, ids ascending; a run that was deleted meanwhile is left out.

    is_locking: lock the runs and then their instances, as whoever changes them must.

    Raises:
        Conflict: A run was cleared to go on with another version meanwhile.
        InvalidInput: More than `INSTANCES_MAX` instances.
    """
    keys = lock_runs(connection, runs) if is_locking else runs.keys()
    statements = _statements(connection.dialect.name == "sqlite")
    ids = {"rows": dump_rows({"id": key} for key in sorted(keys))}
    instances: dict[int, list[Any]] = {}
    for row in connection.execute(statements.locked_instances if is_locking else statements.instances, ids):
        instances.setdefault(row.dag_run_id, []).append(row)
    total = sum(map(len, instances.values()))
    if total > INSTANCES_MAX:
        message = f"means runs with {total} task instances; at most {INSTANCES_MAX} at once, narrow it by dates"
        raise InvalidInput([Problem(pointer="", message=message, code="too_many")])
    return [_target(row, runs[row.id], instances.get(row.id, [])) for row in connection.execute(statements.runs, ids)]


def wanted_in(shapes: Iterable[Shape], tasks: TasksWanted) -> Mapping[int, Wanted]:
    """Version id -> what is wanted in the terms of that version; a task that it does not have is left out.

    Raises:
        NotFound: A task that none of the versions has.
    """
    known = {shape.version_id: shape for shape in shapes}
    for name in tasks.task_ids or ():
        task_id = name if isinstance(name, str) else name[0]
        if known and not any(task_id in shape.definition.tasks for shape in known.values()):
            raise NotFound(f"task '{task_id}' is in none of the runs that are meant")
    return {
        version_id: Wanted(
            tasks=_named(shape, tasks.task_ids),
            include_upstream=tasks.include_upstream,
            include_downstream=tasks.include_downstream,
            states=tasks.states,
        )
        for version_id, shape in known.items()
    }


def _named(shape: Shape, task_ids: Sequence[str | tuple[str, int]] | None) -> Mapping[int, frozenset[int] | None]:
    if task_ids is None:
        return {task.index: None for task in shape.tasks}
    named: dict[int, frozenset[int] | None] = {}
    for name in task_ids:
        task_id, map_index = (name, None) if isinstance(name, str) else name
        task = shape.definition.tasks.get(task_id)
        if task is None:
            continue
        before = named.get(task.index, frozenset())
        named[task.index] = None if map_index is None or before is None else before | {map_index}
    return named


def _runs_query(connection: Connection, dag_id: str, wanted: RunsWanted) -> Select[Any]:
    run = dag_run.c
    query = select(run.id, run.dag_version_id).where(run.dag_id == dag_id).order_by(run.id).limit(RUNS_MAX + 1)
    moment = func.coalesce(run.logical_date, run.run_after)
    if wanted.start is not None:
        query = query.where(moment >= wanted.start)
    if wanted.end is not None:
        query = query.where(moment <= wanted.end)
    if wanted.run_id is None:
        return query
    named = connection.execute(
        select(run.id, run.logical_date).where(run.dag_id == dag_id, run.run_id == wanted.run_id)
    ).one_or_none()
    if named is None:
        raise run_not_found(dag_id, wanted.run_id)
    date = named.logical_date
    if not (wanted.include_past or wanted.include_future):
        return query.where(run.id == named.id)
    if date is None:
        message = f"run '{wanted.run_id}' has no logical date, so there is no run before or after it"
        raise InvalidInput([Problem(pointer="", message=message)])
    if not wanted.include_past:
        return query.where(run.logical_date >= date)
    if not wanted.include_future:
        return query.where(run.logical_date <= date)
    return query.where(run.logical_date.is_not(None))


def _target(row: Any, shape: Shape, instances: Sequence[Any]) -> TargetRun:
    if row.dag_version_id != shape.version_id:
        raise Conflict(f"run '{row.run_id}' has gone over to another version at this moment; ask again")
    return TargetRun(
        key=row.id,
        dag_id=row.dag_id,
        run_id=row.run_id,
        state=RunState(row.state),
        reason=_reason(row.state_reason),
        shape=shape,
        instances=[
            Instance(
                id=one.id,
                task_index=one.task_index,
                map_index=one.map_index,
                state=TaskState(one.state),
                reason=_reason(one.state_reason),
            )
            for one in instances
        ],
        rows={one.id: one for one in instances},
    )


def _reason(text: str | None) -> StateReason | None:
    return None if text is None else StateReason(text)


class _Statements:
    def __init__(self, is_sqlite: bool) -> None:
        ids = as_rows({"id": int}, is_sqlite=is_sqlite)
        run, table = dag_run.c, task_instance.c
        self.runs = (
            select(run.id, run.dag_id, run.run_id, run.dag_version_id, run.state, run.state_reason)
            .where(run.id.in_(select(ids.c.id)))
            .order_by(run.id)
        )
        ids = as_rows({"id": int}, is_sqlite=is_sqlite)
        self.instances = (
            select(
                table.id,
                table.dag_run_id,
                table.task_id,
                table.task_index,
                table.map_index,
                table.state,
                table.state_reason,
                table.try_number,
                table.pool,
                table.pool_slots,
                table.operator,
            )
            .where(table.dag_run_id.in_(select(ids.c.id)))
            .order_by(table.dag_run_id, table.task_index, table.map_index)
        )
        # A retry that comes due changes its instance without the run's lock.
        self.locked_instances = self.instances.with_for_update(key_share=True, of=task_instance)


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)
