"""Branches: which tasks a branch leaves out. Pure."""

from collections.abc import Sequence
from typing import Any

from mainspring.errors import ExpressionError
from mainspring_scheduler.versions import Version

__all__ = ["chosen_tasks", "left_out"]


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
