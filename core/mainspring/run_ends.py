"""How a run ends. Pure."""

from collections.abc import Iterable, Sequence

from mainspring.definition.model import RunHandler, RunStateRule, Task
from mainspring.graph import Graph
from mainspring.states import RunState, StateReason, TaskState
from mainspring.trigger_rules import handles_failure

__all__ = ["blame", "counts_as", "handlers_after", "run_result"]

CULPRITS_SHOWN_MAX = 5

_BAD = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED})
_NOT_RUN = frozenset({TaskState.SKIPPED, TaskState.UPSTREAM_FAILED, TaskState.REMOVED})


def counts_as(task: Task, state: TaskState) -> TaskState:
    """The state that the downstream and the run see: the failure of a task with `allow_failure` counts as a success."""
    return TaskState.SUCCESS if task.allow_failure and state is TaskState.FAILED else state


def run_result(
    graph: Graph, tasks: Sequence[Task], states: Iterable[tuple[int, TaskState]], rule: RunStateRule
) -> tuple[RunState, Sequence[str]]:
    """The final state of a run whose instances are all terminal, and the ids of the tasks that made it fail.

    A leaf that is failed or upstream_failed fails the run: Airflow's rule, and all of the rule `leaves`. By
    `any_failure`, a failed task fails the run too unless a direct downstream task whose trigger rule asks for failure
    (`one_failed`, `all_failed`) ran. So a clean-up task never turns a failed run green.

    tasks: by task index. states: (task index, state) of every instance; several of one index for a mapped task.
    """
    by_index: dict[int, set[TaskState]] = {}
    for index, state in states:
        # A removed instance may be of a task that the version does not have.
        seen = counts_as(tasks[index], state) if state is TaskState.FAILED else state
        by_index.setdefault(index, set()).add(seen)
    leaves = frozenset(graph.leaves)
    culprits = [
        index
        for index, states in sorted(by_index.items())
        if (index in leaves and states & _BAD)
        or (
            rule is RunStateRule.ANY_FAILURE
            and TaskState.FAILED in states
            and not _is_handled(graph, tasks, index, by_index)
        )
    ]
    failed = [tasks[index].task_id for index in culprits]
    return (RunState.FAILED if failed else RunState.SUCCESS), failed


def blame(culprits: Sequence[str]) -> str:
    """The message of a run that failed because of these tasks."""
    names = ", ".join(f"'{task_id}'" for task_id in culprits[:CULPRITS_SHOWN_MAX])
    more = f" and {len(culprits) - CULPRITS_SHOWN_MAX} more" if len(culprits) > CULPRITS_SHOWN_MAX else ""
    return f"failed: {names}{more}"


def _is_handled(graph: Graph, tasks: Sequence[Task], index: int, by_index: dict[int, set[TaskState]]) -> bool:
    return any(
        handles_failure(tasks[downstream].trigger_rule) and not by_index[downstream] <= _NOT_RUN
        for downstream in graph.downstream[index]
    )


def handlers_after(tasks: Iterable[Task], reason: StateReason | None) -> list[Task]:
    """The handlers that run after an end of the run. reason: of the end; None = success."""
    if reason is None:
        kind = RunHandler.ON_SUCCESS
    else:
        kind = RunHandler.ON_CANCEL if reason is StateReason.CANCELLED else RunHandler.ON_FAILURE
    return [task for task in tasks if task.handler in (kind, RunHandler.FINALLY)]
