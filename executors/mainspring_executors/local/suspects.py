"""Which tasks may have killed a task host.

A host that dies says nothing about the cause, and several tasks may have run in it. A task that ran in two hosts that
died is a suspect: its next tries run alone, each in a host of its own, so that the death of this host has one cause.
The memory is the executor's own: it is bounded, and a restart of the scheduler clears it.
"""

from collections import OrderedDict
from collections.abc import Iterable

from mainspring.attempts import Attempt

__all__ = ["Suspects", "TaskKey", "key_of"]

TaskKey = tuple[str, str, str, int]
"""DAG id, run id, task id and map index: what the tries of one task instance have in common."""

_LOSSES_TO_SUSPECT = 2
_REMEMBERED = 10_000
_PAUSE_SECONDS = (0.2, 1.0, 2.0, 5.0, 10.0)
"""Before a suspect starts, by how many hosts have died around it since it became one."""


def key_of(attempt: Attempt) -> TaskKey:
    return attempt.dag_id, attempt.run_id, attempt.task_id, attempt.map_index


class Suspects:
    """Counts, for each task instance, the hosts that died while it ran in them. Any other end clears the count."""

    def __init__(self) -> None:
        self._losses: OrderedDict[TaskKey, int] = OrderedDict()

    def note_loss(self, keys: Iterable[TaskKey]) -> None:
        """One host has died, and these tasks ran in it."""
        for key in set(keys):
            self._losses[key] = self._losses.pop(key, 0) + 1
            if len(self._losses) > _REMEMBERED:
                self._losses.popitem(last=False)

    def acquit(self, key: TaskKey) -> None:
        """This task has ended while its host lived."""
        self._losses.pop(key, None)

    def is_suspect(self, key: TaskKey) -> bool:
        """Whether the next try of this task must run alone."""
        return self._losses.get(key, 0) >= _LOSSES_TO_SUSPECT

    def pause_seconds(self, key: TaskKey) -> float:
        """How long the next try of a suspect must wait."""
        beyond = self._losses.get(key, 0) - _LOSSES_TO_SUSPECT
        return _PAUSE_SECONDS[max(0, min(beyond, len(_PAUSE_SECONDS) - 1))]
