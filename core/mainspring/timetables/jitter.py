"""Runs are spread after their instants, so that a thousand midnight DAGs do not start together."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import chain, pairwise

from mainspring.timetables.slots import Dropped, Slot, Timetable

__all__ = ["Jittered"]


class Jittered:
    """A timetable whose slots are due up to `jitter` later. DAG and slot determine the amount, so every computation
    gives the same result. A slot is never due before its instant, and always before the instant of the next one; its
    name and its data interval stay."""

    def __init__(self, timetable: Timetable, jitter: timedelta, dag_id: str) -> None:
        self._timetable = timetable
        self._jitter = jitter
        self._dag_id = dag_id
        self.summary = timetable.summary
        self.is_periodic = timetable.is_periodic

    @property
    def description(self) -> str:
        return self._timetable.description

    def from_(self, start: datetime) -> Iterator[Slot]:
        for slot, following in pairwise(chain(self._timetable.from_(start), [None])):
            assert slot is not None
            yield self._later(slot, following)

    def latest_due(self, now: datetime) -> Slot | None:
        slot = self._timetable.latest_due(now)
        if slot is None:
            return None
        slots = next(self.from_(slot.logical_date))
        if slots.run_after <= now:
            return slots
        earlier = self._timetable.latest_due(slot.run_after - timedelta(microseconds=1))
        return None if earlier is None else next(self.from_(earlier.logical_date))

    def interval_start(self, now: datetime) -> datetime | None:
        return self._timetable.interval_start(now)

    def why_moved(self, slot: Slot) -> str | None:
        return self._timetable.why_moved(slot)

    def dropped(self, earliest: datetime, until: datetime) -> Iterator[Dropped]:
        return self._timetable.dropped(earliest, until)

    def _later(self, slot: Slot, following: Slot | None) -> Slot:
        room = self._jitter if following is None else min(self._jitter, following.run_after - slot.run_after)
        name = f"{self._dag_id} {slot.logical_date.isoformat()}"
        share = int.from_bytes(sha256(name.encode()).digest()[:3])
        return replace(slot, run_after=slot.run_after + room * share // 2**24)
