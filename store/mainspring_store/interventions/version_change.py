"""A run goes on with another version of its DAG: what becomes of its instances.

What a task did stays with it, found by its id, as the version may have moved it. New tasks get an instance, those that
are gone lose theirs; a task that became a mapped one, or is none any more, begins anew.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

import orjson
from sqlalchemy import Connection, case, insert, literal, literal_column, select, update

from mainspring.definition.model import Task
from mainspring.errors import Conflict
from mainspring.params import resolve_params
from mainspring.selection import Instance
from mainspring.states import TASK_ACTIVE, TASK_FINISHED, TaskState
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.interventions.targets import Shape, TargetRun
from mainspring_store.state.instance_plan import PLAN_FIELDS, plan_rows
from mainspring_store.tables import dag_run, task_instance

__all__ = ["VersionChange", "renewed", "write_version_changes"]


@dataclass(frozen=True)
class VersionChange:
    """One run and the version that it is to go on with."""

    before: TargetRun
    run: TargetRun
    """As the new version sees it: with an instance, of id 0, for each task that it adds; the instances of tasks that
    it does not have stand behind all others, at indexes that no task has."""

    @property
    def vanished(self) -> Sequence[Instance]:
        """Instances that the new version has no task for, and that are not removed yet."""
        count = len(self.run.shape.tasks)
        return [one for one in self.run.instances if one.task_index >= count and one.state is not TaskState.REMOVED]

    @property
    def added(self) -> Sequence[int]:
        """Indexes of the tasks that get an instance."""
        return [one.task_index for one in self.run.instances if not one.id]

    @cached_property
    def moved_indexes(self) -> Mapping[int, int]:
        """Task index before -> the one now, of every task that has an instance."""
        now = {one.id: one.task_index for one in self.run.instances}
        return {one.task_index: now[one.id] for one in self.before.instances}

    def begun_anew(self, cleared: Collection[int]) -> Mapping[int, Sequence[Instance]]:
        """Tasks to be begun with a single instance that keeps nothing, with the instances that make way for it, the
        first of which it will be: mapped tasks that are cleared as a whole, since another version may find other
        items; tasks that came to be mapped, or ceased to be; and those that had been removed.

        cleared: ids of instances.
        """
        found: dict[int, Sequence[Instance]] = {}
        for task, own in self._own_instances():
            present = [one for one in own if one.state is not TaskState.REMOVED]
            before = self.before.shape.definition.tasks.get(task.task_id)
            if not present:
                found[task.index] = own[:1]
            elif (before is not None and before.is_mapped != task.is_mapped) or (
                task.is_mapped and all(one.id in cleared or one.state is TaskState.SCHEDULED for one in present)
            ):
                found[task.index] = present
        return found

    def _own_instances(self) -> Iterator[tuple[Task, Sequence[Instance]]]:
        by_task: dict[int, list[Instance]] = {}
        for one in self.run.instances:
            if one.id:
                by_task.setdefault(one.task_index, []).append(one)
        return ((task, by_task[task.index]) for task in self.run.shape.tasks if task.index in by_task)


def renewed(run: TargetRun, latest: Shape) -> VersionChange:
    """The run as `latest` sees it. Changes nothing."""
    ids = {row.task_id for row in run.rows.values()}
    tasks = latest.definition.tasks
    gone = sorted(ids - tasks.keys())
    indexes = {**latest.graph.index, **{task_id: len(tasks) + place for place, task_id in enumerate(gone)}}
    instances = [replace(one, task_index=indexes[run.rows[one.id].task_id]) for one in run.instances]
    instances += (
        Instance(id=0, task_index=task.index, map_index=-1, state=TaskState.SCHEDULED)
        for task in latest.tasks
        if task.task_id not in ids
    )
    instances.sort(key=lambda one: (one.task_index, one.map_index))
    return VersionChange(run, replace(run, shape=latest, instances=instances))


def write_version_changes(
    connection: Connection, version_changes: Sequence[VersionChange], *, moved: Collection[int], now: datetime
) -> None:
    """Pin the runs, whose rows and instances are locked, to the new version. Counters of upstream results and
    readiness are left to whoever moves the instances.

    moved: ids of the instances that the caller moves right after this.

    Raises:
        Conflict: An instance that is not moved is under way: whoever carries it out goes by the old version.
        InvalidParams: The conf of a run does not fit the new version.
    """
    statements = _statements(connection.dialect.name == "sqlite")
    runs = {"rows": dump_rows({"id": version_change.run.key} for version_change in version_changes)}
    _refuse_under_way(version_changes, moved, set(connection.scalars(statements.waiting, runs)))
    confs = {row.id: row.conf for row in connection.execute(statements.confs, runs)}
    pins = [_pin(version_change, confs[version_change.run.key]) for version_change in version_changes]
    connection.execute(statements.pin, {"rows": dump_rows(pins)})
    # No two tasks may ever share an index, not even within a statement; below 0 there is none in the way.
    connection.execute(statements.make_way, runs)
    latest = version_changes[0].run.shape
    plan = list(plan_rows(latest.definition, latest.graph))
    kept, gone = _moves(version_changes, plan)
    connection.execute(statements.keep, {"rows": dump_rows(kept)})
    connection.execute(statements.set_aside, {"rows": dump_rows(gone)})
    added = [
        {**plan[index], "run": version_change.run.key, "at": now}
        for version_change in version_changes
        for index in version_change.added
    ]
    connection.execute(statements.add, {"rows": dump_rows(added)})


def _refuse_under_way(
    version_changes: Sequence[VersionChange], moved: Collection[int], waiting: Collection[int]
) -> None:
    for version_change in version_changes:
        for one in version_change.run.instances:
            is_under_way = one.state in TASK_ACTIVE or one.state is TaskState.DEFERRED or one.id in waiting
            if is_under_way and one.id not in moved:
                run = version_change.run
                raise Conflict(
                    f"task '{run.rows[one.id].task_id}' of run '{run.run_id}' is under way with the version that the "
                    "run has; clear it too, or wait for its end"
                )


def _pin(version_change: VersionChange, conf: Mapping[str, Any]) -> Mapping[str, Any]:
    definition = version_change.run.shape.definition
    return {
        "id": version_change.run.key,
        "version": version_change.run.shape.version_id,
        "params": orjson.dumps(resolve_params(definition.params, conf)).decode(),
        "max_active_tasks": definition.max_active_tasks,
        "added": len(version_change.added),
    }


def _moves(
    version_changes: Sequence[VersionChange], plan: Sequence[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Of each task of each run its index and what follows from it; apart, the index alone of those that are gone."""
    kept: list[Mapping[str, Any]] = []
    gone: list[Mapping[str, Any]] = []
    for version_change in version_changes:
        for before, index in version_change.moved_indexes.items():
            place = {"run": version_change.run.key, "before": before, "task_index": index}
            if index >= len(plan):
                gone.append(place)
                continue
            old = version_change.before.shape.definition.tasks.get(plan[index]["task_id"])
            retries = plan[index]["max_tries"] - old.retries if old is not None else 0
            kept.append({**plan[index], **place, "max_tries": retries})
    return kept, gone


