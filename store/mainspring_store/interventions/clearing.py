"""Clear: task instances run again. Earlier tries keep their rows and logs, so users can still read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mainspring.errors import Conflict
from mainspring.selection import Instance, Selection, chosen, collapsing
from mainspring.states import RUN_FINISHED, StateReason, TaskState
from mainspring_store.database.transactions import Database
from mainspring_store.interventions.changes import Changes
from mainspring_store.interventions.conf_change import ConfChange, change_conf, write_conf_changes
from mainspring_store.interventions.targets import (
    RunSelection,
    Shape,
    TargetRun,
    TaskSelection,
    find_runs,
    load_runs,
    selections_in,
)
from mainspring_store.interventions.version_change import VersionChange, change_version, write_version_changes
from mainspring_store.resources.notes import note_instances
from mainspring_store.resources.versions import Versions

__all__ = ["Clear", "clear", "clear_ended_run", "preview_clear"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Clear:
    """A request to clear instances."""

    runs: RunSelection = field(default_factory=RunSelection)
    tasks: TaskSelection = field(default_factory=TaskSelection)
    reset_dag_runs: bool = True
    """False excludes ended runs with all their instances."""
    prevent_running_task: bool = False
    """Refuse the request when a selected instance is running."""
    run_on_latest_version: bool = False
    """Runs change to the current version of the DAG. A run without a selected instance in both versions is excluded."""
    version_number: int | None = None
    """Runs change to this saved version, as with `run_on_latest_version`; None = by `run_on_latest_version`."""
    conf: Mapping[str, Any] | None = None
    """The runs, which must have ended, get this `conf` in place of their own; None keeps theirs."""
    note: str | None = None
    """Note for the instances; None keeps their notes."""


@dataclass(frozen=True, slots=True)
class Clearing:
    """The changes of a single run."""

    run: TargetRun
    """The run in terms of its next version."""
    instances: Sequence[Instance] = ()
    """Instances to reset."""
    version_change: VersionChange | None = None
    """None = the run keeps its version."""
    conf_change: ConfChange | None = None
    """None = the run keeps its `conf`."""

    @property
    def is_empty(self) -> bool:
        return not self.instances and self.version_change is None


def preview_clear(database: Database, versions: Versions, dag_id: str, request: Clear) -> list[int]:
    """Ids of the instances that `clear` would reset now, ordered by run, task and map index.

    Raises the errors of `clear`, except errors that need the locks.
    """
    selection = _Selection(database, versions, dag_id, request)
    with database.read() as connection:
        runs = load_runs(connection, selection.runs, is_locking=False)
    return [instance.id for run in runs for instance in selection.clearing(run).instances]


def clear(database: Database, versions: Versions, dag_id: str, request: Clear, *, now: datetime) -> list[int]:
    """Reset instances to scheduled for another try; returns the ids, ordered by run, task and map index.

    - A scheduled instance stays unchanged, so the request is idempotent.
    - Live attempts are fenced: later reports change nothing, and the executors stop the processes soon after.
    - A mapped task expands again when the request also clears its upstream.
    - The set-ups of the instances and their tear-downs are cleared along, as in Airflow.
    - The run also resets instances prevented from running by a cancel, a time limit or a mark of the run. Their ids
      are in the result.
    - Instances added or removed by a version change are not in the result.

    Raises:
        NotFound: The DAG, its version, a run or a task does not exist.
        Conflict: A run with a new `conf` has not ended; a selected instance is running, and the request has
            `prevent_running_task`; an unselected task is
            under way in a run with a version change; or the version was not saved.
        InvalidInput: Too many runs or instances at once.
        InvalidParams: The `conf` of a run does not fit its next version.
        ConcurrencyKeyInvalid: The concurrency key cannot be evaluated with the new `conf`.
    """
    selection = _Selection(database, versions, dag_id, request)
    with database.write() as connection:
        clearings = [selection.clearing(run) for run in load_runs(connection, selection.runs, is_locking=True)]
        if request.prevent_running_task:
            _refuse_running(clearings)
        _apply(connection, clearings, now, fence_message="stopped, because its task instance was cleared")
        ids = [instance.id for clearing in clearings for instance in clearing.instances]
        if ids and request.note is not None:
            note_instances(connection, ids, request.note, now=now)
    return ids


def clear_ended_run(connection: Connection, key: int, shape: Shape, *, latest: Shape, now: datetime) -> bool:
    """Clear all instances of an ended run within the caller's transaction; False, without a change, for other runs.

    latest: the next version of the run; may be the present version. Raises the errors of `clear`.
    """
    for run in load_runs(connection, {key: shape}, is_locking=True):
        if run.state not in RUN_FINISHED:
            return False
        tasks = selections_in([shape, latest], TaskSelection())
        _apply(connection, [_clearing(run, latest, tasks)], now, fence_message="stopped, because it was cleared")
        return True
    return False


class _Selection:
    """The selected runs of a request, and the selected tasks in each version of these runs."""

    def __init__(self, database: Database, versions: Versions, dag_id: str, request: Clear) -> None:
        self.runs = find_runs(database, versions, dag_id, request.runs)
        self._request = request
        self._latest: Shape | None = None
        shapes = {shape.version_id: shape for shape in self.runs.values()}
        number = request.version_number
        if number is not None or request.run_on_latest_version:
            target = versions.current(dag_id) if number is None else versions.numbered(dag_id, number)
            self._latest = shapes.setdefault(target.id, Shape(target.id, target.definition))
        self._wanted = selections_in(shapes.values(), request.tasks)

    def clearing(self, run: TargetRun) -> Clearing:
        if run.state in RUN_FINISHED and not self._request.reset_dag_runs:
            return Clearing(run)
        clearing = _clearing(run, self._latest or run.shape, self._wanted)
        conf = self._request.conf
        return clearing if conf is None else replace(clearing, conf_change=change_conf(clearing.run, conf))


def _clearing(run: TargetRun, latest: Shape, tasks: Mapping[int, Selection]) -> Clearing:
    instances = _chosen(run, tasks)
    if run.shape.version_id == latest.version_id:
        begun = _begun(instances)
        return Clearing(run, run.with_setups(_with_prevented(run, begun)) if begun else begun)
    version_change = change_version(run, latest)
    instances_in_latest = _chosen(version_change.run, tasks)
    if not (instances or instances_in_latest):
        return Clearing(run)
    begun = _begun(instances_in_latest)
    after = version_change.run
    return Clearing(after, after.with_setups(_with_prevented(after, begun)), version_change)


def _chosen(run: TargetRun, tasks: Mapping[int, Selection]) -> Sequence[Instance]:
    shape = run.shape
    return chosen(shape.graph, run.instances, tasks[shape.version_id], branches=shape.branches)


def _begun(instances: Sequence[Instance]) -> Sequence[Instance]:
    return [instance for instance in instances if instance.state is not TaskState.SCHEDULED]


def _with_prevented(run: TargetRun, instances: Sequence[Instance]) -> Sequence[Instance]:
    """These instances and the prevented instances, in the order of the run; without tasks missing in the version."""
    count = len(run.shape.tasks)
    ids = {instance.id for instance in instances}
    ids |= {instance.id for instance in run.prevented if instance.task_index < count}
    return [instance for instance in run.instances if instance.id in ids]


def _refuse_running(clearings: Sequence[Clearing]) -> None:
    for clearing in clearings:
        for instance in clearing.instances:
            if instance.state is TaskState.RUNNING:
                task_id = clearing.run.rows[instance.id].task_id
                raise Conflict(f"task '{task_id}' of run '{clearing.run.run_id}' runs now; nothing was cleared")


def _apply(connection: Connection, clearings: Sequence[Clearing], now: datetime, *, fence_message: str) -> None:
    changes = Changes(now=now, fence_reason=StateReason.CANCELLED, fence_message=fence_message)
    version_changes = [clearing.version_change for clearing in clearings if clearing.version_change is not None]
    # A change of the version checks the conf that the run has then.
    write_conf_changes(connection, [clearing.conf_change for clearing in clearings if clearing.conf_change is not None])
    for clearing in clearings:
        if not clearing.is_empty:
            collect(changes, clearing)
    if version_changes:
        write_version_changes(connection, version_changes, moved_ids=changes.moved, now=now)
    changes.apply(connection)


def collect(changes: Changes, clearing: Clearing) -> None:
    run = clearing.run
    ids = {instance.id for instance in clearing.instances}
    collapsed = dict(collapsing(run.shape.graph, run.instances, ids, run.shape.mapped))
    if clearing.version_change is not None:
        collapsed.update(clearing.version_change.restarted(ids))
        for instance in clearing.version_change.to_remove:
            changes.end(run, instance, TaskState.REMOVED, StateReason.CLEARED)
        changes.recount_run(run)
    for placeholder, *replaced in collapsed.values():
        changes.send_back(run, placeholder, is_placeholder=True)
        for instance in replaced:
            changes.end(run, instance, TaskState.REMOVED, StateReason.CLEARED)
    for instance in clearing.instances:
        if instance.task_index not in collapsed:
            changes.send_back(run, instance)
    changes.withdraw_handlers(run)
    if run.state in RUN_FINISHED:
        changes.requeue_run(run)
