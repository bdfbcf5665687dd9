"""Carries attempts, one after the other, each from its claim to its acknowledged end.

The attempt itself runs in a task host of this worker, as on `local`. Here its reports go home over HTTP, its lease is
renewed, and when it cannot be renewed in time the attempt is stopped, before the scheduler may give it to another.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Protocol

from mainspring.attempts import Finished, LogChunk, Outcome
from mainspring.failpoints import reach
from mainspring.states import StateReason
from mainspring_executors.contract import SubmitResult
from mainspring_executors.local import LocalExecutor
from mainspring_executors.rq.courier import Bid, Claim, Courier, Refused, Unreachable

__all__ = ["BEATS_IN_LEASE", "Carrier", "Deliveries"]

_log = logging.getLogger(__name__)

BEATS_IN_LEASE = 6
LOG_SECONDS = 0.2
"""How long log may wait for more of it, so that a chatty task costs few calls."""
FINISH_CHUNKS_MAX = 8
"""Chunks that travel with the final report; what is before them is sent first."""
_LISTEN_SECONDS = 0.5
"""How long a request to stop may go unseen."""
AHEAD_SECONDS = 0.1
"""How long the delivery that comes next is kept while an attempt runs: a short one has ended by then."""
_RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


class Deliveries(Protocol):
    """Where attempt ids come from."""

    def take(self) -> str | None:
        """What waits next, if the worker is to go on; never waits for it."""
        ...

    def settle(self, attempt_id: str) -> None:
        """It needs to be delivered to nobody any more."""
        ...

    def exchange(self, attempt_id: str) -> str | None:
        """`settle` one and `take` what waits next, in one round trip."""
        ...

    def give_back(self, attempt_id: str) -> None:
        """Let another worker have what was taken and not claimed; it comes first again."""
        ...


@dataclass(frozen=True, slots=True)
class _Onward:
    """What is left to do after an attempt."""

    is_over: bool
    """Its end is acknowledged, or is nobody's concern any more."""
    bid: Bid | None = None
    """For what was taken from the deliveries and is not claimed yet."""
    claim: Claim | None = None
    """Of what was claimed with the report of the end."""


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
        bid: Bid | None = Bid(attempt_id)
        claim: Claim | None = None
        unsettled: str | None = None
        while bid is not None or claim is not None:
            if bid is not None:
                if unsettled is not None:
                    self._deliveries.settle(unsettled)
                try:
                    claim = self._claim(bid)
                except Unreachable:
                    return
                if claim is None:
                    self._deliveries.settle(bid.attempt_id)
                    return
                unsettled = None
            assert claim is not None
            onward = self._run(claim, unsettled)
            unsettled = claim.attempt.attempt_id if onward.is_over else None
            bid, claim = onward.bid, onward.claim
        if unsettled is not None:
            self._deliveries.settle(unsettled)

    def _run(self, claim: Claim, unsettled: str | None) -> _Onward:
        return _Carriage(
            self._courier, self._executor, self._deliveries, claim, unsettled, self._is_stopping, self._stop_grace
        ).run()

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
            sleep(_RETRY_SECONDS[min(turn, len(_RETRY_SECONDS) - 1)])
            turn += 1


