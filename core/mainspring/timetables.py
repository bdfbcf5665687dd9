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
from functools import cached_property, lru_cache
from heapq import merge
from itertools import islice, pairwise, takewhile
from typing import Protocol
from zoneinfo import ZoneInfo

from mainspring.definition.model import Schedule
from mainspring.definition.schedules import CRON_ALIASES
from mainspring.durations import format_duration

__all__ = ["HORIZON", "Slot", "Timetable", "next_slot", "slots_after", "slots_between", "timetable_of"]

HORIZON = datetime(2100, 1, 1, tzinfo=UTC)
"""No run is planned beyond it."""
_BEGIN = datetime(1990, 1, 1, tzinfo=UTC)
"""No interval begins before it."""


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

    summary: str
    """As it was written, in short."""
    is_periodic: bool
    """Whether it has data intervals, so that a past range can be filled."""

    @property
    def description(self) -> str:
        """In English, for people."""
        ...

    def from_(self, start: datetime) -> Iterator[Slot]:
        """Its slots with `logical_date >= start`, ascending, from 1990 up to the horizon."""
        ...

    def latest_due(self, now: datetime) -> Slot | None:
        """The last slot with `run_after <= now`."""
        ...

    def why_moved(self, slot: Slot) -> str | None:
        """What a change of the clocks did to the instant at which a slot is due; None = nothing."""
        ...


@lru_cache(maxsize=1024)
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
    begin = max(filter(None, (after, start)), default=None) or _present(timetable, now)
    ahead = (slot for slot in timetable.from_(begin) if after is None or slot.logical_date > after)
    slot = next(ahead, None)
    if slot is not None and slot.run_after <= now:
        more = takewhile(lambda slot: slot.run_after <= now, ahead)
        if sum(1 for _ in islice(more, catchup_max)) == catchup_max:
            # More is due than is made up for: only the latest of it.
            latest = timetable.latest_due(now)
            assert latest is not None
            slot = _back(timetable, latest, catchup_max - 1)
    return None if slot is None or (end is not None and slot.logical_date > end) else slot


def _present(timetable: Timetable, now: datetime) -> datetime:
    """The start of the interval that holds `now`; `now` itself where there are no intervals."""
    latest = timetable.latest_due(now)
    return latest.data_interval_end if latest is not None and timetable.is_periodic else now


def _back(timetable: Timetable, slot: Slot, count: int) -> Slot:
    """The slot `count` places earlier, or the first one."""
    for _ in range(count):
        # The slot before is the last one that was due just before this one was.
        before = timetable.latest_due(slot.run_after - timedelta(microseconds=1))
        if before is None:
            break
        slot = before
    return slot


def slots_after(
    timetable: Timetable, after: datetime, *, start: datetime | None, end: datetime | None
) -> Iterator[Slot]:
    """The slots that are due later than `after`, ascending, of logical dates within both bounds."""
    latest = timetable.latest_due(after)
    begin = max(filter(None, (latest.logical_date if latest else after, start)))
    for slot in timetable.from_(begin):
        if end is not None and slot.logical_date > end:
            return
        if slot.run_after > after:
            yield slot


def slots_between(
    timetable: Timetable, first: datetime, last: datetime, *, due_by: datetime, is_backwards: bool = False
) -> Iterator[Slot]:
    """The slots of the logical dates from `first` to `last`, both included, that are due by `due_by`; ascending, or
    descending with `is_backwards`. Nothing is kept in memory, so the range may be long."""
    return _down(timetable, first, last, due_by) if is_backwards else _up(timetable, first, last, due_by)


def _up(timetable: Timetable, first: datetime, last: datetime, due_by: datetime) -> Iterator[Slot]:
    for slot in timetable.from_(first):
        if slot.logical_date > last or slot.run_after > due_by:
            return
        yield slot


def _down(timetable: Timetable, first: datetime, last: datetime, due_by: datetime) -> Iterator[Slot]:
    # The slot that begins at `last` ends later; so the search begins at that end.
    after_last = next(timetable.from_(last), None)
    slot = timetable.latest_due(due_by if after_last is None else min(due_by, after_last.run_after))
    while slot is not None and slot.logical_date >= first:
        if slot.logical_date <= last:
            yield slot
        slot = timetable.latest_due(slot.run_after - timedelta(microseconds=1))


