"""Stops: runs past their time limit, and runs whose `dag` task waits for them no more."""

from datetime import datetime

from mainspring.states import StateReason
from mainspring_scheduler.decisions.deferring import LEVELS_MAX
from mainspring_store.scheduling import DueWork, Pass

__all__ = ["stop_runs"]

STOPPED_MAX = 256
"""Runs stopped in one round; the others in the next pass."""


def stop_runs(scheduling: Pass, due_work: DueWork, now: datetime) -> DueWork:
    """Stop what the agenda says, and the runs below it, level by level; returns the agenda after it.

    A run that another transaction holds is left for the next pass. So whatever ends or clears a `dag` task, a user, a
    time limit or the end of its own run, need not know of the runs below it.
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
