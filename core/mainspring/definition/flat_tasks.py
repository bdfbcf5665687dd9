"""The tasks of a document by full id, wherever its groups hold them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mainspring.pointers import join_pointer, split_pointer

__all__ = ["OF_MAPPING", "FlatTasks", "Group"]

OF_MAPPING = ("expand", "key")
"""Fields that a mapped group gives to the tasks in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A task group."""

    group_id: str
    display_name: str | None
    tooltip: str | None
    parent_id: str | None
    """The group around it; None = none."""
    task_ids: tuple[str, ...]
    """The tasks in the group and in the groups in it."""
    is_mapped: bool = False
    """Whether the group itself has `expand`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FlatTasks:
    """All tasks of a document by full id. Without groups the tasks of the document itself."""

    tasks: Mapping[str, Mapping[str, Any]]
    """Task id -> fields as written; `depends_on` names tasks alone. The tasks outside of groups come first."""
    groups: Mapping[str, Group] = field(default_factory=dict)
    """Group id -> group, each before the groups in it."""
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Task id -> `default_args` of the groups around the task; the inner group wins. Absent = no group around it."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Id of a task in a group, or of a group -> pointer."""
    default_places: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Pointer of the `default_args` of a group -> fields."""
    map_groups: Mapping[str, str] = field(default_factory=dict)
    """Task id -> the mapped group around the task; its `expand` and `key` are those of the group."""
    edges: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Task id -> pointer of the dependency that gave each item of `depends_on`."""

    def place(self, task_id: str) -> str:
        """Pointer of a task in the document."""
        return self.places.get(task_id) or join_pointer("/tasks", task_id)

    def moved(self, pointer: str) -> str:
        """The pointer in the document for a pointer into `tasks`."""
        keys = split_pointer(pointer)
        if len(keys) < 2 or keys[0] != "tasks":
            return pointer
        edges = self.edges.get(keys[1], ())
        if edges and len(keys) == 4 and keys[2] == "depends_on":
            return edges[int(keys[3])]
        if edges and keys[2:] == ["depends_on"] and not edges[0].startswith(f"{self.place(keys[1])}/"):
            return edges[0]  # only the groups around the task say what it waits for
        owner = self.map_groups.get(keys[1], keys[1]) if keys[2:3] and keys[2] in OF_MAPPING else keys[1]
        return self.place(owner) + join_pointer("", *keys[2:])

    def field_place(self, task_id: str, name: str) -> str:
        """Pointer of the value that a task has for a field: its own, or that of a `default_args` around it."""
        if name in self.tasks[task_id]:
            return f"{self.place(task_id)}/{name}"
        around = (at for at, fields in self.default_places.items() if name in fields)
        inner_first = sorted(around, key=len, reverse=True)
        path = self.place(task_id)
        return next(
            (f"{at}/{name}" for at in inner_first if path.startswith(at.removesuffix("default_args"))),
            f"/default_args/{name}",
        )
