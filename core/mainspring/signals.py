"""Signals: named values that clients send to a run, and for which tasks of type `wait` wait."""

from collections.abc import Mapping, Sequence

from mainspring.definition.model import Definition, TaskType

__all__ = ["KEPT_MAX", "VALUE_BYTES_MAX", "signals_of"]

VALUE_BYTES_MAX = 64 * 1024
"""Of the value of a signal, as JSON."""
KEPT_MAX = 1_000
"""Signals of a run that no wait has taken."""


def signals_of(definition: Definition) -> Mapping[str, Sequence[int]]:
    """Name of each signal for which a task waits -> indexes of these tasks."""
    indexes: dict[str, list[int]] = {}
    for task in definition.tasks.values():
        name = task.payload.source.get("signal") if task.type == TaskType.WAIT else None
        if name is not None:
            indexes.setdefault(name, []).append(task.index)
    return indexes
