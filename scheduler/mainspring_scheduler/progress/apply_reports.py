"""Applies reports in batches: `outcomes` maps a report to a state, and this module writes the state and its effects.

All writes are guarded. `end_attempts` changes only live attempts and returns them; `follow_reports` changes only the
instances that still belong to these attempts and returns them. Effects (counters, slots, downstream, events) follow
only from the returned rows. A report of a fenced attempt, or a report that two schedulers apply, thus counts once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

import orjson

from mainspring.attempts import Finished, Outcome
from mainspring.definition.model import Task, TaskType
from mainspring.large_values import shown
from mainspring.states import AttemptState, StateReason, TaskState
from mainspring.waits import WaitKind
from mainspring_scheduler.progress.branching import (
    follow_mapped_branches,
    followed_branch,
    is_mapped_branch,
    skip_left_out,
)
from mainspring_scheduler.progress.fail_fast import note_failure
from mainspring_scheduler.progress.merged_reports import LiveAttempts, MergedReports
from mainspring_scheduler.progress.outcomes import ATTEMPT_STATE, ResolvedOutcome, judge, typed
from mainspring_scheduler.progress.turns import TURN_BYTES_MAX, FinishedTurn, JudgeTurns, TurnEnd, next_turn
from mainspring_scheduler.progress.wait_ends import judge_poke, with_condition
from mainspring_scheduler.versions import Version, Versions
from mainspring_store.scheduling import AttemptEnd, LateReport, LiveAttempt, Pass, StateUpdate
from mainspring_store.state.effects import InstanceRef

__all__ = ["Applied", "apply_reports", "end_waits", "late_report"]


_KEEPING = frozenset({TaskState.SUCCESS, TaskState.FAILED, TaskState.SKIPPED})
"""States of instances that keep the outputs of their last try."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of a batch of reports."""

    moved: int = 0
    """Instances that changed state."""
    next_due_at: datetime | None = None
    """The earliest retry of these instances."""


@dataclass(frozen=True, slots=True)
class _Step:
    """An attempt with its reports and their outcome."""

    live: LiveAttempt
    merged: MergedReports
    version: Version
    outcome: ResolvedOutcome | None
    """None = the attempt only started."""
    branch: Sequence[str] | None = None
    """The task ids that a branch chose; None = the task is no branch, or did not succeed."""

    @property
    def task(self) -> Task:
        return self.version.tasks[self.live.task_index]

    @property
    def waits_on(self) -> bool:
        """Whether the attempt is a request of an HTTP wait that goes on."""
        return self.outcome is not None and self.outcome.state is TaskState.DEFERRED

    @property
    def keeps_outputs(self) -> bool:
        """Whether the outputs of the attempt become those of its instance: at the end of a turn, and of the task."""
        outcome = self.outcome
        return outcome is not None and (outcome.state in _KEEPING or outcome.next_turn is not None)

    @property
    def replaces_outputs(self) -> bool:
        """Whether the outputs of the turn before make way. A failed try without outputs leaves them."""
        finished = self.merged.finished
        if finished is None or self.task.repeat is None or not self.keeps_outputs:
            return False
        return bool(finished.outcome is Outcome.SUCCESS or finished.outputs or finished.large)


def apply_reports(
    scheduling: Pass,
    merged: Mapping[str, MergedReports],
    *,
    live_attempts: LiveAttempts,
    versions: Versions,
    judge_turns: JudgeTurns,
    now: datetime,
    random: Random,
) -> Applied:
    """Apply merged reports. Collects the effects in the pass; the caller flushes them."""
    live_attempts.complete(merged)
    live = live_attempts.find(merged, scheduling)
    if live:
        scheduling.hold_runs({attempt.dag_run_id for attempt in live.values()})
    load = scheduling.runs.version_document
    live_versions = {attempt_id: versions.get(attempt.version_id, load) for attempt_id, attempt in live.items()}
    steps = _steps(scheduling, live, merged, live_versions, judge_turns, now, random)
    applied_ids = scheduling.reports.end_attempts([_attempt_end(step) for step in steps.values()]) if steps else ()
    _note_late(scheduling, merged, applied_ids)
    applied = [step for attempt_id, step in steps.items() if attempt_id in applied_ids]
    moved_ids = scheduling.reports.follow_reports([_state_update(step, now) for step in applied]) if applied else ()
    for attempt_id, report in merged.items():
        if report.finished is not None:
            live_attempts.forget(attempt_id)
            continue
        if attempt_id in applied_ids:
            live_attempts.add(_running(live[attempt_id]))
        if report.stopped is not None:
            live_attempts.keep_early(report.stopped)
    return _follow(scheduling, [step for step in applied if step.live.instance_id in moved_ids], now)


