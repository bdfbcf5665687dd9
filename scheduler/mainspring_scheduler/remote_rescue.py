"""Rescue of attempts that remote workers carry: lost leases, and attempts that never reached a worker.

A lease that ran out is not yet a lost task. When the execution API, the database or this scheduler was away, no worker
could renew, and every task would look dead at once. So a lease counts only after everything it is renewed through has
been well for as long as a lease lasts: whoever lives has renewed by then.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from mainspring.attempts import Finished, Outcome
from mainspring.states import StateReason
from mainspring_executors.contract import Executor, Whereabouts
from mainspring_executors.rq.executor import RqExecutor
from mainspring_scheduler.clock import Clock
from mainspring_store import scheduling, services
from mainspring_store.database import Database

__all__ = ["RemoteRescue"]

WATCH_SECONDS = 1.0
"""Between two looks."""
GAP_SECONDS_MAX = 5.0
"""Between two looks, beyond which this scheduler itself was away."""
BEAT_MAX = timedelta(seconds=10)
"""How old the latest beat of an execution API may be."""
MARGIN = timedelta(seconds=2)
"""After the end of a lease, for the clocks of two machines."""
UNCLAIMED_AFTER = timedelta(seconds=5)
UNCLAIMED_SECONDS = 5.0
"""Between two looks for attempts that no worker took."""


class RemoteRescue:
    """Looked at from the scheduler's loop."""

    def __init__(self, database: Database, executors: Mapping[str, Executor], clock: Clock) -> None:
        self._database = database
        self._executors = {name: one for name, one in executors.items() if isinstance(one, RqExecutor)}
        self._clock = clock
        self._looked_at = float("-inf")
        self._well_since: float | None = None
        self._resubmitted_at = float("-inf")

    def look(self) -> list[Finished]:
        """A final report for each attempt that is lost; puts back into Redis what is missing there.

        Does nothing when there is no remote executor, or when it looked less than a second ago.

        Raises:
            StoreUnavailable: The database is away; what that means for leases is remembered.
        """
        moment = self._clock.monotonic()
        if not self._executors or moment - self._looked_at < WATCH_SECONDS:
            return []
        was_away = moment - self._looked_at > GAP_SECONDS_MAX
        self._looked_at = moment
        now = self._clock.now()
        lease = self._lease_when_well(now)
        if lease is None or was_away:
            self._well_since = None if lease is None else moment
        elif self._well_since is None:
            self._well_since = moment
        if moment - self._resubmitted_at >= UNCLAIMED_SECONDS:
            self._resubmitted_at = moment
            self._resubmit(now)
        if lease is None or self._well_since is None or moment - self._well_since < lease.total_seconds():
            return []
        with scheduling.begin_pass(self._database) as current:
            return [_lost(attempt_id, now) for attempt_id in current.reports.expired_leases(now - MARGIN)]

    def _lease_when_well(self, now: datetime) -> timedelta | None:
        """How long a lease lasts, by the execution APIs that live; None when none does."""
        seconds = [
            details["lease_seconds"]
            for details in services.details_of_alive(self._database, kind="execution", since=now - BEAT_MAX)
        ]
        return timedelta(seconds=max(seconds)) if seconds else None

    def _resubmit(self, now: datetime) -> None:
        for name, executor in self._executors.items():
            with scheduling.begin_pass(self._database) as current:
                unclaimed = current.reports.unclaimed(name, now - UNCLAIMED_AFTER)
            places = executor.recover(list(unclaimed)) if unclaimed else {}
            executor.resubmit({one: queue for one, queue in unclaimed.items() if places[one] is Whereabouts.ABSENT})


def _lost(attempt_id: str, now: datetime) -> Finished:
    return Finished(
        attempt_id=attempt_id,
        seq=0,
        at=now,
        outcome=Outcome.LOST,
        reason=StateReason.WORKER_LOST,
        message="its worker has not been heard of for a whole lease; whether its work was done is unknown",
    )
