"""Puts the reports of one attempt in order: start, log, end, and then the stop of code that ran on after the end.

Reports and log come on two sockets, so a report can overtake earlier log. The sequencer hands each report over once.
Repeated and late reports have no effect.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from mainspring.attempts import Finished, LogChunk, Report, Started, Stopped
from mainspring_executors.protocol.results import Result
from mainspring_executors.protocol.wire import SEQ_FINISHED, SEQ_STOPPED

__all__ = ["ReportSequencer"]


@dataclass(slots=True, eq=False)
class ReportSequencer:
    """The order of the reports of one attempt: which were handed over, and which must wait."""

    attempt_id: str
    is_started: bool = False
    is_finished: bool = False
    """`Finished` was handed over."""
    is_done: bool = False
    """The last report was handed over."""
    log_bytes: int = 0
    """Size of the log handed over."""
    _early_chunks: dict[int, LogChunk] = field(default_factory=dict)
    """Offset -> chunk that came before the start was reported, or before the chunk in front of it."""
    _finished: Finished | None = None
    _stopped: Stopped | None = None

    @property
    def is_ending(self) -> bool:
        """Whether the end has arrived, even if it was not handed over yet."""
        return self.is_finished or self._finished is not None

    def take(self, report: Report) -> Iterator[Report]:
        """Accept one report; yields the reports to hand over now, in order."""
        if self.is_done:
            return
        match report:
            case LogChunk() if report.offset >= self.log_bytes:
                self._early_chunks.setdefault(report.offset, report)
            case Finished() if self._finished is None and not self.is_finished:
                self._finished = report
            case Stopped() if self._stopped is None:
                self._stopped = report
            case Started() if not (self.is_started or self.is_finished):
                self.is_started = True
                yield report
        if self.is_started:
            yield from self._log()
        yield from self._end()

    def conclude(self, result: Result, at: datetime) -> Iterator[Report]:
        """Yield the last reports of an attempt whose host is gone.

        A reported end still counts; only the rest of its log is lost. Without one, the attempt ends with `result`.
        """
        if self.is_done:
            return
        if not self.is_finished:
            finished = self._finished or Finished(
                attempt_id=self.attempt_id,
                seq=SEQ_FINISHED,
                at=at,
                outcome=result.outcome,
                reason=result.reason,
                message=result.message,
                exit_code=result.exit_code,
            )
            yield replace(finished, log_bytes=self.log_bytes, still_running=False)
        else:
            yield self._stopped or Stopped(attempt_id=self.attempt_id, seq=SEQ_STOPPED, at=at)
        self.is_finished = self.is_done = True

    def _log(self) -> Iterator[LogChunk]:
        while (chunk := self._early_chunks.pop(self.log_bytes, None)) is not None:
            self.log_bytes += len(chunk.data)
            yield chunk

    def _end(self) -> Iterator[Finished | Stopped]:
        finished = self._finished
        if finished is not None and finished.log_bytes <= self.log_bytes:
            self._finished = None
            self.is_finished = True
            self.is_done = not finished.still_running
            yield finished
        if self.is_finished and not self.is_done and self._stopped is not None:
            self.is_done = True
            yield self._stopped
