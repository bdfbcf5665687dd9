"""Free capacity in one round of decisions: the store's figures minus the decisions of the round."""

from collections import Counter
from collections.abc import Mapping, MutableMapping

from mainspring.definition.model import SLOTLESS_TYPES, Task, TaskType
from mainspring.states import StateReason
from mainspring_store.scheduling import Candidate, Pass

__all__ = ["Capacity"]


class Capacity:
    """The capacity of executors, runs and pools, and of tasks with limits of their own."""

    def __init__(self, scheduling: Pass, executors: MutableMapping[str, int], runs: Mapping[int, int | None]) -> None:
        """runs: run -> free slots, read under the run's lock; None = use the figure in the candidate.

        The figure in a candidate is older than the lock, so another scheduler may have taken the slots since.
        """
        self._scheduling = scheduling
        self._executors = executors
        self._runs = {run_id: free for run_id, free in runs.items() if free is not None}
        self._pools: dict[str, int] = {}
        self._calls: dict[str, int] = {}
        self._active_in_run: dict[tuple[int, int], int] = {}
        self._active_in_dag: dict[tuple[str, str], int] = {}
        # Counts tasks without limits too: another version of the same task may have limits.
        self._taken_in_dag: Counter[tuple[str, str]] = Counter()
        self._locked_dags: dict[str, bool] = {}
        self._admitted: Counter[int] = Counter()
        self.has_turned_away = False
        """Whether `admits` has refused a candidate."""

    def may_decide(self, candidate: Candidate, task: Task) -> bool:
        """Whether this scheduler holds the lock for the task's limit over all runs of the DAG.

        False = another scheduler holds the lock. This scheduler could not see the uncommitted decisions of the other
        scheduler and would exceed the limit, so it leaves the candidate for a later pass.
        """
        if task.max_active_tis_per_dag is None:
            return True
        if candidate.dag_id not in self._locked_dags:
            self._locked_dags[candidate.dag_id] = self._scheduling.limits.hold_dag(candidate.dag_id)
        return self._locked_dags[candidate.dag_id]

    def admits(self, candidate: Candidate, task: Task, executor: str) -> bool:
        """Whether a slot may be available for this candidate. Avoids decisions on instances that cannot start.

        Admits at most as many candidates of a run as the run has free slots. Two kinds of candidates do not count:
        those that begin to wait without a slot, and those of a full executor, because they take no slot.
        """
        if task.type in SLOTLESS_TYPES and candidate.waits_for is None:
            return True
        if self._executors.get(executor, 0) < 1:
            return True
        run_id = candidate.dag_run_id
        if self._admitted[run_id] >= self._runs.setdefault(run_id, candidate.run_slots_free):
            self.has_turned_away = True
            return False
        self._admitted[run_id] += 1
        return True

    def take(self, candidate: Candidate, task: Task, executor: str) -> bool:
        """Take capacity for an attempt. False = the capacity does not suffice; takes nothing."""
        run = self._runs.setdefault(candidate.dag_run_id, candidate.run_slots_free)
        slots = self._pools.setdefault(candidate.pool, candidate.pool_slots_free or 0)
        if self._executors.get(executor, 0) < 1 or run < 1 or slots < candidate.pool_slots:
            return False
        self._executors[executor] -= 1
        self._runs[candidate.dag_run_id] = run - 1
        self._pools[candidate.pool] = slots - candidate.pool_slots
        self._count(candidate, task)
        return True

    def take_call(self, candidate: Candidate, task: Task) -> bool:
        """Take capacity for a `dag` task that waits for its run. False = the capacity does not suffice; takes nothing.

        The wait takes a slot of its own run, counts for the limits of its task, and takes pool slots that only `dag`
        tasks compete for.
        """
        run = self._runs.setdefault(candidate.dag_run_id, candidate.run_slots_free)
        calls = self._calls.setdefault(candidate.pool, candidate.pool_calls_free)
        if run < 1 or calls < candidate.pool_slots or not self.take_deferred(candidate):
            return False
        self._runs[candidate.dag_run_id] = run - 1
        self._calls[candidate.pool] = calls - candidate.pool_slots
        self._count(candidate, task)
        return True

    def take_deferred(self, candidate: Candidate) -> bool:
        """Take capacity for a waiting instance. Only pools with `include_deferred` count it. False takes nothing."""
        if not candidate.pool_includes_deferred:
            return True
        slots = self._pools.setdefault(candidate.pool, candidate.pool_slots_free or 0)
        if slots < candidate.pool_slots:
            return False
        self._pools[candidate.pool] = slots - candidate.pool_slots
        return True

    def _count(self, candidate: Candidate, task: Task) -> None:
        if task.max_active_tis is not None:
            self._active_in_run[candidate.dag_run_id, task.index] += 1
        self._taken_in_dag[candidate.dag_id, task.task_id] += 1

    def blocked(self, candidate: Candidate, task: Task) -> StateReason | None:
        """The limit of the task that blocks the candidate; None = no limit does."""
        if task.depends_on_past and not self._scheduling.limits.past_succeeded(candidate, task.task_id):
            return StateReason.DEPENDS_ON_PAST
        return StateReason.MAX_ACTIVE_TIS if self.is_at_limit(candidate, task) else None

    def is_at_limit(self, candidate: Candidate, task: Task) -> bool:
        """Whether as many instances of the task are active as `max_active_tis` or `max_active_tis_per_dag` allows."""
        if task.max_active_tis is not None and self._in_run(candidate, task) >= task.max_active_tis:
            return True
        limit = task.max_active_tis_per_dag
        return limit is not None and self._in_dag(candidate, task) >= limit

    def _in_run(self, candidate: Candidate, task: Task) -> int:
        key = (candidate.dag_run_id, task.index)
        if key not in self._active_in_run:
            self._active_in_run[key] = self._scheduling.limits.active_in_run(
                candidate, with_calls=task.type == TaskType.DAG
            )
        return self._active_in_run[key]

    def _in_dag(self, candidate: Candidate, task: Task) -> int:
        key = (candidate.dag_id, task.task_id)
        if key not in self._active_in_dag:
            self._active_in_dag[key] = self._scheduling.limits.active_in_dag(*key, with_calls=task.type == TaskType.DAG)
        return self._active_in_dag[key] + self._taken_in_dag[key]
