"""The order in which ready instances are decided: by priority, then age, and so that no DAG crowds out the others."""

from collections import Counter
from collections.abc import Mapping, Sequence

from mainspring_store.scheduling import Candidate, Pass

__all__ = ["ReadyQueue"]

BATCH_MIN, BATCH_MAX = 16, 1024
"""Instances taken at one time for each executor."""
_GROWTH = 4


class ReadyQueue:
    """Reads what is ready, for each executor for itself: the backlog of one neither hides nor slows the others.

    A DAG that filled more than half of a batch is a crowd: of the next batch it leaves half to others, as far as they
    have something ready, in turns: who was not served for the longest time comes first. So a backlog of ten thousand
    instances delays no other DAG by more than a batch or two.

    Batches grow while they are used up and shrink while most of them is left: what is ready in a run that has one free
    slot is not read a thousand times for the sake of one.
    """

    def __init__(self, executors: Sequence[str]) -> None:
        """executors: names of those that are offered; the first carries what asks for none."""
        self._executors = tuple(executors)
        self._dominant_dags: dict[str, _DominantDag] = {}
        self._batch_max = BATCH_MIN

    def take(self, scheduling: Pass, capacity: Mapping[str, int]) -> tuple[list[Candidate], list[str]]:
        """What is ready, in order, as many as there is room for, and the executors that may have more. What asks for
        an executor that is not offered counts as the first's."""
        found, at_limit = [], []
        for name in self._executors:
            free = min(capacity.get(name, 0), self._batch_max)
            limit = max(free, 1)
            batch = self._batch(scheduling, name, limit)
            found += batch
            if len(batch) >= limit:
                at_limit.append(name)
                if free > 0:
                    self._dominant_dags.setdefault(name, _DominantDag()).note(batch)
            else:
                self._dominant_dags.pop(name, None)
        if len(self._executors) > 1:
            found.sort(key=lambda candidate: (candidate.rank, candidate.id))
        return found, at_limit

    def note_used(self, count: int) -> None:
        """Of what was taken last, so many led to something."""
        if 2 * count >= self._batch_max:
            self._batch_max = min(self._batch_max * _GROWTH, BATCH_MAX)
        elif _GROWTH * count < self._batch_max:
            self._batch_max = max(self._batch_max // 2, BATCH_MIN)

    def _batch(self, scheduling: Pass, name: str, limit: int) -> list[Candidate]:
        first, *others = self._executors
        of_executor = {"besides": others} if name == first else {"executor": name}
        dominant_dags = self._dominant_dags.get(name)
        if dominant_dags is None or dominant_dags.dag_id is None:
            return scheduling.candidates.ready(limit, **of_executor)
        of_others, of_all = scheduling.candidates.ready_beside(dominant_dags.dag_id, limit, **of_executor)
        applied_decisions = {one.id: one for one in dominant_dags.in_turn(of_others)[: (limit + 1) // 2]}
        return list({**applied_decisions, **{one.id: one for one in of_all}}.values())[:limit]


class _DominantDag:
    """What is remembered of one executor's full batches, one after the other."""

    def __init__(self) -> None:
        self.dag_id: str | None = None
        self._batches = 0
        self._served: dict[str, int] = {}

    def note(self, batch: Sequence[Candidate]) -> None:
        self._batches += 1
        counts = Counter(candidate.dag_id for candidate in batch)
        self._served.update(dict.fromkeys(counts, self._batches))
        dag_id, count = counts.most_common(1)[0]
        # Where none has more than half, the one before it still is the crowd.
        if 2 * count > len(batch):
            self.dag_id = dag_id

    def in_turn(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Candidates round after round of their DAGs, in each round those first that were served the longest ago."""
        turns = Counter[str]()
        keys = {}
        for candidate in candidates:
            turns[candidate.dag_id] += 1
            keys[candidate.id] = (turns[candidate.dag_id], self._served.get(candidate.dag_id, 0))
        return sorted(candidates, key=lambda candidate: keys[candidate.id])