def end_waits(
    scheduling: Pass,
    ends: Sequence[tuple[LiveAttempt, Finished]],
    *,
    versions: Versions,
    judge_turns: JudgeTurns,
    now: datetime,
    random: Random,
) -> Applied:
    """Finish deferred attempts with results produced by the scheduler itself. Collects the effects in the pass."""
    if not ends:
        return Applied()
    live = {attempt.attempt_id: attempt for attempt, _ in ends}
    merged = {report.attempt_id: MergedReports(finished=report) for _, report in ends}
    load = scheduling.runs.version_document
    live_versions = {attempt_id: versions.get(attempt.version_id, load) for attempt_id, attempt in live.items()}
    steps = _steps(scheduling, live, merged, live_versions, judge_turns, now, random)
    applied_ids = scheduling.waits.end_attempts([_attempt_end(step) for step in steps.values()])
    applied = [step for attempt_id, step in steps.items() if attempt_id in applied_ids]
    moved_ids = scheduling.waits.leave([_state_update(step, now) for step in applied]) if applied else frozenset()
    return _follow(scheduling, [step for step in applied if step.live.instance_id in moved_ids], now)


def _steps(
    scheduling: Pass,
    live: Mapping[str, LiveAttempt],
    merged: Mapping[str, MergedReports],
    versions: Mapping[str, Version],
    judge_turns: JudgeTurns,
    now: datetime,
    random: Random,
) -> dict[str, _Step]:
    first_starts = _first_starts(scheduling, live, merged, versions)
    turns = _finished_turns(live, merged, versions)
    turn_ends = judge_turns(scheduling, turns) if turns else {}
    return {
        attempt_id: _judged(
            attempt,
            merged[attempt_id],
            versions[attempt_id],
            first_starts.get(attempt.instance_id),
            turn_ends.get(attempt_id),
            now,
            random,
        )
        for attempt_id, attempt in live.items()
        if merged[attempt_id].started or merged[attempt_id].finished
    }


def _follow(scheduling: Pass, followed: Sequence[_Step], now: datetime) -> Applied:
    """Store the outputs and collect the effects of the steps whose instances changed state."""
    _store_outputs(scheduling, followed)
    for step in followed:
        _collect_effects(scheduling, step, now)
        if step.outcome is not None:
            task = step.version.tasks[step.live.task_index]
            scheduling.unblock(step.version.definition.dag_id, task.task_id)
    # After the effects of all steps: a task that a branch skips may belong to one of them.
    mapped_branches: list[tuple[Version, int, int]] = []
    for step in followed:
        run_id, index = step.live.dag_run_id, step.live.task_index
        if step.outcome is not None and is_mapped_branch(step.version, index):
            mapped_branches.append((step.version, run_id, index))
        if step.branch is not None:
            skip_left_out(scheduling, step.version, run_id, (index, step.live.map_index), step.branch, now)
    follow_mapped_branches(scheduling, mapped_branches, now)
    due_times = [step.outcome.not_before for step in followed if step.outcome and step.outcome.not_before]
    return Applied(len(followed), min(due_times, default=None))


def _first_starts(
    scheduling: Pass,
    live: Mapping[str, LiveAttempt],
    merged: Mapping[str, MergedReports],
    versions: Mapping[str, Version],
) -> Mapping[int, datetime]:
    """Instance id -> start of its first try, for finished attempts of tasks with a `retry_deadline`."""
    finished = [
        attempt
        for attempt_id, attempt in live.items()
        if merged[attempt_id].finished is not None
        and versions[attempt_id].tasks[attempt.task_index].retry_deadline is not None
    ]
    if not finished:
        return {}
    first_starts = dict(scheduling.reports.first_starts(attempt.instance_id for attempt in finished))
    for attempt in finished:
        started = merged[attempt.attempt_id].started
        if started is not None:  # the store does not hold this start yet
            first_starts[attempt.instance_id] = min(started.at, first_starts.get(attempt.instance_id, started.at))
    return first_starts


