"""How often somebody may do something: token buckets in the database, so that the limits hold for all processes
together.

What happens often is not paid for each time: a process takes a hundredth of a bucket at once and gives it out until it
is used up, or as long as an empty bucket takes to fill. So one statement serves twenty writes, and each process may let
a hundredth more through. What happens seldom (logins, invalid tokens) is counted exactly. A refused client is refused
without a database query until a permit is available, so retries cost the database nothing.

Without the database a limit raises `StoreUnavailable`, like the operation behind the limit.
"""

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

from mainspring.errors import MainspringError
from mainspring_store import Database
from mainspring_store.access.rate_limits import Bucket, Grant, forget_full_buckets, give_back_permit, take_permits

__all__ = ["Limits", "RateLimit", "TooManyRequests", "limits_of"]

_HOLDERS_MAX = 10_000
_PARTS = 100
"""Of a bucket; a process takes one at once."""
_ROUND = 1_000
"""After this number of queries, full buckets are deleted from the database."""


class TooManyRequests(MainspringError):
    """Somebody asks more often than is allowed."""

    def __init__(self, what: str, retry_after_seconds: int, headers: Mapping[str, str] | None = None) -> None:
        """headers: further headers of the answer."""
        super().__init__(f"too many {what}; try again in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds
        self.headers = {**(headers or {}), "Retry-After": str(retry_after_seconds)}


@dataclass(slots=True)
class _Known:
    """The process's copy of a holder's bucket."""

    permits: int = 0
    """Taken from the bucket and not given out yet."""
    remaining: int = 0
    """In the bucket after the last query."""
    good_until: float = 0.0
    refused_until: float = 0.0
    is_asking: bool = False
    """A thread is about to fetch more."""


class RateLimit:
    """A bucket for each holder: full at first, refilled steadily. Safe to use from many threads."""

    def __init__(
        self,
        what: str,
        database: Database,
        bucket: Bucket,
        *,
        is_announced: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """what: named in the error. is_announced: answers tell the limit in headers, see `headers`."""
        self._what = what
        self._is_announced = is_announced
        self._database = database
        self._bucket = bucket
        self._at_once = max(1, int(bucket.size / _PARTS))
        self._monotonic = monotonic
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = Lock()
        self._asked = 0

    def take(self, holder: str) -> int:
        """Take a permit. Returns how many more the holder has at least, as far as this process knows.

        Raises:
            TooManyRequests: The holder's bucket is empty.
        """
        grant = self._take(holder)
        if grant.missing_seconds > 0:
            seconds = max(1, math.ceil(grant.missing_seconds))
            raise TooManyRequests(self._what, seconds, self.headers(0, retry_after_seconds=seconds))
        return grant.remaining

    def has_room(self, holder: str) -> bool:
        """The same as a question: whether it could be taken."""
        return self._take(holder).missing_seconds <= 0

    def headers(self, remaining: int, *, retry_after_seconds: int | None = None) -> dict[str, str]:
        """`RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers writes them; empty when the limit
        is not announced."""
        if not self._is_announced:
            return {}
        name, size, window = self._bucket.name, int(self._bucket.size), math.ceil(self._bucket.fill_seconds)
        after = "" if retry_after_seconds is None else f";t={retry_after_seconds}"
        return {"RateLimit-Policy": f'"{name}";q={size};w={window}', "RateLimit": f'"{name}";r={remaining}{after}'}

    def give_back(self, holder: str) -> None:
        """What was taken last did not count after all."""
        give_back_permit(self._database, self._bucket, _hash(holder))
        with self._lock:
            self._known.pop(holder, None)

    def _take(self, holder: str) -> Grant:
        """Take a permit. What is left includes the permits that this process holds."""
        now = self._monotonic()
        with self._lock:
            bucket = self._of(holder)
            if bucket.permits and now < bucket.good_until:
                bucket.permits -= 1
                return Grant(0.0, bucket.remaining + bucket.permits)
            if now < bucket.refused_until:
                return Grant(bucket.refused_until - now, 0)
            # Further requests of this moment take a permit each, so that no process hoards permits.
            permits = 1 if bucket.is_asking else self._at_once
            bucket.is_asking, bucket.permits = True, 0
        taken, grant = 0, Grant(0.0, 0)
        try:
            taken, grant = self._ask(holder, permits)
        finally:
            with self._lock:
                bucket.is_asking = False
                bucket.permits += max(0, taken - 1)
                bucket.remaining = grant.remaining
                bucket.good_until = now + self._bucket.fill_seconds
                bucket.refused_until = now + grant.missing_seconds
                in_hand = bucket.permits
        return Grant(grant.missing_seconds, grant.remaining + in_hand)

    def _of(self, holder: str) -> _Known:
        bucket = self._known.setdefault(holder, _Known())
        self._known.move_to_end(holder)
        # The least recent holder has a full bucket again, or is among very many holders.
        while len(self._known) > _HOLDERS_MAX:
            self._known.popitem(last=False)
        return bucket

    def _ask(self, holder: str, permits: int) -> tuple[int, Grant]:
        """How many permits were taken: all, one or none."""
        self._asked += 1
        if self._asked % _ROUND == 0:
            forget_full_buckets(self._database)
        hashed = _hash(holder)
        if permits > 1:
            many = take_permits(self._database, self._bucket, hashed, permits)
            if many.missing_seconds == 0:
                return permits, many
        single = take_permits(self._database, self._bucket, hashed, 1)
        return int(single.missing_seconds == 0), single


def _hash(holder: str) -> str:
    """Names that were tried at a login may be anything, passwords too."""
    return hashlib.sha256(holder.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """All that there are."""

    writes: RateLimit
    """Of a user or token."""
    invalid_tokens: RateLimit
    """From one address."""
    noted_refusals: RateLimit
    """Of a user or token: what is above is refused too, but not noted."""
    deliveries: RateLimit
    """Tests of webhooks, and deliveries that are sent again, of a user or token."""
    callbacks: RateLimit
    """Triggers with a callback, of a user or token."""
    hook_deliveries: RateLimit
    """To a hook, with a right signature."""
    refused_deliveries: RateLimit
    """To hooks, with a wrong signature or an unknown URL, from one network of clients."""
    noted_deliveries: RateLimit
    """To a hook, with a wrong signature: what is above is refused too, but not kept."""


def limits_of(database: Database, writes_per_second: float) -> Limits:
    writes = Bucket(name="writes", per_second=writes_per_second, size=max(1, 10 * writes_per_second))
    invalid_tokens = Bucket(name="invalid_tokens", per_second=1, size=60)
    noted_refusals = Bucket(name="noted_refusals", per_second=1, size=60)
    deliveries = Bucket(name="deliveries", per_second=1 / 6, size=10)
    callbacks = Bucket(name="callbacks", per_second=1 / 6, size=10)
    hook_deliveries = Bucket(name="hook_deliveries", per_second=5, size=100)
    refused_deliveries = Bucket(name="refused_deliveries", per_second=1, size=60)
    noted_deliveries = Bucket(name="noted_deliveries", per_second=1 / 6, size=10)
    return Limits(
        writes=RateLimit("writes", database, writes, is_announced=True),
        invalid_tokens=RateLimit("requests with an invalid token", database, invalid_tokens),
        noted_refusals=RateLimit("refusals", database, noted_refusals),
        deliveries=RateLimit("tests and repeated deliveries", database, deliveries, is_announced=True),
        callbacks=RateLimit("callbacks", database, callbacks, is_announced=True),
        hook_deliveries=RateLimit("deliveries to this hook", database, hook_deliveries),
        refused_deliveries=RateLimit("refused deliveries", database, refused_deliveries),
        noted_deliveries=RateLimit("noted refusals", database, noted_deliveries),
    )
