"""Carries attempts, one after the other, each from its claim to its acknowledged end."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from time import sleep

from mainspring.failpoints import reach
from mainspring_executors.local import LocalExecutor
from mainspring_executors.rq.carriage import RETRY_SECONDS, Carriage
from mainspring_executors.rq.courier import Bid, Claim, Courier, Refused, Unreachable
from mainspring_executors.rq.lookahead import Deliveries, Ended, Lookahead

__all__ = ["Carrier"]

_log = logging.getLogger(__name__)


class Carrier:
    """Carries one attempt at a time. `executor` takes one at a time too and belongs to the caller."""

    def __init__(
        self,
        courier: Courier,
        executor: LocalExecutor,
        deliveries: Deliveries,
        *,
        is_stopping: Callable[[], bool],
        stop_grace: timedelta,
    ) -> None:
        """stop_grace: how long an attempt may go on once `is_stopping`; then it is interrupted."""
        self._courier = courier
        self._executor = executor
        self._deliveries = deliveries
        self._is_stopping = is_stopping
        self._stop_grace = stop_grace

    def carry(self, attempt_id: str) -> None:
        """Claim an attempt, run it and report its end until it is acknowledged; then the same with what waits next.

        Comes back when nothing waits, or when the worker is to stop. What could not be claimed or reported by then is
        found again, by its missing claim or by its lease.
        """
        carriage = self._claimed(Bid(attempt_id))
        while carriage is not None:
            carriage.run()
            carriage = self._follow(carriage)

    def _follow(self, carriage: Carriage) -> Carriage | None:
        """What comes after an attempt that has ended; None when nothing does. Its end is told, or will be beside it."""
        beside = carriage.beside
        if beside.before is not None:
            is_over, _ = beside.before.report_end(None)
            beside.unsettled, beside.before = beside.before.attempt_id if is_over else None, None
        ahead, taken = beside.claim, beside.bid
        if self._is_stopping():
            beside.let_go()
            ahead = taken = None
        if ahead is not None and carriage.fits_one_call:
            return self._carriage(ahead, before=carriage, unsettled=beside.unsettled, is_eager=carriage.is_short)
        self._settle(beside.unsettled)
        # Without a claim ahead, what comes next is claimed with the report of the end, and starts at once.
        bid = self._next(taken) if ahead is None else None
        is_over, claim = carriage.report_end(bid)
        unsettled = carriage.attempt_id if is_over else None
        claim = claim or ahead
        if claim is not None:
            return self._carriage(claim, unsettled=unsettled, is_eager=carriage.is_short)
        self._settle(unsettled)
        return self._claimed(bid) if bid is not None and is_over else None

    def _settle(self, attempt_id: str | None) -> None:
        if attempt_id is not None:
            self._deliveries.settle(attempt_id)

    def _next(self, taken: Bid | None) -> Bid | None:
        """For what was taken beside the attempt, or waits now."""
        if taken is not None:
            return replace(taken, is_ahead=False)
        following = self._deliveries.take()
        return None if following is None else Bid(following)

    def _claimed(self, bid: Bid) -> Carriage | None:
        """Of an attempt that is claimed now; None when it is not to be had, or the worker is to stop."""
        try:
            claim = self._claim(bid)
        except Unreachable:
            return None
        if claim is None:
            self._deliveries.settle(bid.attempt_id)
            return None
        return self._carriage(claim)

    def _carriage(
        self, claim: Claim, *, before: Ended | None = None, unsettled: str | None = None, is_eager: bool = False
    ) -> Carriage:
        beside = Lookahead(self._courier, self._deliveries, before=before, unsettled=unsettled, is_eager=is_eager)
        return Carriage(
            self._courier,
            self._executor,
            claim,
            beside=beside,
            is_stopping=self._is_stopping,
            stop_grace=self._stop_grace,
        )

    def _claim(self, bid: Bid) -> Claim | None:
        """Raises `Unreachable` when the worker is to stop before the claim could be made."""
        turn = 0
        while True:
            try:
                reach("worker.claim.before")
                claim = self._courier.claim(bid)
                reach("worker.claim.answered")
                return claim
            except Refused as exc:
                _log.error("attempt %s cannot be claimed: %s", bid.attempt_id, exc)
                return None
            except Unreachable as exc:
                _log.warning("%s; attempt %s is claimed again", exc, bid.attempt_id)
                if self._is_stopping():
                    raise
            self._executor.reports(0)  # its task host must hear from us
            sleep(RETRY_SECONDS[min(turn, len(RETRY_SECONDS) - 1)])
            turn += 1
