"""Which slot of a timetable is planned next, and which slots a range of time holds."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, takewhile

from mainspring.timetables.aliases import OnceTimetable
from mainspring.timetables.slots import HORIZON, Slot, Timetable

__all__ = ["next_slot", "slots_after", "slots_between"]


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
    if after is not None and isinstance(timetable, OnceTimetable):
        return None
    begin = max(filter(None, (after, start)), default=None) or timetable.interval_start(now) or now
    upcoming = (slot for slot in timetable.from_(begin) if after is None or slot.logical_date > after)
    slot = next(upcoming, None)
    if slot is not None and slot.run_after <= now:
        more = takewhile(lambda slot: slot.run_after <= now and (end is None or slot.logical_date <= end), upcoming)
        if sum(1 for _ in islice(more, catchup_max)) == catchup_max:
            # More is due than is made up for: only the latest of it.
            latest = slots_between(timetable, begin, end or HORIZON, due_by=now, is_backwards=True)
            slot = next(islice(latest, catchup_max - 1, None))
    return None if slot is None or (end is not None and slot.logical_date > end) else slot


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
    descending with `is_backwards`. No slot is kept in memory, so the range may be long."""
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
