"""Alarms at instants of the monotonic clock."""

import heapq
import itertools
from typing import Generic, TypeVar

__all__ = ["Alarms"]

T = TypeVar("T")


class Alarms(Generic[T]):
    """A priority queue of alarms. An alarm cannot be cancelled: the receiver checks that the alarm still matters."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, T]] = []
        self._count = itertools.count()

    def set(self, at: float, alarm: T) -> None:
        heapq.heappush(self._heap, (at, next(self._count), alarm))

    def due(self, now: float) -> list[T]:
        """Remove and return the alarms up to `now`, earliest first."""
        alarms = []
        while self._heap and self._heap[0][0] <= now:
            alarms.append(heapq.heappop(self._heap)[2])
        return alarms

    def next_at(self) -> float | None:
        return self._heap[0][0] if self._heap else None
