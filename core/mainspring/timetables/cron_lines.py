"""One cron line in a zone, through every change of its clocks.

A line with times of day follows the clock on the wall: what is left out is due once, at the first instant after the
gap; what comes twice is due at the first of the two (the rule of Debian's cron), unless the schedule asks for something
else. A line whose minute or hour begins with a star follows elapsed time through both.
"""

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from mainspring.definition.model import GapRule, OverlapRule
from mainspring.timetables.cron_search import CronSearch
from mainspring.timetables.slots import HORIZON, Dropped
from mainspring.timetables.wall_times import gap_end, instants_of, repeated_before

__all__ = ["CronLine"]

_SECOND = timedelta(seconds=1)


class CronLine:
    """When it comes due. All instants are aware UTC."""

    def __init__(self, line: str, zone: ZoneInfo, gap: GapRule, overlap: OverlapRule) -> None:
        self._search = CronSearch(line)
        self._zone = zone
        minute, hour, *_ = line.split()
        self._names_times_of_day = not (minute.startswith("*") or hour.startswith("*"))
        # To follow elapsed time is to be due whenever the clock shows what the line names.
        self._gap = gap if self._names_times_of_day else GapRule.SKIP
        self._overlap = overlap if self._names_times_of_day else OverlapRule.BOTH
        self.description: str = self._search.explain()

    def ticks(self, earliest: datetime) -> Iterator[datetime]:
        """Later than `earliest`, ascending; some may come twice. Up to the horizon."""
        later = (tick for tick in self._instants(earliest) if tick > earliest)
        return takewhile(lambda tick: tick <= HORIZON, later)

    def why_moved(self, tick: datetime) -> str | None:
        """What a change of the clocks did to a tick; None = no tick, or the tick belongs to another line."""
        if not self._names_times_of_day:
            return None
        wall = self._wall(tick)
        delta = wall - self._wall(tick - _SECOND) - _SECOND
        if delta > timedelta(0) and self._gap is GapRule.SHIFT:
            left_out = self._next_wall_time(wall - delta)
            if left_out is not None and left_out < wall:
                return f"{self._tell(left_out, 'is left out')}: due when the gap ends"
        instants = instants_of(wall, self._zone)
        if len(instants) == 2 and self._next_wall_time(wall) == wall:
            moment = "at both" if self._overlap is OverlapRule.BOTH else f"at the {self._overlap}"
            return f"{self._tell(wall, 'comes twice')}: due {moment}"
        return None

    def dropped(self, earliest: datetime, until: datetime) -> Iterator[Dropped]:
        """What is named later than `earliest` and up to `until`, is left out by a change of the clocks, and skipped."""
        if not self._names_times_of_day or self._gap is not GapRule.SKIP:
            return
        last = self._wall(until)
        for wall in takewhile(lambda wall: wall <= last, self._search.after(self._wall(earliest))):
            if not instants_of(wall, self._zone):
                yield Dropped(wall, f"{self._tell(wall, 'is left out')}, and dst.gap is skip")

    def _instants(self, earliest: datetime) -> Iterator[datetime]:
        local = earliest.astimezone(self._zone)
        # What the clock has shown since an overlap began will come again.
        begin = local.replace(tzinfo=None) - repeated_before(local)
        again: deque[datetime] = deque()
        for wall in self._search.after(begin):
            instants = self._instants_of(wall)
            while again and instants and again[0] < instants[0]:
                yield again.popleft()
            yield from instants[:1]
            again.extend(instants[1:])
        yield from again

    def _instants_of(self, wall: datetime) -> tuple[datetime, ...]:
        instants = instants_of(wall, self._zone)
        if not instants:
            return (gap_end(wall, self._zone),) if self._gap is GapRule.SHIFT else ()
        if self._overlap is OverlapRule.BOTH:
            return instants
        return instants[:1] if self._overlap is OverlapRule.FIRST else instants[-1:]

    def _next_wall_time(self, wall: datetime) -> datetime | None:
        """The first time of day from `wall` on that the line names, as if the clocks never changed."""
        return next(self._search.after(wall - _SECOND), None)

    def _wall(self, instant: datetime) -> datetime:
        return instant.astimezone(self._zone).replace(tzinfo=None)

    def _tell(self, wall: datetime, what: str) -> str:
        return f"{wall:%H:%M} {what} on {wall:%Y-%m-%d} in {self._zone.key}"
