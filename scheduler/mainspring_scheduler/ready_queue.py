"""The order in which ready instances are decided: by priority, then age, and so that no DAG crowds out the others."""

from collections import Counter
from collections.abc import Mapping, Sequence

from mainspring_store.scheduling import Candidate, Pass

__all__ = ["ReadyQueue"]

BATCH_MAX = 1024
"""Instances taken at one time for each executor."""


class ReadyQueue:
    """Reads what is ready, for each executor for itself: the backlog of one neither hides nor slows the others.

    A DAG that filled more than half of a batch is a crowd: in the next batch others come first, up to half of it. So a
    backlog of ten thousand instances delays an instance of another DAG by one batch.
    """

    def __init__(self, executors: Sequence[str]) -> None:
        """executors: names of those that are offered; the first carries what asks for none."""
        self._executors = tuple(executors)
        self._crowds: dict[str, str | None] = {}

    def take(self, scheduling: Pass, room: Mapping[str, int]) -> tuple[list[Candidate], list[str]]:
        """What is ready, in order, as many as there is room for, and the executors that may have more. What asks for
        an executor that is not offered counts as the first's."""
        found, at_limit = [], []
        for name in self._executors:
            limit = min(max(room.get(name, 0), 1), BATCH_MAX)
            batch = self._batch(scheduling, name, limit)
            found += batch
            is_full = len(batch) >= limit
            if is_full:
                at_limit.append(name)
            self._crowds[name] = _crowd(batch, self._crowds.get(name)) if is_full else None
        if len(self._executors) > 1:
            found.sort(key=lambda candidate: (candidate.rank, candidate.id))
        return found, at_limit

    def _batch(self, scheduling: Pass, name: str, limit: int) -> list[Candidate]:
        first, *others = self._executors
        crowd = self._crowds.get(name)
        if name == first:
            return scheduling.candidates.ready(limit, besides=others, crowd=crowd)
        return scheduling.candidates.ready(limit, executor=name, crowd=crowd)


def _crowd(batch: Sequence[Candidate], before: str | None) -> str | None:
    """The DAG that has more than half of a full batch; where none has, the one before it still is."""
    dag_id, count = Counter(candidate.dag_id for candidate in batch).most_common(1)[0]
    return dag_id if 2 * count > len(batch) else before
