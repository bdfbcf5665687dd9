"""One run at each of a list of instants."""

from collections.abc import Iterator
from datetime import datetime

from mainspring.timetables.slots import Dropped, Slot

__all__ = ["GivenInstants"]


class GivenInstants:
    """See `Timetable`."""

    is_periodic = False

    def __init__(self, instants: tuple[datetime, ...]) -> None:
        self._slots = [Slot(instant, instant, instant) for instant in sorted(set(instants))]
        self.summary = self.description = f"At {len(self._slots)} given instants"

    def from_(self, start: datetime) -> Iterator[Slot]:
        return (slot for slot in self._slots if slot.logical_date >= start)

    def latest_due(self, now: datetime) -> Slot | None:
        return max((slot for slot in self._slots if slot.run_after <= now), default=None)

    def interval_start(self, now: datetime) -> datetime | None:
        return None

    def why_moved(self, slot: Slot) -> str | None:
        return None

    def dropped(self, earliest: datetime, until: datetime) -> Iterator[Dropped]:
        return iter(())
