"""Definitions and graphs by version, cached in memory. A version never changes, so the cache is never stale."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mainspring.definition import load_stored
from mainspring.definition.model import Definition, Task
from mainspring.definition.secret_names import secret_names
from mainspring.graph import Graph
from mainspring.output_types import OutputTypes

__all__ = ["Version", "Versions"]

KEPT_MAX = 256


@dataclass(frozen=True, slots=True)
class Version:
    """One version with its graph and lookup tables."""

    id: int
    definition: Definition
    graph: Graph
    tasks: tuple[Task, ...]
    """By task index."""
    output_types: Mapping[int, OutputTypes]
    """Task index -> types, for tasks with declared outputs."""
    secret_names: Mapping[int, frozenset[str]]
    """Task index -> names, for tasks with secrets."""
    handlers: tuple[Task, ...]
    """Handlers of the run."""
    teardowns: tuple[Task, ...]
    """Tear-downs, by task index."""
    variable_keys: Mapping[int, frozenset[str]]
    """Task index -> keys, for tasks with variables in their expressions."""

    def setups_of(self, task: Task) -> list[int]:
        """Indexes of the set-ups of a task; none for a task that is no tear-down."""
        return [self.graph.index[name] for name in task.teardown.of] if task.teardown is not None else []

    @classmethod
    def of(cls, version_id: int, definition: Definition) -> "Version":
        tasks = tuple(definition.tasks.values())
        types = {task.index: OutputTypes(task.output_types) for task in tasks if task.output_types}
        names = {task.index: secrets for task in tasks if (secrets := secret_names(task.payload.source))}
        keys = {task.index: variables for task in tasks if (variables := task.variable_references)}
        handlers = tuple(task for task in tasks if task.handler is not None)
        teardowns = tuple(task for task in tasks if task.teardown is not None)
        return cls(version_id, definition, Graph.of(definition.tasks), tasks, types, names, handlers, teardowns, keys)


class Versions:
    """A bounded cache of versions."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Version] = OrderedDict()

    def get(self, version_id: int, load: Callable[[int], Mapping[str, Any]]) -> Version:
        """The version. On a miss, `load` reads its document.

        Raises:
            Exception: This program cannot read the stored document. Any exception of the parser can occur.
        """
        version = self._kept.get(version_id)
        if version is None:
            version = self._kept[version_id] = Version.of(version_id, load_stored(load(version_id)))
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(version_id)
        return version
