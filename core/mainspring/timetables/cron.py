"""Cron lines: each due instant of a line ends an interval and begins the next interval."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from heapq import merge
from itertools import chain, pairwise, takewhile
from zoneinfo import ZoneInfo

from mainspring.definition.model import Schedule
from mainspring.definition.schedules import CRON_ALIASES
from mainspring.timetables.cron_lines import CronLine
from mainspring.timetables.excluded import ExcludedDays
from mainspring.timetables.slots import BEGIN, HORIZON, Dropped, Slot

__all__ = ["CronTimetable"]

_MICROSECOND = timedelta(microseconds=1)


class CronTimetable:
    """See `Timetable`. Excluded days of the calendar have no instants, so that an interval spans them."""

    is_periodic = True

    def __init__(self, schedule: Schedule) -> None:
        self.summary = ", ".join(schedule.crons)
        self._zone = ZoneInfo(schedule.timezone)
        self._excluded = ExcludedDays(schedule.excluded_dates, schedule.excluded_calendars, self._zone)
        self._lines = [
            CronLine(CRON_ALIASES.get(line, line), self._zone, schedule.gap, schedule.overlap)
            for line in schedule.crons
        ]
        self._span = timedelta(minutes=10)
        """Length of the first backward search for two ticks, learned from the latest search."""

    @cached_property
    def description(self) -> str:
        words = " and ".join(line.description for line in self._lines)
        exceptions = f", {self._excluded.description}" if self._excluded else ""
        return f"{words} ({self._zone.key}{exceptions})"

    def from_(self, start: datetime) -> Iterator[Slot]:
        if start < HORIZON:
            for begin, end in pairwise(self._ticks(max(start, BEGIN) - _MICROSECOND)):
                yield Slot(begin, end, end)

    def latest_due(self, now: datetime) -> Slot | None:
        # The latest tick at or before `now` ends the latest due interval.
        ticks = self._latest_ticks(min(now, HORIZON) + _MICROSECOND)
        return Slot(ticks[-2], ticks[-1], ticks[-1]) if len(ticks) >= 2 else None

    def interval_start(self, now: datetime) -> datetime | None:
        latest = self.latest_due(now)
        return latest.data_interval_end if latest else None

    def why_moved(self, slot: Slot) -> str | None:
        return next(filter(None, (line.why_moved(slot.data_interval_end) for line in self._lines)), None)

    def dropped(self, earliest: datetime, until: datetime) -> Iterator[Dropped]:
        yield from chain.from_iterable(line.dropped(earliest, until) for line in self._lines)
        if self._excluded:
            for tick in takewhile(lambda tick: tick <= until, self._ticks_of_all_days(earliest)):
                reason = self._excluded.why(tick)
                if reason is not None:
                    yield Dropped(tick.astimezone(self._zone).replace(tzinfo=None), reason)

    def _ticks(self, earliest: datetime) -> Iterator[datetime]:
        return self._ticks_of_open_days(earliest) if self._excluded else self._ticks_of_all_days(earliest)

    def _ticks_of_open_days(self, earliest: datetime) -> Iterator[datetime]:
        ticks = self._ticks_of_all_days(earliest)
        while (tick := next(ticks, None)) is not None:
            end = self._excluded.end_after(tick)
            if end is None:
                yield tick
            elif end > tick:  # otherwise midnight comes twice, and this is the previous day again
                ticks = self._ticks_of_all_days(end - _MICROSECOND)

    def _ticks_of_all_days(self, earliest: datetime) -> Iterator[datetime]:
        return _distinct(merge(*(line.ticks(earliest) for line in self._lines)))

    def _latest_ticks(self, until: datetime) -> list[datetime]:
        """At least two ticks before an instant, ascending, unless there are fewer since 1990.

        The search goes forward from ever earlier starts, never backward, so that a tick moved by a change of the clocks
        is the same instant in every search.
        """
        span = self._span
        while until - BEGIN > span:
            ticks = self._until(until - span, until)
            if len(ticks) >= 2:
                self._span = 2 * (until - ticks[-2])
                return ticks
            span *= 6
        return self._until(BEGIN, until)

    def _until(self, earliest: datetime, until: datetime) -> list[datetime]:
        return list(takewhile(lambda tick: tick < until, self._ticks(earliest)))


def _distinct(ticks: Iterator[datetime]) -> Iterator[datetime]:
    """Ascending ticks, each once."""
    last = None
    for tick in ticks:
        if tick != last:
            yield tick
        last = tick
