"""Prunes history whose lifetime is over, in a thread beside the passes.

After each transaction the thread rests for `REST` times its length, so that running work loses at most a tenth of its
throughput.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from mainspring.errors import StoreUnavailable
from mainspring.retention import Policy
from mainspring_scheduler.clock import Clock
from mainspring_store.database.transactions import Database
from mainspring_store.retention import Archive, ArchiveUnavailable, ClockLeap, check_clock, sweep
from mainspring_store.state.run_removal import Removed

__all__ = ["RetentionDuty"]

_log = logging.getLogger(__name__)

SWEEP_SECONDS = 600.0
"""Pause between two sweeps."""
FIRST_SWEEP_SECONDS = 60.0
"""Pause before the first sweep: a start has other work."""
REST = 9.0
REST_SECONDS_MAX = 2.0
STOP_SECONDS_MAX = 5.0
"""How long a stop waits for the transaction under way. A folder of the archive may be on a share that is away."""


class RetentionDuty:
    """The thread that prunes, from `start` to `stop`."""

    def __init__(
        self,
        database: Database,
        policy: Policy,
        clock: Clock,
        *,
        archive: Archive | None = None,
        first_sweep_seconds: float = FIRST_SWEEP_SECONDS,
    ) -> None:
        """archive: gets the runs before they are deleted; None = runs are deleted without an archive."""
        self.policy = policy
        self._database = database
        self._archive = archive
        self._clock = clock
        self._first_sweep_seconds = first_sweep_seconds
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="retention", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def abort(self) -> None:
        """End after the transaction under way."""
        self._stopped.set()

    def stop(self) -> None:
        """Abort, and wait for the thread, but not longer than `STOP_SECONDS_MAX`: the end of the process rolls back."""
        self.abort()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS_MAX)

    def sweep(self) -> Removed:
        """Prune once; returns the removed rows. Ends early after `stop`.

        Raises:
            StoreUnavailable: The database is unreachable; what was pruned before stays pruned.
            ClockLeap: The clock may be wrong.
            ArchiveUnavailable: The archive cannot be written.
        """
        removed = Removed()
        now = self._clock.now()
        check_clock(self._database, now)
        for step in sweep(self._database, self.policy, now=now, archive=self._archive):
            removed += step.removed
            if self._stopped.wait(min(REST * step.seconds, REST_SECONDS_MAX)):
                break
        return removed

    def _run(self) -> None:
        pause = self._first_sweep_seconds
        while self.policy.is_on and not self._stopped.wait(pause):
            pause = SWEEP_SECONDS
            with _logged():
                removed = self.sweep()
                if removed.rows:
                    _log.info("history pruned: rows=%d bytes=%d runs=%d", removed.rows, removed.bytes, removed.runs)


@contextmanager
def _logged() -> Iterator[None]:
    """Log the cause of a sweep that ended early. The next sweep goes on."""
    try:
        yield
    except (ArchiveUnavailable, ClockLeap, StoreUnavailable) as exc:
        _log.warning("history not pruned: cause=%s", exc)
    except Exception:
        _log.exception("sweep failed")
