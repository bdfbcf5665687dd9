"""What arrives about attempts, gathered for a pass: their reports, folded into one each, and who is live."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mainspring.attempts import Finished, Report, Started, Stopped
from mainspring_store.scheduling import LiveAttempt, Pass

__all__ = ["LiveAttempts", "MergedReports", "merge_reports"]


@dataclass(slots=True)
class MergedReports:
    """All that has arrived about one attempt: a task that starts and ends between two passes costs one write."""

    started: Started | None = None
    finished: Finished | None = None
    stopped: Stopped | None = None

    def add(self, report: Report) -> None:
        # The first of each kind counts; a repeated one says the same.
        match report:
            case Started():
                self.started = self.started or report
            case Finished():
                self.finished = self.finished or report
            case Stopped():
                self.stopped = self.stopped or report

    @property
    def stopped_at(self) -> datetime | None:
        """From when on nothing of the attempt runs, as far as these reports tell."""
        if self.stopped is not None:
            return self.stopped.at
        if self.finished is not None and not self.finished.still_running:
            return self.finished.at
        return None


def merge_reports(reports: Iterable[Report]) -> dict[str, MergedReports]:
    """Reports by attempt, in order of first arrival."""
    merged: dict[str, MergedReports] = {}
    for report in reports:
        merged.setdefault(report.attempt_id, MergedReports()).add(report)
    return merged


class LiveAttempts:
    """The live attempts this scheduler knows. A bounded cache: what is missing is asked of the store."""

    KEPT_MAX = 50_000

    def __init__(self, remote_executors: frozenset[str] = frozenset()) -> None:
        """remote_executors: their reports may reach another scheduler, so one of theirs that is queued is not kept: it
        may be running by now."""
        self._remote_executors = remote_executors
        self._known: dict[str, LiveAttempt] = {}
        self._early: dict[str, Stopped] = {}
        """Told before the end of the attempt, whose report still says that something runs. Not removed when that comes,
        as the pass that applies it may be undone."""

    def add(self, attempt: LiveAttempt) -> None:
        if attempt.executor in self._remote_executors and not attempt.is_running:
            return
        self._known[attempt.attempt_id] = attempt
        if len(self._known) > self.KEPT_MAX:
            # The oldest: most likely ended by another scheduler.
            del self._known[next(iter(self._known))]

    def forget(self, attempt_id: str) -> None:
        self._known.pop(attempt_id, None)

    def clear(self) -> None:
        """Forget all: a transaction was undone that some of it was learned in."""
        self._known.clear()

    def keep_early(self, stopped: Stopped) -> None:
        self._early[stopped.attempt_id] = stopped
        if len(self._early) > self.KEPT_MAX:
            del self._early[next(iter(self._early))]

    def complete(self, merged: Mapping[str, MergedReports]) -> None:
        """Add what was told too early to the ends that it belongs to."""
        for attempt_id in self._early.keys() & merged.keys():
            merged[attempt_id].add(self._early[attempt_id])

    def find(self, attempt_ids: Iterable[str], scheduling: Pass) -> dict[str, LiveAttempt]:
        """Those of the attempts that are, or were when last seen, live."""
        ids = list(attempt_ids)
        found = {attempt_id: self._known[attempt_id] for attempt_id in ids if attempt_id in self._known}
        if len(found) == len(ids):
            return found
        for attempt in scheduling.reports.live_attempts([one for one in ids if one not in found]):
            self.add(attempt)
            found[attempt.attempt_id] = attempt
        return {attempt_id: found[attempt_id] for attempt_id in ids if attempt_id in found}
