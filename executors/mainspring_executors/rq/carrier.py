"""Carries one attempt from its claim to its acknowledged end.

The attempt itself runs in a task host of this worker, as on `local`. Here its reports go home over HTTP, its lease is
renewed, and when it cannot be renewed in time the attempt is stopped, before the scheduler may give it to another.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from time import monotonic, sleep

from mainspring.attempts import Finished, LogChunk
from mainspring_executors.contract import Executor
from mainspring_executors.rq.courier import Claim, Courier, Unreachable

__all__ = ["Carrier"]

_log = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
LOG_SECONDS = 0.2
"""How long log may wait for more of it, so that a chatty task costs few calls."""
FINISH_CHUNKS_MAX = 8
"""Chunks that travel with the final report; what is before them is sent first."""
_RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Carrier:
    """Carries one attempt at a time. `executor` takes one at a time too and belongs to the caller."""

    def __init__(
        self,
        courier: Courier,
        executor: Executor,
        *,
        is_stopping: Callable[[], bool],
        stop_grace: timedelta,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        self._courier = courier
        self._executor = executor
        self._is_stopping = is_stopping
        self._stop_grace = stop_grace.total_seconds()
        self._beat_seconds = beat_seconds

    def carry(self, attempt_id: str) -> bool:
        """Claim, run, report. False when the attempt was not to be had.

        Raises:
            Unreachable: The claim could not be made; nothing was begun.
        """
        claim = self._courier.claim(attempt_id)
        if claim is None:
            return False
        _Carriage(self, claim).run()
        return True


class _Carriage:
    """One attempt under way."""

    def __init__(self, carrier: Carrier, claim: Claim) -> None:
        self._courier = carrier._courier
        self._executor = carrier._executor
        self._is_stopping = carrier._is_stopping
        self._stop_grace = carrier._stop_grace
        self._beat_seconds = carrier._beat_seconds
        self._claim = claim
        self._attempt_id = claim.attempt.attempt_id
        now = monotonic()
        # Half of the lease is left for the stop itself, so that nothing runs any more when it ends.
        self._fence_seconds = claim.lease.total_seconds() / 2
        self._kill_seconds = claim.lease.total_seconds() * 0.9
        self._renewed_at = self._beat_at = now
        self._log_at = now
        self._chunks: list[LogChunk] = []
        self._is_ours = True
        self._is_stopped = False
        self._stop_by: float | None = None

    def run(self) -> None:
        self._executor.submit([self._claim.attempt])
        report = None
        while report is None:
            report = self._listen()
            self._tend()
        self._report_end(report)

    def _listen(self) -> Finished | None:
        """Take in what the attempt has to say; its end, when that is among it."""
        end = None
        for report in self._executor.reports(min(self._beat_seconds, LOG_SECONDS if self._chunks else 1.0)):
            if isinstance(report, LogChunk):
                self._chunks.append(report)
            elif isinstance(report, Finished):
                end = report
        return end

    def _tend(self) -> None:
        now = monotonic()
        if now - self._beat_at >= self._beat_seconds:
            self._beat_at = now
            self._beat()
        if self._chunks and (now - self._log_at >= LOG_SECONDS or len(self._chunks) > FINISH_CHUNKS_MAX):
            self._log_at = now
            self._send_log(keep=FINISH_CHUNKS_MAX if now - self._log_at < LOG_SECONDS else 0)
        if now - self._renewed_at > self._fence_seconds:
            self._stop("its lease could not be renewed")
        if now - self._renewed_at > self._kill_seconds:
            # Whatever grace the task was given: somebody else may run it soon.
            self._executor.close(timedelta(0))
        if self._is_stopping():
            self._drain(now)

    def _beat(self) -> None:
        try:
            if self._attempt_id in self._courier.beat([self._attempt_id]):
                self._stop("the scheduler does not want it any more")
            else:
                self._renewed_at = monotonic()
        except Unreachable as exc:
            _log.warning("%s", exc)

    def _send_log(self, *, keep: int) -> None:
        try:
            while self._is_ours and len(self._chunks) > keep:
                self._is_ours = self._courier.log(self._claim, self._chunks[0])
                del self._chunks[0]
        except Unreachable as exc:
            # Kept and sent later; the log of an attempt has a bound of its own.
            _log.warning("%s", exc)

    def _stop(self, why: str) -> None:
        if not self._is_stopped:
            self._is_stopped = True
            _log.warning("stopping attempt %s: %s", self._attempt_id, why)
            self._executor.cancel([self._attempt_id])

    def _drain(self, now: float) -> None:
        """The worker is to end: the attempt may go on for the grace, and is interrupted then."""
        if self._stop_by is None:
            self._stop_by = now + self._stop_grace
        elif now >= self._stop_by and not self._is_stopped:
            self._is_stopped = True
            self._executor.close(timedelta(0))

    def _report_end(self, report: Finished) -> None:
        """Repeat the end until it is acknowledged, or until the attempt turns out to be somebody else's."""
        for turn in range(10_000):
            try:
                while self._is_ours and len(self._chunks) > FINISH_CHUNKS_MAX:
                    self._is_ours = self._courier.log(self._claim, self._chunks[0])
                    del self._chunks[0]
                self._courier.finish(self._claim, report, self._chunks)
                return
            except Unreachable as exc:
                _log.warning("%s; the end of attempt %s is told again", exc, self._attempt_id)
                if self._stop_by is not None and monotonic() > self._stop_by + self._stop_grace:
                    return
                sleep(_RETRY_SECONDS[min(turn, len(_RETRY_SECONDS) - 1)])
