"""Which slot of a timetable is planned next, and which slots a range of time holds."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, takewhile

from mainspring.timetables.aliases import OnceTimetable
from mainspring.timetables.slots import HORIZON, Slot, Timetable

__all__ = ["ON_TIME", "next_slot", "slots_after", "slots_between"]

ON_TIME = timedelta(minutes=1)
"""How late a run of a slot may begin where no missed slot runs: a scheduler that is replaced, or many runs that are due
at once, cost some seconds."""


def next_slot(
    timetable: Timetable,
    *,
    after: datetime | None,
    start: datetime | None,
    end: datetime | None,
    catchup_max: int,
    now: datetime,
    renewed_at: datetime | None = None,
) -> Slot | None:
    """The slot to be planned next; it may be due already. None when there is none any more.

    after: logical date of the latest planned run; the answer is later than that.
    start: earliest logical date; None = the interval that holds `now` is the first.
    end: latest logical date.
    catchup_max: of the slots that are due already, how many of the latest are made up for. 0 = a slot counts
        as missed `ON_TIME` after its instant, and when it was due before `renewed_at`.
    renewed_at: when the plan was dropped, by the end of a pause or by a new version; None = the plan stands.
    """
    if after is not None and isinstance(timetable, OnceTimetable):
        return None
    begin = max(filter(None, (after, start)), default=None) or timetable.interval_start(now) or now
    if catchup_max == 0:
        on_time = max(filter(None, (now - ON_TIME, renewed_at)))
        begin = max(filter(None, (begin, _begin_of_last_before(timetable, on_time))))
    else:
        on_time = None
    upcoming = (
        slot
        for slot in timetable.from_(begin)
        if (after is None or slot.logical_date > after) and (on_time is None or slot.run_after >= on_time)
    )
    slot = next(upcoming, None)
    if slot is not None and slot.run_after <= now and catchup_max:
        more = takewhile(lambda slot: slot.run_after <= now and (end is None or slot.logical_date <= end), upcoming)
        if sum(1 for _ in islice(more, catchup_max)) == catchup_max:
            # More is due than is made up for: only the latest of it.
            latest = slots_between(timetable, begin, end or HORIZON, due_by=now, is_backwards=True)
            slot = next(islice(latest, catchup_max - 1, None))
    return None if slot is None or (end is not None and slot.logical_date > end) else slot


def _begin_of_last_before(timetable: Timetable, instant: datetime) -> datetime | None:
    """Logical date of the latest slot that is due before an instant."""
    slot = timetable.latest_due(instant - timedelta(microseconds=1))
    return slot.logical_date if slot else None


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
