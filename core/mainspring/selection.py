"""Which task instances of a run a clear or a mark means. Pure: graph, instances and wish in, instances out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mainspring.graph import Graph
from mainspring.states import StateReason, TaskState, was_prevented

__all__ = ["Instance", "Wanted", "chosen", "collapsing", "decided_without_running"]

_WITHOUT_RUNNING = frozenset({TaskState.UPSTREAM_FAILED, TaskState.SKIPPED})
"""Together with the reason `trigger_rule`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """What of a task instance a choice depends on."""

    id: int
    task_index: int
    map_index: int
    state: TaskState
    reason: StateReason | None = None

    @property
    def was_prevented(self) -> bool:
        """See `mainspring.states.was_prevented`."""
        return was_prevented(self.state, self.reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What was asked for, in the terms of one definition."""

    tasks: Mapping[int, frozenset[int] | None]
    """Task index -> map indexes; None = all instances of the task."""
    include_upstream: bool = False
    include_downstream: bool = False
    """Of the tasks named, directly or not; all their instances."""
    states: frozenset[TaskState] | None = None
    """Only instances in one of these; None = in any. `failed` also means the instances that were prevented from
    running."""


def chosen(
    graph: Graph, instances: Iterable[Instance], wanted: Wanted, *, branches: Collection[int] = ()
) -> list[Instance]:
    """The instances that are meant, in the order given. Removed ones never are.

    branches: task indexes of branches. What a branch left out is not chosen merely because it is a relative: only
        with its branch, which then decides again, or by name.
    """
    relatives = _reached(graph.upstream, wanted.tasks) if wanted.include_upstream else set()
    if wanted.include_downstream:
        relatives |= _reached(graph.downstream, wanted.tasks)
    tasks = relatives | wanted.tasks.keys()
    return [one for one in instances if _is_chosen(one, graph, wanted, relatives, tasks, branches)]


def _is_chosen(
    one: Instance, graph: Graph, wanted: Wanted, relatives: set[int], tasks: set[int], branches: Collection[int]
) -> bool:
    if one.state is TaskState.REMOVED or not _is_in_wanted_state(one, wanted.states):
        return False
    if one.task_index in wanted.tasks:
        named = wanted.tasks[one.task_index]
        if named is None or one.map_index in named:
            return True
    if one.task_index not in relatives:
        return False
    if one.state is TaskState.SKIPPED and one.reason is StateReason.BRANCH:
        return any(before in tasks and before in branches for before in graph.upstream[one.task_index])
    return True


def _is_in_wanted_state(instance: Instance, states: frozenset[TaskState] | None) -> bool:
    if states is None or instance.state in states:
        return True
    return TaskState.FAILED in states and instance.was_prevented


def decided_without_running(
    graph: Graph, instances: Sequence[Instance], changed: Iterable[int], *, with_prevented: bool = False
) -> list[Instance]:
    """What a trigger rule ended downstream of these tasks without running it, as far as an unbroken chain of such
    instances leads: they are to be decided again once the results of `changed` are others.

    with_prevented: also the instances that the end of the run prevented from running.
    """
    by_task: dict[int, list[Instance]] = {}
    for one in instances:
        by_rule = one.state in _WITHOUT_RUNNING and one.reason is StateReason.TRIGGER_RULE
        if by_rule or (with_prevented and one.was_prevented):
            by_task.setdefault(one.task_index, []).append(one)
    found: list[Instance] = []
    ahead, seen = list(changed), set(changed)
    while ahead:
        for after in graph.downstream[ahead.pop()]:
            if after not in seen and after in by_task:
                seen.add(after)
                ahead.append(after)
                found.extend(by_task[after])
    return found


def collapsing(
    graph: Graph, instances: Iterable[Instance], cleared: Collection[int], mapped: Iterable[int]
) -> Mapping[int, Sequence[Instance]]:
    """Mapped tasks whose items must be found anew, with their instances in order of map index, the removed ones
    left out: a direct upstream instance is cleared, and no instance of the task keeps what it did.

    cleared: ids of the instances that are cleared. mapped: task indexes.
    """
    by_task: dict[int, list[Instance]] = {}
    for one in instances:
        if one.state is not TaskState.REMOVED:
            by_task.setdefault(one.task_index, []).append(one)
    found: dict[int, Sequence[Instance]] = {}
    for task in mapped:
        own = by_task.get(task, [])
        upstream = (one for before in graph.upstream[task] for one in by_task.get(before, ()))
        if (
            any(one.map_index >= 0 for one in own)
            and all(one.id in cleared or one.state is TaskState.SCHEDULED for one in own)
            and any(one.id in cleared for one in upstream)
        ):
            found[task] = sorted(own, key=lambda one: one.map_index)
    return found


def _reached(edges: Sequence[Sequence[int]], start: Iterable[int]) -> set[int]:
    """Tasks that the edges lead to from `start`, which is itself left out unless they lead back to it."""
    found: set[int] = set()
    ahead = list(start)
    while ahead:
        for after in edges[ahead.pop()]:
            if after not in found:
                found.add(after)
                ahead.append(after)
    return found
