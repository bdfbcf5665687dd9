"""Rescue of attempts that remote workers carry: lost leases, and attempts that never reached a worker.

A lease that ran out is not yet a lost task. When the execution API, the database or this scheduler was away, no worker
could renew, and every task would look dead at once. So a lease counts only after everything it is renewed through has
been well for as long as a lease lasts: whoever lives has renewed by then.
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
"""Between two looks."""
HEARTBEAT_MAX = timedelta(seconds=10)
"""How old the latest beat of an execution API may be; at most half a lease too."""
MARGIN = timedelta(seconds=2)
"""After the end of a lease, for the clocks of two machines."""
UNCLAIMED_AFTER = timedelta(seconds=1)
"""How long an attempt may wait for a worker before it is made sure that it is in Redis. Short, because the runs of a
scheduler that died between its commit and Redis wait for it; in vain it costs one question to each. A scheduler that
has just started does not wait at all: it may be the one that died."""


class RemoteRescue:
    """Looked at from the scheduler's loop."""

    def __init__(self, database: Database, executors: Mapping[str, Executor], clock: Clock) -> None:
        self._database = database
        self._executors = {name: one for name, one in executors.items() if isinstance(one, RqExecutor)}
        self._clock = clock
        self._looked_at = float("-inf")
        self._well_at = float("-inf")
        """When all was found well for the last time."""
        self._well_since = float("inf")

    def look(self) -> list[Report]:
        """A final report for each attempt that is lost, after one of its start, for which it is charged; has put back
        into Redis what is missing there.

        Does nothing when there is no remote executor, or when it has just looked.

        Raises:
            StoreUnavailable: The database is away, and no lease is judged until it has been back for a whole one.
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
        """A gap since all was found well, this scheduler's own pauses and the database's among them, starts the time
        anew, unless it is so short that who lives has renewed its lease beside it."""
        if lease is None:
            self._well_since = float("inf")
            return
        if moment - self._well_at > lease.total_seconds() / 2 + WATCH_SECONDS:
            self._well_since = moment
        self._well_since = min(self._well_since, moment)
        self._well_at = moment

    def _lease_when_well(self, now: datetime) -> timedelta | None:
        """How long a lease lasts, by the execution APIs that live; None when none does."""
        heartbeats = services.latest_heartbeats(self._database, kind="execution", since=now - HEARTBEAT_MAX)
        leases = [
            lease
            for at, details in heartbeats
            if at >= now - (lease := timedelta(seconds=details["lease_seconds"])) / 2
        ]
        return max(leases, default=None)

    def _restore(self, before: datetime) -> None:
        """Have what was queued before an instant and is not claimed put into Redis again, where it is missing."""
        for name, executor in self._executors.items():
            with scheduling.begin_pass(self._database) as current:
                unclaimed = current.reports.unclaimed(name, before)
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
