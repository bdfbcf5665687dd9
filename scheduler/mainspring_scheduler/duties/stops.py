"""Stops runs past their time limit, and child runs whose `dag` task no longer waits for them."""

from datetime import datetime

from mainspring.states import StateReason
from mainspring_scheduler.decisions.deferring import LEVELS_MAX
from mainspring_store.scheduling import DueWork, Pass

__all__ = ["stop_runs"]

STOPPED_MAX = 256
"""Runs stopped in one round. The next pass stops the rest."""


def stop_runs(scheduling: Pass, due_work: DueWork, now: datetime) -> DueWork:
    """Stop the overdue and orphaned runs, and their child runs level by level. Returns the due work afterwards.

    Leaves runs that another transaction has locked for the next pass. A user, a time limit or the end of a run can thus
    end or clear a `dag` task without caring for its child runs.
    """
    for _ in range(LEVELS_MAX + 1):
        reasons = dict.fromkeys(due_work.orphaned_runs, _ORPHANED) | dict.fromkeys(due_work.overdue_runs, _OVERDUE)
        locked = scheduling.lock_runs(sorted(reasons)[:STOPPED_MAX], skip_locked=True)
        if not locked:
            break
        for run_id in sorted(locked):
            reason, message = reasons[run_id]
            scheduling.runs.stop_run(run_id, now=now, reason=reason, message=message)
        due_work = scheduling.decisions.due_work(now)
    return due_work


_OVERDUE = (StateReason.TIMED_OUT, "stopped, because its dagrun_timeout had passed")
_ORPHANED = (StateReason.CANCELLED, "stopped, because the task that waited for it ended or was cleared")
