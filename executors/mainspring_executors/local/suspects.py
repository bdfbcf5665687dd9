"""Suspects: tasks that may have killed a task host.

The death of a host does not show its cause when several tasks ran in the host. A task that ran in two dying hosts is a
suspect. Its next tries run alone, each in a host of its own: when this host dies, the task is the cause. The executor
keeps the suspects in bounded memory, and a restart of the scheduler clears them.
"""

from collections import OrderedDict
from collections.abc import Iterable

from mainspring.attempts import Attempt

__all__ = ["Suspects", "TaskKey", "key_of"]

TaskKey = tuple[str, str, str, int]
"""DAG id, run id, task id and map index: the key of a task instance."""

_LOSSES_TO_SUSPECT = 2
_REMEMBERED = 10_000
_PAUSE_SECONDS = (0.2, 1.0, 2.0, 5.0, 10.0)
"""Pauses before a suspect starts, by the number of hosts that have died around it since it became a suspect."""


def key_of(attempt: Attempt) -> TaskKey:
    return attempt.dag_id, attempt.run_id, attempt.task_id, attempt.map_index


class Suspects:
    """Counts, for each task instance, the hosts that died under it. Any other end of a try clears the count."""

    def __init__(self) -> None:
        self._losses: OrderedDict[TaskKey, int] = OrderedDict()

    def note_loss(self, keys: Iterable[TaskKey]) -> None:
        """Count the death of one host for the tasks in it."""
        for key in set(keys):
            self._losses[key] = self._losses.pop(key, 0) + 1
            if len(self._losses) > _REMEMBERED:
                self._losses.popitem(last=False)

    def acquit(self, key: TaskKey) -> None:
        """Clear the count of a task that ended while its host lived."""
        self._losses.pop(key, None)

    def is_suspect(self, key: TaskKey) -> bool:
        """Whether the next try of this task must run alone."""
        return self._losses.get(key, 0) >= _LOSSES_TO_SUSPECT

    def pause_seconds(self, key: TaskKey) -> float:
        """How long the next try of a suspect must wait."""
        beyond = self._losses.get(key, 0) - _LOSSES_TO_SUSPECT
        return _PAUSE_SECONDS[max(0, min(beyond, len(_PAUSE_SECONDS) - 1))]
