"""The slots of a timetable, and the interface of every timetable."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from mainspring.instants import SCHEDULES_BEGIN

__all__ = ["BEGIN", "HORIZON", "Dropped", "Slot", "Timetable"]

HORIZON = datetime(2100, 1, 1, tzinfo=UTC)
"""No run is planned beyond it."""
BEGIN = SCHEDULES_BEGIN


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One run that a schedule asks for. Slots of one timetable are ordered, and none comes twice."""

    logical_date: datetime
    """The start of the data interval; names the slot."""
    data_interval_end: datetime
    run_after: datetime
    """When it is due."""


@dataclass(frozen=True, slots=True, order=True)
class Dropped:
    """A scheduled time of day at which no run is due."""

    local_time: datetime
    """On the wall of the schedule's zone: naive, because the instant may not exist."""
    reason: str


class Timetable(Protocol):
    """A schedule that can be asked. All instants are aware UTC."""

    summary: str
    """As it was written, in short."""
    is_periodic: bool
    """Whether slots have data intervals, so that a backfill can fill a past range."""

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

    def interval_start(self, now: datetime) -> datetime | None:
        """The start of the data interval that holds `now`; None where there is none."""
        ...

    def why_moved(self, slot: Slot) -> str | None:
        """Why a slot is not due just when the schedule says; None = it is."""
        ...

    def dropped(self, earliest: datetime, until: datetime) -> Iterator[Dropped]:
        """What the clocks or the calendar left out later than `earliest` and up to `until`, in no order."""
        ...
