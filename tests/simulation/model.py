"""What states must become: the engine once more, as small as it can be said, without database, batches or caches."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from mainspring.attempts import Finished, Outcome, Report, Started
from mainspring.definition.model import Definition
from mainspring.durations import parse_duration
from tests.simulation.model_decisions import Decisions
from tests.simulation.model_state import ACTIVE, Instance, Key, Run, Wait, debounce_key_of, key_of
from tests.simulation.oracle import FINISHED, PREVENTING

__all__ = ["UNREADABLE", "Model"]

CHECK_LOSSES_MAX = 3
UNREADABLE = "unreadable"
"""The name of an output that no database can store."""


class Model(Decisions):
    """All DAGs and runs: what reports, people and time do to them."""

    def __init__(self) -> None:
        super().__init__()
        self.paused: dict[str, bool] = {}
        self.started: set[str] = set()
        """Attempts whose start was reported, in time or late."""
        self.max_active_runs: dict[str, int] = {}

    def apply(self, reports: Sequence[Report], now: datetime) -> None:
        """One batch of reports. The first final report of a live attempt counts, every other one is too late."""
        reports = [report for report in reports if isinstance(report, Started | Finished)]
        batches: dict[str, list[Report]] = {}
        for report in reports:
            batches.setdefault(report.attempt_id, []).append(report)
        # Where one of them cannot be applied, each is applied alone.
        rounds = [[one] for one in batches] if any(map(self._breaks, batches.values())) else [list(batches)]
        for round_ in rounds:
            left_out = [left for attempt_id in round_ for left in self._apply_one(attempt_id, batches[attempt_id], now)]
            for left in left_out:
                left.state = "skipped" if left.state == "scheduled" else left.state

    def note_failures(self) -> None:
        """A failure that no task allows ends a run with `fail_fast`."""
        for run in self.runs.values():
            if run.has_failed and not run.is_over:
                self.stop(run, "fail_fast")
            run.has_failed = False

    def stop(self, run: Run, reason: str) -> None:
        """An end from outside. Where handlers or tear-downs follow, the run goes on with these."""
        if run.ending is not None and reason != "quarantined":
            return
        may_go_on = run.state == "running" and reason != "quarantined"
        owed = run.owed_teardowns() if may_go_on else []
        for instance in run.instances.values():
            if any(instance is one for one in owed):
                # One that has begun goes on; the others wait until the processes of the run have stopped.
                instance.state = "removed" if instance.state == "scheduled" else instance.state
            elif instance.state not in FINISHED:
                instance.was_prevented = instance.state not in (*ACTIVE, "deferred")
                instance.state = "skipped" if instance.was_prevented else "failed"
                instance.wait = None
        has_handlers = any(one.task.handler is not None and one.state == "removed" for one in run.instances.values())
        if may_go_on and (has_handlers or owed):
            run.ending, run.timeout_at = reason, None
        else:
            self._end_run(run, "failed")

    def answer(self, run: Run, instance: Instance, choice: str, now: datetime) -> bool:
        """Somebody answers an approval; whether that counts."""
        wait = instance.wait
        if instance.state != "deferred" or wait is None or wait.kind != "approval" or wait.answer is not None:
            return False
        if wait.gives_up_at is not None and wait.gives_up_at <= now:
            return False
        wait.answer = choice
        return True

    def forget(self, dag_id: str) -> None:
        """A DAG is deleted, with all its runs."""
        gone = [run for run in self.runs.values() if run.dag_id == dag_id]
        for run in gone:
            self._wake_parent(run)
            del self.runs[run.run_id]
        self.by_attempt = {key: one for key, one in self.by_attempt.items() if one[0] not in gone}
        self.pruned = [one for one in self.pruned if one[0] != dag_id]
        del self.paused[dag_id], self.max_active_runs[dag_id], self.current[dag_id]

    def prune(self, run_id: str) -> None:
        """Retention took an ended run, which nothing waits for."""
        run = self.runs.pop(run_id)
        self.pruned.append((run.dag_id, run.moment[0]))
        self.by_attempt = {key: one for key, one in self.by_attempt.items() if one[0] is not run}

    def adopt(self, run: Run, row: Any, rows: Iterable[Any], deadlines: Iterable[Any]) -> None:
        """Somebody changed the run by hand: go on from what the database shows."""
        run.state, run.timeout_at, run.ending = row.state, row.timeout_at, row.ending
        run.debounce_key = row.debounce_key
        run.deadlines = {
            (one.task_id, None if one.map_index == -2 else one.map_index, one.kind): (one.generation, one.due_at)
            for one in deadlines
        }
        if run.is_over:
            self._wake_parent(run)
        before, run.instances = run.instances, {}
        for one in rows:
            key = (one.task_id, one.map_index)
            # A task that the run's version no longer has keeps its removed instances.
            task = run.definition.tasks.get(one.task_id) or before[key].task
            instance = Instance(
                task,
                task.is_mapped and one.map_value is None,
                one.max_tries,
                one.state,
                one.try_number,
                one.attempt_id,
                one.not_before,
                # Nobody begins a wait by hand.
                before[key].wait if one.state == "deferred" or one.waits_for is not None else None,
                one.state == "skipped" and one.state_reason in PREVENTING,
                one.state_reason == "marked",
                one.generation,
            )
            run.instances[key] = instance
            if instance.attempt_id is not None:
                self.by_attempt[instance.attempt_id] = (run, instance)
        run.is_complete_by_hand = all(one.state in FINISHED for one in run.instances.values())

    def look(self, now: datetime, still_waits: Callable[[Run, Key], bool] = lambda *_: False) -> None:
        """What time and room bring: deadlines, timeouts, retries and waits, starts; in this order.

        still_waits: whether a wait that may have ended is left for a later look.
        """
        self.now = now
        for run in self.runs.values():
            self._meet_deadlines(run, now)
        while any(self._stopped(run, now) for run in self.runs.values()):
            pass
        for run in self.runs.values():
            if run.state == "running":
                self._take_signals(run, now, still_waits)
            for key, instance in run.instances.items():
                if instance.state == "up_for_retry" and instance.not_before is not None and instance.not_before <= now:
                    instance.state = "scheduled"
                elif instance.state == "deferred" and run.state == "running" and not still_waits(run, key):
                    self._look_at_wait(run, instance, now)
        for dag_id, key in sorted({(run.dag_id, run.key) for run in self.runs.values() if run.key is not None}):
            if not self.paused[dag_id]:
                self._replace(dag_id, key, now)
        for run in sorted(self.runs.values(), key=lambda one: one.turn):
            running = sum(one.state == "running" for one in self.runs.values() if one.dag_id == run.dag_id)
            is_due = run.state == "queued" and run.due[0] <= now and not run.is_paused
            has_room = running < self.max_active_runs[run.dag_id] and self._has_room_for_key(run)
            if is_due and not self.paused[run.dag_id] and has_room:
                run.state = "running"
                timeout = run.definition.dagrun_timeout
                run.timeout_at = now + timeout if timeout is not None else None
                run.count_deadlines("run_start", now)
        self.note_failures()

    def _replace(self, dag_id: str, key: str, now: datetime) -> None:
        """The oldest waiting run of a key says whether newer ones take its place, and that of running ones."""
        members = [run for run in self.runs.values() if (run.dag_id, run.key) == (dag_id, key) and not run.is_over]
        in_order = sorted(members, key=lambda one: one.due)
        waiting = [run for run in in_order if run.state == "queued" and run.due[0] <= now and not run.is_paused]
        if not waiting or waiting[0].strategy not in ("keep_latest", "cancel_running"):
            return
        strategy, most, newest = waiting[0].strategy, waiting[0].key_max, waiting[-1]
        running = [run for run in in_order if run.state == "running"]
        kept = most if strategy == "cancel_running" else max(most - len(running), 1)
        for run in waiting[:-kept]:
            self.stop(run, "superseded")
        if strategy == "cancel_running":
            going_on = [run for run in running if run.ending is None]
            surplus = len(going_on) + min(len(waiting), kept) - most
            for run in [run for run in going_on if run.due < newest.due][: max(surplus, 0)]:
                self.stop(run, "cancelled")

    def _has_room_for_key(self, run: Run) -> bool:
        holders = [one for one in self.runs.values() if (one.dag_id, one.key) == (run.dag_id, run.key)]
        return run.key is None or sum(one.state == "running" for one in holders) < run.key_max

    def refuses(self, definition: Definition, conf: Mapping[str, Any], *, is_debounced: bool = False) -> bool:
        """Whether the concurrency key or the debounce key lets nobody trigger a run."""
        rule = definition.concurrency
        if is_debounced and debounce_key_of(definition, conf) == "":
            return True
        if rule is None:
            return False
        key = key_of(definition, conf)
        holders = [one for one in self.runs.values() if (one.dag_id, one.key) == (definition.dag_id, key)]
        is_full = sum(not one.is_over for one in holders) >= rule.max
        return key == "" or (rule.strategy == "reject" and is_full)

    def joined_by(self, version_id: int, definition: Definition, conf: Mapping[str, Any]) -> Run | None:
        """The run that a trigger by the current definition joins."""
        if definition.debounce is None:
            return None
        key = debounce_key_of(definition, conf)
        waiting = [run for run in self.runs.values() if run.state == "queued" and run.debounce_key == key]
        return next((run for run in waiting if run.version_id == version_id), None)

    def _meet_deadlines(self, run: Run, now: datetime) -> None:
        """Fail what its definition wants failed: tasks first, so that the run finds them over."""
        passed = {key for key, (_, due_at) in run.deadlines.items() if due_at is not None and due_at <= now}
        for key in sorted(passed, key=lambda one: not one[0]):
            task_id, index, kind = key
            run.deadlines[key] = (run.deadlines[key][0], None)
            if task_id and task_id not in run.definition.tasks:
                continue  # the version that the run changed to has no such task
            rule = run.definition.deadline if task_id == "" else run.definition.tasks[task_id].deadline
            if task_id == "":
                if not run.is_over and rule is not None and rule.action == "fail":
                    self.stop(run, "deadline_missed")
                continue
            for (_, place), one in list(run.instances.items()):
                if one.task.task_id != task_id or index not in (None, place):
                    continue
                # The version that the run changed to may wait for a start without a limit.
                has_limit = run.definition.tasks[task_id].queue_timeout is not None
                is_queue = kind == "start" and one.state == "queued" and has_limit
                is_end = kind == "end" and one.state not in FINISHED and rule is not None and rule.action == "fail"
                if is_queue or is_end:
                    one.state, one.wait, one.not_before = "failed", None, None
                    run.note_failure(one)

    def _breaks(self, reports: Sequence[Report]) -> bool:
        """Whether what they say cannot be stored."""
        _, instance = self.by_attempt.get(reports[0].attempt_id, (None, None))
        final = next((report for report in reports if isinstance(report, Finished)), None)
        is_live = instance is not None and instance.attempt_id == reports[0].attempt_id and instance.state in ACTIVE
        return is_live and final is not None and UNREADABLE in final.outputs

    def _apply_one(self, attempt_id: str, reports: Sequence[Report], now: datetime) -> list[Instance]:
        """Returns what a branch leaves out."""
        run, instance = self.by_attempt.get(attempt_id, (None, None))
        is_waiting = instance is not None and instance.attempt_id == attempt_id and instance.state == "deferred"
        if any(isinstance(report, Started) for report in reports) and not is_waiting:
            self.started.add(attempt_id)
        if run is None or instance is None or instance.attempt_id != attempt_id or instance.state not in ACTIVE:
            return []
        if self._breaks(reports):
            self.stop(run, "quarantined")
            return []
        if any(isinstance(report, Started) for report in reports):
            instance.state = "running"
        final = next((report for report in reports if isinstance(report, Finished)), None)
        return [] if final is None else self._end(run, instance, final, now)

    def _end(self, run: Run, instance: Instance, report: Finished, now: datetime) -> list[Instance]:
        """Returns what a branch leaves out."""
        task = instance.task
        if instance.is_check:
            if self._waits_on(run, instance, report, now):
                return []
            instance.wait = None
        outcome, reason = report.outcome, report.reason
        if outcome is Outcome.SUCCESS and task.type == "branch":
            chosen = report.outputs.get("return_value") or []
            if set(chosen) <= set(self._downstream(run, task.task_id)):
                instance.state = "success"
                return self._left_out(run, task.task_id, chosen)
            outcome = Outcome.FAILED
        if outcome is Outcome.SUCCESS:
            instance.state = "success"
        elif outcome is Outcome.SKIPPED:
            instance.state = "skipped"
        elif outcome is Outcome.INTERRUPTED or _is_free_loss(instance, report):
            instance.state = "scheduled"
            instance.max_tries += 1
        else:
            self._fail(run, instance, now, is_final=outcome is Outcome.CANCELLED or reason == "rejected")
        return []

    def _waits_on(self, run: Run, instance: Instance, report: Finished, now: datetime) -> bool:
        """Whether a check was no success and no failure either: its wait goes on, or has timed out."""
        wait = instance.wait
        assert wait is not None
        is_lost = report.outcome is Outcome.LOST and instance.state == "running" and report.reason != "host_lost"
        wait.losses = wait.losses + 1 if is_lost else 0
        is_repeated = report.outcome is Outcome.INTERRUPTED or (
            report.outcome is Outcome.LOST and report.reason != "host_killed" and wait.losses < CHECK_LOSSES_MAX
        )
        if not is_repeated and (report.outcome is not Outcome.FAILED or report.reason != "exit_code"):
            return False
        if wait.gives_up_at is not None and wait.gives_up_at <= now:
            _end_wait(run, instance, "skipped" if instance.task.payload.source.get("soft_fail") else "failed")
            return True
        due_at = now + parse_duration(instance.task.payload.source["interval"])
        instance.state, wait.until = "deferred", min(due_at, wait.gives_up_at or due_at)
        return True

    def _fail(self, run: Run, instance: Instance, now: datetime, *, is_final: bool) -> None:
        """It fails, or is tried again."""
        delay = instance.task.retry_delay
        if is_final or instance.tries > instance.max_tries:
            instance.state = "failed"
            run.note_failure(instance)
        elif delay > timedelta(0):
            instance.state, instance.not_before = "up_for_retry", now + delay
        else:
            instance.state = "scheduled"

    def _stopped(self, run: Run, now: datetime) -> bool:
        """Stop it if its time is up, or the task that waited for it does no more."""
        if run.is_over or run.ending is not None:
            return False
        is_late = run.state == "running" and run.timeout_at is not None and run.timeout_at <= now
        if is_late and not run.is_complete_by_hand:
            self.stop(run, "timed_out")
            return True
        _, parent = self.by_attempt.get(run.parent or "", (None, None))
        is_awaited = parent is not None and parent.attempt_id == run.parent and parent.state == "deferred"
        if run.parent is None or is_awaited:
            return False
        self.stop(run, "cancelled")
        return True

    def _take_signals(self, run: Run, now: datetime, still_waits: Callable[[Run, Key], bool]) -> None:
        """Each wait, the longest first, takes the earliest signal of its name that came in time."""
        waits = [(one.wait, key, one) for key, one in run.instances.items() if one.state == "deferred" and one.wait]
        waits = [one for one in waits if one[0].kind == "signal" and not still_waits(run, one[1])]
        for wait, _, instance in sorted(waits, key=lambda one: one[0].began_at or now):
            signal = next((one for one in run.signals if one[0] == wait.signal), None)
            if signal is not None and (wait.gives_up_at is None or signal[1] <= wait.gives_up_at):
                run.signals.remove(signal)
                _end_wait(run, instance, "success")

    def _look_at_wait(self, run: Run, instance: Instance, now: datetime) -> None:
        wait = instance.wait
        assert wait is not None
        is_given_up = wait.gives_up_at is not None and wait.gives_up_at <= now
        if wait.kind == "run":
            self._look_at_child(run, instance, wait, now, is_given_up)
        elif wait.kind == "approval" and (wait.answer is not None or (is_given_up and wait.default is not None)):
            _end_wait(run, instance, "failed" if (wait.answer or wait.default) == "reject" else "success")
        elif wait.kind == "check" and not is_given_up:
            if wait.until is not None and wait.until <= now:
                instance.state = "scheduled"
        elif wait.kind != "check" and wait.until is not None and wait.until <= now:
            _end_wait(run, instance, "success")
        elif is_given_up:
            _end_wait(run, instance, "skipped" if instance.task.payload.source.get("soft_fail") else "failed")

    def _look_at_child(self, run: Run, instance: Instance, wait: Wait, now: datetime, is_given_up: bool) -> None:
        assert wait.child is not None
        child = self.runs.get(wait.child[1])
        if child is not None and child.state == "success" and (wait.is_woken or is_given_up):
            _end_wait(run, instance, "success")
        elif is_given_up or (wait.is_woken and (child is None or child.state == "failed")):
            instance.wait = None
            self._fail(run, instance, now, is_final=False)
        elif wait.is_woken and child is not None:
            # It ended, and was cleared before anybody looked.
            wait.is_woken, child.parent = False, instance.attempt_id


def _is_free_loss(instance: Instance, report: Finished) -> bool:
    """Whether it never started, or its host may have died because of another task."""
    return report.outcome is Outcome.LOST and (instance.state == "queued" or report.reason == "host_lost")


def _end_wait(run: Run, instance: Instance, state: str) -> None:
    instance.state, instance.wait = state, None
    if state == "failed":
        run.note_failure(instance)
