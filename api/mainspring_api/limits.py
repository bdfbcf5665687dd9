"""How often somebody may do something: token buckets, kept in this process.

Each process counts for itself, so several of them together allow as many times as much; what is bounded is the load
on each.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from mainspring.errors import MainspringError

__all__ = ["Limits", "RateLimit", "TooManyRequests", "limits_of"]

_HOLDERS_MAX = 10_000


class TooManyRequests(MainspringError):
    """Somebody asks more often than is allowed."""

    def __init__(self, what: str, retry_after_seconds: int) -> None:
        super().__init__(f"too many {what}; try again in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds


class RateLimit:
    """A bucket for each holder: full at first, refilled steadily. Safe to use from many threads."""

    def __init__(
        self,
        what: str,
        *,
        per_second: float,
        at_once: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """what: named in the error. at_once: the size of a bucket."""
        self._what = what
        self._per_second = per_second
        self._at_once = at_once
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, holder: str) -> None:
        """Raises TooManyRequests when the holder's bucket is empty."""
        missing = self._take(holder)
        if missing > 0:
            raise TooManyRequests(self._what, max(1, math.ceil(missing / self._per_second)))

    def has_room(self, holder: str) -> bool:
        """The same as a question: whether it could be taken."""
        return self._take(holder) <= 0

    def give_back(self, holder: str) -> None:
        """What was taken last did not count after all."""
        with self._lock:
            if holder in self._buckets:
                left, since = self._buckets[holder]
                self._buckets[holder] = (min(self._at_once, left + 1), since)

    def _take(self, holder: str) -> float:
        """What is missing in the bucket; 0 = it was taken."""
        now = self._monotonic()
        with self._lock:
            left, since = self._buckets.pop(holder, (self._at_once, now))
            left = min(self._at_once, left + (now - since) * self._per_second)
            taken = left >= 1
            self._buckets[holder] = (left - 1 if taken else left, now)
            # Who was here longest ago has a full bucket by now, or is one of very many.
            while len(self._buckets) > _HOLDERS_MAX:
                self._buckets.popitem(last=False)
        return 0.0 if taken else 1 - left


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """All of one process."""

    writes: RateLimit
    """Of a user or token."""
    logins: RateLimit
    """Failed ones, from one address under one name."""
    invalid_tokens: RateLimit
    """From one address."""
    noted_refusals: RateLimit
    """Of a user or token: what is above is refused too, but not noted."""


def limits_of(writes_per_second: float) -> Limits:
    return Limits(
        writes=RateLimit("writes", per_second=writes_per_second, at_once=10 * writes_per_second),
        logins=RateLimit("failed logins", per_second=1 / 6, at_once=10),
        invalid_tokens=RateLimit("requests with an invalid token", per_second=1, at_once=60),
        noted_refusals=RateLimit("refusals", per_second=1, at_once=60),
    )
