"""Clear: task instances run again. What they did before stays to be read: each of their tries keeps its row and log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from mainspring.errors import Conflict
from mainspring.selection import Instance, Wanted, chosen, collapsing
from mainspring.states import RUN_FINISHED, StateReason, TaskState
from mainspring_store.database.transactions import Database
from mainspring_store.interventions.changes import Changes
from mainspring_store.interventions.targets import (
    RunsWanted,
    Shape,
    TargetRun,
    TasksWanted,
    find_runs,
    load_runs,
    wanted_in,
)
from mainspring_store.interventions.version_change import VersionChange, renewed, write_version_changes
from mainspring_store.resources.dags import Versions
from mainspring_store.resources.notes import note_instances

__all__ = ["Clear", "clear", "clear_ended_run", "preview_clear"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Clear:
    """What to clear, and how."""

    runs: RunsWanted = field(default_factory=RunsWanted)
    tasks: TasksWanted = field(default_factory=TasksWanted)
    reset_dag_runs: bool = True
    """False leaves runs that have ended alone, with all their instances."""
    prevent_running_task: bool = False
    """Clear nothing when one of the instances runs now."""
    run_on_latest_version: bool = False
    """Runs go on with the DAG's current version, if anything of them is meant in it or in the version they have."""
    note: str | None = None
    """For the instances; None leaves theirs."""


@dataclass(frozen=True, slots=True)
class _Clearing:
    """What is to be done to one run."""

    run: TargetRun
    """As the version sees it that it goes on with."""
    instances: Sequence[Instance] = ()
    """To be sent back."""
    version_change: VersionChange | None = None
    """None = it keeps its version."""

    @property
    def is_empty(self) -> bool:
        return not self.instances and self.version_change is None


def preview_clear(database: Database, versions: Versions, dag_id: str, request: Clear) -> list[int]:
    """Ids of the instances that `clear` would send back now, by run, task and map index. Raises as `clear`, but for
    what only its locks can tell."""
    meant = _Meant(database, versions, dag_id, request)
    with database.read() as connection:
        found = load_runs(connection, meant.runs, is_locking=False)
    return [one.id for run in found for one in meant.clearing(run).instances]


def clear(database: Database, versions: Versions, dag_id: str, request: Clear, *, now: datetime) -> list[int]:
    """Send instances back to be run again; returns their ids, by run, task and map index.

    An instance that waits to be run already is left as it is, so clearing twice is clearing once. Live attempts are
    fenced: what they still report changes nothing, and their processes are stopped soon after. A mapped task whose
    upstream is cleared with it finds its items anew. What another version adds to a run or takes from it is not among
    the ids.

    A run that goes on also runs what a cancel, a time limit or a mark of the run had prevented from running: those
    instances are sent back too, and are among the ids.

    Raises:
        NotFound: There is no such DAG, run or task.
        Conflict: One of them runs now, and `prevent_running_task` was asked for; or a task is under way that is not
            cleared, in a run that should go on with another version.
        InvalidInput: Too many runs or instances at once.
        InvalidParams: The `conf` of a run does not fit the version that it should go on with.
    """
    meant = _Meant(database, versions, dag_id, request)
    with database.write() as connection:
        found = [meant.clearing(run) for run in load_runs(connection, meant.runs, is_locking=True)]
        if request.prevent_running_task:
            _refuse_running(found)
        _apply(connection, found, now, told="stopped, because its task instance was cleared")
        ids = [one.id for clearing in found for one in clearing.instances]
        if ids and request.note is not None:
            note_instances(connection, ids, request.note, now=now)
    return ids


def clear_ended_run(connection: Connection, key: int, shape: Shape, *, latest: Shape, now: datetime) -> bool:
    """Clear all of a run, within a transaction of the caller's; False, changing nothing, when it has not ended.

    latest: what it goes on with; its own shape lets it keep its version. Raises as `clear`.
    """
    for run in load_runs(connection, {key: shape}, is_locking=True):
        if run.state not in RUN_FINISHED:
            return False
        wanted = wanted_in([shape, latest], TasksWanted())
        _apply(connection, [_clearing(run, latest, wanted)], now, told="stopped, because it was cleared")
        return True
    return False


