"""How a run ends. Pure."""

from collections.abc import Iterable, Sequence

from mainspring.states import RunState, TaskState
from mainspring.trigger_rules import handles_failure
from mainspring_scheduler.versions import Version

__all__ = ["run_result"]

_BAD = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED})
_NOT_RUN = frozenset({TaskState.SKIPPED, TaskState.UPSTREAM_FAILED, TaskState.REMOVED})


def run_result(version: Version, states: Iterable[tuple[int, TaskState]]) -> tuple[RunState, Sequence[str]]:
    """The final state of a run whose instances are all terminal, and the ids of the tasks that made it fail.

    Airflow's rule, a leaf that is failed or upstream_failed fails the run; and a failed task fails it too unless a
    direct downstream task whose rule asks for failure (`one_failed`, `all_failed`) ran. So a clean-up task never
    turns a failed run green.

    states: (task index, state) of every instance; several of one index for a mapped task.
    """
    by_index: dict[int, set[TaskState]] = {}
    for index, state in states:
        by_index.setdefault(index, set()).add(state)
    leaves = frozenset(version.graph.leaves)
    culprits = [
        index
        for index, found in sorted(by_index.items())
        if (index in leaves and found & _BAD)
        or (TaskState.FAILED in found and not _is_handled(version, index, by_index))
    ]
    failed = [version.tasks[index].task_id for index in culprits]
    return (RunState.FAILED if failed else RunState.SUCCESS), failed


def _is_handled(version: Version, index: int, by_index: dict[int, set[TaskState]]) -> bool:
    return any(
        handles_failure(version.tasks[downstream].trigger_rule) and not by_index[downstream] <= _NOT_RUN
        for downstream in version.graph.downstream[index]
    )