def _finished_turns(
    live: Mapping[str, LiveAttempt], merged: Mapping[str, MergedReports], versions: Mapping[str, Version]
) -> list[FinishedTurn]:
    """The successful attempts of tasks with `repeat`. Turns successes with invalid outputs into failures."""
    turns = []
    for attempt_id, attempt in live.items():
        version, reports = versions[attempt_id], merged[attempt_id]
        if version.tasks[attempt.task_index].repeat is None or reports.finished is None:
            continue
        reports.finished = typed(reports.finished, version.output_types.get(attempt.task_index))
        if reports.finished.outcome is Outcome.SUCCESS:
            turns.append(FinishedTurn(attempt, version, reports.finished))
    return turns


def _judged(
    live: LiveAttempt,
    merged: MergedReports,
    version: Version,
    first_started_at: datetime | None,
    turn_end: TurnEnd | None,
    now: datetime,
    random: Random,
) -> _Step:
    if merged.finished is None:
        return _Step(live, merged, version, None)
    branch = None
    task = version.tasks[live.task_index]
    if live.is_poke and live.waits_for is not None:
        has_started = live.is_running or merged.started is not None
        merged.finished = with_condition(merged.finished, task.answer_until)
        poke = judge_poke(merged.finished, task, live.waits_for, has_started=has_started, now=now)
        if poke is not None:
            merged.finished = poke.report
            return _Step(replace(live, waits_for=poke.waits_for), merged, version, poke.outcome)
    if task.type == TaskType.BRANCH:
        merged.finished, branch = followed_branch(version, live.task_index, merged.finished)
    if turn_end is not None and task.repeat is not None:
        merged.finished = turn_end.report
        if turn_end.next_index is not None:
            return _Step(live, merged, version, next_turn(task.repeat, turn_end.next_index, now))
    merged.finished = typed(merged.finished, version.output_types.get(live.task_index))
    outcome = judge(
        merged.finished,
        task,
        try_number=live.try_number,
        max_tries=0 if _ends_for_good(live) else live.max_tries,
        has_started=live.is_running or merged.started is not None,
        first_started_at=first_started_at,
        now=now,
        random=random,
    )
    return _Step(live, merged, version, outcome, branch if outcome.state is TaskState.SUCCESS else None)


def _ends_for_good(live: LiveAttempt) -> bool:
    """Whether the attempt is a failed wait without retries. Only waits for a child run are retried."""
    return live.state is TaskState.DEFERRED and live.waits_for is not None and live.waits_for["kind"] != WaitKind.RUN


def _attempt_end(step: _Step) -> AttemptEnd:
    started, finished = step.merged.started, step.merged.finished
    return AttemptEnd(
        attempt_id=step.live.attempt_id,
        state=_attempt_state(step),
        start_date=started.at if started else None,
        end_date=finished.at if finished and not step.waits_on else None,
        # Only with the end: the scheduler no longer watches an attempt that is marked as stopped.
        stopped_at=step.merged.stopped_at if finished else None,
        reason=finished.reason if finished else None,
        message=finished.message if finished else None,
        hostname=started.hostname if started else None,
        pid=started.pid if started else None,
        exit_code=finished.exit_code if finished else None,
        log_bytes=finished.log_bytes if finished else None,
        outputs=_outputs_of_turn(step),
    )


def _outputs_of_turn(step: _Step) -> str | None:
    finished = step.merged.finished
    if finished is None or step.task.repeat is None:
        return None
    outputs = shown({**finished.outputs, **finished.large})
    text = orjson.dumps(outputs)
    is_kept = len(text) <= TURN_BYTES_MAX and (outputs or finished.outcome is Outcome.SUCCESS)
    return text.decode() if is_kept else None


def _attempt_state(step: _Step) -> AttemptState:
    if step.waits_on:
        return AttemptState.DEFERRED
    return AttemptState.RUNNING if step.merged.finished is None else ATTEMPT_STATE[step.merged.finished.outcome]


