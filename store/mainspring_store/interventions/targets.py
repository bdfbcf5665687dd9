"""Read the runs and task instances selected by a request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from sqlalchemy import Connection, Select, exists, func, select

from mainspring.definition.model import Definition, Task, TaskType
from mainspring.errors import Conflict, InvalidInput, NotFound, Problem
from mainspring.graph import Graph
from mainspring.selection import Instance, Selection, with_setups
from mainspring.states import RunState, StateReason, TaskState, known_reason
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.transactions import Database
from mainspring_store.queries.dags import require_dag
from mainspring_store.queries.runs import run_not_found
from mainspring_store.resources.versions import Versions
from mainspring_store.state.effects import lock_runs
from mainspring_store.tables import dag_run, pruned_run, task_instance

__all__ = ["RunSelection", "Shape", "TargetRun", "TaskSelection", "find_runs", "load_runs", "selections_in"]

RUNS_MAX = 1_000
_NOT_RUN = frozenset({TaskState.SCHEDULED, TaskState.REMOVED, TaskState.SKIPPED, TaskState.UPSTREAM_FAILED})
INSTANCES_MAX = 100_000
"""Maximum for all runs of a request together; the client must split a larger request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSelection:
    """A selection of runs of a DAG; the default selects all runs."""

    run_id: str | None = None
    include_past: bool = False
    """Include runs with an earlier logical date than the named run."""
    include_future: bool = False
    start: datetime | None = None
    """Bounds of the logical date, or of `run_after` without a logical date; both inclusive."""
    end: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskSelection:
    """A selection of task instances in each selected run."""

    task_ids: Sequence[str | tuple[str, int]] | None = None
    """Task ids, or pairs of task id and map index; None = all tasks."""
    include_upstream: bool = False
    include_downstream: bool = False
    states: frozenset[TaskState] | None = None
    """None = any state."""


class Shape:
    """A version, with the parts of its definition that select instances."""

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
    def setups(self) -> Mapping[int, Sequence[int]]:
        """Index of each set-up -> indexes of its tear-downs."""
        setups: dict[int, list[int]] = {task.index: [] for task in self.tasks if task.is_setup}
        for task in self.tasks:
            for name in task.teardown.of if task.teardown is not None else ():
                setups[self.definition.tasks[name].index].append(task.index)
        return setups

    @cached_property
    def mapped(self) -> Sequence[int]:
        return [task.index for task in self.tasks if task.is_mapped]


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetRun:
    """A run with all its instances, read under the lock of the run (without a lock in a preview)."""

    key: int
    dag_id: str
    run_id: str
    state: RunState
    reason: StateReason | None
    is_ending: bool
    """Whether the end of the run has begun: its processes stop, or its handlers run."""
    shape: Shape
    instances: Sequence[Instance]
    """Ordered by task index and map index."""
    rows: Mapping[int, Any]
    """Instance id -> `task_id`, `try_number`, `pool`, `pool_slots`, `operator`."""

    def with_setups(self, instances: Sequence[Instance], *, only_used: bool = False) -> Sequence[Instance]:
        """These instances and the begun instances of their set-ups and tear-downs, in the order of the run. A set-up
        that a branch left out stays so.

        only_used: without the set-ups whose tear-downs have not run, so that what they made is still there.
        """
        setups = self.shape.setups
        if only_used:
            has_run = {instance.task_index for instance in self.instances if instance.state not in _NOT_RUN}
            setups = {setup: teardowns for setup, teardowns in setups.items() if not has_run.isdisjoint(teardowns)}
        if not (instances and setups):
            return instances
        cleared = {instance.task_index for instance in instances}
        added = with_setups(self.shape.graph, setups, cleared) - cleared
        ids = {instance.id for instance in instances}
        ids |= {instance.id for instance in self.instances if instance.task_index in added and _may_join(instance)}
        return [instance for instance in self.instances if instance.id in ids]

    @property
    def prevented(self) -> Sequence[Instance]:
        """Instances prevented from running by the end of the run."""
        return [instance for instance in self.instances if instance.was_prevented]


def find_runs(database: Database, versions: Versions, dag_id: str, selection: RunSelection) -> Mapping[int, Shape]:
    """Run key -> shape of each selected run; may be empty without a named run.

    Call before the transaction takes locks, because the call reads definitions. `load_runs` detects a later version
    change.

    Raises:
        NotFound: The DAG or the run does not exist.
        InvalidInput: More than `RUNS_MAX` runs.
    """
    with database.read() as connection:
        require_dag(connection, dag_id)
        rows = connection.execute(_runs_query(connection, dag_id, selection)).all()
    if len(rows) > RUNS_MAX:
        message = f"means more than {RUNS_MAX} runs; narrow it by dates"
        raise InvalidInput([Problem(pointer="", message=message, code="too_many")])
    shapes = {version_id: Shape(version_id, versions.definition(version_id)) for _, version_id in rows}
    return {key: shapes[version_id] for key, version_id in rows}


