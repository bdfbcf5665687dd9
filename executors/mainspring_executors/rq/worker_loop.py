"""Carries attempts, one after the other, each from its claim to its acknowledged end."""

import logging
from collections.abc import Callable
from datetime import timedelta
from time import sleep

from mainspring.failpoints import failpoint
from mainspring_executors.local.local import LocalExecutor
from mainspring_executors.rq.attempt_run import RETRY_SECONDS, AttemptRun
from mainspring_executors.rq.execution_client import Claim, ClaimRequest, ExecutionClient, Refused, Unreachable
from mainspring_executors.rq.prefetch import Deliveries, Prefetcher

__all__ = ["WorkerLoop"]

_log = logging.getLogger(__name__)


class WorkerLoop:
    """Carries one attempt at a time. `executor` takes one at a time too and belongs to the caller."""

    def __init__(
        self,
        execution_client: ExecutionClient,
        executor: LocalExecutor,
        deliveries: Deliveries,
        *,
        is_stopping: Callable[[], bool],
        stop_grace: timedelta,
    ) -> None:
        """stop_grace: how long an attempt may go on once `is_stopping`; then it is interrupted."""
        self._execution_client = execution_client
        self._executor = executor
        self._deliveries = deliveries
        self._is_stopping = is_stopping
        self._stop_grace = stop_grace
        self._prefetcher = Prefetcher(execution_client, deliveries)

    def run_attempts(self, attempt_id: str) -> None:
        """Claim an attempt, run it and report its end until it is acknowledged; then the same with what waits next.

        Comes back when nothing waits, or when the worker is to stop. What could not be claimed or reported by then is
        found again, by its missing claim or by its lease.
        """
        attempt_run = self._claimed(ClaimRequest(attempt_id))
        while attempt_run is not None:
            attempt_run.run()
            attempt_run = self._follow(attempt_run)

    def _follow(self, attempt_run: AttemptRun) -> AttemptRun | None:
        """What comes after an attempt that has ended; None when nothing does. Its end is told, or will be beside it."""
        prefetcher = self._prefetcher
        if self._is_stopping():
            prefetcher.let_go()
        claim = prefetcher.claim
        if claim is not None and attempt_run.fits_one_call and prefetcher.has_room:
            prefetcher.report_later(attempt_run)
        else:
            # Without a claim ahead, what comes next is claimed with the report of the end, and starts at once.
            claim_request, claim = self._report(attempt_run)
            if claim is None:
                prefetcher.acknowledge()
                return self._claimed(claim_request) if claim_request is not None else None
        if claim is prefetcher.claim:
            prefetcher.take()
        return self._attempt_run(claim, took_seconds=attempt_run.took_seconds)

    def _report(self, attempt_run: AttemptRun) -> tuple[ClaimRequest | None, Claim | None]:
        """Report the ends that are not told, this one last. What comes next then: its claim, or else a bid for it."""
        prefetcher = self._prefetcher
        for ended in list(prefetcher.unreported):
            is_over, _ = ended.report_end(None)
            if not is_over:
                break
            prefetcher.note_reported(ended)
        prefetcher.acknowledge()
        ahead = prefetcher.claim
        claim_request = self._next() if ahead is None and not self._is_stopping() else None
        is_over, claim = attempt_run.report_end(claim_request)
        if is_over:
            prefetcher.note_reported(attempt_run)
        if self._is_stopping():
            prefetcher.let_go()
        # What was ahead is not any more when it was let go.
        claim = claim or (ahead if ahead is prefetcher.claim else None)
        return claim_request if is_over else None, claim

    def _next(self) -> ClaimRequest | None:
        """For what was taken beside the attempt, or waits now."""
        taken = self._prefetcher.take()
        if taken is not None:
            return taken
        following = self._deliveries.take()
        return None if following is None else ClaimRequest(following)

    def _claimed(self, claim_request: ClaimRequest) -> AttemptRun | None:
        """Of an attempt that is claimed now, or else of what comes after it. None when nothing is to be had, or the
        worker is to stop."""
        wanted: ClaimRequest | None = claim_request
        while wanted is not None:
            try:
                claim = self._claim(wanted)
            except Unreachable:
                self._prefetcher.let_go()
                return None
            if claim is not None:
                return self._attempt_run(claim, took_seconds=float("inf"))
            self._deliveries.acknowledge(wanted.attempt_id)
            wanted = self._prefetcher.take()
        return None

    def _attempt_run(self, claim: Claim, *, took_seconds: float) -> AttemptRun:
        return AttemptRun(
            self._execution_client,
            self._executor,
            claim,
            prefetcher=self._prefetcher,
            took_seconds_before=took_seconds,
            is_stopping=self._is_stopping,
            stop_grace=self._stop_grace,
        )

    def _claim(self, claim_request: ClaimRequest) -> Claim | None:
        """Raises `Unreachable` when the worker is to stop before the claim could be made."""
        turn = 0
        while True:
            try:
                failpoint("worker.claim.before")
                claim = self._execution_client.claim(claim_request)
                failpoint("worker.claim.answered")
                return claim
            except Refused as exc:
                _log.error("attempt %s cannot be claimed: %s", claim_request.attempt_id, exc)
                return None
            except Unreachable as exc:
                _log.warning("%s; attempt %s is claimed again", exc, claim_request.attempt_id)
                if self._is_stopping():
                    raise
            self._executor.reports(0)  # its task host must hear from us
            sleep(RETRY_SECONDS[min(turn, len(RETRY_SECONDS) - 1)])
            turn += 1
