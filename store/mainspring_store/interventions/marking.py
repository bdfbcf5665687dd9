"""Mark: a user gives task instances and runs another result."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mainspring.run_ends import MARKED_SUCCESS, blame, handlers_after, owed_teardowns, run_result
from mainspring.selection import Instance, Selection, chosen, decided_without_running
from mainspring.states import RUN_FINISHED, TASK_FINISHED, RunState, StateReason, TaskState
from mainspring_store.database.transactions import Database
from mainspring_store.interventions.changes import Changes
from mainspring_store.interventions.targets import (
    RunSelection,
    Shape,
    TargetRun,
    TaskSelection,
    find_runs,
    load_runs,
    selections_in,
)
from mainspring_store.resources.notes import note_instances
from mainspring_store.resources.versions import Versions

__all__ = ["Mark", "mark", "mark_run", "preview_mark", "requeue_run"]

_BAD = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A request to mark instances."""

    state: TaskState
    """success, failed or skipped."""
    runs: RunSelection = field(default_factory=RunSelection)
    tasks: TaskSelection = field(default_factory=TaskSelection)
    note: str | None = None
    """Note for the instances; None keeps their notes."""


def preview_mark(database: Database, versions: Versions, dag_id: str, request: Mark) -> list[int]:
    """Ids of the instances that `mark` would change now, ordered by run, task and map index.

    Raises the errors of `mark`.
    """
    shapes, tasks = _select(database, versions, dag_id, request)
    with database.read() as connection:
        runs = load_runs(connection, shapes, is_locking=False)
    return [instance.id for run in runs for instance in _marked(run, tasks, request.state)]


def mark(database: Database, versions: Versions, dag_id: str, request: Mark, *, by: str, now: datetime) -> list[int]:
    """Give instances a result; returns the ids of the changed instances, ordered by run, task and map index.

    - Live attempts are fenced, as by a clear.
    - The scheduler decides downstream instances again if a trigger rule ended them without running; downstream
      instances that have run stay unchanged.
    - An ended run is queued again when the scheduler has an instance to decide. Otherwise the run gets the state
      computed from its instances.
    - A set-up whose tear-down has run is sent back too, when a task that needs the set-up runs again.
    - A run never becomes a success while a cancel, a time limit or a mark of the run prevents an instance from running.
      A success or skip upstream of prevented instances lets the run go on with all prevented instances.

    by: name of the user, for the message of stopped attempts.

    Raises:
        NotFound: The DAG, a run or a task does not exist.
        InvalidInput: Too many runs or instances at once.
    """
    shapes, tasks = _select(database, versions, dag_id, request)
    with database.write() as connection:
        runs = load_runs(connection, shapes, is_locking=True)
        changes = _changes(request.state, by, now)
        ids: list[int] = []
        for run in runs:
            marked = _marked(run, tasks, request.state)
            if marked:
                _mark_instances(changes, run, marked, request.state)
            ids += (instance.id for instance in marked)
        if ids:
            changes.apply(connection)
            if request.note is not None:
                note_instances(connection, ids, request.note, now=now)
    return ids


def mark_run(
    database: Database, versions: Versions, dag_id: str, run_id: str, state: RunState, *, by: str, now: datetime
) -> bool:
    """End a run as success or failed, or change the state of an ended run; returns whether the run changed.

    A running run with handlers for this end, or with tear-downs whose set-up succeeded, ends only after these. A second
    mark ends the handlers.

    Started unfinished instances get the state of the run. Unstarted instances are skipped with the reason `run_marked`.
    In a run marked as a success, failed instances become a success too.

    Raises:
        NotFound: The run does not exist.
    """
    runs = find_runs(database, versions, dag_id, RunSelection(run_id=run_id))
    with database.write() as connection:
        for run in load_runs(connection, runs, is_locking=True):
            # A cancel that has begun fails the run after its handlers.
            if run.state is state or (state is RunState.FAILED and run.is_ending):
                return False
            result = TaskState(state.value)
            changes = _changes(result, by, now)
            ending = MARKED_SUCCESS if state is RunState.SUCCESS else StateReason.MARKED
            owed = _owed(run)
            for instance in run.instances:
                new = _in_marked_run(instance, result, is_owed=instance.task_index in owed)
                if new is not None:
                    changes.end(run, instance, *new)
            message = f"marked {state} by {by}"
            if owed or _has_handlers(run, ending):
                changes.begin_end(run, ending, message)
            else:
                changes.end_run(run, state, StateReason.MARKED, message)
            changes.apply(connection)
            return True
    return False


def requeue_run(database: Database, versions: Versions, dag_id: str, run_id: str, *, now: datetime) -> bool:
    """Queue an ended run; returns False, without a change, when the run has not ended.

    Instances keep their results, and the results decide the state of the run again. Instances prevented by the end of
    the run now run.

    Raises:
        NotFound: The run does not exist.
    """
    runs = find_runs(database, versions, dag_id, RunSelection(run_id=run_id))
    with database.write() as connection:
        for run in load_runs(connection, runs, is_locking=True):
            if run.state not in RUN_FINISHED:
                return False
            changes = _changes(TaskState.SCHEDULED, "", now)
            for instance in run.with_setups(run.prevented, only_used=True):
                changes.send_back(run, instance)
            changes.withdraw_handlers(run)
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


