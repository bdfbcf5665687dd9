"""Airflow's schedules that are no cron lines: one run, and one run after another. Their intervals are empty."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from mainspring.timetables.slots import BEGIN, HORIZON, Dropped, Slot

__all__ = ["ContinuousTimetable", "OnceTimetable"]

_SECOND = timedelta(seconds=1)


class OnceTimetable:
    """See `Timetable`. Its slot is where the caller begins to look: at the start date, or now."""

    is_periodic = False
    summary = "@once"
    description = "Once"

    def from_(self, start: datetime) -> Iterator[Slot]:
        yield Slot(start, start, start)

    def latest_due(self, now: datetime) -> Slot | None:
        return None

    def interval_start(self, now: datetime) -> datetime | None:
        return None

    def why_moved(self, slot: Slot) -> str | None:
        return None

    def dropped(self, earliest: datetime, until: datetime) -> Iterator[Dropped]:
        return iter(())


class ContinuousTimetable:
    """See `Timetable`. Each whole second is a slot. At most one run is active, and of the slots that this run
    misses only the latest is made up for: so the next run comes when the last run has ended."""

    is_periodic = False
    summary = "@continuous"
    description = "One run after another"

    def from_(self, start: datetime) -> Iterator[Slot]:
        begin = max(start, BEGIN)
        instant = begin.replace(microsecond=0)
        if instant < begin:
            instant += _SECOND
        while instant <= HORIZON:
            yield Slot(instant, instant, instant)
            instant += _SECOND

    def latest_due(self, now: datetime) -> Slot | None:
        instant = min(now, HORIZON).replace(microsecond=0)
        return Slot(instant, instant, instant) if instant >= BEGIN else None

    def interval_start(self, now: datetime) -> datetime | None:
        return None

    def why_moved(self, slot: Slot) -> str | None:
        return None

    def dropped(self, earliest: datetime, until: datetime) -> Iterator[Dropped]:
        return iter(())
