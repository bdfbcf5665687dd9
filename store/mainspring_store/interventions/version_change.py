"""Version change: a run goes on with another version of its DAG.

- A task keeps its instances and their history. The task id identifies the task, because its index may change.
- A new task gets an instance. The instances of a removed task become `removed`.
- A task that became mapped, or stopped being mapped, restarts.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, cached_property
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Select,
    Update,
    case,
    insert,
    literal_column,
    null,
    select,
    update,
)

from mainspring.definition.model import Task
from mainspring.errors import Conflict
from mainspring.params import resolve_params
from mainspring.run_priority import RANKS_OF_PRIORITY
from mainspring.selection import Instance
from mainspring.states import TASK_ACTIVE, TASK_FINISHED, TaskState
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.interventions.targets import Shape, TargetRun
from mainspring_store.state.instance_plan import PLAN_FIELDS, STATE_FIELDS, initial_state, plan_rows
from mainspring_store.state.run_removal import remove_unused_inline
from mainspring_store.tables import dag_run, task_instance

__all__ = ["VersionChange", "change_version", "write_version_changes"]


@dataclass(frozen=True)
class VersionChange:
    """A run before and after the change of its version."""

    old_run: TargetRun
    run: TargetRun
    """The run in terms of the new version. An added task has an instance with id 0. Instances of removed tasks come
    last, at indexes beyond the tasks of the version."""

    @property
    def to_remove(self) -> Sequence[Instance]:
        """Instances of removed tasks, except instances already in state `removed`."""
        count = len(self.run.shape.tasks)
        return [
            instance
            for instance in self.run.instances
            if instance.task_index >= count and instance.state is not TaskState.REMOVED
        ]

    @property
    def added(self) -> Sequence[int]:
        """Indexes of the added tasks."""
        return [instance.task_index for instance in self.run.instances if not instance.id]

    @cached_property
    def moved_indexes(self) -> Mapping[int, int]:
        """Old task index -> new task index, of every task with an instance."""
        new_indexes = {instance.id: instance.task_index for instance in self.run.instances}
        return {instance.task_index: new_indexes[instance.id] for instance in self.old_run.instances}

    @property
    def remapped(self) -> Mapping[int, Sequence[Instance]]:
        """Tasks that became mapped, stopped being mapped, or are in a mapped group of other tasks: task index ->
        instances, except removed ones."""
        remapped: dict[int, Sequence[Instance]] = {}
        for task, instances in self._instances_of_tasks():
            present = [instance for instance in instances if instance.state is not TaskState.REMOVED]
            old_task = self.old_run.shape.definition.tasks.get(task.task_id)
            if present and old_task is not None and _mapping(self.old_run, old_task) != _mapping(self.run, task):
                remapped[task.index] = present
        return remapped

    def restarted(self, cleared: Collection[int]) -> Mapping[int, Sequence[Instance]]:
        """Tasks that restart from a single fresh instance: task index -> the instances to replace.

        The first instance to replace becomes the fresh instance. These tasks restart:

        - completely cleared mapped tasks and mapped groups, because the new version may compute different items
        - tasks that became mapped, or stopped being mapped, and those of a mapped group that has other tasks now
        - tasks whose instances are all `removed`

        cleared: ids of the cleared instances.
        """
        restarted: dict[int, Sequence[Instance]] = dict(self.remapped)
        kept = {
            instance.task_index
            for instance in self.run.instances
            if not (instance.id in cleared or instance.state in (TaskState.SCHEDULED, TaskState.REMOVED))
        }
        for task, instances in self._instances_of_tasks():
            present = [instance for instance in instances if instance.state is not TaskState.REMOVED]
            if not present:
                restarted[task.index] = instances[:1]
            elif task.is_mapped and kept.isdisjoint(self.run.shape.graph.mapped_with(task.index)):
                restarted[task.index] = present
        return restarted

    def _instances_of_tasks(self) -> Iterator[tuple[Task, Sequence[Instance]]]:
        by_task: dict[int, list[Instance]] = {}
        for instance in self.run.instances:
            if instance.id:
                by_task.setdefault(instance.task_index, []).append(instance)
        return ((task, by_task[task.index]) for task in self.run.shape.tasks if task.index in by_task)


def _mapping(run: TargetRun, task: Task) -> tuple[bool, Sequence[str]]:
    """Whether a task is mapped, and the tasks that are expanded together with it."""
    graph = run.shape.graph
    return task.is_mapped, sorted(graph.task_ids[index] for index in graph.mapped_with(task.index))


def change_version(run: TargetRun, latest: Shape) -> VersionChange:
    """Compute the change of a run to the version `latest`. Writes nothing."""
    ids = {row.task_id for row in run.rows.values()}
    tasks = latest.definition.tasks
    removed = sorted(ids - tasks.keys())
    indexes = {**latest.graph.index, **{task_id: len(tasks) + place for place, task_id in enumerate(removed)}}
    instances = [replace(instance, task_index=indexes[run.rows[instance.id].task_id]) for instance in run.instances]
    instances += (
        Instance(
            id=0,
            task_index=task.index,
            map_index=-1,
            state=initial_state(task)[0],
        )
        for task in latest.tasks
        if task.task_id not in ids
    )
    instances.sort(key=lambda instance: (instance.task_index, instance.map_index))
    return VersionChange(run, replace(run, shape=latest, instances=instances))


@cache
def _select_waiting_instances(is_sqlite: bool) -> Select[Any]:
    table = task_instance.c
    rows = as_rows({"id": int}, is_sqlite=is_sqlite)
    return select(table.id).where(
        table.dag_run_id.in_(select(rows.c.id)),
        table.state == literal_column("'scheduled'"),
        table.waits_for.is_not(None),
    )


@cache
def _select_confs(is_sqlite: bool) -> Select[Any]:
    rows = as_rows({"id": int}, is_sqlite=is_sqlite)
    return select(dag_run.c.id, dag_run.c.conf).where(dag_run.c.id.in_(select(rows.c.id)))


@cache
def _update_versions_of_runs(is_sqlite: bool) -> Update:
    run = dag_run.c
    fields = {"id": int, "version": int, "params": str, "max_active_tasks": int, "added": int, "handlers": int}
    rows = as_rows(fields, is_sqlite=is_sqlite)
    return (
        update(dag_run)
        .where(run.id == rows.c.id)
        .values(
            dag_version_id=rows.c.version,
            debounce_key=null(),
            params=rows.c.params,
            max_active_tasks=rows.c.max_active_tasks,
            tasks_total=run.tasks_total + rows.c.added,
            tasks_unfinished=run.tasks_unfinished + rows.c.added - rows.c.handlers,
        )
    )


@cache
def _negate_task_indexes(is_sqlite: bool) -> Update:
    table = task_instance.c
    rows = as_rows({"id": int}, is_sqlite=is_sqlite)
    return update(task_instance).where(table.dag_run_id.in_(select(rows.c.id))).values(task_index=-1 - table.task_index)


def _ranks_of_run(key: ColumnElement[int]) -> ColumnElement[int]:
    """What the priority of the run takes from the rank of its instances."""
    priority = select(dag_run.c.priority).where(dag_run.c.id == key).scalar_subquery()
    return priority * literal_column(str(RANKS_OF_PRIORITY))


_PLACE_FIELDS: Mapping[str, type] = {"run": int, "before": int, "task_index": int}
_KEPT_FIELDS = ("wake_on", "operator", "pool", "pool_slots", "queue", "executor")


@cache
def _update_kept_instances(is_sqlite: bool) -> Update:
    table = task_instance.c
    place = {name: kind for name, kind in _PLACE_FIELDS.items() if name != "task_index"}
    rows = as_rows({**PLAN_FIELDS, **place}, is_sqlite=is_sqlite)
    retries = table.max_tries + rows.c.max_tries
    return (
        update(task_instance)
        .where(table.dag_run_id == rows.c.run, table.task_index == -1 - rows.c.before)
        .values(
            task_index=rows.c.task_index,
            **{name: rows.c[name] for name in _KEPT_FIELDS},
            rank=rows.c.rank - _ranks_of_run(rows.c.run),
            max_tries=case(
                (table.state.in_(TASK_FINISHED), table.max_tries),
                (retries < table.try_number, table.try_number),
                else_=retries,
            ),
            # A scheduler may have decided the instance by the old version, and may now wait for the lock of the run.
            # A new generation invalidates the decision.
            generation=table.generation + case((table.state == TaskState.SCHEDULED, 1), else_=0),
        )
    )


@cache
def _update_removed_instances(is_sqlite: bool) -> Update:
    table = task_instance.c
    rows = as_rows(_PLACE_FIELDS, is_sqlite=is_sqlite)
    return (
        update(task_instance)
        .where(table.dag_run_id == rows.c.run, table.task_index == -1 - rows.c.before)
        .values(task_index=rows.c.task_index)
    )


@cache
def _insert_added_instances(is_sqlite: bool) -> Insert:
    names = [*PLAN_FIELDS, *STATE_FIELDS]
    rows = as_rows({**PLAN_FIELDS, **STATE_FIELDS, "run": int, "at": datetime}, is_sqlite=is_sqlite)
    return insert(task_instance).from_select(
        [*names, "dag_run_id", "updated_at"],
        select(
            *(rows.c[name] if name != "rank" else rows.c.rank - _ranks_of_run(rows.c.run) for name in names),
            rows.c.run,
            rows.c["at"],
        ),
    )


def write_version_changes(
    connection: Connection, version_changes: Sequence[VersionChange], *, moved_ids: Collection[int], now: datetime
) -> None:
    """Pin the runs to the new version; the caller holds the locks of the runs and of their instances.

    The caller moves instances afterwards, and then recounts upstream counters and readiness.

    moved_ids: ids of the instances moved afterwards by the caller.

    Raises:
        Conflict: An instance outside of `moved_ids` is under way: its executor uses the old version.
        InvalidParams: The conf of a run does not fit the new version.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    runs = {"rows": dump_rows({"id": version_change.run.key} for version_change in version_changes)}
    _refuse_under_way(version_changes, moved_ids, set(connection.scalars(_select_waiting_instances(is_sqlite), runs)))
    confs = {row.id: row.conf for row in connection.execute(_select_confs(is_sqlite), runs)}
    pins = [_pin(version_change, confs[version_change.run.key]) for version_change in version_changes]
    connection.execute(_update_versions_of_runs(is_sqlite), {"rows": dump_rows(pins)})
    # Two tasks must never share an index, not even within a statement. No task has a negative index, so the instances
    # move to negative indexes first.
    connection.execute(_negate_task_indexes(is_sqlite), runs)
    latest = version_changes[0].run.shape
    plan = list(plan_rows(latest.definition, latest.graph))
    kept, removed = _moves(version_changes, plan)
    connection.execute(_update_kept_instances(is_sqlite), {"rows": dump_rows(kept)})
    connection.execute(_update_removed_instances(is_sqlite), {"rows": dump_rows(removed)})
    added = [
        {**plan[index], "run": version_change.run.key, "at": now}
        for version_change in version_changes
        for index in version_change.added
    ]
    connection.execute(_insert_added_instances(is_sqlite), {"rows": dump_rows(added)})
    remove_unused_inline(connection, sorted({change.old_run.shape.version_id for change in version_changes}))


