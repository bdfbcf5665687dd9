"""The clock by which runs are created, watched: a wrong one makes runs too early, too late or in heaps.

On PostgreSQL it is compared with the database's at each heartbeat. On SQLite both are one machine's; there, and between
two heartbeats, what counts is how far the wall clock has moved apart from the monotonic one, that is: was set.
"""

import logging
from datetime import datetime, timedelta

from mainspring_scheduler.clock import Clock
from mainspring_store.resources.heartbeats import CLOCK_OFFSET_MAX

__all__ = ["ClockGuard"]

_log = logging.getLogger(__name__)

WARN_OFFSET = timedelta(seconds=2)
STEADY_SECONDS = 60.0
"""After which a clock that was set, and that nothing else tells the time to, is taken to be right."""


class ClockGuard:
    """Knows how far the clock is off, and so whether runs may be created by it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known = timedelta(0)
        self._wall, self._monotonic = clock.now(), clock.monotonic()
        self._off_since: float | None = None
        self._told = 0

    @property
    def offset(self) -> timedelta:
        """How far the clock is ahead, as far as is known now."""
        elapsed = timedelta(seconds=self._clock.monotonic() - self._monotonic)
        return self._known + (self._clock.now() - self._wall - elapsed)

    @property
    def may_create_runs(self) -> bool:
        return abs(self.offset) < CLOCK_OFFSET_MAX

    def compare(self, asked_at: datetime, database_now: datetime | None) -> None:
        """Take note of the database's clock, asked for at `asked_at`; None = it has none of its own."""
        if database_now is None:
            self._compare_again()
        else:
            # It was read at some time between the question and now, so only what lies outside is an offset.
            ahead, behind = asked_at - database_now, self._clock.now() - database_now
            self._accept(max(ahead, timedelta(0)) + min(behind, timedelta(0)))
        self._tell()

    def _compare_again(self) -> None:
        if abs(self.offset) < WARN_OFFSET:
            self._off_since = None
            self._accept(timedelta(0))
        elif self._off_since is None:
            self._off_since = self._clock.monotonic()
        elif self._clock.monotonic() - self._off_since >= STEADY_SECONDS:
            _log.warning("the clock was set by %s and has been steady since: going by it", self.offset)
            self._off_since = None
            self._accept(timedelta(0))

    def _accept(self, offset: timedelta) -> None:
        self._known = offset
        self._wall, self._monotonic = self._clock.now(), self._clock.monotonic()

    def _tell(self) -> None:
        """Log each change for the worse or the better once."""
        level = (abs(self.offset) >= WARN_OFFSET) + (not self.may_create_runs)
        if level != self._told:
            self._told = level
            seconds = self.offset.total_seconds()
            if level == 2:
                _log.error("the clock is off by %.1f s: no runs are created until it is right; set it", seconds)
            elif level == 1:
                _log.warning("the clock is off by %.1f s; set it before it is %s", seconds, CLOCK_OFFSET_MAX)
            else:
                _log.info("the clock is right again")
