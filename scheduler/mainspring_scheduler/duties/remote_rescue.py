"""Rescues attempts of remote workers: expired leases, and attempts that never reached a worker.

An expired lease is not yet a lost task. While the execution API, the database or this scheduler is down, no worker can
renew, and the leases of all workers expire. A lease therefore counts only after all three have worked without a gap for
the length of a lease: every living worker has renewed its leases by then.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from mainspring.attempts import Finished, Outcome, Report
from mainspring.failpoints import failpoint
from mainspring.states import StateReason
from mainspring_executors.contract import Executor
from mainspring_executors.rq.executor import RqExecutor
from mainspring_scheduler.clock import Clock
from mainspring_store import scheduling
from mainspring_store.database.transactions import Database
from mainspring_store.resources import heartbeats as services

__all__ = ["RemoteRescue"]

WATCH_SECONDS = 0.5
"""Pause between two looks."""
HEARTBEAT_MAX = timedelta(seconds=10)
"""Maximal age of the latest heartbeat of a working execution API. Half a lease, if that is shorter."""
MARGIN = timedelta(seconds=2)
"""Added to the end of a lease for differences between the clocks of two machines."""
UNCLAIMED_AFTER = timedelta(seconds=1)
"""The scheduler checks an attempt in Redis when no worker has claimed it for this long. Short, because a scheduler that
died between its commit and Redis leaves waiting runs behind. A needless check costs a query to the store and a query to
Redis. A scheduler that has just started does not wait at all: its predecessor may have died so."""


class RemoteRescue:
    """Watches leases and unclaimed attempts. The scheduler's loop calls `look`."""

    def __init__(self, database: Database, executors: Mapping[str, Executor], clock: Clock) -> None:
        self._database = database
        self._executors = {name: executor for name, executor in executors.items() if isinstance(executor, RqExecutor)}
        self._clock = clock
        self._looked_at = float("-inf")
        self._well_at = float("-inf")
        """When the execution API and the database last worked."""
        self._well_since = float("inf")
        """Since when they have worked without a gap; infinite = they do not work now."""

    def look(self) -> list[Report]:
        """Put missing attempts back into Redis; returns the reports of lost attempts.

        Each lost attempt gets a report of its start and a final report. The start makes the loss cost a try, because
        the worker may have begun the attempt. Does nothing without a remote executor, and soon after the last look.

        Raises:
            StoreUnavailable: The database is unreachable. Leases count again after the length of a lease without a gap.
        """
        moment = self._clock.monotonic()
        if not self._executors or moment - self._looked_at < WATCH_SECONDS:
            return []
        is_first = self._looked_at == float("-inf")
        self._looked_at = moment
        now = self._clock.now()
        lease = self._lease_when_well(now)
        self._watch(moment, lease)
        self._restore(now if is_first else now - UNCLAIMED_AFTER)
        if lease is None or moment - self._well_since < lease.total_seconds():
            return []
        with scheduling.begin_pass(self._database) as current:
            current.reports.note_expired_stops(now - MARGIN, now=now)
            expired = current.reports.expired_leases(now - MARGIN)
            failpoint("remote.leases.before-commit")
        failpoint("remote.leases.committed")
        return [report for started in expired for report in (started, _lost(started.attempt_id, now))]

    def _watch(self, moment: float, lease: timedelta | None) -> None:
        """Restart the waiting time after a gap in which workers could not renew.

        A pause of this scheduler counts as a gap: it does not know how the other parts fared. A gap of less than half a
        lease does not matter, because every living worker renews several times in the rest of the lease.
        """
        if lease is None:
            self._well_since = float("inf")
            return
        if moment - self._well_at > lease.total_seconds() / 2 + WATCH_SECONDS:
            self._well_since = moment
        self._well_since = min(self._well_since, moment)
        self._well_at = moment

    def _lease_when_well(self, now: datetime) -> timedelta | None:
        """The longest lease of the living execution APIs; None = no execution API lives."""
        heartbeats = services.latest_heartbeats(self._database, kind="execution", since=now - HEARTBEAT_MAX)
        leases = [
            lease
            for at, details in heartbeats
            if at >= now - (lease := timedelta(seconds=details["lease_seconds"])) / 2
        ]
        return max(leases, default=None)

    def _restore(self, queued_before: datetime) -> None:
        """Put unclaimed attempts that were queued before an instant back into Redis, where they are missing."""
        for name, executor in self._executors.items():
            with scheduling.begin_pass(self._database) as current:
                unclaimed = current.reports.unclaimed(name, queued_before)
            failpoint("remote.restore.before")
            executor.restore(unclaimed)


def _lost(attempt_id: str, now: datetime) -> Finished:
    return Finished(
        attempt_id=attempt_id,
        seq=0,
        at=now,
        outcome=Outcome.LOST,
        reason=StateReason.WORKER_LOST,
        message="its worker has not been heard of for a whole lease; whether its work was done is unknown",
    )
