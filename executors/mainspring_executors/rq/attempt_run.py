"""One attempt that a worker carries, from its claim to its end.

The attempt itself runs in a task host of this worker, as on `local`. Here its reports go home over HTTP, its lease is
renewed, and when it cannot be renewed in time the attempt is stopped, before the scheduler may give it to another.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

from mainspring.attempts import Finished, LogChunk, Outcome
from mainspring.failpoints import failpoint
from mainspring.states import StateReason
from mainspring_executors.contract import SubmitResult
from mainspring_executors.local.local import LocalExecutor
from mainspring_executors.rq.execution_client import Claim, ClaimRequest, End, ExecutionClient, Refused, Unreachable
from mainspring_executors.rq.prefetch import PREFETCH_SECONDS, Prefetcher

__all__ = ["HEARTBEATS_IN_LEASE", "RETRY_SECONDS", "AttemptRun"]

_log = logging.getLogger(__name__)

HEARTBEATS_IN_LEASE = 6
LOG_SECONDS = 0.2
"""How long log may wait for more of it, so that a chatty task costs few calls."""
FINISH_CHUNKS_MAX = 8
"""Chunks that travel with the final report; what is before them is sent first."""
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
"""While no attempt runs."""
_REFUSED_SECONDS_MAX = 15.0
"""How long an attempt waits for room on this machine, before another worker may have it. Longer than the longest pause
between two tries to start it."""
_LISTEN_SECONDS = 0.5
"""How long a request to stop may go unseen."""


class AttemptRun:
    """One attempt under way."""

    def __init__(
        self,
        execution_client: ExecutionClient,
        executor: LocalExecutor,
        claim: Claim,
        *,
        prefetcher: Prefetcher,
        took_seconds_before: float,
        is_stopping: Callable[[], bool],
        stop_grace: timedelta,
    ) -> None:
        """beside: what else is to be done while it runs.
        took_seconds_before: the attempt before it, if that was just now.
        stop_grace: how long it may go on once `is_stopping`; then it is interrupted.
        """
        self.attempt_id = claim.attempt.attempt_id
        self.prefetcher = prefetcher
        self.took_seconds = float("inf")
        """From its start to its end; known then."""
        self._took_seconds_before = took_seconds_before
        self._execution_client = execution_client
        self._executor = executor
        self._claim = claim
        self._is_stopping = is_stopping
        self._stop_grace_seconds = stop_grace.total_seconds()
        lease_seconds = claim.lease.total_seconds()
        self._heartbeat_seconds = lease_seconds / HEARTBEATS_IN_LEASE
        # Half of the lease is left for the stop itself, so that nothing runs any more when it ends.
        self._fence_seconds = lease_seconds / 2
        self._kill_seconds = lease_seconds * 0.9
        # The lease began when it was granted, and the answer may have been on its way for long.
        self._renewed_at = self._heartbeat_at = claim.asked_at
        self._log_at = monotonic()
        self._chunks: list[LogChunk] = []
        self._end: Finished | None = None
        self._unreported_start: datetime | None = None
        """When it started, until that is told. A claim tells it, unless it was made ahead."""
        self._report_start_at = float("inf")
        self._is_wanted = True
        self._interruption: str | None = None
        """Why this worker stops it of its own accord."""
        self._is_killed = False
        self._interrupt_at = float("inf")
        self._give_up_at = float("inf")

    def run(self) -> None:
        """To its end, which is to be reported."""
        self._end = self._as_seen_from_here(self._run())

    def _run(self) -> Finished:
        if not self._has_time():
            return self._not_started()
        self._executor.reports(0)  # a host that ended while it was idle is replaced now
        failpoint("worker.start.before")
        (answer,) = self._executor.submit([self._claim.attempt])
        failpoint("worker.start.done")
        if answer.result is SubmitResult.REJECTED:
            return self._rejected(answer.detail, log_bytes=0)
        began = monotonic()
        if self._claim.is_ahead:
            self._unreported_start, self._report_start_at = datetime.now(UTC), began + PREFETCH_SECONDS
        self.prefetcher.begin(self._took_seconds_before)
        end = None
        while end is None:
            end = self._listen()
            self._tend()
        self.took_seconds = monotonic() - began
        return end

    def _has_time(self) -> bool:
        """Whether enough of the lease is left to start. It is renewed first when what came before took long."""
        if monotonic() - self._heartbeat_at >= self._heartbeat_seconds:
            self._heartbeat_at = monotonic()
            self._heartbeat()
        return self._is_wanted and monotonic() - self._renewed_at <= self._fence_seconds

    def _listen(self) -> Finished | None:
        """Take in what the attempt has to say; its end, when that is among it. What is left of others is dropped."""
        end = None
        due = min(self.prefetcher.tend_at, self._report_start_at) - monotonic()
        patience = min(self._heartbeat_seconds, LOG_SECONDS if self._chunks else _LISTEN_SECONDS, max(0.0, due))
        for report in self._executor.reports(patience):
            if report.attempt_id != self.attempt_id:
                continue
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
        self.prefetcher.tend(is_stopping=self._is_stopping())
        if now >= self._report_start_at:
            self._report_start()
        now = monotonic()
        if now - self._heartbeat_at >= self._heartbeat_seconds:
            self._heartbeat_at = now
            self._heartbeat()
        if self._chunks and now - self._log_at >= LOG_SECONDS:
            self._log_at = now
            self._send_log(keep=0)
        now = monotonic()
        if now >= self._interrupt_at:
            self._interrupt("interrupted: its worker was stopped")
        refusal = self._executor.refusal_of(self.attempt_id)
        if refusal is not None and now - refusal.since > _REFUSED_SECONDS_MAX:
            self._interrupt(f"interrupted: this worker's machine has no room for it: {refusal.cause}")
        if now - self._renewed_at > self._fence_seconds:
            self._interrupt("stopped by its worker, which could not renew its lease at the execution API")
        if now - self._renewed_at > self._kill_seconds and not self._is_killed:
            self._is_killed = True
            failpoint("worker.kill.before")
            # Whatever grace the task was given: somebody else may run it soon.
            self._executor.kill("the lease of the attempt in it runs out")

    def _heartbeat(self) -> None:
        try:
            failpoint("worker.beat.before")
            asked_at = monotonic()
            heard = self._execution_client.heartbeat([self.attempt_id, *self.prefetcher.held])
            failpoint("worker.beat.answered")
        except (Unreachable, Refused) as exc:
            _log.warning("the lease of attempt %s is not renewed: %s", self.attempt_id, exc)
            return
        # The lease of one that is not wanted is renewed too: it is how long it may take to stop.
        self._renewed_at = asked_at
        if self._is_wanted and self.attempt_id in heard.stop:
            self._is_wanted = False
            failpoint("worker.cancel.before")
            _log.info("attempt %s is not wanted any more", self.attempt_id)
            self._executor.cancel([self.attempt_id])

    def _interrupt(self, why: str) -> None:
        if self._interruption is None and self._is_wanted:
            self._interruption = why
            failpoint("worker.interrupt.before")
            _log.warning("attempt %s is %s", self.attempt_id, why)
            self._executor.cancel([self.attempt_id])

    def _send_log(self, *, keep: int) -> bool:
        """Send all but the last `keep` chunks; False when that is to be tried again."""
        try:
            while len(self._chunks) > keep:
                failpoint("worker.log.before")
                if not self._execution_client.log(self._claim, self._chunks[0]):
                    keep = 0
                    self._chunks.clear()
                failpoint("worker.log.acknowledged")
                del self._chunks[:1]
        except Refused as exc:
            _log.error("%d pieces of the log of attempt %s are lost: %s", len(self._chunks), self.attempt_id, exc)
            self._chunks.clear()
        except Unreachable as exc:
            # Kept and sent later; the log of an attempt has a bound of its own.
            _log.warning("%s", exc)
            return False
        return True

    def _report_start(self) -> None:
        assert self._unreported_start is not None
        try:
            failpoint("worker.start-told.before")
            self._execution_client.start(self._claim, self._unreported_start)
            self._unreported_start, self._report_start_at = None, float("inf")
        except Refused as exc:
            _log.error("the start of attempt %s cannot be reported: %s", self.attempt_id, exc)
            self._report_start_at = float("inf")
        except Unreachable as exc:
            _log.warning("%s; the start of attempt %s is told again", exc, self.attempt_id)
            self._report_start_at = monotonic() + RETRY_SECONDS[-1]

    @property
    def fits_one_call(self) -> bool:
        """Whether no log has to be sent before the report of the end."""
        return len(self._chunks) <= FINISH_CHUNKS_MAX

    @property
    def end(self) -> End:
        """What is to be told, once it has ended."""
        assert self._end is not None
        return End(self._claim, self._end, self._chunks, self._unreported_start)

    def report_once(self) -> None:
        """Report the end beside another attempt, once; only when it `fits_one_call`."""
        self._finish(None, patience=self._execution_client.patience_seconds)

    def report_end(self, claim_request: ClaimRequest | None) -> tuple[bool, Claim | None]:
        """Report the end until it is acknowledged, and claim what comes next; while no attempt runs. False: the worker
        was told to stop before."""
        turn = 0
        while True:
            try:
                if self._send_log(keep=FINISH_CHUNKS_MAX):
                    # Claimed with the report: a short task costs one request. If that has to be told again, apart.
                    return True, self._finish(None if turn else claim_request)
            except Unreachable as exc:
                _log.warning("%s; the end of attempt %s is told again", exc, self.attempt_id)
            if not self._may_go_on():
                return False, None
            sleep(min(self._heartbeat_seconds, RETRY_SECONDS[min(turn, len(RETRY_SECONDS) - 1)]))
            turn += 1

    def _finish(self, claim_request: ClaimRequest | None, **patience: float) -> Claim | None:
        """Raises `Unreachable`."""
        while True:
            end = self.end
            try:
                failpoint("worker.finish.before")
                claim = self._execution_client.finish(end, claim_request, **patience)
                failpoint("worker.finish.acknowledged")
                return claim
            except Refused as exc:
                if end.report.reason is StateReason.REJECTED:
                    _log.error("the end of attempt %s cannot be reported: %s", self.attempt_id, exc)
                    return None
                why = f"its end could not be recorded: {exc}"
                self._end = self._rejected(why, log_bytes=end.report.log_bytes)

    def _may_go_on(self) -> bool:
        """Whether there is time to tell the end again; keeps the lease and the task host meanwhile."""
        if self._is_stopping() and self._give_up_at == float("inf"):
            self._give_up_at = monotonic() + self._stop_grace_seconds
        if monotonic() > self._give_up_at:
            return False
        if monotonic() - self._heartbeat_at >= self._heartbeat_seconds:
            self._heartbeat_at = monotonic()
            self._heartbeat()
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
            attempt_id=self.attempt_id,
            seq=0,
            at=datetime.now(UTC),
            outcome=Outcome.INTERRUPTED,
            reason=StateReason.INTERRUPTED,
            message="not started: its worker could not renew its lease at the execution API",
        )

    def _rejected(self, why: str | None, *, log_bytes: int) -> Finished:
        return Finished(
            attempt_id=self.attempt_id,
            seq=0,
            at=datetime.now(UTC),
            outcome=Outcome.FAILED,
            reason=StateReason.REJECTED,
            message=why,
            log_bytes=log_bytes,
        )
