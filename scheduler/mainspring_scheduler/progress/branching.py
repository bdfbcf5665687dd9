"""Branches: which tasks a branch leaves out, and their skip."""

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
    """The ids a branch chose: one id, a list of ids, or nothing (`null`, `[]`).

    Raises:
        ExpressionError: It is something else, or names a task that is not directly downstream.
    """
    applied_decisions = [] if value is None else [value] if isinstance(value, str) else value
    downstream = [version.tasks[one].task_id for one in version.graph.downstream[index]]
    if not isinstance(applied_decisions, list | tuple) or not all(isinstance(one, str) for one in applied_decisions):
        raise ExpressionError(f"a branch must choose a task id or a list of task ids, not {value!r}")
    unknown = [one for one in applied_decisions if one not in downstream]
    if unknown:
        raise ExpressionError(
            f"the branch chose '{unknown[0]}', which is not directly downstream of it; known: {', '.join(downstream)}"
        )
    return list(applied_decisions)


def left_out(version: Version, index: int, applied_decisions: Sequence[str]) -> list[int]:
    """Task indexes to skip: direct downstream that was not chosen and is not behind what was chosen.

    As in Airflow: a task that joins a chosen way with one that was left out still runs.
    """
    graph = version.graph
    kept: set[int] = set()
    ahead = [graph.index[task_id] for task_id in applied_decisions]
    while ahead:
        task = ahead.pop()
        if task not in kept:
            kept.add(task)
            ahead.extend(graph.downstream[task])
    return [task for task in graph.downstream[index] if task not in kept]


def followed_branch(version: Version, index: int, report: Finished) -> tuple[Finished, Sequence[str] | None]:
    """What the report of a branch by callable chose; a choice that cannot be followed makes it a failure."""
    if report.outcome is not Outcome.SUCCESS:
        return report, None
    try:
        return report, chosen_tasks(version, index, report.outputs.get("return_value"))
    except ExpressionError as exc:
        failure = replace(
            report, outcome=Outcome.FAILED, reason=StateReason.OUTPUT_INVALID, message=str(exc), outputs={}
        )
        return failure, None


def skip_left_out(
    scheduling: Pass,
    version: Version,
    dag_run_id: int,
    task_index: int,
    applied_decisions: Sequence[str],
    now: datetime,
) -> None:
    """Skip what a branch did not choose, and collect what follows from it. To be called after everything else that
    was decided in one statement with the branch has been written: it may be among what is left out."""
    for instance in scheduling.limits.skip_tasks(dag_run_id, left_out(version, task_index, applied_decisions), now=now):
        scheduling.effects.moved(
            instance,
            TaskState.SCHEDULED,
            TaskState.SKIPPED,
            at=now,
            downstream=version.graph.downstream[instance.task_index],
            reason=StateReason.BRANCH,
        )
        scheduling.unblock(version.definition.dag_id, version.tasks[instance.task_index].task_id)


def is_mapped_branch(version: Version, task_index: int) -> bool:
    """Whether the instances of the task choose together."""
    task = version.tasks[task_index]
    return task.is_mapped and task.type == TaskType.BRANCH


def follow_mapped_branches(scheduling: Pass, ended: Iterable[tuple[Version, int, int]], now: datetime) -> None:
    """Skip what no instance of a mapped branch chose, once all of its instances have ended. To be called as
    `skip_left_out`.

    ended: (version, run, task index) of each instance of a mapped branch that ended in this statement.
    """
    branches = {(run_id, index): version for version, run_id, index in ended}
    for (run_id, index), version in sorted(branches.items(), key=lambda branch: branch[0]):
        applied_decisions = _chosen_together(scheduling, version, run_id, index)
        if applied_decisions is not None:
            skip_left_out(scheduling, version, run_id, index, applied_decisions, now)


def _chosen_together(scheduling: Pass, version: Version, run_id: int, task_index: int) -> Sequence[str] | None:
    """What the instances of a mapped branch chose; None = nothing is to be skipped, because an instance has not ended
    yet, or one failed, or was marked, so that no choice of it is known. A skipped instance chooses nothing."""
    states: dict[int, TaskState] = {}
    decision_types: dict[int, Sequence[str]] = {}
    for _, map_index, state, key, value in scheduling.runs.outputs(run_id, [task_index]):
        states[map_index] = state
        if state is TaskState.SUCCESS and key == "return_value":
            decision_types[map_index] = chosen_tasks(version, task_index, orjson.loads(value))
    successes = {map_index for map_index, state in states.items() if state is TaskState.SUCCESS}
    is_known = all(state in (TaskState.SUCCESS, TaskState.SKIPPED) for state in states.values())
    if not is_known or not successes or successes != decision_types.keys():
        return None
    return list(dict.fromkeys(task_id for decision in decision_types.values() for task_id in decision))
