"""Prepares reports for a pass: merges the reports of each attempt, and caches the live attempts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mainspring.attempts import Finished, Report, Started, Stopped
from mainspring_store.scheduling import LiveAttempt, Pass

__all__ = ["LiveAttempts", "MergedReports", "merge_reports"]


@dataclass(slots=True)
class MergedReports:
    """The reports of one attempt, combined. A task that starts and ends between two passes costs a single write."""

    started: Started | None = None
    finished: Finished | None = None
    stopped: Stopped | None = None

    def add(self, report: Report) -> None:
        # The first report of each kind counts: repetitions are equal.
        match report:
            case Started():
                self.started = self.started or report
            case Finished():
                self.finished = self.finished or report
            case Stopped():
                self.stopped = self.stopped or report

    @property
    def stopped_at(self) -> datetime | None:
        """When the attempt stopped running; None = not known from these reports."""
        if self.stopped is not None:
            return self.stopped.at
        if self.finished is not None and not self.finished.still_running:
            return self.finished.at
        return None


def merge_reports(reports: Iterable[Report]) -> dict[str, MergedReports]:
    """Attempt id -> its merged reports, in order of the first arrival."""
    merged: dict[str, MergedReports] = {}
    for report in reports:
        merged.setdefault(report.attempt_id, MergedReports()).add(report)
    return merged


class LiveAttempts:
    """A bounded cache of live attempts over the store."""

    KEPT_MAX = 50_000

    def __init__(self, remote_executors: frozenset[str] = frozenset()) -> None:
        """remote_executors: executors whose reports may reach another scheduler. Their queued attempts are not cached:
        another scheduler may already have recorded the start."""
        self._remote_executors = remote_executors
        self._cached: dict[str, LiveAttempt] = {}
        self._early: dict[str, Stopped] = {}
        """Stop reports that arrived before the end of their attempt; that end says `still_running`. They stay after the
        end has come, because the pass that applies the end may be rolled back."""

    def add(self, attempt: LiveAttempt) -> None:
        if attempt.executor in self._remote_executors and not attempt.is_running:
            return
        self._cached[attempt.attempt_id] = attempt
        if len(self._cached) > self.KEPT_MAX:
            # The oldest attempt: another scheduler has most likely ended it.
            del self._cached[next(iter(self._cached))]

    def forget(self, attempt_id: str) -> None:
        self._cached.pop(attempt_id, None)

    def clear(self) -> None:
        """Drop the cache after a rollback: it may hold facts from that transaction."""
        self._cached.clear()

    def keep_early(self, stopped: Stopped) -> None:
        self._early[stopped.attempt_id] = stopped
        if len(self._early) > self.KEPT_MAX:
            del self._early[next(iter(self._early))]

    def complete(self, merged: Mapping[str, MergedReports]) -> None:
        """Add early stop reports to the reports of their attempts."""
        for attempt_id in self._early.keys() & merged.keys():
            merged[attempt_id].add(self._early[attempt_id])

    def find(self, attempt_ids: Iterable[str], scheduling: Pass) -> dict[str, LiveAttempt]:
        """The live attempts among these ids. A cached attempt may have ended since."""
        ids = list(attempt_ids)
        live = {attempt_id: self._cached[attempt_id] for attempt_id in ids if attempt_id in self._cached}
        if len(live) == len(ids):
            return live
        for attempt in scheduling.reports.live_attempts([attempt_id for attempt_id in ids if attempt_id not in live]):
            self.add(attempt)
            live[attempt.attempt_id] = attempt
        return {attempt_id: live[attempt_id] for attempt_id in ids if attempt_id in live}
