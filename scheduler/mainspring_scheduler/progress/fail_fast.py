"""Ends runs with `fail_fast` at their first failure."""

from datetime import datetime

from mainspring.run_ends import blame
from mainspring.states import StateReason
from mainspring_scheduler.versions import Version
from mainspring_store.scheduling import Pass

__all__ = ["note_failure", "stop_failed_runs"]


def note_failure(scheduling: Pass, version: Version, dag_run_id: int, task_index: int) -> None:
    """Note that an instance has failed for good; `stop_failed_runs` then ends its run if the run must end."""
    task = version.tasks[task_index]
    if version.definition.fail_fast and task.counts_for_run and not task.allow_failure:
        scheduling.first_failures.setdefault(dag_run_id, task.task_id)


def stop_failed_runs(scheduling: Pass, now: datetime) -> frozenset[int]:
    """End the runs with a noted failure; returns their ids. No attempt of these runs may be submitted any more.

    Call this before the decisions on ready instances, and after each round.
    """
    failures, scheduling.first_failures = scheduling.first_failures, {}
    return frozenset(run_id for run_id, task_id in sorted(failures.items()) if _stop(scheduling, run_id, task_id, now))


def _stop(scheduling: Pass, run_id: int, task_id: str, now: datetime) -> bool:
    message = f"{blame([task_id])}; fail_fast ended the run"
    return scheduling.runs.stop_run(run_id, now=now, reason=StateReason.FAIL_FAST, message=message)