@cache
def _select_runs(is_sqlite: bool) -> Select[Any]:
    run = dag_run.c
    ids = as_rows({"id": int}, is_sqlite=is_sqlite)
    return (
        select(run.id, run.dag_id, run.run_id, run.dag_version_id, run.state, run.state_reason, run.ending)
        .where(
            run.id.in_(select(ids.c.id)),
            # Retention is deleting a run that has both rows.
            ~exists().where(pruned_run.c.dag_id == run.dag_id, pruned_run.c.run_id == run.run_id),
        )
        .order_by(run.id)
    )


@cache
def _select_instances(is_sqlite: bool, is_locking: bool) -> Select[Any]:
    table = task_instance.c
    ids = as_rows({"id": int}, is_sqlite=is_sqlite)
    instances = (
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
    # The scheduler changes an instance with a due retry without the lock of its run.
    return instances.with_for_update(key_share=True, of=task_instance) if is_locking else instances


def load_runs(connection: Connection, runs: Mapping[int, Shape], *, is_locking: bool) -> list[TargetRun]:
    """The runs with their instances, by ascending id; deleted runs, and runs that retention is deleting, are absent.

    is_locking: lock the runs and then their instances; every transaction that changes instances must lock.

    Raises:
        Conflict: A concurrent clear has changed the version of a run.
        InvalidInput: More than `INSTANCES_MAX` instances.
    """
    keys = lock_runs(connection, runs) if is_locking else runs.keys()
    is_sqlite = connection.dialect.name == "sqlite"
    ids = {"rows": dump_rows({"id": key} for key in sorted(keys))}
    instances: dict[int, list[Any]] = {}
    for row in connection.execute(_select_instances(is_sqlite, is_locking), ids):
        instances.setdefault(row.dag_run_id, []).append(row)
    total = sum(map(len, instances.values()))
    if total > INSTANCES_MAX:
        message = f"means runs with {total} task instances; at most {INSTANCES_MAX} at once, narrow it by dates"
        raise InvalidInput([Problem(pointer="", message=message, code="too_many")])
    rows = connection.execute(_select_runs(is_sqlite), ids)
    return [_target(row, runs[row.id], instances.get(row.id, [])) for row in rows]


def selections_in(shapes: Iterable[Shape], tasks: TaskSelection) -> Mapping[int, Selection]:
    """Version id -> selected tasks by their index in the version; tasks missing in a version are absent.

    Raises:
        NotFound: None of the versions has a selected task.
    """
    by_version = {shape.version_id: shape for shape in shapes}
    for name in tasks.task_ids or ():
        task_id = name if isinstance(name, str) else name[0]
        if by_version and not any(task_id in shape.definition.tasks for shape in by_version.values()):
            raise NotFound(f"task '{task_id}' is in none of the runs that are meant")
    return {
        version_id: Selection(
            tasks=_named(shape, tasks.task_ids),
            include_upstream=tasks.include_upstream,
            include_downstream=tasks.include_downstream,
            states=tasks.states,
        )
        for version_id, shape in by_version.items()
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
        map_indexes = named.get(task.index, frozenset())
        named[task.index] = None if map_index is None or map_indexes is None else map_indexes | {map_index}
    return named


def _runs_query(connection: Connection, dag_id: str, selection: RunSelection) -> Select[Any]:
    run = dag_run.c
    query = select(run.id, run.dag_version_id).where(run.dag_id == dag_id).order_by(run.id).limit(RUNS_MAX + 1)
    moment = func.coalesce(run.logical_date, run.run_after)
    if selection.start is not None:
        query = query.where(moment >= selection.start)
    if selection.end is not None:
        query = query.where(moment <= selection.end)
    if selection.run_id is None:
        return query
    named = connection.execute(
        select(run.id, run.logical_date).where(run.dag_id == dag_id, run.run_id == selection.run_id)
    ).one_or_none()
    if named is None:
        raise run_not_found(dag_id, selection.run_id)
    date = named.logical_date
    if not (selection.include_past or selection.include_future):
        return query.where(run.id == named.id)
    if date is None:
        message = f"run '{selection.run_id}' has no logical date, so there is no run before or after it"
        raise InvalidInput([Problem(pointer="", message=message)])
    if not selection.include_past:
        return query.where(run.logical_date >= date)
    if not selection.include_future:
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
        reason=known_reason(row.state_reason),
        is_ending=row.ending is not None,
        shape=shape,
        instances=[
            Instance(
                id=instance.id,
                task_index=instance.task_index,
                map_index=instance.map_index,
                state=TaskState(instance.state),
                reason=known_reason(instance.state_reason),
            )
            for instance in instances
        ],
        rows={instance.id: instance for instance in instances},
    )


def _may_join(instance: Instance) -> bool:
    """Whether a set-up or tear-down is cleared together with a task that needs it."""
    is_left_out = instance.state is TaskState.SKIPPED and instance.reason is StateReason.BRANCH
    return instance.id != 0 and instance.state not in (TaskState.SCHEDULED, TaskState.REMOVED) and not is_left_out
