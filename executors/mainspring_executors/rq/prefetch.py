"""Prefetch: while one attempt runs, the worker reports earlier results and claims the next attempts.

The next attempt then starts at once, without a round trip to Redis or to the execution API. Short attempts go in pairs:
one call reports two results and claims two attempts.

The server treats a claimed attempt as if it had started: its lease runs, and a lost lease costs a try. The worker
therefore releases prefetched attempts when the current attempt runs longer than a short attempt. Another worker can
then run the released attempts.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from mainspring.failpoints import failpoint
from mainspring_executors.rq.execution_client import Claim, ClaimRequest, End, ExecutionClient, Refused, Unreachable

__all__ = ["PREFETCH_SECONDS", "Deliveries", "Ended", "Prefetcher"]

_log = logging.getLogger(__name__)

PREFETCH_SECONDS = 0.1
"""How long a worker keeps a prefetched attempt while another attempt runs, and how long the start of a prefetched
attempt stays unreported. A short attempt ends within this time."""
_MOMENT_SECONDS = 0.02
"""After an attempt of at most this duration the worker prefetches two attempts. A result waits at most this long for
another result to share the call."""
_UNREPORTED_MAX = 2
_RETRY_SECONDS = 0.5
"""Pause before the worker repeats a failed call while an attempt runs. The worker reads reports and renews leases
in the pause."""


class Deliveries(Protocol):
    """The source of attempt ids."""

    def take(self) -> str | None:
        """Take the next waiting attempt without blocking. None when the queue is empty or the worker is stopping.

        Only while no attempt runs.
        """
        ...

    def acknowledge(self, attempt_id: str) -> None:
        """Remove the attempt from the queue for good."""
        ...

    def acknowledge_and_take(self, attempt_ids: Sequence[str], count_max: int) -> Sequence[str]:
        """Acknowledge attempts and take up to `count_max` waiting attempts, in order, in one round trip.

        May be called while an attempt runs.
        """
        ...

    def give_back(self, attempt_id: str) -> None:
        """Return a taken attempt to the front of the queue, for any worker."""
        ...


class Ended(Protocol):
    """An attempt that has ended and whose result the server has not acknowledged yet."""

    @property
    def attempt_id(self) -> str: ...

    @property
    def end(self) -> End: ...

    def report_once(self) -> None:
        """Report the result once, in a call of its own. Raises `Unreachable`; the caller may then repeat the call."""
        ...

    def report_end(self, claim_request: ClaimRequest | None) -> tuple[bool, Claim | None]:
        """Report the result until the server acknowledges it, while no attempt runs.

        Returns False when the worker stopped before the acknowledgement.
        """
        ...


@dataclass(slots=True)
class _Taken:
    """An attempt that the worker took from the queue and runs next."""

    claim_request: ClaimRequest
    is_requested: bool = False
    """The worker sent the claim request. The server may have granted the claim even when the answer was lost."""
    claim: Claim | None = None


class Prefetcher:
    """Prefetches attempts for one worker."""

    def __init__(self, execution_client: ExecutionClient, deliveries: Deliveries) -> None:
        self._execution_client = execution_client
        self._deliveries = deliveries
        self.unreported: list[Ended] = []
        """Results to report while the next attempt runs, oldest first."""
        self._unsettled: list[str] = []
        """Attempts with acknowledged results that still have an entry in Redis."""
        self._taken: list[_Taken] = []
        """Attempts taken from the queue, in its order."""
        self._report_at = float("inf")
        """When to report the waiting results without a second result, or to repeat a failed report."""
        self._release_at = float("inf")
        """When to release the prefetched attempts."""
        self._is_stopping = False

    @property
    def unreported_ids(self) -> Sequence[str]:
        """Attempts whose leases the worker must renew because their results are not reported yet."""
        return [ended.attempt_id for ended in self.unreported]

    @property
    def tend_at(self) -> float:
        """When to call `tend` next, by the monotonic clock."""
        return min(
            self._release_at if self._taken else float("inf"),
            self._report_at if self.unreported else float("inf"),
        )

    @property
    def claim(self) -> Claim | None:
        """The claim of the next attempt; None while the next attempt is not claimed."""
        return self._taken[0].claim if self._taken else None

    @property
    def can_report_later(self) -> bool:
        """Whether another result may wait."""
        return len(self.unreported) < _UNREPORTED_MAX

    def begin(self, took_seconds: float) -> None:
        """Prefetch for an attempt that has just started.

        took_seconds: the duration of the previous attempt, as an estimate for the next attempts.
        """
        now = monotonic()
        self._release_at = now + PREFETCH_SECONDS
        if self._taken:
            self._report_at = now + _MOMENT_SECONDS
            return
        if took_seconds < PREFETCH_SECONDS:
            count = 2 if took_seconds < _MOMENT_SECONDS and self._execution_client.supports_prefetch else 1
            unsettled, self._unsettled = self._unsettled, []
            self._taken = [
                _Taken(ClaimRequest(attempt_id))
                for attempt_id in self._deliveries.acknowledge_and_take(unsettled, count)
            ]
        self._report_ends()

    def tend(self, *, is_stopping: bool) -> None:
        """Report and release when the time has come.

        is_stopping: the worker starts no further attempt, so it releases the prefetched attempts now.
        """
        now = monotonic()
        if self.unreported and now >= self._report_at:
            self._report_ends()
        if is_stopping and not self._is_stopping:
            self._is_stopping, self._release_at = True, now
        if now >= self._release_at:
            self.release()

    def take(self) -> ClaimRequest | None:
        """Remove and return the next prefetched attempt. Read `claim` before: it may hold the claim of this attempt.

        None when no attempt was prefetched.
        """
        return self._taken.pop(0).claim_request if self._taken else None

    def release(self) -> None:
        """Release the prefetched claims and return the attempts to the queue. `tend` repeats a failed release."""
        # The server may have carried out a release whose answer was lost. Another worker may then own the attempt, so
        # this worker must not start it with the old claim.
        for taken in self._taken:
            taken.claim = None
        # Last first: each attempt returns to the front of the queue, so the order stays.
        while self._taken:
            last = self._taken[-1]
            if last.is_requested:
                try:
                    failpoint("worker.release.before")
                    self._execution_client.release(last.claim_request)
                    failpoint("worker.release.done")
                except (Unreachable, Refused) as exc:
                    _log.warning("attempt not released: attempt=%s cause=%s", last.claim_request.attempt_id, exc)
                    self._release_at = monotonic() + _RETRY_SECONDS
                    return
            self._deliveries.give_back(last.claim_request.attempt_id)
            self._taken.pop()

    def report_later(self, ended: Ended) -> None:
        """Report this result while the next attempt runs. Only while `can_report_later`."""
        self.unreported.append(ended)

    def note_reported(self, ended: Ended) -> None:
        """The server acknowledged this result."""
        if ended in self.unreported:
            self.unreported.remove(ended)
        self._unsettled.append(ended.attempt_id)

    def acknowledge(self) -> None:
        """Remove the attempts with acknowledged results from the queue, while no attempt runs."""
        for attempt_id in self._unsettled:
            self._deliveries.acknowledge(attempt_id)
        self._unsettled.clear()

    def _report_ends(self) -> None:
        """Report the waiting results and request the claims of the taken attempts, in one call.

        Requests each claim only once. When the answer is lost, the claim may have been granted: the attempt is then
        claimed or released later, with the same token.
        """
        if not self._execution_client.supports_prefetch:
            self._report_each()
            return
        requested = [taken for taken in self._taken if not taken.is_requested]
        if not requested and not self.unreported:
            return
        for taken in requested:
            taken.is_requested = True
        try:
            failpoint("worker.ahead.before")
            claims = self._execution_client.report_and_claim(
                [ended.end for ended in self.unreported], [taken.claim_request for taken in requested]
            )
            failpoint("worker.ahead.done")
        except Refused as exc:
            _log.error("report and claim refused: cause=%s", exc)
            self._report_each()
        except Unreachable as exc:
            self._retry_report(exc)
        else:
            for ended in list(self.unreported):
                self.note_reported(ended)
            for taken in requested:
                taken.claim = claims.get(taken.claim_request.attempt_id)
                if taken.claim is None:
                    self._taken.remove(taken)
                    self._unsettled.append(taken.claim_request.attempt_id)

    def _report_each(self) -> None:
        try:
            for ended in list(self.unreported):
                ended.report_once()
                self.note_reported(ended)
        except Unreachable as exc:
            self._retry_report(exc)

    def _retry_report(self, exc: Unreachable) -> None:
        _log.warning("results not reported: retry_seconds=%s cause=%s", _RETRY_SECONDS, exc)
        self._report_at = monotonic() + _RETRY_SECONDS
