"""Definitions and graphs by version, kept in memory. A version never changes, so what is kept is never stale."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mainspring.definition import load_stored
from mainspring.definition.model import Definition, Task
from mainspring.graph import Graph

__all__ = ["Version", "Versions"]

KEPT_MAX = 256


@dataclass(frozen=True, slots=True)
class Version:
    """One version, ready to be asked."""

    id: int
    definition: Definition
    graph: Graph
    tasks: tuple[Task, ...]
    """By task index."""


class Versions:
    """A bounded cache; a miss is refilled from the store, so it is never the truth about anything."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Version] = OrderedDict()

    def get(self, version_id: int, load: Callable[[int], Mapping[str, Any]]) -> Version:
        """The version; `load` reads its document when it is not in memory.

        Raises:
            Exception: whatever reading a stored document that this program does not understand raises.
        """
        version = self._kept.get(version_id)
        if version is None:
            definition = load_stored(load(version_id))
            version = Version(version_id, definition, Graph.of(definition.tasks), tuple(definition.tasks.values()))
            self._kept[version_id] = version
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(version_id)
        return version
