"""Which task instances of a run a clear or a mark means. Pure: graph, instances and wish in, instances out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mainspring.graph import Graph, ancestors
from mainspring.states import StateReason, TaskState, was_prevented

__all__ = ["Instance", "Selection", "chosen", "collapsing", "decided_without_running", "with_setups"]

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
class Selection:
    """The selection of a request, in terms of a definition."""

    tasks: Mapping[int, frozenset[int] | None]
    """Task index -> map indexes; None = all instances of the task."""
    include_upstream: bool = False
    include_downstream: bool = False
    """Of the tasks named, directly or not; all their instances."""
    states: frozenset[TaskState] | None = None
    """Only instances in one of these; None = in any. `failed` also means the instances that were prevented from
    running."""


def chosen(
    graph: Graph, instances: Iterable[Instance], selection: Selection, *, branches: Collection[int] = ()
) -> list[Instance]:
    """The instances that are meant, in the order given. Removed ones never are.

    branches: task indexes of branches. A task that a branch left out is not selected as a relative. The task is
    selected by name, or together with its branch, which then decides again.
    """
    relatives = _reached(graph.upstream, selection.tasks) if selection.include_upstream else set()
    if selection.include_downstream:
        relatives |= _reached(graph.downstream, selection.tasks)
    tasks = relatives | selection.tasks.keys()
    return [instance for instance in instances if _is_chosen(instance, graph, selection, relatives, tasks, branches)]


def _is_chosen(
    instance: Instance,
    graph: Graph,
    selection: Selection,
    relatives: set[int],
    tasks: set[int],
    branches: Collection[int],
) -> bool:
    if instance.state is TaskState.REMOVED or not _is_in_wanted_state(instance, selection.states):
        return False
    if instance.task_index in selection.tasks:
        named = selection.tasks[instance.task_index]
        if named is None or instance.map_index in named:
            return True
    if instance.task_index not in relatives:
        return False
    if instance.state is TaskState.SKIPPED and instance.reason is StateReason.BRANCH:
        return any(
            predecessor in tasks and predecessor in branches for predecessor in graph.upstream[instance.task_index]
        )
    return True


def _is_in_wanted_state(instance: Instance, states: frozenset[TaskState] | None) -> bool:
    if states is None or instance.state in states:
        return True
    return TaskState.FAILED in states and instance.was_prevented


def with_setups(graph: Graph, setups: Mapping[int, Sequence[int]], cleared: Collection[int]) -> frozenset[int]:
    """Tasks to clear together with the tasks `cleared`: their set-ups, and all tear-downs of these set-ups.

    As in Airflow: a set-up of a task is upstream of the task, and has no tear-down or has a tear-down downstream of the
    task. A tear-down brings no set-up along. Where a task does not depend on its set-up directly, the tasks between are
    cleared too, so that the task waits for its set-up.

    setups: index of each set-up -> indexes of its tear-downs.
    """
    before, after = ancestors(graph.upstream), ancestors(graph.downstream)
    cleaning = _bits(task for teardowns in setups.values() for task in teardowns)
    chosen_tasks, result = 0, _bits(cleared)
    while chosen_tasks != result:
        chosen_tasks = result
        for setup, teardowns in setups.items():
            users = after[setup] & result & ~cleaning
            if teardowns:
                users &= _union(before, teardowns)
            if users:
                indirect = _members(users & ~_bits(graph.downstream[setup]))
                result |= 1 << setup | after[setup] & _union(before, indirect) & ~cleaning
            if result >> setup & 1:
                result |= _bits(teardowns)
    return frozenset(_members(result))


def decided_without_running(
    graph: Graph,
    instances: Sequence[Instance],
    changed: Iterable[int],
    *,
    setups: Mapping[int, Sequence[int]] | None = None,
    with_prevented: bool = False,
) -> list[Instance]:
    """Instances downstream of these tasks that a trigger rule ended without running them, along unbroken chains. The
    scheduler decides them again after the results of `changed` have changed.

    setups: index of each set-up -> indexes of its tear-downs, whose rule looks at the set-up; None = there are none.
    with_prevented: also the instances that the end of the run prevented from running.
    """
    by_task: dict[int, list[Instance]] = {}
    for instance in instances:
        by_rule = instance.state in _WITHOUT_RUNNING and instance.reason is StateReason.TRIGGER_RULE
        if by_rule or (with_prevented and instance.was_prevented):
            by_task.setdefault(instance.task_index, []).append(instance)
    result: list[Instance] = []
    pending, seen = list(changed), set(changed)
    while pending:
        task = pending.pop()
        for follower in (*graph.downstream[task], *(setups or {}).get(task, ())):
            if follower not in seen and follower in by_task:
                seen.add(follower)
                pending.append(follower)
                result.extend(by_task[follower])
    return result


def collapsing(
    graph: Graph, instances: Iterable[Instance], cleared: Collection[int], mapped: Iterable[int]
) -> Mapping[int, Sequence[Instance]]:
    """Mapped tasks that must be expanded again, with their instances in order of map index, without removed instances:
    a direct upstream instance is cleared, and no instance of the task keeps what it did.

    cleared: ids of the instances that are cleared. mapped: task indexes.
    """
    by_task: dict[int, list[Instance]] = {}
    for instance in instances:
        if instance.state is not TaskState.REMOVED:
            by_task.setdefault(instance.task_index, []).append(instance)
    result: dict[int, Sequence[Instance]] = {}
    for task in mapped:
        of_task = by_task.get(task, [])
        upstream = (instance for predecessor in graph.upstream[task] for instance in by_task.get(predecessor, ()))
        if (
            any(instance.map_index >= 0 for instance in of_task)
            and all(instance.id in cleared or instance.state is TaskState.SCHEDULED for instance in of_task)
            and any(instance.id in cleared for instance in upstream)
        ):
            result[task] = sorted(of_task, key=lambda instance: instance.map_index)
    return result


def _reached(edges: Sequence[Sequence[int]], start: Iterable[int]) -> set[int]:
    """Tasks reachable from `start` along the edges; `start` itself only when a path leads back."""
    result: set[int] = set()
    pending = list(start)
    while pending:
        for follower in edges[pending.pop()]:
            if follower not in result:
                result.add(follower)
                pending.append(follower)
    return result


def _bits(tasks: Iterable[int]) -> int:
    result = 0
    for task in tasks:
        result |= 1 << task
    return result


def _union(sets: Sequence[int], tasks: Iterable[int]) -> int:
    result = 0
    for task in tasks:
        result |= sets[task]
    return result


def _members(bits: int) -> list[int]:
    return [position for position, digit in enumerate(reversed(f"{bits:b}")) if digit == "1"]