_PLACE_FIELDS: Mapping[str, type] = {"run": int, "before": int, "task_index": int}
_KEPT_FIELDS = ("wake_on", "operator", "rank", "pool", "pool_slots", "queue", "executor")


class _Statements:
    def __init__(self, is_sqlite: bool) -> None:
        def rows_of(**fields: type) -> Any:
            return as_rows(fields, is_sqlite=is_sqlite)

        table, run = task_instance.c, dag_run.c
        rows = rows_of(id=int)
        self.waiting = select(table.id).where(
            table.dag_run_id.in_(select(rows.c.id)),
            table.state == literal_column("'scheduled'"),
            table.waits_for.is_not(None),
        )
        rows = rows_of(id=int)
        self.confs = select(run.id, run.conf).where(run.id.in_(select(rows.c.id)))
        rows = rows_of(id=int, version=int, params=str, max_active_tasks=int, added=int)
        self.pin = (
            update(dag_run)
            .where(run.id == rows.c.id)
            .values(
                dag_version_id=rows.c.version,
                params=rows.c.params,
                max_active_tasks=rows.c.max_active_tasks,
                tasks_total=run.tasks_total + rows.c.added,
                tasks_unfinished=run.tasks_unfinished + rows.c.added,
            )
        )
        rows = rows_of(id=int)
        self.make_way = (
            update(task_instance)
            .where(table.dag_run_id.in_(select(rows.c.id)))
            .values(task_index=-1 - table.task_index)
        )
        rows = rows_of(**PLAN_FIELDS, **{name: kind for name, kind in _PLACE_FIELDS.items() if name != "task_index"})
        retries = table.max_tries + rows.c.max_tries
        self.keep = (
            update(task_instance)
            .where(table.dag_run_id == rows.c.run, table.task_index == -1 - rows.c.before)
            .values(
                task_index=rows.c.task_index,
                **{name: rows.c[name] for name in _KEPT_FIELDS},
                max_tries=case(
                    (table.state.in_(TASK_FINISHED), table.max_tries),
                    (retries < table.try_number, table.try_number),
                    else_=retries,
                ),
                # Void is what was decided on it, by somebody who waits for the run's lock, with the version it had.
                generation=table.generation + case((table.state == TaskState.SCHEDULED, 1), else_=0),
            )
        )
        rows = rows_of(**_PLACE_FIELDS)
        self.set_aside = (
            update(task_instance)
            .where(table.dag_run_id == rows.c.run, table.task_index == -1 - rows.c.before)
            .values(task_index=rows.c.task_index)
        )
        rows = rows_of(**PLAN_FIELDS, run=int, at=datetime)
        self.add = insert(task_instance).from_select(
            [*PLAN_FIELDS, "dag_run_id", "state", "updated_at"],
            select(
                *(rows.c[name] for name in PLAN_FIELDS),
                rows.c.run,
                literal(TaskState.SCHEDULED.value),
                rows.c["at"],
            ),
        )


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)