class _Meant:
    """The runs of a request, and what it means in the terms of each version that is involved."""

    def __init__(self, database: Database, versions: Versions, dag_id: str, request: Clear) -> None:
        self.runs = find_runs(database, versions, dag_id, request.runs)
        self._request = request
        self._latest: Shape | None = None
        shapes = {shape.version_id: shape for shape in self.runs.values()}
        if request.run_on_latest_version:
            current = versions.current(dag_id)
            self._latest = shapes.setdefault(current.id, Shape(current.id, current.definition))
        self._wanted = wanted_in(shapes.values(), request.tasks)

    def clearing(self, run: TargetRun) -> _Clearing:
        if run.state in RUN_FINISHED and not self._request.reset_dag_runs:
            return _Clearing(run)
        return _clearing(run, self._latest or run.shape, self._wanted)


def _clearing(run: TargetRun, latest: Shape, wanted: Mapping[int, Wanted]) -> _Clearing:
    found = _chosen(run, wanted)
    if run.shape.version_id == latest.version_id:
        begun = _begun(found)
        return _Clearing(run, _with_prevented(run, begun) if begun else begun)
    version_change = renewed(run, latest)
    found_now = _chosen(version_change.run, wanted)
    if not (found or found_now):
        return _Clearing(run)
    return _Clearing(version_change.run, _with_prevented(version_change.run, _begun(found_now)), version_change)


def _chosen(run: TargetRun, wanted: Mapping[int, Wanted]) -> Sequence[Instance]:
    shape = run.shape
    return chosen(shape.graph, run.instances, wanted[shape.version_id], branches=shape.branches)


def _begun(instances: Sequence[Instance]) -> Sequence[Instance]:
    return [one for one in instances if one.state is not TaskState.SCHEDULED]


def _with_prevented(run: TargetRun, instances: Sequence[Instance]) -> Sequence[Instance]:
    """These and what was prevented from running, in the order of the run. Tasks that the run's version lacks stay."""
    count = len(run.shape.tasks)
    ids = {instance.id for instance in instances}
    ids |= {instance.id for instance in run.prevented if instance.task_index < count}
    return [instance for instance in run.instances if instance.id in ids]


def _refuse_running(found: Sequence[_Clearing]) -> None:
    for clearing in found:
        for one in clearing.instances:
            if one.state is TaskState.RUNNING:
                task_id = clearing.run.rows[one.id].task_id
                raise Conflict(f"task '{task_id}' of run '{clearing.run.run_id}' runs now; nothing was cleared")


def _apply(connection: Connection, found: Sequence[_Clearing], now: datetime, *, told: str) -> None:
    changes = Changes(now=now, fence_reason=StateReason.CANCELLED, fence_message=told)
    version_changes = [clearing.version_change for clearing in found if clearing.version_change is not None]
    for clearing in found:
        if not clearing.is_empty:
            _note(changes, clearing)
    if version_changes:
        write_version_changes(connection, version_changes, moved=changes.moved, now=now)
    changes.apply(connection)


def _note(changes: Changes, clearing: _Clearing) -> None:
    run = clearing.run
    ids = {one.id for one in clearing.instances}
    collapsed = dict(collapsing(run.shape.graph, run.instances, ids, run.shape.mapped))
    if clearing.version_change is not None:
        collapsed.update(clearing.version_change.begun_anew(ids))
        for one in clearing.version_change.vanished:
            changes.end(run, one, TaskState.REMOVED, StateReason.CLEARED)
        changes.renew_run(run)
    for first, *others in collapsed.values():
        changes.send_back(run, first, is_placeholder=True)
        for one in others:
            changes.end(run, one, TaskState.REMOVED, StateReason.CLEARED)
    for one in clearing.instances:
        if one.task_index not in collapsed:
            changes.send_back(run, one)
    if run.state in RUN_FINISHED:
        changes.requeue_run(run)