def _refuse_under_way(
    version_changes: Sequence[VersionChange], moved_ids: Collection[int], waiting: Collection[int]
) -> None:
    for version_change in version_changes:
        for instance in version_change.run.instances:
            is_active = instance.state in TASK_ACTIVE or instance.state is TaskState.DEFERRED
            if (is_active or instance.id in waiting) and instance.id not in moved_ids:
                run = version_change.run
                raise Conflict(
                    f"task '{run.rows[instance.id].task_id}' of run '{run.run_id}' is under way with the version that "
                    "the run has; clear it too, or wait for its end"
                )


def _pin(version_change: VersionChange, conf: Mapping[str, Any]) -> Mapping[str, Any]:
    definition = version_change.run.shape.definition
    return {
        "id": version_change.run.key,
        "version": version_change.run.shape.version_id,
        "params": orjson.dumps(resolve_params(definition.params, conf)).decode(),
        "max_active_tasks": definition.max_active_tasks,
        "added": len(version_change.added),
        "handlers": sum(version_change.run.shape.tasks[index].handler is not None for index in version_change.added),
    }


def _moves(
    version_changes: Sequence[VersionChange], plan: Sequence[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Rows of the kept tasks, with their plan, and rows of the removed tasks, with their indexes only."""
    kept: list[Mapping[str, Any]] = []
    removed: list[Mapping[str, Any]] = []
    for version_change in version_changes:
        for old_index, index in version_change.moved_indexes.items():
            place = {"run": version_change.run.key, "before": old_index, "task_index": index}
            if index >= len(plan):
                removed.append(place)
                continue
            old_task = version_change.old_run.shape.definition.tasks.get(plan[index]["task_id"])
            more_retries = plan[index]["max_tries"] - old_task.retries if old_task is not None else 0
            kept.append({**plan[index], **place, "max_tries": more_retries})
    return kept, removed
