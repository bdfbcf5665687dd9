"""Timetables: when the runs of a schedule are due. Pure: no clock, no database; `now` is passed in.

A cron line or an interval cuts time into half-open data intervals. The run of an interval carries its start as logical
date and is due when the interval has ended, as in Airflow. A list of instants makes one run at each of them, with an
empty interval.

Wall-clock times and daylight saving (cronsim's rule, that of Debian's cron): a time of day that a change of the clocks
leaves out comes due once, at the first instant after the gap; one that happens twice comes due at the first of the two;
a line that runs every hour or more often follows elapsed time through both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice, pairwise, takewhile
from typing import Protocol
from zoneinfo import ZoneInfo

from mainspring.definition.model import Schedule
from mainspring.definition.schedules import CRON_ALIASES

__all__ = ["HORIZON", "Slot", "Timetable", "next_slot", "timetable_of"]

HORIZON = datetime(2100, 1, 1, tzinfo=UTC)
"""No run is planned beyond it."""


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One run that a schedule asks for. Slots of one timetable are ordered, and none comes twice."""

    logical_date: datetime
    """The start of the data interval; names the slot."""
    data_interval_end: datetime
    run_after: datetime
    """When it is due."""


class Timetable(Protocol):
    """A schedule that can be asked. All instants are aware UTC."""

    description: str
    """In English, for people."""
    is_periodic: bool
    """Whether it has data intervals, so that a past range can be filled."""

    def from_(self, start: datetime) -> Iterator[Slot]:
        """Its slots with `logical_date >= start`, ascending, up to the horizon."""
        ...

    def latest_due(self, now: datetime) -> Slot | None:
        """The last slot with `run_after <= now`."""
        ...


def timetable_of(schedule: Schedule) -> Timetable:
    """The timetable of a checked schedule."""
    if schedule.crons:
        return _Cron(schedule.crons, schedule.timezone)
    if schedule.interval is not None:
        return _Every(schedule.interval, schedule.anchor or datetime(1970, 1, 1, tzinfo=UTC))
    return _At(schedule.at)


def next_slot(
    timetable: Timetable,
    *,
    after: datetime | None,
    start: datetime | None,
    end: datetime | None,
    catchup_max: int,
    now: datetime,
) -> Slot | None:
    """The slot to be planned next; it may be due already. None when there is none any more.

    after: logical date of the latest planned run; the answer is later than that.
    start: earliest logical date; None = the interval that holds `now` is the first.
    end: latest logical date.
    catchup_max: of the slots that are due already, how many of the latest are made up for; at least 1.
    """
    for slot in timetable.from_(_beginning(timetable, after, start, catchup_max, now)):
        if after is None or slot.logical_date > after:
            return None if end is not None and slot.logical_date > end else slot
    return None


def _beginning(
    timetable: Timetable, after: datetime | None, start: datetime | None, catchup_max: int, now: datetime
) -> datetime:
    """From where to look for the next slot."""
    if after is None and start is None:
        latest = timetable.latest_due(now)
        # A list of instants has no interval that holds `now`.
        is_point = latest is None or latest.logical_date == latest.data_interval_end
        return now if latest is None or is_point else latest.data_interval_end
    begin = max(filter(None, (after, start)))
    ahead = (slot for slot in timetable.from_(begin) if after is None or slot.logical_date > after)
    due = list(islice(takewhile(lambda slot: slot.run_after <= now, ahead), catchup_max + 1))
    if len(due) > catchup_max:
        # More is due than is made up for: only the latest of it.
        latest = timetable.latest_due(now)
        assert latest is not None
        begin = _back(timetable, latest, catchup_max - 1).logical_date
    return begin


def _back(timetable: Timetable, slot: Slot, count: int) -> Slot:
    """The slot `count` places earlier, or the first one."""
    for _ in range(count):
        # The slot before is the last one that was due just before this one was.
        before = timetable.latest_due(slot.run_after - timedelta(microseconds=1))
        if before is None:
            break
        slot = before
    return slot


class _Cron:
    is_periodic = True

    def __init__(self, lines: tuple[str, ...], zone: str) -> None:
        from cronsim import CronSim

        self._lines = tuple(CRON_ALIASES.get(line, line) for line in lines)
        self._zone = ZoneInfo(zone)
        words = " and ".join(CronSim(line, datetime(2026, 1, 1, tzinfo=UTC)).explain() for line in self._lines)
        self.description = f"{words} ({zone})"

    def from_(self, start: datetime) -> Iterator[Slot]:
        ticks = self._ticks(start - timedelta(microseconds=1))
        for begin, end in pairwise(ticks):
            yield Slot(begin, end, end)

    def latest_due(self, now: datetime) -> Slot | None:
        # The latest tick at or before `now` ends the latest due interval.
        back = self._ticks_back(now + timedelta(microseconds=1))
        end = next(back, None)
        begin = next(back, None)
        return None if begin is None or end is None else Slot(begin, end, end)

    def _ticks(self, after: datetime) -> Iterator[datetime]:
        yield from _distinct(merge(*(self._ticks_of(line, after) for line in self._lines)))

    def _ticks_of(self, line: str, after: datetime) -> Iterator[datetime]:
        from cronsim import CronSim

        for tick in CronSim(line, after.astimezone(self._zone)):
            instant = tick.astimezone(UTC)
            if instant > HORIZON:
                return
            if instant > after:
                yield instant

    def _ticks_back(self, before: datetime) -> Iterator[datetime]:
        """Ticks before an instant, latest first.

        Found by going forward from further and further back: the library's own way back reports a tick that a change
        of the clocks moved at another instant than its way forward, and a slot must have one name.
        """
        span = timedelta(minutes=10)
        while before - span > _BEGIN:
            found = list(self._until(before - span, before))
            if len(found) >= 2:
                yield from reversed(found)
                return
            span *= 6
        yield from reversed(list(self._until(_BEGIN, before)))

    def _until(self, after: datetime, before: datetime) -> Iterator[datetime]:
        for tick in self._ticks(after):
            if tick >= before:
                return
            yield tick


_BEGIN = datetime(1990, 1, 1, tzinfo=UTC)
"""No interval begins before it."""


class _Every:
    is_periodic = True

    def __init__(self, interval: timedelta, anchor: datetime) -> None:
        self._interval = interval
        self._anchor = anchor
        self.description = f"Every {interval}"

    def from_(self, start: datetime) -> Iterator[Slot]:
        number = -((self._anchor - start) // self._interval)
        begin = self._anchor + number * self._interval
        while begin + self._interval <= HORIZON:
            yield Slot(begin, begin + self._interval, begin + self._interval)
            begin += self._interval

    def latest_due(self, now: datetime) -> Slot | None:
        number = (now - self._anchor) // self._interval
        end = self._anchor + number * self._interval
        begin = end - self._interval
        return Slot(begin, end, end) if begin >= _BEGIN else None


class _At:
    is_periodic = False

    def __init__(self, instants: tuple[datetime, ...]) -> None:
        self._slots = [Slot(instant, instant, instant) for instant in sorted(set(instants))]
        self.description = f"At {len(self._slots)} given instants"

    def from_(self, start: datetime) -> Iterator[Slot]:
        return (slot for slot in self._slots if slot.logical_date >= start)

    def latest_due(self, now: datetime) -> Slot | None:
        return max((slot for slot in self._slots if slot.run_after <= now), default=None)


def _distinct(ticks: Iterator[datetime]) -> Iterator[datetime]:
    """Ascending ticks, each once."""
    last = None
    for tick in ticks:
        if tick != last:
            yield tick
        last = tick
