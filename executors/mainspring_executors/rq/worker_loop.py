"""Carries attempts, one after the other, each from its claim to its acknowledged end."""

import logging
from collections.abc import Callable
from datetime import timedelta
from time import sleep

from mainspring.failpoints import reach
from mainspring_executors.local.local import LocalExecutor
from mainspring_executors.rq.attempt_run import RETRY_SECONDS, Carriage
from mainspring_executors.rq.execution_client import Bid, Claim, Courier, Refused, Unreachable
from mainspring_executors.rq.prefetch import Deliveries, Lookahead

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
        self._beside = Lookahead(courier, deliveries)

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
        beside = self._beside
        if self._is_stopping():
            beside.let_go()
        claim = beside.claim
        if claim is not None and carriage.fits_one_call and beside.has_room:
            beside.tell_beside(carriage)
        else:
            # Without a claim ahead, what comes next is claimed with the report of the end, and starts at once.
            bid, claim = self._report(carriage)
            if claim is None:
                beside.settle()
                return self._claimed(bid) if bid is not None else None
        if claim is beside.claim:
            beside.take()
        return self._carriage(claim, took_seconds=carriage.took_seconds)

    def _report(self, carriage: Carriage) -> tuple[Bid | None, Claim | None]:
        """Report the ends that are not told, this one last. What comes next then: its claim, or else a bid for it."""
        beside = self._beside
        for ended in list(beside.untold):
            is_over, _ = ended.report_end(None)
            if not is_over:
                break
            beside.note_told(ended)
        beside.settle()
        ahead = beside.claim
        bid = self._next() if ahead is None and not self._is_stopping() else None
        is_over, claim = carriage.report_end(bid)
        if is_over:
            beside.note_told(carriage)
        if self._is_stopping():
            beside.let_go()
        # What was ahead is not any more when it was let go.
        claim = claim or (ahead if ahead is beside.claim else None)
        return bid if is_over else None, claim

    def _next(self) -> Bid | None:
        """For what was taken beside the attempt, or waits now."""
        taken = self._beside.take()
        if taken is not None:
            return taken
        following = self._deliveries.take()
        return None if following is None else Bid(following)

    def _claimed(self, bid: Bid) -> Carriage | None:
        """Of an attempt that is claimed now, or else of what comes after it. None when nothing is to be had, or the
        worker is to stop."""
        wanted: Bid | None = bid
        while wanted is not None:
            try:
                claim = self._claim(wanted)
            except Unreachable:
                self._beside.let_go()
                return None
            if claim is not None:
                return self._carriage(claim, took_seconds=float("inf"))
            self._deliveries.settle(wanted.attempt_id)
            wanted = self._beside.take()
        return None

    def _carriage(self, claim: Claim, *, took_seconds: float) -> Carriage:
        return Carriage(
            self._courier,
            self._executor,
            claim,
            beside=self._beside,
            took_seconds_before=took_seconds,
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
