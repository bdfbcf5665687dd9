"""Ends runs that a newer run with the same concurrency key replaces: `keep_latest` and `cancel_running`."""

from collections.abc import Iterator
from datetime import datetime

from mainspring.definition.model import ConcurrencyStrategy
from mainspring.states import StateReason
from mainspring_store.scheduling import CrowdedKey, Pass

__all__ = ["replace_runs"]

KEYS_MAX = 100
"""Keys handled in one pass."""
WAITING_MAX = 500
"""Waiting runs read in one pass."""
ENDED_MAX = 100
"""Runs ended in one pass. The next pass ends the rest."""

_End = tuple[int, StateReason, str]


def replace_runs(scheduling: Pass, now: datetime) -> int:
    """End waiting and running runs that newer waiting runs replace. Returns the number of ended runs.

    Leaves runs that another transaction has locked for the next pass.
    """
    keys = scheduling.starts.crowded_keys(now, KEYS_MAX, WAITING_MAX)
    ends = [end for key in keys for end in _ends(key)][:ENDED_MAX]
    if not ends:
        return 0
    locked = scheduling.lock_runs(sorted(run_id for run_id, _, _ in ends), skip_locked=True)
    return sum(
        scheduling.runs.stop_run(run_id, now=now, reason=reason, message=message)
        for run_id, reason, message in ends
        if run_id in locked
    )


def _ends(key: CrowdedKey) -> Iterator[_End]:
    """The runs of a key to end, with reason and message."""
    waiting = [run for run in key.runs if not run.is_running]
    if not waiting:
        return
    running = [run for run in key.runs if run.is_running]
    cancels = key.strategy is ConcurrencyStrategy.CANCEL_RUNNING
    # A running run that a newer one may cancel takes no place from a waiting run.
    kept = key.max if cancels else max(key.max - len(running), 1)
    newest = waiting[-1]
    message = f"replaced by run '{newest.run_id}', which has the same concurrency key"
    for run in waiting[:-kept]:
        yield run.id, StateReason.SUPERSEDED, message
    if cancels and key.is_complete:
        # Runs are in order of age. A run that was cleared cancels no newer run.
        older = key.runs[: key.runs.index(newest)]
        going_on = [run for run in running if not run.is_ending]
        surplus = len(going_on) + min(len(waiting), kept) - key.max
        for run in [run for run in older if run in going_on][: max(surplus, 0)]:
            yield run.id, StateReason.CANCELLED, f"stopped and {message}"
