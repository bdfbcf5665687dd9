"""Mark: task instances and runs get the result that somebody says they have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mainspring.run_ends import blame, run_result
from mainspring.selection import Instance, Wanted, chosen, decided_without_running
from mainspring.states import RUN_FINISHED, TASK_FINISHED, RunState, StateReason, TaskState
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
from mainspring_store.resources.dags import Versions
from mainspring_store.resources.notes import note_instances

__all__ = ["Mark", "mark", "mark_run", "preview_mark", "requeue_run"]

_BAD = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """What to mark, and as what."""

    state: TaskState
    """success, failed or skipped."""
    runs: RunsWanted = field(default_factory=RunsWanted)
    tasks: TasksWanted = field(default_factory=TasksWanted)
    note: str | None = None
    """For the instances; None leaves theirs."""


def preview_mark(database: Database, versions: Versions, dag_id: str, request: Mark) -> list[int]:
    """Ids of the instances that `mark` would change now, by run, task and map index. Raises as `mark`."""
    runs, wanted = _meant(database, versions, dag_id, request)
    with database.read() as connection:
        found = load_runs(connection, runs, is_locking=False)
    return [one.id for run in found for one in _marked(run, wanted, request.state)]


def mark(database: Database, versions: Versions, dag_id: str, request: Mark, *, by: str, now: datetime) -> list[int]:
    """Give instances a result; returns the ids of those that had another one, by run, task and map index.

    Live attempts are fenced, as by a clear. What a trigger rule had ended downstream without running it is decided
    again; what has run downstream is left as it is. A run that had ended begins again if something of it is to be
    decided, and otherwise gets the state that its instances now make; it never becomes a success while a cancel, a
    time limit or a mark of the run keeps an instance from running. A success or skip upstream of such instances lets
    the run go on with all of them.

    by: who says so; told with the attempts that this stops.

    Raises:
        NotFound: There is no such DAG, run or task.
        InvalidInput: Too many runs or instances at once.
    """
    runs, wanted = _meant(database, versions, dag_id, request)
    with database.write() as connection:
        found = load_runs(connection, runs, is_locking=True)
        changes = _changes(request.state, by, now)
        ids: list[int] = []
        for run in found:
            marked = _marked(run, wanted, request.state)
            if marked:
                _mark_instances(changes, run, marked, request.state)
            ids += (one.id for one in marked)
        if ids:
            changes.apply(connection)
            if request.note is not None:
                note_instances(connection, ids, request.note, now=now)
    return ids


def mark_run(
    database: Database, versions: Versions, dag_id: str, run_id: str, state: RunState, *, by: str, now: datetime
) -> bool:
    """End a run as success or failed now, or give one that has ended the other state; returns whether it changed.

    What runs or waits to run again gets the run's state, what has not started is skipped, with the reason
    `run_marked`. A run that is to be a success has no failure left: instances that failed become success too.

    Raises:
        NotFound: There is no such run.
    """
    runs = find_runs(database, versions, dag_id, RunsWanted(run_id=run_id))
    with database.write() as connection:
        for run in load_runs(connection, runs, is_locking=True):
            if run.state is state:
                return False
            result = TaskState(state.value)
            changes = _changes(result, by, now)
            for one in run.instances:
                new = _in_marked_run(one, result)
                if new is not None:
                    changes.end(run, one, *new)
            changes.end_run(run, state, StateReason.MARKED, f"marked {state} by {by}")
            changes.apply(connection)
            return True
    return False


def requeue_run(database: Database, versions: Versions, dag_id: str, run_id: str, *, now: datetime) -> bool:
    """Queue a run that has ended; its instances keep their results, so it ends again as they say. What the end of the
    run prevented from running goes on. Returns False, changing nothing, when the run has not ended.

    Raises:
        NotFound: There is no such run.
    """
    runs = find_runs(database, versions, dag_id, RunsWanted(run_id=run_id))
    with database.write() as connection:
        for run in load_runs(connection, runs, is_locking=True):
            if run.state not in RUN_FINISHED:
                return False
            changes = _changes(TaskState.SCHEDULED, "", now)
            for instance in run.prevented:
                changes.send_back(run, instance)
            changes.requeue_run(run)
            changes.apply(connection)
            return True
    return False


def _changes(state: TaskState, by: str, now: datetime) -> Changes:
    return Changes(
        now=now,
        fence_reason=StateReason.MARKED,
        fence_message=f"stopped, because its task instance was marked {state} by {by}",
    )


def _meant(
    database: Database, versions: Versions, dag_id: str, request: Mark
) -> tuple[Mapping[int, Shape], Mapping[int, Wanted]]:
    runs = find_runs(database, versions, dag_id, request.runs)
    return runs, wanted_in(runs.values(), request.tasks)


def _marked(run: TargetRun, wanted: Mapping[int, Wanted], state: TaskState) -> list[Instance]:
    found = chosen(run.shape.graph, run.instances, wanted[run.shape.version_id], branches=run.shape.branches)
    return [one for one in found if one.state is not state or one.was_prevented]


def _mark_instances(changes: Changes, run: TargetRun, marked: Sequence[Instance], state: TaskState) -> None:
    for one in marked:
        changes.end(run, one, state, StateReason.MARKED)
    ids = {one.id for one in marked}
    others = [one for one in run.instances if one.id not in ids]
    changed = {one.task_index for one in marked}
    lets_go_on = state is not TaskState.FAILED
    again = {
        one.id: one for one in decided_without_running(run.shape.graph, others, changed, with_prevented=lets_go_on)
    }
    prevented = {one.id: one for one in others if one.was_prevented}
    if again:
        again |= prevented
    for one in again.values():
        changes.send_back(run, one)
    if run.state not in RUN_FINISHED:
        return  # the scheduler ends it when nothing is left to do
    if again:
        changes.requeue_run(run)
    elif prevented and run.state is RunState.FAILED:
        return  # the run keeps the reason for which it was ended
    else:
        _end_anew(changes, run, [(one.task_index, state if one.id in ids else one.state) for one in run.instances])


def _end_anew(changes: Changes, run: TargetRun, states: Iterable[tuple[int, TaskState]]) -> None:
    """The run's state as its instances now make it."""
    result, culprits = run_result(run.shape.graph, run.shape.tasks, states)
    if result is RunState.SUCCESS and run.state is not result and run.shape.definition.outputs:
        changes.requeue_run(run)  # its declared outputs are the scheduler's to evaluate
    elif result is RunState.SUCCESS and run.state is not result:
        changes.end_run(run, result, StateReason.MARKED, None)
    elif result is RunState.FAILED and (run.state is not result or run.reason is StateReason.TASK_FAILED):
        changes.end_run(run, result, StateReason.TASK_FAILED, blame(culprits))


def _in_marked_run(instance: Instance, result: TaskState) -> tuple[TaskState, StateReason] | None:
    """What an instance becomes when its run is marked; None = it stays."""
    if instance.state is TaskState.SCHEDULED or (result is TaskState.SUCCESS and instance.was_prevented):
        return TaskState.SKIPPED, StateReason.RUN_MARKED
    if instance.state not in TASK_FINISHED or (result is TaskState.SUCCESS and instance.state in _BAD):
        return result, StateReason.MARKED
    return None
