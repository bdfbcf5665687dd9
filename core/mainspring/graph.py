"""The graph of a definition version, as arrays over task indexes.

No function recurses, so a chain of 10,000 tasks costs as much as a fan of 10,000 tasks. Sets of tasks are bitsets held
in Python integers: 10,000 tasks need 12 MB for all transitive upstream sets together, built once and then dropped.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heappush
from typing import Protocol

__all__ = ["Graph", "ancestors", "find_cycle", "topological_order"]

Edges = Sequence[Sequence[int]]
"""Task index -> indexes of the direct upstream or downstream tasks."""


class Node(Protocol):
    """What the graph reads of a task."""

    @property
    def depends_on(self) -> Sequence[str]: ...

    @property
    def weight_rule(self) -> str: ...

    @property
    def priority_weight(self) -> int: ...

    @property
    def map_group(self) -> str | None: ...


@dataclass(frozen=True)
class Graph:
    """Built once per definition version and shared. Every tuple is indexed by task index, in definition order."""

    task_ids: tuple[str, ...]
    upstream: tuple[tuple[int, ...], ...]
    """Direct upstream, in the order of `depends_on`."""
    downstream: tuple[tuple[int, ...], ...]
    """Direct downstream, ascending."""
    priority: tuple[int, ...]
    """Effective priority weight, by each task's weight rule; the higher goes first."""
    map_groups: tuple[str | None, ...]
    """The mapped group that holds the task; None = no mapped group."""

    @classmethod
    def of(cls, tasks: Mapping[str, Node]) -> "Graph":
        """The graph of checked tasks: every name in `depends_on` is known and there is no cycle."""
        index = {task_id: position for position, task_id in enumerate(tasks)}
        upstream = tuple(tuple(index[name] for name in task.depends_on) for task in tasks.values())
        downstream = reverse(upstream)
        return cls(
            task_ids=tuple(tasks),
            upstream=upstream,
            downstream=downstream,
            priority=_priorities(tuple(tasks.values()), upstream, downstream),
            map_groups=tuple(task.map_group for task in tasks.values()),
        )

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Task id -> index."""
        return {task_id: position for position, task_id in enumerate(self.task_ids)}

    @cached_property
    def in_step(self) -> tuple[frozenset[int], ...]:
        """Of each task the direct downstream tasks in the same mapped group: an instance comes before their instances
        with its own map index alone. Empty outside of mapped groups."""
        return tuple(
            frozenset(follower for follower in followers if self.is_in_step(task, follower))
            for task, followers in enumerate(self.downstream)
        )

    @cached_property
    def _by_map_group(self) -> Mapping[str, tuple[int, ...]]:
        members: dict[str, list[int]] = {}
        for task, group in enumerate(self.map_groups):
            if group is not None:
                members.setdefault(group, []).append(task)
        return {group: tuple(tasks) for group, tasks in members.items()}

    def is_in_step(self, task: int, other: int) -> bool:
        """Whether two tasks are in the same mapped group, so that instances with equal map indexes go together."""
        return self.map_groups[task] is not None and self.map_groups[task] == self.map_groups[other]

    def mapped_with(self, task: int) -> tuple[int, ...]:
        """The tasks that are expanded together with a mapped task, ascending; the task itself included."""
        group = self.map_groups[task]
        return (task,) if group is None else self._by_map_group[group]

    @cached_property
    def roots(self) -> tuple[int, ...]:
        """Tasks without upstream."""
        return tuple(task for task, names in enumerate(self.upstream) if not names)

    @cached_property
    def leaves(self) -> tuple[int, ...]:
        """Tasks without downstream."""
        return tuple(task for task, names in enumerate(self.downstream) if not names)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Every task after all of its upstream; ties by definition order."""
        return tuple(topological_order(self.upstream))

    @cached_property
    def position(self) -> tuple[int, ...]:
        """Of each task in `order`."""
        positions = [0] * len(self.order)
        for position, task in enumerate(self.order):
            positions[task] = position
        return tuple(positions)


def topological_order(upstream: Edges) -> list[int]:
    """Every task after all of its upstream (Kahn 1962), ties by index. Tasks on or behind a cycle are left out."""
    downstream = reverse(upstream)
    waiting = [len(names) for names in upstream]
    ready = [task for task, count in enumerate(waiting) if count == 0]
    heapify(ready)
    order: list[int] = []
    while ready:
        task = heappop(ready)
        order.append(task)
        for follower in downstream[task]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heappush(ready, follower)
    return order


def find_cycle(upstream: Edges) -> list[int] | None:
    """One cycle in the direction of the run, its first task not repeated; `None` when there is none.

    The search starts at the lowest index outside of every order, so equal graphs show equal cycles.
    """
    ordered = set(topological_order(upstream))
    if len(ordered) == len(upstream):
        return None
    task = next(task for task in range(len(upstream)) if task not in ordered)
    path: list[int] = []
    seen: dict[int, int] = {}
    # Each task left has upstream that is left too, so walking upstream must come back to a task of the path.
    while task not in seen:
        seen[task] = len(path)
        path.append(task)
        task = next(predecessor for predecessor in upstream[task] if predecessor not in ordered)
    cycle = path[seen[task] :][::-1]
    lowest = cycle.index(min(cycle))
    return cycle[lowest:] + cycle[:lowest]


def ancestors(upstream: Edges) -> list[int]:
    """For each task the bitset of all tasks before it, direct or not. The graph has no cycle."""
    sets = [0] * len(upstream)
    for task in topological_order(upstream):
        for predecessor in upstream[task]:
            sets[task] |= sets[predecessor] | 1 << predecessor
    return sets


def reverse(edges: Edges) -> tuple[tuple[int, ...], ...]:
    """The reversed edges, ascending."""
    turned: list[list[int]] = [[] for _ in edges]
    for task, names in enumerate(edges):
        for name in names:
            turned[name].append(task)
    return tuple(map(tuple, turned))


def _priorities(tasks: Sequence[Node], upstream: Edges, downstream: Edges) -> tuple[int, ...]:
    weights = [task.priority_weight for task in tasks]
    priorities = list(weights)
    for rule, edges in (("upstream", upstream), ("downstream", downstream)):
        indexes = [index for index, task in enumerate(tasks) if task.weight_rule == rule]
        if indexes:
            planes = list(_planes(weights))
            sets = ancestors(edges)
            for index in indexes:
                priorities[index] += sum((sets[index] & plane).bit_count() * value for plane, value in planes)
    return tuple(priorities)


def _planes(weights: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Split the weights into bitsets of tasks, one per binary digit and sign, so that the sum over any set of tasks is
    a few bit counts: (tasks whose weight has this binary digit, value of the digit)."""
    for sign in (1, -1):
        parts = [max(0, sign * weight) for weight in weights]
        for digit in range(max(parts, default=0).bit_length()):
            yield _bitset(part >> digit & 1 for part in parts), sign << digit


def _bitset(flags: Iterator[int]) -> int:
    return int("".join(map(str, flags))[::-1] or "0", 2)
