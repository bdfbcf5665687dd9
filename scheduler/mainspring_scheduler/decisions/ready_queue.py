"""The order of decisions on ready instances: by priority, then by age, with a fair share for each DAG."""

from collections import Counter
from collections.abc import Mapping, Sequence

from mainspring_store.scheduling import Candidate, Pass

__all__ = ["ReadyQueue"]

BATCH_MIN, BATCH_MAX = 16, 1024
"""Bounds for the number of instances that a round reads for each executor."""
_GROWTH = 4


class ReadyQueue:
    """Reads ready instances, separately for each executor, so that a backlog of an executor delays no other executor.

    Fair share: a DAG that filled more than half of a batch is dominant. It gets at most half of the next batch while
    other DAGs have ready instances. The other DAGs share the rest in turns; the DAG that waits longest comes first. A
    backlog of ten thousand instances thus delays other DAGs by a batch or two.

    Batch size: batches grow while decisions use them up, and shrink while most of a batch stays unused. Otherwise a run
    with a thousand ready instances and a single free slot would cost a thousand reads for each start.
    """

    def __init__(self, executors: Sequence[str]) -> None:
        """executors: names of the available executors. The first runs the tasks that name no executor."""
        self._executors = tuple(executors)
        self._dominant_dags: dict[str, _DominantDag] = {}
        self._batch_max = BATCH_MIN

    def take(self, scheduling: Pass, capacity: Mapping[str, int]) -> tuple[list[Candidate], list[str]]:
        """Ready instances in order, as many as fit, and the executors with possibly more ready instances.

        The first executor also gets the instances that name an unavailable executor; their decision fails them.
        """
        candidates, at_limit = [], []
        for name in self._executors:
            free = min(capacity.get(name, 0), self._batch_max)
            limit = max(free, 1)
            batch = self._batch(scheduling, name, limit)
            candidates += batch
            if len(batch) >= limit:
                at_limit.append(name)
                if free > 0:
                    self._dominant_dags.setdefault(name, _DominantDag()).note(batch)
            else:
                self._dominant_dags.pop(name, None)
        if len(self._executors) > 1:
            candidates.sort(key=lambda candidate: (candidate.rank, candidate.id))
        return candidates, at_limit

    def note_used(self, count: int) -> None:
        """Adapt the batch size. count: candidates of the last `take` that led to a decision."""
        if 2 * count >= self._batch_max:
            self._batch_max = min(self._batch_max * _GROWTH, BATCH_MAX)
        elif _GROWTH * count < self._batch_max:
            self._batch_max = max(self._batch_max // 2, BATCH_MIN)

    def _batch(self, scheduling: Pass, name: str, limit: int) -> list[Candidate]:
        first, *further = self._executors
        of_executor = {"excluded_executors": further} if name == first else {"executor": name}
        dominant_dags = self._dominant_dags.get(name)
        if dominant_dags is None or dominant_dags.dag_id is None:
            return scheduling.candidates.ready(limit, **of_executor)
        of_others, of_all = scheduling.candidates.ready_beside(dominant_dags.dag_id, limit, **of_executor)
        share = dominant_dags.in_turn(of_others)[: (limit + 1) // 2]
        return list({candidate.id: candidate for candidate in (*share, *of_all)}.values())[:limit]


class _DominantDag:
    """The dominant DAG in the recent full batches of one executor, and when each DAG was last served."""

    def __init__(self) -> None:
        self.dag_id: str | None = None
        self._batches = 0
        self._served: dict[str, int] = {}

    def note(self, batch: Sequence[Candidate]) -> None:
        self._batches += 1
        counts = Counter(candidate.dag_id for candidate in batch)
        self._served.update(dict.fromkeys(counts, self._batches))
        dag_id, count = counts.most_common(1)[0]
        # Without a DAG above half, the previous dominant DAG stays dominant.
        if 2 * count > len(batch):
            self.dag_id = dag_id

    def in_turn(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Sort candidates into rounds with a candidate of each DAG; in a round, the least recently served DAG first."""
        turns = Counter[str]()
        keys = {}
        for candidate in candidates:
            turns[candidate.dag_id] += 1
            keys[candidate.id] = (turns[candidate.dag_id], self._served.get(candidate.dag_id, 0))
        return sorted(candidates, key=lambda candidate: keys[candidate.id])
