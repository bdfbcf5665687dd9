"""One scheduler. `run_once` is one pass: it commits its decisions to the store before it acts on them.

Commit first, then submit: after a crash between the two, the store still knows the attempts, and rescue finds those
that no executor got. In the other order, a task could run without a record.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from mainspring.attempts import Attempt, Finished, LogChunk, Outcome, Report, Started
from mainspring.errors import StoreUnavailable
from mainspring.failpoints import failpoint
from mainspring.states import StateReason
from mainspring_executors.contract import Executor, SubmitResult
from mainspring_scheduler.clock import Clock
from mainspring_scheduler.clock_guard import ClockGuard
from mainspring_scheduler.decisions.check_places import CHECKS_AT_ONCE
from mainspring_scheduler.decisions.dispatch import Dispatched, Dispatcher
from mainspring_scheduler.decisions.run_context import RunContexts
from mainspring_scheduler.decisions.turn_ends import TurnJudge
from mainspring_scheduler.duties.awaited_ends import create_following_runs
from mainspring_scheduler.duties.backfills import advance_backfills
from mainspring_scheduler.duties.deadlines import meet_deadlines
from mainspring_scheduler.duties.due import BATCH_MAX as DUE_MAX
from mainspring_scheduler.duties.due import create_due_runs
from mainspring_scheduler.duties.finishes import finish_runs
from mainspring_scheduler.duties.replacements import replace_runs
from mainspring_scheduler.duties.starts import BATCH_MAX as STARTS_MAX
from mainspring_scheduler.duties.starts import start_runs
from mainspring_scheduler.duties.stops import stop_runs
from mainspring_scheduler.predictions import Predictions
from mainspring_scheduler.progress.apply_reports import Applied, apply_reports, late_report
from mainspring_scheduler.progress.fail_fast import stop_failed_runs
from mainspring_scheduler.progress.merged_reports import LiveAttempts, MergedReports, merge_reports
from mainspring_scheduler.progress.wait_resumes import resume_due
from mainspring_scheduler.versions import Versions
from mainspring_store import scheduling
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.database.pipeline import Mispredicted
from mainspring_store.database.transactions import Database
from mainspring_store.resources import logs
from mainspring_store.scheduling import Pass
from mainspring_store.state.effects import RunCounters, SlotsTaken

__all__ = ["PassCounts", "Scheduler"]

_log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""How long new work can go unseen when every wake-up is lost."""
START_GATHER_SECONDS = 0.001
"""How long the reported start of a task may wait for the end of the task, so that one pass writes both."""
REMOTE_REPORTS_MAX = 1000
"""Attempts whose reports one pass takes from the inbox of remote workers."""
_LOG_BYTES_WITH_STATE_MAX = 256 * 1024
"""Up to this size, log chunks share the transaction of the states. More log gets earlier transactions of its own."""


@dataclass(slots=True)
class PassCounts:
    """The counts of one pass."""

    reports: int = 0
    moved: int = 0
    """Instances that changed state by a report or the end of a wait."""
    created: int = 0
    """Runs created by a timetable or a backfill."""
    is_more_due: bool = False
    started: int = 0
    queued: int = 0
    resolved: int = 0
    finished: int = 0
    is_complete: bool = True
    """False: the next pass should follow at once."""

    @property
    def did_nothing(self) -> bool:
        return not (self.moved or self.created or self.started or self.queued or self.resolved or self.finished)