class _Carriage:
    """One attempt under way."""

    def __init__(
        self,
        courier: Courier,
        executor: LocalExecutor,
        deliveries: Deliveries,
        claim: Claim,
        unsettled: str | None,
        is_stopping: Callable[[], bool],
        stop_grace: timedelta,
    ) -> None:
        """unsettled: the delivery of the attempt before, whose end is acknowledged."""
        self._unsettled = unsettled
        self._ahead: str | None = None
        """What comes next, taken from the deliveries while this attempt runs."""
        self._ahead_until = 0.0
        self._courier = courier
        self._executor = executor
        self._deliveries = deliveries
        self._claim = claim
        self._attempt_id = claim.attempt.attempt_id
        self._is_stopping = is_stopping
        self._stop_grace_seconds = stop_grace.total_seconds()
        lease_seconds = claim.lease.total_seconds()
        self._beat_seconds = lease_seconds / BEATS_IN_LEASE
        # Half of the lease is left for the stop itself, so that nothing runs any more when it ends.
        self._fence_seconds = lease_seconds / 2
        self._kill_seconds = lease_seconds * 0.9
        # The lease began when it was granted, and the answer may have been on its way for long.
        self._renewed_at = self._beat_at = claim.asked_at
        self._log_at = monotonic()
        self._chunks: list[LogChunk] = []
        self._is_wanted = True
        self._interruption: str | None = None
        """Why this worker stops it of its own accord."""
        self._is_killed = False
        self._interrupt_at = float("inf")
        self._give_up_at = float("inf")

    def run(self) -> _Onward:
        if not self._has_time():
            return self._report_end(self._not_started())
        self._executor.reports(0)  # a host that ended while it was idle is replaced now
        reach("worker.start.before")
        (answer,) = self._executor.submit([self._claim.attempt])
        reach("worker.start.done")
        if answer.result is SubmitResult.REJECTED:
            return self._report_end(self._rejected(answer.detail, log_bytes=0))
        self._look_ahead()
        end = None
        while end is None:
            end = self._listen()
            self._tend()
        return self._report_end(self._as_seen_from_here(end))

    def _has_time(self) -> bool:
        """Whether enough of the lease is left to start. It is renewed first when what came before took long."""
        if monotonic() - self._beat_at >= self._beat_seconds:
            self._beat_at = monotonic()
            self._beat()
        return self._is_wanted and monotonic() - self._renewed_at <= self._fence_seconds

    def _look_ahead(self) -> None:
        """Do beside the attempt what would stand between its end and the next start: settle the one before, and see
        what comes next."""
        if self._unsettled is not None:
            self._ahead = self._deliveries.exchange(self._unsettled)
            self._unsettled = None
            self._ahead_until = monotonic() + AHEAD_SECONDS

    def _give_back(self) -> None:
        if self._ahead is not None:
            self._deliveries.give_back(self._ahead)
            self._ahead = None

    def _listen(self) -> Finished | None:
        """Take in what the attempt has to say; its end, when that is among it."""
        end = None
        patience = AHEAD_SECONDS if self._ahead is not None else LOG_SECONDS if self._chunks else _LISTEN_SECONDS
        for report in self._executor.reports(min(self._beat_seconds, patience)):
            if isinstance(report, LogChunk):
                self._chunks.append(report)
            elif isinstance(report, Finished):
                end = report
        return end

    def _tend(self) -> None:
        now = monotonic()
        if self._is_stopping() and self._interrupt_at == float("inf"):
            self._interrupt_at = now + self._stop_grace_seconds
            self._give_up_at = self._interrupt_at + self._stop_grace_seconds
        if self._is_stopping() or now >= self._ahead_until:
            self._give_back()
        if now - self._beat_at >= self._beat_seconds:
            self._beat_at = now
            self._beat()
        if self._chunks and now - self._log_at >= LOG_SECONDS:
            self._log_at = now
            self._send_log(keep=0)
        now = monotonic()
        if now >= self._interrupt_at:
            self._interrupt("interrupted: its worker was stopped")
        if now - self._renewed_at > self._fence_seconds:
            self._interrupt("stopped by its worker, which could not renew its lease at the execution API")
        if now - self._renewed_at > self._kill_seconds and not self._is_killed:
            self._is_killed = True
            reach("worker.kill.before")
            # Whatever grace the task was given: somebody else may run it soon.
            self._executor.kill("the lease of the attempt in it runs out")

    def _beat(self) -> None:
        try:
            reach("worker.beat.before")
            asked_at = monotonic()
            heard = self._courier.beat([self._attempt_id])
            reach("worker.beat.answered")
        except (Unreachable, Refused) as exc:
            _log.warning("the lease of attempt %s is not renewed: %s", self._attempt_id, exc)
            return
        # The lease of one that is not wanted is renewed too: it is how long it may take to stop.
        self._renewed_at = asked_at
        if self._is_wanted and self._attempt_id in heard.stop:
            self._is_wanted = False
            reach("worker.cancel.before")
            _log.info("attempt %s is not wanted any more", self._attempt_id)
            self._executor.cancel([self._attempt_id])

    def _interrupt(self, why: str) -> None:
        if self._interruption is None and self._is_wanted:
            self._interruption = why
            reach("worker.interrupt.before")
            _log.warning("attempt %s is %s", self._attempt_id, why)
            self._executor.cancel([self._attempt_id])

    def _send_log(self, *, keep: int) -> bool:
        """Send all but the last `keep` chunks; False when that is to be tried again."""
        try:
            while len(self._chunks) > keep:
                reach("worker.log.before")
                if not self._courier.log(self._claim, self._chunks[0]):
                    keep = 0
                    self._chunks.clear()
                reach("worker.log.acknowledged")
                del self._chunks[:1]
        except Refused as exc:
            _log.error("%d pieces of the log of attempt %s are lost: %s", len(self._chunks), self._attempt_id, exc)
            self._chunks.clear()
        except Unreachable as exc:
            # Kept and sent later; the log of an attempt has a bound of its own.
            _log.warning("%s", exc)
            return False
        return True

    def _report_end(self, end: Finished) -> _Onward:
        if self._unsettled is not None:
            self._deliveries.settle(self._unsettled)
            self._unsettled = None
        if self._is_stopping():
            self._give_back()
        following = self._deliveries.take() if self._ahead is None else self._ahead
        # Claimed with the report of the end: a short task costs one request. If that has to be told again, apart.
        bid = None if following is None else Bid(following)
        turn = 0
        while True:
            try:
                if self._send_log(keep=FINISH_CHUNKS_MAX):
                    reach("worker.finish.before")
                    claim = self._courier.finish(self._claim, end, self._chunks, None if turn else bid)
                    reach("worker.finish.acknowledged")
                    return _Onward(is_over=True, bid=bid if claim is None else None, claim=claim)
            except Refused as exc:
                if end.reason is StateReason.REJECTED:
                    _log.error("the end of attempt %s cannot be reported: %s", self._attempt_id, exc)
                    return _Onward(is_over=True, bid=bid)
                end = self._rejected(f"its end could not be recorded: {exc}", log_bytes=end.log_bytes)
            except Unreachable as exc:
                _log.warning("%s; the end of attempt %s is told again", exc, self._attempt_id)
            if not self._may_go_on():
                return _Onward(is_over=False)
            sleep(min(self._beat_seconds, _RETRY_SECONDS[min(turn, len(_RETRY_SECONDS) - 1)]))
            turn += 1

    def _may_go_on(self) -> bool:
        """Whether there is time to tell the end again; keeps the lease and the task host meanwhile."""
        if self._is_stopping() and self._give_up_at == float("inf"):
            self._give_up_at = monotonic() + self._stop_grace_seconds
        if monotonic() > self._give_up_at:
            return False
        if monotonic() - self._beat_at >= self._beat_seconds:
            self._beat_at = monotonic()
            self._beat()
        self._executor.reports(0)  # its task host must hear from us
        return True

    def _as_seen_from_here(self, end: Finished) -> Finished:
        """What this worker did to the attempt itself is neither a cancel nor a fault of the task: it costs no try."""
        if self._interruption is None or end.outcome not in (Outcome.CANCELLED, Outcome.LOST):
            return end
        return replace(
            end, outcome=Outcome.INTERRUPTED, reason=StateReason.INTERRUPTED, message=self._interruption, exit_code=None
        )

    def _not_started(self) -> Finished:
        return Finished(
            attempt_id=self._attempt_id,
            seq=0,
            at=datetime.now(UTC),
            outcome=Outcome.INTERRUPTED,
            reason=StateReason.INTERRUPTED,
            message="not started: its worker could not renew its lease at the execution API",
        )

    def _rejected(self, why: str | None, *, log_bytes: int) -> Finished:
        return Finished(
            attempt_id=self._attempt_id,
            seq=0,
            at=datetime.now(UTC),
            outcome=Outcome.FAILED,
            reason=StateReason.REJECTED,
            message=why,
            log_bytes=log_bytes,
        )
