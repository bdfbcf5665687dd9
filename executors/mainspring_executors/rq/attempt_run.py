"""One attempt in the hands of a worker, from its claim to its acknowledged result.

The attempt runs in a task host of this worker, as on `local`. This module sends its reports to the execution API and
renews its lease. When the worker cannot renew the lease, it stops the attempt before the lease ends: after the end of
the lease, the scheduler may start the attempt on another worker.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

from mainspring.attempts import Attempt, Finished, LogChunk, Outcome
from mainspring.failpoints import failpoint
from mainspring.states import StateReason
from mainspring_executors.contract import SubmitResult
from mainspring_executors.local.local import LocalExecutor
from mainspring_executors.local.value_folder import BrokenValue, ValueFolder
from mainspring_executors.rq.execution_client import Claim, ClaimRequest, End, ExecutionClient, Refused, Unreachable
from mainspring_executors.rq.prefetch import PREFETCH_SECONDS, Prefetcher
from mainspring_executors.rq.value_transfer import ValueTransfer

__all__ = ["HEARTBEATS_IN_LEASE", "RETRY_SECONDS", "AttemptRun"]

_log = logging.getLogger(__name__)

HEARTBEATS_IN_LEASE = 6
LOG_SECONDS = 0.2
"""How long the worker collects log before it sends a chunk. Bounds the number of calls for a chatty task."""
FINISH_CHUNKS_MAX = 8
"""Log chunks that travel with the result. The worker sends earlier chunks first."""
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Pauses between two tries of a call, while no attempt runs."""
_REFUSED_SECONDS_MAX = 15.0
"""How long an attempt waits for room on this machine, before the worker leaves it to another worker. Longer than the
longest pause between two tries to start the attempt."""
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
        folder: ValueFolder,
        took_seconds_before: float,
        is_stopping: Callable[[], bool],
        stop_grace: timedelta,
    ) -> None:
        """folder: where the files of large values are.
        took_seconds_before: the duration of the attempt just before; infinite when there was a pause.
        stop_grace: how long the attempt may run on once `is_stopping`; then the worker interrupts it.
        """
        self.attempt_id = claim.attempt.attempt_id
        self.prefetcher = prefetcher
        self.took_seconds = float("inf")
        """Duration of the attempt; infinite until its end."""
        self._took_seconds_before = took_seconds_before
        self._execution_client = execution_client
        self._executor = executor
        self._claim = claim
        self._is_stopping = is_stopping
        self._stop_grace_seconds = stop_grace.total_seconds()
        lease_seconds = claim.lease.total_seconds()
        self._heartbeat_seconds = lease_seconds / HEARTBEATS_IN_LEASE
        # A stop takes time: TERM, the grace of the task, KILL. It begins at half of the lease, so that no process of
        # the attempt is left when the lease ends.
        self._fence_seconds = lease_seconds / 2
        self._kill_seconds = lease_seconds * 0.9
        # The server's lease began before the answer arrived, and the answer may have been slow. Counting from the
        # request makes this worker's view of the lease end first.
        self._renewed_at = self._heartbeat_at = claim.asked_at
        self._log_at = monotonic()
        self._chunks: list[LogChunk] = []
        self._end: Finished | None = None
        self._values = ValueTransfer(execution_client, claim, folder, tend=self._tend_transfer)
        self._unreported_start: datetime | None = None
        """Start time that the worker has not reported yet. Only for prefetched claims: other claims report it."""
        self._report_start_at = float("inf")
        self._is_wanted = True
        self._interruption: str | None = None
        """Why this worker itself stops the attempt; None while it does not."""
        self._is_killed = False
        self._interrupt_at = float("inf")
        self._give_up_at = float("inf")

    def run(self) -> None:
        """Run the attempt to its end. The caller then reports the result."""
        self._end = self._as_interrupted(self._run())
        self._values.forget_inputs()

    def _run(self) -> Finished:
        if not self._has_time():
            return self._not_started()
        self._executor.reports(0)  # replaces a task host that ended while the worker was idle
        attempt = self._claim.attempt
        if attempt.values:
            fetched = self._with_files()
            if isinstance(fetched, Finished):
                return fetched
            attempt = fetched
        failpoint("worker.start.before")
        (answer,) = self._executor.submit([attempt])
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
        """Whether enough of the lease is left to start. Renews the lease first when the previous attempt took long."""
        if monotonic() - self._heartbeat_at >= self._heartbeat_seconds:
            self._heartbeat_at = monotonic()
            self._heartbeat()
        return self._is_wanted and monotonic() - self._renewed_at <= self._fence_seconds

    def _with_files(self) -> Attempt | Finished:
        """The attempt with its large values in files of this worker; its end when it cannot have them."""
        turn = 0
        while True:
            try:
                return self._values.fetch()
            except Unreachable as exc:
                cause = str(exc)
            except (Refused, BrokenValue) as exc:
                return self._rejected(f"an output that the task is handed cannot be fetched: {exc}", log_bytes=0)
            except OSError as exc:
                cause = f"this worker's machine has no room for it: {exc.strerror}"
            _log.warning("large value not fetched, retrying: attempt=%s cause=%s", self.attempt_id, cause)
            if turn and self._is_stopping():
                return self._not_started(f"not started: its worker was stopped before it got the values: {cause}")
            sleep(min(self._heartbeat_seconds, RETRY_SECONDS[min(turn, len(RETRY_SECONDS) - 1)]))
            turn += 1
            self._tend_transfer()
            if not self._is_wanted or monotonic() - self._renewed_at > self._fence_seconds:
                return self._not_started(f"not started: {cause}")

    def _tend_transfer(self) -> None:
        """Renew the lease when it is time, and keep the task host alive, between two pieces of a value."""
        if monotonic() - self._heartbeat_at >= self._heartbeat_seconds:
            self._heartbeat_at = monotonic()
            self._heartbeat()
        self._executor.reports(0)

    def _listen(self) -> Finished | None:
        """Read the reports of the attempt; returns its end when it has ended. Drops reports of other attempts."""
        end = None
        seconds_left = min(self.prefetcher.tend_at, self._report_start_at) - monotonic()
        listen_seconds = LOG_SECONDS if self._chunks else _LISTEN_SECONDS
        patience = min(self._heartbeat_seconds, listen_seconds, max(0.0, seconds_left))
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
            # Without the task's own grace: another worker may run the attempt soon.
            self._executor.kill("the lease of the attempt in it runs out")

    def _heartbeat(self) -> None:
        try:
            failpoint("worker.beat.before")
            asked_at = monotonic()
            answer = self._execution_client.heartbeat([self.attempt_id, *self.prefetcher.unreported_ids])
            failpoint("worker.beat.answered")
        except (Unreachable, Refused) as exc:
            _log.warning("lease not renewed: attempt=%s cause=%s", self.attempt_id, exc)
            return
        # The server renews the lease of a cancelled attempt too: the lease bounds the time that the stop may take.
        self._renewed_at = asked_at
        if self._is_wanted and self.attempt_id in answer.stop:
            self._is_wanted = False
            failpoint("worker.cancel.before")
            _log.info("attempt cancelled: attempt=%s", self.attempt_id)
            self._executor.cancel([self.attempt_id])

    def _interrupt(self, why: str) -> None:
        if self._interruption is None and self._is_wanted:
            self._interruption = why
            failpoint("worker.interrupt.before")
            _log.warning("attempt interrupted by its worker: attempt=%s cause=%s", self.attempt_id, why)
            self._executor.cancel([self.attempt_id])

    def _send_log(self, *, keep: int) -> bool:
        """Send all but the last `keep` chunks; False when the caller must try again."""
        try:
            while len(self._chunks) > keep:
                failpoint("worker.log.before")
                if not self._execution_client.log(self._claim, self._chunks[0]):
                    keep = 0
                    self._chunks.clear()
                failpoint("worker.log.acknowledged")
                del self._chunks[:1]
        except Refused as exc:
            _log.error("log refused and lost: attempt=%s chunks=%d cause=%s", self.attempt_id, len(self._chunks), exc)
            self._chunks.clear()
        except Unreachable as exc:
            # The worker keeps the chunks and sends them later. `Limits.log_bytes_max` bounds their size.
            _log.warning("log not sent, retrying: attempt=%s cause=%s", self.attempt_id, exc)
            return False
        return True

    def _report_start(self) -> None:
        assert self._unreported_start is not None
        try:
            failpoint("worker.start-told.before")
            self._execution_client.start(self._claim, self._unreported_start)
            self._unreported_start, self._report_start_at = None, float("inf")
        except Refused as exc:
            _log.error("start refused: attempt=%s cause=%s", self.attempt_id, exc)
            self._report_start_at = float("inf")
        except Unreachable as exc:
            _log.warning("start not reported, retrying: attempt=%s cause=%s", self.attempt_id, exc)
            self._report_start_at = monotonic() + RETRY_SECONDS[-1]

    @property
    def fits_one_call(self) -> bool:
        """Whether the rest of the log fits into the call that reports the result, and no large output comes before."""
        return len(self._chunks) <= FINISH_CHUNKS_MAX and not (self._end is not None and self._end.large)

    @property
    def end(self) -> End:
        """The result to report, once the attempt has ended."""
        assert self._end is not None
        return End(self._claim, self._end, self._chunks, self._unreported_start)

    def report_once(self) -> None:
        """Report the result once while another attempt runs. Only when the report `fits_one_call`."""
        self._finish(None, patience=self._execution_client.patience_seconds)

    def report_end(self, claim_request: ClaimRequest | None) -> tuple[bool, Claim | None]:
        """Report the result until the server acknowledges it, and claim the next attempt, while no attempt runs.

        Returns False when the worker stopped before the acknowledgement.
        """
        turn = 0
        while True:
            try:
                if self._send_log(keep=FINISH_CHUNKS_MAX):
                    self._send_values()
                    # The report carries the claim request, so a short task costs one call. A repeated report carries
                    # none: the caller then claims in a call of its own, with the same token.
                    return True, self._finish(None if turn else claim_request)
            except Unreachable as exc:
                _log.warning("result not reported, retrying: attempt=%s cause=%s", self.attempt_id, exc)
            if not self._may_go_on():
                return False, None
            sleep(min(self._heartbeat_seconds, RETRY_SECONDS[min(turn, len(RETRY_SECONDS) - 1)]))
            turn += 1

    def _send_values(self) -> None:
        """Send the large outputs; turn the end into a failure when they cannot be kept. Raises `Unreachable`."""
        end = self._end
        if end is None or not end.large:
            return
        try:
            is_owner = self._values.send(end)
        except (Refused, BrokenValue) as exc:
            _log.error("large output not kept: attempt=%s cause=%s", self.attempt_id, exc)
            self._end = replace(
                end,
                outcome=Outcome.FAILED,
                reason=StateReason.OUTPUT_INVALID,
                message=f"a large output could not be kept: {exc}",
                outputs={},
                large={},
            )
        else:
            # The server ignores the end of an attempt that it gave to others, and reads no large output of it.
            self._end = end if is_owner else replace(end, large={})

    def _finish(self, claim_request: ClaimRequest | None, **patience: float) -> Claim | None:
        """Report the result; when the server refuses it, report the refusal instead. Raises `Unreachable`."""
        while True:
            end = self.end
            try:
                failpoint("worker.finish.before")
                claim = self._execution_client.finish(end, claim_request, **patience)
                failpoint("worker.finish.acknowledged")
                self._values.forget_outputs()
                return claim
            except Refused as exc:
                if end.report.reason is StateReason.REJECTED:
                    _log.error("result refused: attempt=%s cause=%s", self.attempt_id, exc)
                    return None
                why = f"its end could not be recorded: {exc}"
                self._end = self._rejected(why, log_bytes=end.report.log_bytes)

    def _may_go_on(self) -> bool:
        """Whether there is time to repeat the report. Renews the lease and keeps the task host alive."""
        if self._is_stopping() and self._give_up_at == float("inf"):
            self._give_up_at = monotonic() + self._stop_grace_seconds
        if monotonic() > self._give_up_at:
            return False
        if monotonic() - self._heartbeat_at >= self._heartbeat_seconds:
            self._heartbeat_at = monotonic()
            self._heartbeat()
        self._executor.reports(0)  # the task host stops itself when this worker is silent
        return True

    def _as_interrupted(self, end: Finished) -> Finished:
        """Turn an end that this worker caused into `interrupted`: that is no fault of the task and costs no try."""
        if self._interruption is None or end.outcome not in (Outcome.CANCELLED, Outcome.LOST):
            return end
        return replace(
            end, outcome=Outcome.INTERRUPTED, reason=StateReason.INTERRUPTED, message=self._interruption, exit_code=None
        )

    def _not_started(
        self, why: str = "not started: its worker could not renew its lease at the execution API"
    ) -> Finished:
        return Finished(
            attempt_id=self.attempt_id,
            seq=0,
            at=datetime.now(UTC),
            outcome=Outcome.INTERRUPTED,
            reason=StateReason.INTERRUPTED,
            message=why,
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
