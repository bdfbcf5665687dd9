"""Branches: which tasks a branch leaves out, and their skip."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from mainspring.attempts import Finished, Outcome
from mainspring.errors import ExpressionError
from mainspring.states import StateReason, TaskState
from mainspring_scheduler.versions import Version
from mainspring_store.scheduling import Pass

__all__ = ["chosen_tasks", "followed_branch", "left_out", "skip_left_out"]


def chosen_tasks(version: Version, index: int, value: Any) -> Sequence[str]:
    """The ids a branch chose: one id, a list of ids, or nothing (`null`, `[]`).

    Raises:
        ExpressionError: It is something else, or names a task that is not directly downstream.
    """
    chosen = [] if value is None else [value] if isinstance(value, str) else value
    downstream = [version.tasks[one].task_id for one in version.graph.downstream[index]]
    if not isinstance(chosen, list | tuple) or not all(isinstance(one, str) for one in chosen):
        raise ExpressionError(f"a branch must choose a task id or a list of task ids, not {value!r}")
    unknown = [one for one in chosen if one not in downstream]
    if unknown:
        raise ExpressionError(
            f"the branch chose '{unknown[0]}', which is not directly downstream of it; known: {', '.join(downstream)}"
        )
    return list(chosen)


def left_out(version: Version, index: int, chosen: Sequence[str]) -> list[int]:
    """Task indexes to skip: direct downstream that was not chosen and is not behind what was chosen.

    As in Airflow: a task that joins a chosen way with one that was left out still runs.
    """
    graph = version.graph
    kept: set[int] = set()
    ahead = [graph.index[task_id] for task_id in chosen]
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
    scheduling: Pass, version: Version, dag_run_id: int, task_index: int, chosen: Sequence[str], now: datetime
) -> None:
    """Skip what a branch did not choose, and collect what follows from it. To be called after everything else that
    was decided in one statement with the branch has been written: it may be among what is left out."""
    for instance in scheduling.limits.skip_tasks(dag_run_id, left_out(version, task_index, chosen), now=now):
        scheduling.effects.moved(
            instance,
            TaskState.SCHEDULED,
            TaskState.SKIPPED,
            at=now,
            downstream=version.graph.downstream[instance.task_index],
            reason=StateReason.BRANCH,
        )
        scheduling.unpark(version.definition.dag_id, version.tasks[instance.task_index].task_id)
