"""Things to be done at an instant of the monotonic clock."""

import heapq
import itertools
from typing import Generic, TypeVar

__all__ = ["Alarms"]

T = TypeVar("T")


class Alarms(Generic[T]):
    """A queue of what is due when. Nothing is ever taken back: who gets an alarm checks that it still matters."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, T]] = []
        self._count = itertools.count()

    def set(self, at: float, what: T) -> None:
        heapq.heappush(self._heap, (at, next(self._count), what))

    def due(self, now: float) -> list[T]:
        """Takes out what is due, oldest first."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            found.append(heapq.heappop(self._heap)[2])
        return found

    def next_at(self) -> float | None:
        return self._heap[0][0] if self._heap else None