def _select(
    database: Database, versions: Versions, dag_id: str, request: Mark
) -> tuple[Mapping[int, Shape], Mapping[int, Selection]]:
    runs = find_runs(database, versions, dag_id, request.runs)
    return runs, selections_in(runs.values(), request.tasks)


def _marked(run: TargetRun, tasks: Mapping[int, Selection], state: TaskState) -> list[Instance]:
    instances = chosen(run.shape.graph, run.instances, tasks[run.shape.version_id], branches=run.shape.branches)
    return [instance for instance in instances if instance.state is not state or instance.was_prevented]


def _mark_instances(changes: Changes, run: TargetRun, marked: Sequence[Instance], state: TaskState) -> None:
    for instance in marked:
        changes.end(run, instance, state, StateReason.MARKED)
    ids = {instance.id for instance in marked}
    unmarked = [instance for instance in run.instances if instance.id not in ids]
    changed = {(instance.task_index, instance.map_index) for instance in marked}
    undecided = decided_without_running(
        run.shape.graph,
        unmarked,
        changed,
        setups=run.shape.setups,
        with_prevented=state is not TaskState.FAILED,
    )
    to_reset = {instance.id: instance for instance in undecided}
    prevented = {instance.id: instance for instance in unmarked if instance.was_prevented}
    if to_reset:
        to_reset |= prevented
        needed = run.with_setups(list(to_reset.values()), only_used=True)
        to_reset = {instance.id: instance for instance in needed if instance.id not in ids}
    for instance in to_reset.values():
        changes.send_back(run, instance)
    if to_reset:
        changes.withdraw_handlers(run)
    if run.state not in RUN_FINISHED:
        return  # the scheduler ends the run after its last instance
    if to_reset:
        changes.requeue_run(run)
    elif prevented and run.state is RunState.FAILED:
        return  # the run keeps the reason of its end
    else:
        states = [(instance.task_index, state if instance.id in ids else instance.state) for instance in run.instances]
        _end_by_states(changes, run, states)


def _end_by_states(changes: Changes, run: TargetRun, states: Iterable[tuple[int, TaskState]]) -> None:
    """Set the state of the run from the states of its instances."""
    result, culprits = run_result(run.shape.graph, run.shape.tasks, states, run.shape.definition.run_state)
    if result is RunState.SUCCESS and run.state is not result and run.shape.definition.outputs:
        changes.withdraw_handlers(run)
        changes.requeue_run(run)  # only the scheduler evaluates the declared outputs
    elif result is RunState.SUCCESS and run.state is not result:
        changes.end_run(run, result, StateReason.MARKED, None)
    elif result is RunState.FAILED and (run.state is not result or run.reason is StateReason.TASK_FAILED):
        changes.end_run(run, result, StateReason.TASK_FAILED, blame(culprits))


def _owed(run: TargetRun) -> frozenset[int]:
    """Indexes of the tear-downs that a running run must still run after a mark of the run."""
    if run.state is not RunState.RUNNING or not any(task.teardown for task in run.shape.tasks):
        return frozenset()
    tasks, count = run.shape.definition.tasks, len(run.shape.tasks)
    states = [
        (run.shape.tasks[instance.task_index].task_id, instance.state)
        for instance in run.instances
        if instance.task_index < count and instance.map_index < 0
    ]
    # Those that an earlier end has left to run are removed.
    removed = {task_id for task_id, state in states if state is TaskState.REMOVED and tasks[task_id].teardown}
    return frozenset(tasks[task_id].index for task_id in removed | owed_teardowns(tasks, states))


def _has_handlers(run: TargetRun, ending: str) -> bool:
    """Whether a running run whose end has not begun has handlers for this end."""
    if run.state is not RunState.RUNNING or run.is_ending:
        return False
    return bool(handlers_after(run.shape.tasks, ending))


def _in_marked_run(instance: Instance, result: TaskState, *, is_owed: bool) -> tuple[TaskState, StateReason] | None:
    """State and reason of an instance after a mark of its run; None = unchanged.

    is_owed: the instance is a tear-down that must still run.
    """
    if is_owed:
        is_waiting = instance.state is TaskState.SCHEDULED
        return (TaskState.REMOVED, StateReason.CANCELLING) if is_waiting else None
    if instance.state is TaskState.SCHEDULED or (result is TaskState.SUCCESS and instance.was_prevented):
        return TaskState.SKIPPED, StateReason.RUN_MARKED
    if instance.state not in TASK_FINISHED or (result is TaskState.SUCCESS and instance.state in _BAD):
        return result, StateReason.MARKED
    return None
