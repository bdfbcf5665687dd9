"""Clear: task instances run again. What they did before stays to be read: each of their tries keeps its row and log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from mainspring.errors import Conflict, InvalidInput, Problem
from mainspring.selection import Instance, Wanted, chosen, collapsing
from mainspring.states import RUN_FINISHED, StateReason, TaskState
from mainspring_store.dags import Versions
from mainspring_store.database import Database
from mainspring_store.interventions.changes import Changes
from mainspring_store.interventions.notes import note_instances
from mainspring_store.interventions.targets import (
    RunsWanted,
    Shape,
    TargetRun,
    TasksWanted,
    find_runs,
    load_runs,
    wanted_in,
)

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
    """Refused when a run was made from an earlier version than the DAG's current one."""
    note: str | None = None
    """For the instances; None leaves theirs."""


def preview_clear(database: Database, versions: Versions, dag_id: str, request: Clear) -> list[int]:
    """Ids of the instances that `clear` would send back now, by run, task and map index. Raises as `clear`."""
    runs, wanted = _meant(database, versions, dag_id, request)
    with database.read() as connection:
        found = load_runs(connection, runs, is_locking=False)
    return [one.id for run in found for one in _cleared(run, wanted, request)]


def clear(database: Database, versions: Versions, dag_id: str, request: Clear, *, now: datetime) -> list[int]:
    """Send instances back to be run again; returns their ids, by run, task and map index.

    An instance that waits to be run already is left as it is, so clearing twice is clearing once. Live attempts are
    fenced: what they still report changes nothing, and their processes are stopped soon after. A mapped task whose
    upstream is cleared with it finds its items anew.

    Raises:
        NotFound: There is no such DAG, run or task.
        Conflict: One of them runs now, and `prevent_running_task` was asked for.
        InvalidInput: Too many runs or instances at once.
    """
    runs, wanted = _meant(database, versions, dag_id, request)
    with database.write() as connection:
        found = load_runs(connection, runs, is_locking=True)
        cleared = {run.key: _cleared(run, wanted, request) for run in found}
        if request.prevent_running_task:
            _refuse_running(found, cleared)
        changes = Changes(
            now=now,
            fence_reason=StateReason.CANCELLED,
            fence_message="stopped, because its task instance was cleared",
        )
        for run in found:
            if cleared[run.key]:
                _clear_run(changes, run, cleared[run.key])
        ids = [one.id for run in found for one in cleared[run.key]]
        if ids:
            _write(connection, changes, ids, request, now)
    return ids


def clear_ended_run(connection: Connection, key: int, shape: Shape, *, now: datetime) -> bool:
    """Clear all of a run, within a transaction of the caller's; False, changing nothing, when it has not ended."""
    wanted = wanted_in([shape], TasksWanted())
    for run in load_runs(connection, {key: shape}, is_locking=True):
        if run.state not in RUN_FINISHED:
            return False
        changes = Changes(now=now, fence_reason=StateReason.CANCELLED, fence_message="stopped, because it was cleared")
        _clear_run(changes, run, _cleared(run, wanted, Clear()))
        changes.apply(connection)
        return True
    return False


def _write(connection: Connection, changes: Changes, ids: Sequence[int], request: Clear, now: datetime) -> None:
    changes.apply(connection)
    if request.note is not None:
        note_instances(connection, ids, request.note, now=now)


def _meant(
    database: Database, versions: Versions, dag_id: str, request: Clear
) -> tuple[Mapping[int, Shape], Mapping[int, Wanted]]:
    runs = find_runs(database, versions, dag_id, request.runs)
    if request.run_on_latest_version:
        current = versions.current(dag_id).id
        if any(shape.version_id != current for shape in runs.values()):
            message = "a run goes on with the version that it was made from; trigger a new run to run the latest one"
            raise InvalidInput([Problem(pointer="/run_on_latest_version", message=message, code="not_supported_yet")])
    return runs, wanted_in(runs.values(), request.tasks)


def _cleared(run: TargetRun, wanted: Mapping[int, Wanted], request: Clear) -> list[Instance]:
    if run.state in RUN_FINISHED and not request.reset_dag_runs:
        return []
    shape = run.shape
    found = chosen(shape.graph, run.instances, wanted[shape.version_id], branches=shape.branches)
    return [one for one in found if one.state is not TaskState.SCHEDULED]


def _refuse_running(runs: Sequence[TargetRun], cleared: Mapping[int, Sequence[Instance]]) -> None:
    for run in runs:
        for one in cleared[run.key]:
            if one.state is TaskState.RUNNING:
                task_id = run.shape.tasks[one.task_index].task_id
                raise Conflict(f"task '{task_id}' of run '{run.run_id}' runs now; nothing was cleared")


def _clear_run(changes: Changes, run: TargetRun, cleared: Sequence[Instance]) -> None:
    ids = {one.id for one in cleared}
    collapsed = collapsing(run.shape.graph, run.instances, ids, run.shape.mapped)
    for first, *others in collapsed.values():
        changes.send_back(run, first, is_placeholder=True)
        for one in others:
            changes.end(run, one, TaskState.REMOVED, StateReason.CLEARED)
    for one in cleared:
        if one.task_index not in collapsed:
            changes.send_back(run, one)
    if run.state in RUN_FINISHED:
        changes.requeue_run(run)