class _Cron:
    is_periodic = True

    def __init__(self, lines: tuple[str, ...], zone: str) -> None:
        self.summary = ", ".join(lines)
        self._lines = tuple(CRON_ALIASES.get(line, line) for line in lines)
        self._zone = ZoneInfo(zone)

    @cached_property
    def description(self) -> str:
        from cronsim import CronSim

        words = " and ".join(CronSim(line, datetime(2026, 1, 1, tzinfo=UTC)).explain() for line in self._lines)
        return f"{words} ({self._zone.key})"

    def from_(self, start: datetime) -> Iterator[Slot]:
        if start < HORIZON:
            ticks = self._ticks(max(start, _BEGIN) - timedelta(microseconds=1))
            for begin, end in pairwise(ticks):
                yield Slot(begin, end, end)

    def latest_due(self, now: datetime) -> Slot | None:
        # The latest tick at or before `now` ends the latest due interval.
        back = self._ticks_back(min(now, HORIZON) + timedelta(microseconds=1))
        end = next(back, None)
        begin = next(back, None)
        return None if begin is None or end is None else Slot(begin, end, end)

    def why_moved(self, slot: Slot) -> str | None:
        reasons = (self._why_moved(line, slot.run_after) for line in self._lines if _is_at_fixed_times(line))
        return next(filter(None, reasons), None)

    def _why_moved(self, line: str, tick: datetime) -> str | None:
        local = tick.astimezone(self._zone)
        wall = local.replace(tzinfo=None)
        offset = local.utcoffset()
        before = (tick - timedelta(seconds=1)).astimezone(self._zone).utcoffset()
        assert offset is not None
        assert before is not None
        if offset > before:
            left_out = _next_wall_time(line, wall - (offset - before))
            if left_out is not None and left_out < wall:
                return f"{left_out:%H:%M} is left out on {wall:%Y-%m-%d} in {self._zone.key}: due when the gap ends"
        if local.replace(fold=1).utcoffset() != offset and _next_wall_time(line, wall) == wall:
            return f"{wall:%H:%M} comes twice on {wall:%Y-%m-%d} in {self._zone.key}: due at the first"
        return None

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
        while before - _BEGIN > span:
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


class _Every:
    is_periodic = True

    def __init__(self, interval: timedelta, anchor: datetime) -> None:
        self._interval = interval
        self._anchor = anchor
        self.summary = f"every {format_duration(interval)}"
        self.description = f"Every {interval}"

    def from_(self, start: datetime) -> Iterator[Slot]:
        number = -((self._anchor - max(start, _BEGIN)) // self._interval)
        begin = self._anchor + number * self._interval
        while begin + self._interval <= HORIZON:
            yield Slot(begin, begin + self._interval, begin + self._interval)
            begin += self._interval

    def latest_due(self, now: datetime) -> Slot | None:
        number = (min(now, HORIZON) - self._anchor) // self._interval
        end = self._anchor + number * self._interval
        return Slot(end - self._interval, end, end) if end - _BEGIN >= self._interval else None

    def why_moved(self, slot: Slot) -> str | None:
        return None


class _At:
    is_periodic = False

    def __init__(self, instants: tuple[datetime, ...]) -> None:
        self._slots = [Slot(instant, instant, instant) for instant in sorted(set(instants))]
        self.summary = self.description = f"At {len(self._slots)} given instants"

    def from_(self, start: datetime) -> Iterator[Slot]:
        return (slot for slot in self._slots if slot.logical_date >= start)

    def latest_due(self, now: datetime) -> Slot | None:
        return max((slot for slot in self._slots if slot.run_after <= now), default=None)

    def why_moved(self, slot: Slot) -> str | None:
        return None


def _is_at_fixed_times(line: str) -> bool:
    """Whether a cron line names times of day; one whose minute or hour is a star follows elapsed time instead."""
    minute, hour, *_ = line.split()
    return not (minute.startswith("*") or hour.startswith("*"))


def _next_wall_time(line: str, wall: datetime) -> datetime | None:
    """The first time of day from `wall` on that a cron line names, as if the clocks never changed."""
    from cronsim import CronSim

    found: datetime | None = next(CronSim(line, wall - timedelta(seconds=1)), None)
    return found


def _distinct(ticks: Iterator[datetime]) -> Iterator[datetime]:
    """Ascending ticks, each once."""
    last = None
    for tick in ticks:
        if tick != last:
            yield tick
        last = tick
