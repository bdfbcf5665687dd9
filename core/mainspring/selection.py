"""Which task instances of a run a clear or a mark means. Pure: graph, instances and wish in, instances out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mainspring.graph import Graph, ancestors
from mainspring.states import StateReason, TaskState, was_prevented

__all__ = ["Instance", "Selection", "chosen", "collapsing", "decided_without_running", "with_setups"]

MapIndexes = frozenset[int] | None
"""Map indexes of instances of a task; None = all instances of the task."""
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

    tasks: Mapping[int, MapIndexes]
    """Task index -> map indexes."""
    include_upstream: bool = False
    include_downstream: bool = False
    """Of the tasks named, directly or not; all their instances, and within a mapped group those of the same items."""
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
    relatives = _reached(graph, graph.upstream, selection.tasks) if selection.include_upstream else {}
    if selection.include_downstream:
        for task, map_indexes in _reached(graph, graph.downstream, selection.tasks).items():
            relatives[task] = _united(relatives.get(task, frozenset()), map_indexes)
    tasks = relatives.keys() | selection.tasks.keys()
    return [instance for instance in instances if _is_chosen(instance, graph, selection, relatives, tasks, branches)]


def _is_chosen(
    instance: Instance,
    graph: Graph,
    selection: Selection,
    relatives: Mapping[int, MapIndexes],
    tasks: Collection[int],
    branches: Collection[int],
) -> bool:
    if instance.state is TaskState.REMOVED or not _is_in_wanted_state(instance, selection.states):
        return False
    if instance.task_index in selection.tasks and _has(selection.tasks[instance.task_index], instance):
        return True
    if instance.task_index not in relatives or not _has(relatives[instance.task_index], instance):
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
    changed: Iterable[tuple[int, int]],
    *,
    setups: Mapping[int, Sequence[int]] | None = None,
    with_prevented: bool = False,
) -> list[Instance]:
    """Instances downstream of these that a trigger rule ended without running them, along unbroken chains. The
    scheduler decides them again after the results of `changed` have changed.

    changed: task index and map index of each instance.
    setups: index of each set-up -> indexes of its tear-downs, whose rule looks at the set-up; None = there are none.
    with_prevented: also the instances that the end of the run prevented from running.
    """
    by_task: dict[int, list[Instance]] = {}
    for instance in instances:
        by_rule = instance.state in _WITHOUT_RUNNING and instance.reason is StateReason.TRIGGER_RULE
        if by_rule or (with_prevented and instance.was_prevented):
            by_task.setdefault(instance.task_index, []).append(instance)
    result: dict[int, Instance] = {}
    pending = list(changed)
    seen = set(pending)
    while pending:
        task, map_index = pending.pop()
        for follower in (*graph.downstream[task], *(setups or {}).get(task, ())):
            has_same_item = map_index >= 0 and graph.is_in_step(task, follower)
            for instance in by_task.get(follower, ()):
                key = instance.task_index, instance.map_index
                if key not in seen and (not has_same_item or instance.map_index == map_index):
                    seen.add(key)
                    pending.append(key)
                    result[instance.id] = instance
    return list(result.values())


def collapsing(
    graph: Graph, instances: Iterable[Instance], cleared: Collection[int], mapped: Iterable[int]
) -> Mapping[int, Sequence[Instance]]:
    """Mapped tasks that must be expanded again, with their instances in order of map index, without removed instances:
    a direct upstream instance is cleared, and no instance of the task keeps what it did. The tasks of a mapped group
    are expanded again together, when this holds for all of them and an upstream instance outside of the group.

    cleared: ids of the instances that are cleared. mapped: task indexes.
    """
    by_task: dict[int, list[Instance]] = {}
    for instance in instances:
        if instance.state is not TaskState.REMOVED:
            by_task.setdefault(instance.task_index, []).append(instance)
    result: dict[int, Sequence[Instance]] = {}
    for tasks in dict.fromkeys(map(graph.mapped_with, mapped)):
        members = [instance for task in tasks for instance in by_task.get(task, ())]
        predecessors = {predecessor for task in tasks for predecessor in graph.upstream[task]} - {*tasks}
        upstream = (instance for predecessor in predecessors for instance in by_task.get(predecessor, ()))
        if (
            any(instance.map_index >= 0 for instance in members)
            and all(instance.id in cleared or instance.state is TaskState.SCHEDULED for instance in members)
            and any(instance.id in cleared for instance in upstream)
        ):
            for task in tasks:
                result[task] = sorted(by_task.get(task, ()), key=lambda instance: instance.map_index)
    return {task: instances for task, instances in result.items() if instances}


def _reached(graph: Graph, edges: Sequence[Sequence[int]], start: Mapping[int, MapIndexes]) -> dict[int, MapIndexes]:
    """Tasks reachable from `start` along the edges, and their map indexes; `start` itself only when a path leads back.
    Within a mapped group an edge leads to the same items."""
    result: dict[int, MapIndexes] = {}
    pending = list(start.items())
    while pending:
        task, map_indexes = pending.pop()
        for follower in edges[task]:
            reached = map_indexes if graph.is_in_step(task, follower) else None
            earlier = result.get(follower, frozenset())
            united = _united(earlier, reached)
            if follower not in result or united != earlier:
                result[follower] = united
                pending.append((follower, united))
    return result


def _united(first: MapIndexes, second: MapIndexes) -> MapIndexes:
    return None if first is None or second is None else first | second


def _has(map_indexes: MapIndexes, instance: Instance) -> bool:
    return map_indexes is None or instance.map_index in map_indexes


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