def _state_update(step: _Step, now: datetime) -> StateUpdate:
    started, finished, outcome = step.merged.started, step.merged.finished, step.outcome
    # A wait has started before its first request.
    start_date = started.at if started and not step.live.is_poke else None
    waits_for = orjson.dumps(step.live.waits_for).decode() if step.live.waits_for is not None else None
    if outcome is None or finished is None:
        return StateUpdate(
            id=step.live.instance_id,
            state=TaskState.RUNNING,
            at=now,
            attempt_id=step.live.attempt_id,
            start_date=start_date,
            waits_for=waits_for,
        )
    return StateUpdate(
        id=step.live.instance_id,
        state=outcome.state,
        at=now,
        attempt_id=step.live.attempt_id,
        reason=outcome.reason,
        ready=outcome.state is TaskState.SCHEDULED,
        not_before=outcome.not_before,
        start_date=start_date,
        end_date=None if step.waits_on else finished.at,
        more_tries=int(outcome.is_free) if outcome.next_turn is None else _more_tries(step),
        waits_for=waits_for if step.waits_on else None,
        turn=outcome.next_turn,
    )


def _more_tries(step: _Step) -> int:
    """The change of `max_tries` that gives the next turn all retries of the task."""
    return step.live.try_number + step.task.retries - step.live.max_tries


def _note_late(scheduling: Pass, merged: Mapping[str, MergedReports], applied_ids: Collection[str]) -> None:
    """Record the start and the stop of attempts that were fenced before their reports came. Drops their results."""
    late = [late_report(attempt_id, reports) for attempt_id, reports in merged.items() if attempt_id not in applied_ids]
    if any(late):
        scheduling.reports.note_late(filter(None, late))


def late_report(attempt_id: str, reports: MergedReports) -> LateReport | None:
    """The start and the stop of an attempt that has already ended in the store; `None` without either."""
    if reports.stopped_at is None and reports.started is None:
        return None
    return LateReport(
        attempt_id=attempt_id,
        stopped_at=reports.stopped_at,
        start_date=reports.started.at if reports.started else None,
        hostname=reports.started.hostname if reports.started else None,
        pid=reports.started.pid if reports.started else None,
    )


def _store_outputs(scheduling: Pass, followed: Sequence[_Step]) -> None:
    if replaced := [step.live.instance_id for step in followed if step.replaces_outputs]:
        scheduling.reports.drop_outputs(replaced)
    rows = [
        {
            "instance_id": step.live.instance_id,
            "key": key,
            "value": orjson.dumps(value).decode(),
            "at": step.merged.finished.at,
        }
        for step in followed
        if step.merged.finished is not None and step.keeps_outputs
        for key, value in step.merged.finished.outputs.items()
    ]
    rows += [
        {
            "instance_id": step.live.instance_id,
            "key": key,
            "value": orjson.dumps(value.to_json()).decode(),
            "at": step.merged.finished.at,
            "large_id": value.id,
        }
        for step in followed
        if step.merged.finished is not None and step.keeps_outputs
        for key, value in step.merged.finished.large.items()
    ]
    if rows:
        scheduling.reports.store_outputs(rows)


def _collect_effects(scheduling: Pass, step: _Step, now: datetime) -> None:
    live, outcome = step.live, step.outcome
    is_call = step.version.tasks[live.task_index].type == TaskType.DAG
    instance = InstanceRef(
        live.instance_id, live.dag_run_id, live.task_index, live.pool, live.pool_slots, is_call, live.map_index
    )
    old = live.state
    if step.merged.started is not None and not live.is_running:
        scheduling.effects.moved(
            instance,
            old,
            TaskState.RUNNING,
            at=step.merged.started.at,
            try_number=live.try_number,
            emits_event=not live.is_poke,
        )
        old = TaskState.RUNNING
    if outcome is not None:
        scheduling.effects.moved(
            instance,
            old,
            outcome.state,
            at=step.merged.finished.at if step.merged.finished else now,
            downstream=step.version.graph.downstream[live.task_index],
            in_step=step.version.graph.in_step[live.task_index],
            reason=outcome.reason or _reason_of(step),
            try_number=live.try_number,
            emits_event=not step.waits_on,
            is_allowed=step.version.tasks[live.task_index].allow_failure,
        )
        if outcome.state is TaskState.FAILED:
            note_failure(scheduling, step.version, live.dag_run_id, live.task_index)


def _reason_of(step: _Step) -> StateReason | None:
    return step.merged.finished.reason if step.merged.finished else None


def _running(live: LiveAttempt) -> LiveAttempt:
    return live if live.is_running else replace(live, state=TaskState.RUNNING)
