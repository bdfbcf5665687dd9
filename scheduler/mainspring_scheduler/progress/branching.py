"""Branches: skip the tasks that a branch does not choose."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from mainspring.attempts import Finished, Outcome
from mainspring.definition.model import TaskType
from mainspring.errors import ExpressionError
from mainspring.states import StateReason, TaskState
from mainspring_scheduler.versions import Version
from mainspring_store.scheduling import Pass

__all__ = [
    "chosen_tasks",
    "follow_mapped_branches",
    "followed_branch",
    "is_mapped_branch",
    "left_out",
    "skip_left_out",
]


def chosen_tasks(version: Version, index: int, value: Any) -> Sequence[str]:
    """The task ids that a branch chose. A task group stands for those of its tasks that are directly downstream.

    value: an id, a list of ids, or no choice (`null`, `[]`).

    Raises:
        ExpressionError: The value is malformed, or names a task that is not directly downstream.
    """
    chosen_ids = [] if value is None else [value] if isinstance(value, str) else value
    downstream = [version.tasks[task].task_id for task in version.graph.downstream[index]]
    if not isinstance(chosen_ids, list | tuple) or not all(isinstance(task_id, str) for task_id in chosen_ids):
        raise ExpressionError(f"a branch must choose a task id or a list of task ids, not {value!r}")
    groups = version.definition.flat.groups
    followed: list[str] = []
    for chosen_id in chosen_ids:
        members = frozenset(groups[chosen_id].task_ids if chosen_id in groups else [chosen_id])
        tasks = [task_id for task_id in downstream if task_id in members]
        if not tasks:
            known = ", ".join(downstream)
            raise ExpressionError(
                f"the branch chose '{chosen_id}', which is not directly downstream of it; known: {known}"
            )
        followed += tasks
    return list(dict.fromkeys(followed))


def left_out(version: Version, index: int, chosen_ids: Sequence[str]) -> list[int]:
    """Indexes of the tasks to skip: direct downstream tasks that were not chosen and are not downstream of a chosen
    task.

    As in Airflow: a task that joins a chosen path with a skipped path still runs. A tear-down goes by its set-ups.
    """
    graph = version.graph
    kept: set[int] = set()
    to_visit = [graph.index[task_id] for task_id in chosen_ids]
    while to_visit:
        task = to_visit.pop()
        if task not in kept:
            kept.add(task)
            to_visit.extend(graph.downstream[task])
    return [task for task in graph.downstream[index] if task not in kept and version.tasks[task].teardown is None]


def followed_branch(version: Version, index: int, report: Finished) -> tuple[Finished, Sequence[str] | None]:
    """The task ids in the report of a branch by callable. An invalid choice turns the report into a failure."""
    if report.outcome is not Outcome.SUCCESS:
        return report, None
    try:
        if "return_value" in report.large:
            raise report.large["return_value"].refusal("the choice of a branch")
        return report, chosen_tasks(version, index, report.outputs.get("return_value"))
    except ExpressionError as exc:
        failure = replace(
            report, outcome=Outcome.FAILED, reason=StateReason.OUTPUT_INVALID, message=str(exc), outputs={}, large={}
        )
        return failure, None


def skip_left_out(
    scheduling: Pass,
    version: Version,
    dag_run_id: int,
    branch: tuple[int, int],
    chosen_ids: Sequence[str],
    now: datetime,
) -> None:
    """Skip the tasks that a branch did not choose, and collect the effects. The instance of a mapped branch skips only
    the instances of its own item; `follow_mapped_branches` skips the rest.

    branch: task index and map index.

    Call this after the effects of all decisions in the statement of the branch: a skipped task may be among them.
    """
    task_index, map_index = branch
    tasks = left_out(version, task_index, chosen_ids)
    if version.tasks[task_index].is_mapped:
        tasks = [task for task in tasks if version.graph.is_in_step(task_index, task)]
        _skip(scheduling, version, dag_run_id, tasks, now, map_index=map_index)
    else:
        _skip(scheduling, version, dag_run_id, tasks, now)


def _skip(
    scheduling: Pass,
    version: Version,
    dag_run_id: int,
    tasks: Sequence[int],
    now: datetime,
    *,
    map_index: int | None = None,
) -> None:
    for instance in scheduling.limits.skip_tasks(dag_run_id, tasks, map_index=map_index, now=now):
        scheduling.effects.moved(
            instance,
            TaskState.SCHEDULED,
            TaskState.SKIPPED,
            at=now,
            downstream=version.graph.downstream[instance.task_index],
            in_step=version.graph.in_step[instance.task_index],
            reason=StateReason.BRANCH,
        )
        scheduling.unblock(version.definition.dag_id, version.tasks[instance.task_index].task_id)


def is_mapped_branch(version: Version, task_index: int) -> bool:
    """Whether the task is a mapped branch: its instances choose together."""
    task = version.tasks[task_index]
    return task.is_mapped and task.type == TaskType.BRANCH


def follow_mapped_branches(scheduling: Pass, ended: Iterable[tuple[Version, int, int]], now: datetime) -> None:
    """Skip the tasks that no instance of a mapped branch chose, once all its instances have ended; without the tasks in
    the mapped group of the branch, of which each instance chooses its own.

    ended: (version, run, task index) of each instance of a mapped branch that ended in this statement. For the time of
    the call see `skip_left_out`.
    """
    branches = {(run_id, index): version for version, run_id, index in ended}
    for (run_id, index), version in sorted(branches.items(), key=lambda branch: branch[0]):
        chosen_ids = _chosen_together(scheduling, version, run_id, index)
        if chosen_ids is not None:
            tasks = left_out(version, index, chosen_ids)
            tasks = [task for task in tasks if not version.graph.is_in_step(index, task)]
            _skip(scheduling, version, run_id, tasks, now)


def _chosen_together(scheduling: Pass, version: Version, run_id: int, task_index: int) -> Sequence[str] | None:
    """The task ids that the instances of a mapped branch chose together.

    None = skip no task, because the choice of an instance is unknown: it has not ended, it failed, or a user marked it.
    A skipped instance chooses no task.
    """
    states: dict[int, TaskState] = {}
    choices: dict[int, Sequence[str]] = {}
    for _, map_index, state, key, value, _ in scheduling.runs.outputs(run_id, [task_index]):
        states[map_index] = state
        if state is TaskState.SUCCESS and key == "return_value":
            choices[map_index] = chosen_tasks(version, task_index, orjson.loads(value))
    successes = {map_index for map_index, state in states.items() if state is TaskState.SUCCESS}
    is_known = all(state in (TaskState.SUCCESS, TaskState.SKIPPED) for state in states.values())
    if not is_known or not successes or successes != choices.keys():
        return None
    return list(dict.fromkeys(task_id for choice in choices.values() for task_id in choice))
