"""A run each time so much time has passed, counted from an anchor. Elapsed time: no change of the clocks matters."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from mainspring.durations import format_duration
from mainspring.timetables.slots import BEGIN, HORIZON, Dropped, Slot

__all__ = ["IntervalTimetable"]


class IntervalTimetable:
    """See `Timetable`."""

    is_periodic = True

    def __init__(self, interval: timedelta, anchor: datetime) -> None:
        self._interval = interval
        self._anchor = anchor
        self.summary = f"every {format_duration(interval)}"
        self.description = f"Every {interval}"

    def from_(self, start: datetime) -> Iterator[Slot]:
        number = -((self._anchor - max(start, BEGIN)) // self._interval)
        begin = self._anchor + number * self._interval
        while begin + self._interval <= HORIZON:
            yield Slot(begin, begin + self._interval, begin + self._interval)
            begin += self._interval

    def latest_due(self, now: datetime) -> Slot | None:
        number = (min(now, HORIZON) - self._anchor) // self._interval
        end = self._anchor + number * self._interval
        return Slot(end - self._interval, end, end) if end - BEGIN >= self._interval else None

    def interval_start(self, now: datetime) -> datetime | None:
        latest = self.latest_due(now)
        return latest.data_interval_end if latest else None

    def why_moved(self, slot: Slot) -> str | None:
        return None

    def dropped(self, earliest: datetime, until: datetime) -> Iterator[Dropped]:
        return iter(())
