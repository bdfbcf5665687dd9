"""How a run ends. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from mainspring.definition.model import RunHandler, RunStateRule, Task
from mainspring.graph import Graph
from mainspring.states import TASK_FINISHED, RunState, StateReason, TaskState
from mainspring.trigger_rules import RuleResult, handles_failure

__all__ = [
    "MARKED_SUCCESS",
    "blame",
    "counts_as",
    "handlers_after",
    "is_from_outside",
    "owed_teardowns",
    "run_result",
    "teardown_result",
]

CULPRITS_SHOWN_MAX = 5
MARKED_SUCCESS = "marked_success"
"""The coming end of a running run that a user marked as a success: its tear-downs and handlers run before."""

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

    As in Airflow, a tear-down counts only with `fails_run`: other tear-downs never fail the run, and a task that only
    they follow is a leaf.

    tasks: by task index. states: (task index, state) of every instance; several of one index for a mapped task.
    """
    by_index: dict[int, set[TaskState]] = {}
    for index, state in states:
        # A removed instance may be of a task that the version does not have.
        seen = counts_as(tasks[index], state) if state is TaskState.FAILED else state
        by_index.setdefault(index, set()).add(seen)
    leaves = _counted_leaves(graph, tasks)
    culprits = [
        index
        for index, states in sorted(by_index.items())
        if (index in leaves and states & _BAD)
        or (
            rule is RunStateRule.ANY_FAILURE
            and TaskState.FAILED in states
            and tasks[index].counts_for_run
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


def _counted_leaves(graph: Graph, tasks: Sequence[Task]) -> frozenset[int]:
    return frozenset(
        task.index
        for task in tasks
        if task.counts_for_run and not any(tasks[index].counts_for_run for index in graph.downstream[task.index])
    )


def teardown_result(states: Iterable[TaskState]) -> RuleResult:
    """The result for a tear-down whose upstream is done, from the states of its set-ups.

    As in Airflow: without a success the tear-down is upstream_failed, or skipped when every set-up was skipped.
    """
    distinct = set(states)
    if TaskState.SUCCESS in distinct:
        return RuleResult.RUN
    return RuleResult.SKIP if distinct <= {TaskState.SKIPPED, TaskState.REMOVED} else RuleResult.UPSTREAM_FAILED


def owed_teardowns(tasks: Mapping[str, Task], states: Iterable[tuple[str, TaskState]]) -> frozenset[str]:
    """Ids of the tear-downs that must still run, although their run is ended from outside: a set-up has succeeded.

    states: (task id, state) of the instances of the run.
    """
    by_task = dict(states)
    return frozenset(
        task_id
        for task_id, task in tasks.items()
        if task.teardown is not None
        and by_task.get(task_id) not in (None, *TASK_FINISHED)
        and teardown_result(by_task[setup] for setup in task.teardown.of if setup in by_task) is RuleResult.RUN
    )


def is_from_outside(ending: str | None) -> bool:
    """Whether a coming end of a run does not follow from the states of its tasks: a cancel, a time limit, a mark."""
    return ending not in (None, RunState.SUCCESS, StateReason.TASK_FAILED)


def handlers_after(tasks: Iterable[Task], ending: str) -> list[Task]:
    """The handlers that run after an end of the run. ending: the reason of the end, `success` or `MARKED_SUCCESS`."""
    if ending in (RunState.SUCCESS, MARKED_SUCCESS):
        kind = RunHandler.ON_SUCCESS
    else:
        kind = RunHandler.ON_CANCEL if ending == StateReason.CANCELLED else RunHandler.ON_FAILURE
    return [task for task in tasks if task.handler in (kind, RunHandler.FINALLY)]
