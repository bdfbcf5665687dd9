"""Room left in one round of decisions: the store's figures, less what was taken since they were read."""

from collections import Counter
from collections.abc import Mapping, MutableMapping

from mainspring.definition.model import SLOTLESS_TYPES, Task, TaskType
from mainspring.states import StateReason
from mainspring_store.scheduling import Candidate, Pass

__all__ = ["Capacity"]


class Capacity:
    """Of executors, runs, pools, and of tasks that have limits of their own."""

    def __init__(self, scheduling: Pass, executors: MutableMapping[str, int], runs: Mapping[int, int | None]) -> None:
        """runs: their room as read under their locks; None = as their candidates say. What a candidate says was read
        before the lock, so another scheduler may have taken it since."""
        self._scheduling = scheduling
        self._executors = executors
        self._runs = {run_id: free for run_id, free in runs.items() if free is not None}
        self._pools: dict[str, int] = {}
        self._calls: dict[str, int] = {}
        self._active_in_run: dict[tuple[int, int], int] = {}
        self._active_in_dag: dict[tuple[str, str], int] = {}
        # Also of tasks without limits: another version of the same task may have them.
        self._taken_in_dag: Counter[tuple[str, str]] = Counter()
        self._held_dags: dict[str, bool] = {}
        self._admitted: Counter[int] = Counter()
        self.has_turned_away = False
        """Whether `admits` said no."""

    def may_judge(self, candidate: Candidate, task: Task) -> bool:
        """False = another scheduler decides now on what a limit over all runs of the DAG counts; who counted beside it
        would not see what it takes. The candidate is left for a later pass."""
        if task.max_active_tis_per_dag is None:
            return True
        if candidate.dag_id not in self._held_dags:
            self._held_dags[candidate.dag_id] = self._scheduling.limits.hold_dag(candidate.dag_id)
        return self._held_dags[candidate.dag_id]

    def admits(self, candidate: Candidate, task: Task, executor: str) -> bool:
        """Whether it is worth while to decide on this candidate: of a run not more than it has slots, apart from what
        begins to wait without one, and from what its executor has no room for and so keeps no slot from others."""
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
        """Take room for one attempt; False takes nothing."""
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
        """Take room for a `dag` task that waits for its run: of the run, of its own limits, and in the pool as far as
        other `dag` tasks leave some; False takes nothing."""
        run = self._runs.setdefault(candidate.dag_run_id, candidate.run_slots_free)
        calls = self._calls.setdefault(candidate.pool, candidate.pool_calls_free)
        if run < 1 or calls < candidate.pool_slots or not self.take_deferred(candidate):
            return False
        self._runs[candidate.dag_run_id] = run - 1
        self._calls[candidate.pool] = calls - candidate.pool_slots
        self._count(candidate, task)
        return True

    def take_deferred(self, candidate: Candidate) -> bool:
        """Take room for an instance that waits, which needs some only in a pool that says so; False takes nothing."""
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
        """Why the task's own limits hold the candidate back; None = they do not."""
        if task.depends_on_past and not self._scheduling.limits.past_succeeded(candidate, task.task_id):
            return StateReason.DEPENDS_ON_PAST
        if task.max_active_tis is not None and self._in_run(candidate, task) >= task.max_active_tis:
            return StateReason.MAX_ACTIVE_TIS
        limit = task.max_active_tis_per_dag
        if limit is not None and self._in_dag(candidate, task) >= limit:
            return StateReason.MAX_ACTIVE_TIS
        return None

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
