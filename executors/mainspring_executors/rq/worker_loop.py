"""The loop of a worker: claim an attempt, run it, report its result, go on with the next attempt."""

import logging
from collections.abc import Callable
from datetime import timedelta
from time import sleep

from mainspring.failpoints import failpoint
from mainspring_executors.local.local import LocalExecutor
from mainspring_executors.local.value_folder import ValueFolder
from mainspring_executors.rq.attempt_run import RETRY_SECONDS, AttemptRun
from mainspring_executors.rq.execution_client import Claim, ClaimRequest, ExecutionClient, Refused, Unreachable
from mainspring_executors.rq.prefetch import Deliveries, Prefetcher

__all__ = ["WorkerLoop"]

_log = logging.getLogger(__name__)


class WorkerLoop:
    """Runs one attempt at a time. `executor` has concurrency 1 and belongs to the caller."""

    def __init__(
        self,
        execution_client: ExecutionClient,
        executor: LocalExecutor,
        deliveries: Deliveries,
        *,
        folder: ValueFolder,
        is_stopping: Callable[[], bool],
        stop_grace: timedelta,
    ) -> None:
        """folder: where the files of large values are.
        stop_grace: how long an attempt may run on once `is_stopping`; then the worker interrupts it."""
        self._execution_client = execution_client
        self._executor = executor
        self._deliveries = deliveries
        self._folder = folder
        self._is_stopping = is_stopping
        self._stop_grace = stop_grace
        self._prefetcher = Prefetcher(execution_client, deliveries)

    def run_attempts(self, attempt_id: str) -> None:
        """Claim an attempt, run it and report its result until the server acknowledges it; then run the next attempts.

        Returns when the queue is empty or the worker is stopping. The scheduler recovers the attempts that this worker
        could not claim or report by then: a missing claim or an expired lease shows them.
        """
        attempt_run = self._claimed(ClaimRequest(attempt_id))
        while attempt_run is not None:
            attempt_run.run()
            attempt_run = self._follow(attempt_run)

    def _follow(self, attempt_run: AttemptRun) -> AttemptRun | None:
        """The attempt to run after `attempt_run` has ended; None when the queue is empty.

        Reports the result of `attempt_run` now, or hands the report to the prefetcher.
        """
        prefetcher = self._prefetcher
        if self._is_stopping():
            prefetcher.release()
        claim = prefetcher.claim
        if claim is not None and attempt_run.fits_one_call and prefetcher.can_report_later:
            prefetcher.report_later(attempt_run)
        else:
            # Without a prefetched claim, the call that reports the result also claims the next attempt.
            claim_request, claim = self._report(attempt_run)
            if claim is None:
                prefetcher.acknowledge()
                return self._claimed(claim_request) if claim_request is not None else None
        if claim is prefetcher.claim:
            prefetcher.take()
        return self._attempt_run(claim, took_seconds=attempt_run.took_seconds)

    def _report(self, attempt_run: AttemptRun) -> tuple[ClaimRequest | None, Claim | None]:
        """Report all unreported results, that of `attempt_run` last.

        Returns the claim of the next attempt. Where that is None, the claim request says what to claim next.
        """
        prefetcher = self._prefetcher
        for unreported in list(prefetcher.unreported):
            is_reported, _ = unreported.report_end(None)
            if not is_reported:
                break
            prefetcher.note_reported(unreported)
        prefetcher.acknowledge()
        prefetched = prefetcher.claim
        claim_request = self._next() if prefetched is None and not self._is_stopping() else None
        is_reported, claim = attempt_run.report_end(claim_request)
        if is_reported:
            prefetcher.note_reported(attempt_run)
        if self._is_stopping():
            prefetcher.release()
        # A release, here or during the report, voids the prefetched claim.
        claim = claim or (prefetched if prefetched is prefetcher.claim else None)
        return claim_request if is_reported else None, claim

    def _next(self) -> ClaimRequest | None:
        """A request for an attempt that the prefetcher took, or else for the next attempt in the queue."""
        taken = self._prefetcher.take()
        if taken is not None:
            return taken
        attempt_id = self._deliveries.take()
        return None if attempt_id is None else ClaimRequest(attempt_id)

    def _claimed(self, claim_request: ClaimRequest) -> AttemptRun | None:
        """Claim the attempt. When another worker has claimed it, try the next attempt that the prefetcher took.

        None when no attempt is left or the worker is stopping.
        """
        next_request: ClaimRequest | None = claim_request
        while next_request is not None:
            try:
                claim = self._claim(next_request)
            except Unreachable:
                self._prefetcher.release()
                return None
            if claim is not None:
                return self._attempt_run(claim, took_seconds=float("inf"))
            self._deliveries.acknowledge(next_request.attempt_id)
            next_request = self._prefetcher.take()
        return None

    def _attempt_run(self, claim: Claim, *, took_seconds: float) -> AttemptRun:
        return AttemptRun(
            self._execution_client,
            self._executor,
            claim,
            prefetcher=self._prefetcher,
            folder=self._folder,
            took_seconds_before=took_seconds,
            is_stopping=self._is_stopping,
            stop_grace=self._stop_grace,
        )

    def _claim(self, claim_request: ClaimRequest) -> Claim | None:
        """Claim until the server answers. Raises `Unreachable` when the worker is stopping before the answer came."""
        turn = 0
        while True:
            try:
                failpoint("worker.claim.before")
                claim = self._execution_client.claim(claim_request)
                failpoint("worker.claim.answered")
                return claim
            except Refused as exc:
                _log.error("claim refused: attempt=%s cause=%s", claim_request.attempt_id, exc)
                return None
            except Unreachable as exc:
                _log.warning("claim not answered, retrying: attempt=%s cause=%s", claim_request.attempt_id, exc)
                if self._is_stopping():
                    raise
            self._executor.reports(0)  # the task host stops itself when this worker is silent
            sleep(RETRY_SECONDS[min(turn, len(RETRY_SECONDS) - 1)])
            turn += 1
