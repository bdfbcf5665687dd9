"""Guards the clock that creates runs: a wrong clock creates runs too early, too late or many at once.

On PostgreSQL the guard compares the clock with the database's clock at each heartbeat. On SQLite both are the same
clock. There, and between two heartbeats, the guard watches the difference between the wall clock and the monotonic
clock: the difference changes when a person or a program sets the wall clock.
"""

import logging
from datetime import datetime, timedelta

from mainspring_scheduler.clock import Clock
from mainspring_store.resources.heartbeats import CLOCK_OFFSET_MAX

__all__ = ["ClockGuard"]

_log = logging.getLogger(__name__)

WARN_OFFSET = timedelta(seconds=2)
STEADY_SECONDS = 60.0
"""Without another clock to compare, the guard accepts a set clock after this time."""


class ClockGuard:
    """Knows the offset of the clock, and whether the scheduler may create runs by it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._base_offset = timedelta(0)
        self._wall, self._monotonic = clock.now(), clock.monotonic()
        self._off_since: float | None = None
        self._logged_level = 0

    @property
    def offset(self) -> timedelta:
        """The known lead of the clock; negative = the clock is behind."""
        elapsed = timedelta(seconds=self._clock.monotonic() - self._monotonic)
        return self._base_offset + (self._clock.now() - self._wall - elapsed)

    @property
    def may_create_runs(self) -> bool:
        return abs(self.offset) < CLOCK_OFFSET_MAX

    def compare(self, asked_at: datetime, database_now: datetime | None) -> None:
        """Compare with the database's clock.

        asked_at: the local time before the query. database_now: None = the database has no clock of its own.
        """
        if database_now is None:
            self._compare_again()
        else:
            # The database read its clock between `asked_at` and now. Only a time outside of that interval is an offset.
            lead_before, lead_after = asked_at - database_now, self._clock.now() - database_now
            self._accept(max(lead_before, timedelta(0)) + min(lead_after, timedelta(0)))
        self._log_level_change()

    def _compare_again(self) -> None:
        if abs(self.offset) < WARN_OFFSET:
            self._off_since = None
            self._accept(timedelta(0))
        elif self._off_since is None:
            self._off_since = self._clock.monotonic()
        elif self._clock.monotonic() - self._off_since >= STEADY_SECONDS:
            _log.warning("set clock accepted after a steady time: offset=%s", self.offset)
            self._off_since = None
            self._accept(timedelta(0))

    def _accept(self, offset: timedelta) -> None:
        self._base_offset = offset
        self._wall, self._monotonic = self._clock.now(), self._clock.monotonic()

    def _log_level_change(self) -> None:
        """Log each change for the worse or the better once."""
        level = (abs(self.offset) >= WARN_OFFSET) + (not self.may_create_runs)
        if level != self._logged_level:
            self._logged_level = level
            seconds = self.offset.total_seconds()
            if level == 2:
                _log.error("clock is wrong, no runs are created; set the clock: offset_seconds=%.1f", seconds)
            elif level == 1:
                _log.warning(
                    "clock is off; set the clock: offset_seconds=%.1f offset_max=%s", seconds, CLOCK_OFFSET_MAX
                )
            else:
                _log.info("clock is right again: offset_seconds=%.1f", seconds)
