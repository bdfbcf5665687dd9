"""What a worker does beside an attempt, so that nothing stands between its end and the next start.

While one runs, the end of the one before is told, its delivery settled, and the next one claimed ahead. What is claimed
may have begun, for all that others know: that is what its lease and the charge for its loss go by. So it is released
when the attempt before it takes longer than short ones do, and another worker can have it meanwhile.
"""

import logging
from collections.abc import Sequence
from time import monotonic
from typing import Protocol

from mainspring.failpoints import reach
from mainspring_executors.rq.courier import Bid, Claim, Courier, Refused, Unreachable

__all__ = ["AHEAD_SECONDS", "Deliveries", "Ended", "Lookahead"]

_log = logging.getLogger(__name__)

AHEAD_SECONDS = 0.1
"""How long the next attempt is kept while one runs, and the start of one that was claimed ahead untold: a short one has
ended by then."""
_RETRY_SECONDS = 0.5
"""Beside an attempt, which is to be heard and its lease renewed meanwhile."""


class Deliveries(Protocol):
    """Where attempt ids come from."""

    def take(self) -> str | None:
        """What waits next, if the worker is to go on; never waits for it. Only while no attempt runs."""
        ...

    def settle(self, attempt_id: str) -> None:
        """It needs to be delivered to nobody any more."""
        ...

    def exchange(self, attempt_id: str | None) -> str | None:
        """`settle` one, if there is one, and `take` what waits next, in one round trip and beside an attempt."""
        ...

    def give_back(self, attempt_id: str) -> None:
        """Let another worker have what was taken; it comes first again."""
        ...


class Ended(Protocol):
    """An attempt whose end is not acknowledged yet."""

    @property
    def attempt_id(self) -> str: ...

    def tell(self, bid: Bid | None) -> Claim | None:
        """Report the end, and claim with it; see `Courier.finish`. Raises `Unreachable`, and may be repeated then."""
        ...

    def report_end(self, bid: Bid | None) -> tuple[bool, Claim | None]:
        """The same until it is acknowledged, while no attempt runs. False: the worker was told to stop before."""
        ...


class Lookahead:
    """Beside one attempt."""

    def __init__(
        self,
        courier: Courier,
        deliveries: Deliveries,
        *,
        before: Ended | None = None,
        unsettled: str | None = None,
        is_eager: bool = False,
    ) -> None:
        """before: its end is to be told.
        unsettled: the delivery of an attempt whose end is acknowledged.
        is_eager: whether to look for the next attempt, which is of use when this one is short.
        """
        self._courier = courier
        self._deliveries = deliveries
        self.before = before
        self.unsettled = unsettled
        self.bid: Bid | None = None
        """For what was taken from the deliveries."""
        self.claim: Claim | None = None
        """Of the same, once it is claimed."""
        self._is_eager = is_eager
        self._is_asked = False
        """The bid was made, and may have been taken even without an answer."""
        self._until = float("inf")
        """When what was taken is let go."""
        self._retry_at = float("inf")
        """When the end of the one before is told again."""
        self._is_stopping = False

    @property
    def held(self) -> Sequence[str]:
        """Attempts whose leases are to be renewed besides."""
        return [] if self.before is None else [self.before.attempt_id]

    @property
    def tend_at(self) -> float:
        """When `tend` has something to do, by the monotonic clock."""
        return min(
            self._until if self.bid is not None else float("inf"),
            self._retry_at if self.before is not None else float("inf"),
        )

    def begin(self) -> None:
        """The attempt has started."""
        if self._is_eager:
            following = self._deliveries.exchange(self.unsettled)
            self.unsettled = None
            if following is not None:
                self.bid = Bid(following, is_ahead=self._courier.takes_claims_ahead)
                self._until = monotonic() + AHEAD_SECONDS
        self._tell()

    def tend(self, *, is_stopping: bool) -> None:
        """Do what is due. is_stopping: the worker carries nothing more."""
        now = monotonic()
        if self.before is not None and now >= self._retry_at:
            self._tell()
        if is_stopping and not self._is_stopping:
            self._is_stopping, self._until = True, now
        if now >= self._until:
            self.let_go()

    def let_go(self) -> None:
        """Give back what was taken, and release it if it may be claimed. Tried again by `tend` when nobody answers."""
        if self.bid is None:
            return
        # Even if nobody answers it may be somebody else's by now: whoever still wants it has to claim it again.
        self.claim = None
        if self._is_asked:
            try:
                reach("worker.release.before")
                self._courier.release(self.bid)
                reach("worker.release.done")
            except (Unreachable, Refused) as exc:
                _log.warning("attempt %s is not released: %s", self.bid.attempt_id, exc)
                self._until = monotonic() + _RETRY_SECONDS
                return
        self._deliveries.give_back(self.bid.attempt_id)
        self.bid = None

    def _tell(self) -> None:
        """Tell the end of the one before, and claim the next: once, as whoever is not answered may have it."""
        bid = None if self._is_asked or not self._courier.takes_claims_ahead else self.bid
        self._is_asked = self._is_asked or bid is not None
        try:
            reach("worker.ahead.before")
            if self.before is not None:
                self.claim = self.before.tell(bid)
                self.unsettled = self.before.attempt_id
                self.before = None
            elif bid is not None:
                self.claim = self._courier.claim(bid)
            reach("worker.ahead.done")
        except Refused as exc:
            _log.error("an attempt cannot be claimed ahead: %s", exc)
        except Unreachable as exc:
            _log.warning("%s; what is to be told is told again", exc)
            self._retry_at = monotonic() + _RETRY_SECONDS