@dataclass(slots=True)
class _Inbox:
    """Reports that are not in the store yet. They stay until a commit succeeds, so that an outage loses no report."""

    reports: list[Report] = field(default_factory=list)
    chunks: list[LogChunk] = field(default_factory=list)

    def add(self, reports: Iterable[Report]) -> None:
        for report in reports:
            if isinstance(report, LogChunk):
                self.chunks.append(report)
            else:
                self.reports.append(report)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a pass that looks for due work has seen. The scheduler keeps it only after the commit."""

    next_due_at: datetime | None
    """When work is due that no report announces; None = no such work is known."""
    has_backfills: bool
    """Whether a backfill is open."""
    ending: Mapping[int, RunCounters] = field(default_factory=dict)
    """The counters of runs that may have ended."""


class Scheduler:
    """Decides when which instance runs. The caller drives it by `run_once`; it keeps only caches between the calls."""

    def __init__(
        self,
        database: Database,
        executors: Mapping[str, Executor],
        *,
        incarnation: str,
        clock: Clock,
        random: Random,
        key_ring: KeyRing | None = None,
        clock_guard: ClockGuard | None = None,
        exports_traces: bool = False,
        checks_at_once: int = CHECKS_AT_ONCE,
    ) -> None:
        """executors: by name. The first runs the tasks that name no executor.
        key_ring: opens the secrets of tasks; None = a task with a secret fails.
        clock_guard: forbids to create runs while the clock is wrong; None = no guard.
        exports_traces: the ends of runs are exported as traces, so tasks continue the spans of their tries.
        checks_at_once: how many checks of waits each executor runs at once.
        """
        self._database = database
        self._executors = executors
        self._clock = clock
        self._random = random
        self._clock_guard = clock_guard
        self._versions = Versions()
        self._contexts = RunContexts(exports_traces=exports_traces)
        remote = frozenset(
            name for name, executor in executors.items() if executor.capabilities.survives_scheduler_restart
        )
        self._remote = remote
        self._live_attempts = LiveAttempts(remote)
        self._dispatcher = Dispatcher(
            owner=incarnation,
            executors=tuple(executors),
            remote_executors=remote,
            versions=self._versions,
            contexts=self._contexts,
            live_attempts=self._live_attempts,
            key_ring=key_ring,
            checks_at_once=checks_at_once,
        )
        self._predictions = Predictions()
        self._inbox = _Inbox()
        self._polled_at = float("-inf")
        self._next_due_at: datetime | None = None
        self._has_more = False
        self._has_backfills = False
        self._cancelled: set[str] = set()
        self.is_held = False
        """Whether schedules and backfills make no runs, because the database was restored from a backup."""

    def seconds_to_next(self) -> float:
        """How long the loop may sleep without a wake-up."""
        wait = self._polled_at + POLL_SECONDS - self._clock.monotonic()
        if self._next_due_at is not None:
            wait = min(wait, (self._next_due_at - self._clock.now()).total_seconds())
        return max(0.0, wait)

    def inject(self, reports: Iterable[Report]) -> None:
        """Add reports that come from no executor, like those of lost attempts."""
        self._inbox.add(reports)

    def run_once(self, *, is_woken: bool = False) -> PassCounts:
        """One pass: apply reports, create due runs, decide, commit, then submit.

        is_woken: a wake-up arrived. Without one, the pass looks for new and due work only every `POLL_SECONDS`.

        Raises:
            StoreUnavailable: The transaction was rolled back, or the outcome of the commit is unknown. The reports stay
                for the next pass; its guarded writes skip reports that were committed after all.
        """
        self._take_reports(is_woken)
        failpoint("scheduler.pass.begun")
        now = self._clock.now()
        is_due = self._next_due_at is not None and now >= self._next_due_at
        is_looking = is_woken or is_due or self._has_more or self._clock.monotonic() - self._polled_at >= POLL_SECONDS
        if not (is_looking or self._inbox.reports or self._inbox.chunks):
            return PassCounts()
        if is_looking:
            self._polled_at = self._clock.monotonic()
        advanced = 0
        if is_looking and self._has_backfills and self._may_create_runs:
            advanced = advance_backfills(self._database, self._versions, now)
        try:
            counts, dispatched = self._transact(is_looking, now)
        except SlotsTaken:
            # Another scheduler took the slots, and the transaction was rolled back. The next pass follows at once and
            # sees the free slots. The inbox keeps the reports of this pass.
            self._polled_at = float("-inf")
            return PassCounts(is_complete=False)
        counts.created += advanced
        self._has_more = not counts.is_complete
        self._inbox = _Inbox()
        self._submit(dispatched.attempts)
        if is_looking:
            self._cancel_fenced()
        return counts

    def _take_reports(self, is_woken: bool) -> None:
        """Move the reports of the executors to the inbox. Nothing waits for the start of a task, so a pass for starts
        alone gives the ends of short tasks a moment to arrive too."""
        for executor in self._executors.values():
            reports = executor.reports(0)
            if reports and not is_woken and not self.has_backlog and all(isinstance(r, Started) for r in reports):
                reports = [*reports, *executor.reports(START_GATHER_SECONDS)]
            self._inbox.add(reports)

    def _transact(self, is_looking: bool, now: datetime) -> tuple[PassCounts, Dispatched]:
        inbox = self._inbox
        self._store_bulky_logs(inbox)
        # Only on PostgreSQL do the statements of a pass wait for each other.
        if not self._database.is_sqlite and self._predictions.may_predict():
            try:
                return self._pass(inbox.reports, inbox.chunks, is_looking, now, predicts=True)
            except (SlotsTaken, StoreUnavailable):
                raise
            except Mispredicted as exc:
                # The pass was rolled back. Without predictions it sees the rows that the writes really change.
                _log.debug("pass repeated without predictions: cause=%s", exc)
            except Exception:
                # The cause may be a wrong prediction that no answer of PostgreSQL had shown yet.
                _log.warning("pass failed, repeated without predictions", exc_info=True)
            self._predictions.note_wrong()
        try:
            return self._pass(inbox.reports, inbox.chunks, is_looking, now)
        except (SlotsTaken, StoreUnavailable):
            raise
        except Exception:
            _log.exception("pass failed, applying reports one attempt at a time: reports=%d", len(inbox.reports))
            self._apply_one_by_one(inbox, now)
            if self._remote:
                self._apply_remote_one_by_one(now)
            return self._pass([], [], is_looking, now)

    @contextmanager
    def _begin_pass(self, *, predicts: bool = False) -> Iterator[Pass]:
        """The transaction of a pass. After a rollback the caches forget everything, as they may hold facts of rows that
        do not exist; SQLite even gives their keys to other rows."""
        try:
            expects_blocked = self._predictions.expects_blocked
            with scheduling.begin_pass(self._database, predicts=predicts, expects_blocked=expects_blocked) as current:
                yield current
        except BaseException:
            self._live_attempts.clear()
            self._contexts.clear()
            raise
        self._predictions.note_committed(has_confirmed=current.has_confirmed, saw_blocked=current.blocked.is_last)

    def _pass(
        self,
        reports: Sequence[Report],
        chunks: Sequence[LogChunk],
        is_looking: bool,
        now: datetime,
        *,
        predicts: bool = False,
    ) -> tuple[PassCounts, Dispatched]:
        counts = PassCounts(reports=len(reports))
        with self._begin_pass(predicts=predicts) as current:
            if chunks:
                current.reports.append_log(chunks)
            if self._remote and is_looking:
                remote = current.reports.take_remote(REMOTE_REPORTS_MAX)
                # After a full batch, the inbox may hold more.
                counts.is_more_due |= len(remote) >= REMOTE_REPORTS_MAX
                reports = [*reports, *remote]
                counts.reports = len(reports)
            failpoint("scheduler.pass.reports-taken")
            applied = self._apply(current, merge_reports(reports), now) if reports else Applied()
            failpoint("scheduler.pass.reports-applied")
            counts.moved = applied.moved
            seen = self._look(current, counts, now) if is_looking else _Seen(self._next_due_at, self._has_backfills)
            dispatched, woken_at = self._dispatch(current, counts, seen.ending, now)
            failpoint("scheduler.pass.before-commit")
        failpoint("scheduler.pass.committed")
        self._next_due_at = _earliest(seen.next_due_at, applied.next_due_at, dispatched.next_due_at, woken_at)
        self._has_backfills = seen.has_backfills
        return counts, dispatched

    def _apply(self, current: Pass, merged: Mapping[str, MergedReports], now: datetime) -> Applied:
        return apply_reports(
            current,
            merged,
            live_attempts=self._live_attempts,
            versions=self._versions,
            judge_turns=self._judge_turns,
            now=now,
            random=self._random,
        )

    def _look(self, current: Pass, counts: PassCounts, now: datetime) -> _Seen:
        """Do the due work that no report announces: stops, retries, waits, due runs, starts."""
        current.read_ahead(now, due_max=DUE_MAX, starts_max=STARTS_MAX)
        due_work = current.decisions.due_work(now)
        if due_work.next_deadline is not None and due_work.next_deadline <= now:
            changes, is_more_due = meet_deadlines(current, self._versions, now)
            counts.moved += changes
            counts.is_more_due |= is_more_due
            due_work = current.decisions.due_work(now)
        if due_work.has_stops:
            due_work = stop_runs(current, due_work, now)
        if due_work.is_due(now):
            current.decisions.wake_retries(now)
            resumed = resume_due(
                current, versions=self._versions, judge_turns=self._judge_turns, now=now, random=self._random
            )
            counts.moved += resumed.moved
            due_work = current.decisions.due_work(now)
        if self._may_create_runs:
            counts.created, is_more_due = create_due_runs(current, self._versions, now)
            counts.is_more_due |= is_more_due
        # Before the runs start: until a write, the database has been asked already.
        slot_due_at, has_backfills, has_ends = current.due.prefetch(now)
        if due_work.has_keys and (replaced := replace_runs(current, now)):
            counts.moved += replaced
            counts.is_more_due = True
        counts.started += start_runs(
            current,
            self._versions,
            self._contexts,
            now,
            has_keys=due_work.has_keys,
            has_priorities=due_work.has_priorities,
        )
        ending = {counter.dag_run_id: counter for counter in due_work.over_runs}
        locked = current.lock_runs(ending, skip_locked=True) if ending else frozenset()
        if has_ends and self._may_create_runs:
            counts.created += create_following_runs(current, self._versions, now)
            # The next pass starts the runs, and takes further ends.
            counts.is_more_due = True
        # A new backfill begins with the next pass.
        counts.is_more_due |= has_backfills and not self._has_backfills
        due_at = _earliest(due_work.next_due_at, due_work.next_deadline, slot_due_at)
        return _Seen(due_at, has_backfills, {run_id: ending[run_id] for run_id in locked})

    def _dispatch(
        self, current: Pass, counts: PassCounts, ending: Mapping[int, RunCounters], now: datetime
    ) -> tuple[Dispatched, datetime | None]:
        """Decide on ready instances and end complete runs. Also returns when `dag` tasks woken by ended runs are
        due."""
        capacity = {name: executor.capacity() for name, executor in self._executors.items()}
        failpoint("scheduler.dispatch.before")
        dispatched = self._dispatcher.dispatch(current, capacity, now)
        failpoint("scheduler.dispatch.decided")
        counts.resolved = dispatched.resolved
        counts.queued = sum(map(len, dispatched.attempts.values()))
        for run_id, message in dispatched.broken_runs.items():
            current.runs.stop_run(run_id, now=now, reason=StateReason.QUARANTINED, message=message)
        touched = {**ending, **dispatched.counters}
        finished = finish_runs(current, touched.values(), versions=self._versions, contexts=self._contexts, now=now)
        if finished.count or finished.begun:
            current.flush(unneeded=current.effects.runs)
        counts.finished = finished.count
        counts.resolved += finished.begun
        # An ended run may let a queued run start, and the next pass decides on handlers.
        has_followers = finished.count > 0 or finished.begun > 0
        counts.is_complete = dispatched.is_complete and not has_followers and not counts.is_more_due
        return dispatched, now if finished.has_woken else None

    def _store_bulky_logs(self, inbox: _Inbox) -> None:
        while sum(len(chunk.data) for chunk in inbox.chunks) > _LOG_BYTES_WITH_STATE_MAX:
            batch, size = [], 0
            for chunk in inbox.chunks:
                batch.append(chunk)
                size += len(chunk.data)
                if size > _LOG_BYTES_WITH_STATE_MAX:
                    break
            logs.append_chunks(self._database, batch)
            del inbox.chunks[: len(batch)]

    def _apply_one_by_one(self, inbox: _Inbox, now: datetime) -> None:
        """Apply the reports of each attempt in a transaction of its own. Quarantine the runs of the failing reports."""
        for chunk in inbox.chunks:
            try:
                logs.append_chunks(self._database, [chunk])
            except StoreUnavailable:
                raise
            except Exception:
                _log.exception("log chunk dropped: attempt=%s", chunk.attempt_id)
        for attempt_id, merged in merge_reports(inbox.reports).items():
            try:
                with self._begin_pass() as current:
                    self._apply(current, {attempt_id: merged}, now)
                    self._finish_touched(current, now)
            except StoreUnavailable:
                raise
            except Exception as exc:
                _log.exception("report not applied, run quarantined: attempt=%s", attempt_id)
                self._quarantine(attempt_id, merged, exc, now)

    def _apply_remote_one_by_one(self, now: datetime) -> None:
        for _ in range(REMOTE_REPORTS_MAX):
            taken: list[Report] = []
            try:
                with self._begin_pass() as current:
                    taken = current.reports.take_remote(1)
                    self._apply(current, merge_reports(taken), now)
                    self._finish_touched(current, now)
            except StoreUnavailable:
                raise
            except Exception as exc:
                if not taken:
                    raise
                attempt_id = taken[0].attempt_id
                _log.exception("report not applied, run quarantined: attempt=%s", attempt_id)
                with self._begin_pass() as current:
                    current.reports.drop_remote(attempt_id)
                self._quarantine(attempt_id, merge_reports(taken)[attempt_id], exc, now)
            if not taken:
                return

    def _finish_touched(self, current: Pass, now: datetime) -> None:
        stop_failed_runs(current, now)
        counters = current.flush()
        finish_runs(current, counters.values(), versions=self._versions, contexts=self._contexts, now=now)
        current.flush()

    def _quarantine(self, attempt_id: str, merged: MergedReports, exc: Exception, now: datetime) -> None:
        message = f"a report could not be applied: {type(exc).__name__}: {exc}"
        with self._begin_pass() as current:
            for attempt in current.reports.live_attempts([attempt_id]):
                current.runs.stop_run(attempt.dag_run_id, now=now, reason=StateReason.QUARANTINED, message=message)
            # Start and stop are still valid, and no further report repeats them.
            if (late := late_report(attempt_id, merged)) is not None:
                current.reports.note_late([late])

    @property
    def _judge_turns(self) -> TurnJudge:
        return TurnJudge(self._contexts)

    @property
    def _may_create_runs(self) -> bool:
        return not self.is_held and (self._clock_guard is None or self._clock_guard.may_create_runs)

    def _submit(self, attempts: Mapping[str, Sequence[Attempt]]) -> None:
        for name, orders in attempts.items():
            failpoint("scheduler.submit.before")
            for answer in self._executors[name].submit(orders):
                if answer.result is SubmitResult.REJECTED:
                    self.inject([self._rejected(answer.attempt_id, answer.detail)])
            failpoint("scheduler.submit.done")

    def _rejected(self, attempt_id: str, detail: str | None) -> Finished:
        return Finished(
            attempt_id=attempt_id,
            seq=0,
            at=self._clock.now(),
            outcome=Outcome.FAILED,
            reason=StateReason.REJECTED,
            message=detail,
        )

    def _cancel_fenced(self) -> None:
        """Stop the processes of attempts that have already ended in the store."""
        fenced = scheduling.unstopped_cancels(self._database)
        if any(executor in self._remote for executor, _ in fenced):
            scheduling.note_never_claimed(self._database, self._remote, now=self._clock.now())
        to_cancel: dict[str, list[str]] = {}
        for executor, attempt_id in fenced:
            if attempt_id not in self._cancelled and executor in self._executors:
                to_cancel.setdefault(executor, []).append(attempt_id)
        for executor, attempt_ids in to_cancel.items():
            failpoint("scheduler.cancel.before")
            self._executors[executor].cancel(attempt_ids)
            failpoint("scheduler.cancel.done")
        self._cancelled = {attempt_id for _, attempt_id in fenced}

    @property
    def has_backlog(self) -> bool:
        """Whether reports wait in memory for the next pass."""
        return bool(self._inbox.reports or self._inbox.chunks)


def _earliest(*instants: datetime | None) -> datetime | None:
    return min(filter(None, instants), default=None)
