"""Progress: reports become states. What a report means is decided by `outcomes`; here it is applied, in batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

import orjson

from mainspring.attempts import Finished
from mainspring.definition.model import TaskType
from mainspring.states import AttemptState, StateReason, TaskState
from mainspring.waits import WaitKind
from mainspring_scheduler.progress.branching import (
    follow_mapped_branches,
    followed_branch,
    is_mapped_branch,
    skip_left_out,
)
from mainspring_scheduler.progress.merged_reports import LiveAttempts, MergedReports
from mainspring_scheduler.progress.outcomes import ATTEMPT_STATE, ResolvedOutcome, judge, typed
from mainspring_scheduler.progress.wait_ends import judge_poke
from mainspring_scheduler.versions import Version, Versions
from mainspring_store.scheduling import AttemptEnd, LateReport, LiveAttempt, Pass, StateUpdate
from mainspring_store.state.effects import InstanceRef

__all__ = ["Applied", "apply_reports", "end_waits", "late_report"]


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch of reports did."""

    moved: int = 0
    next_due_at: datetime | None = None
    """The earliest retry among them."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One attempt's way through this pass."""

    live: LiveAttempt
    merged: MergedReports
    version: Version
    verdict: ResolvedOutcome | None
    """None = it only started."""
    branch: Sequence[str] | None = None
    """What a branch chose; None = it is no branch that succeeded."""

    @property
    def waits_on(self) -> bool:
        """Whether it is a request that was told "not yet"."""
        return self.verdict is not None and self.verdict.state is TaskState.DEFERRED


def apply_reports(
    scheduling: Pass,
    merged: Mapping[str, MergedReports],
    *,
    live_attempts: LiveAttempts,
    versions: Versions,
    now: datetime,
    random: Random,
) -> Applied:
    """Apply what was reported. Effects are left collected in the pass."""
    live_attempts.complete(merged)
    live = live_attempts.find(merged, scheduling)
    if live:
        scheduling.lock_runs({attempt.dag_run_id for attempt in live.values()})
    load = scheduling.runs.version_document
    known = {attempt_id: versions.get(attempt.version_id, load) for attempt_id, attempt in live.items()}
    steps = _steps(scheduling, live, merged, known, now, random)
    took = scheduling.reports.end_attempts([_attempt_end(step) for step in steps.values()]) if steps else frozenset()
    _note_late(scheduling, merged, took)
    won = [step for attempt_id, step in steps.items() if attempt_id in took]
    moved = scheduling.reports.follow_reports([_decided(step, now) for step in won]) if won else frozenset()
    for attempt_id, report in merged.items():
        if report.finished is not None:
            live_attempts.forget(attempt_id)
            continue
        if attempt_id in took:
            live_attempts.add(_running(live[attempt_id]))
        if report.stopped is not None:
            live_attempts.keep_early(report.stopped)
    return _follow(scheduling, [step for step in won if step.live.instance_id in moved], now)


def end_waits(
    scheduling: Pass,
    ended: Sequence[tuple[LiveAttempt, Finished]],
    *,
    versions: Versions,
    now: datetime,
    random: Random,
) -> Applied:
    """End deferred attempts as these reports, which nobody sent, say. Effects are left collected in the pass."""
    if not ended:
        return Applied()
    live = {attempt.attempt_id: attempt for attempt, _ in ended}
    merged = {report.attempt_id: MergedReports(finished=report) for _, report in ended}
    load = scheduling.runs.version_document
    known = {attempt_id: versions.get(attempt.version_id, load) for attempt_id, attempt in live.items()}
    steps = _steps(scheduling, live, merged, known, now, random)
    took = scheduling.waits.end_attempts([_attempt_end(step) for step in steps.values()])
    won = [step for attempt_id, step in steps.items() if attempt_id in took]
    moved = scheduling.waits.leave([_decided(step, now) for step in won]) if won else frozenset()
    return _follow(scheduling, [step for step in won if step.live.instance_id in moved], now)


def _steps(
    scheduling: Pass,
    live: Mapping[str, LiveAttempt],
    merged: Mapping[str, MergedReports],
    versions: Mapping[str, Version],
    now: datetime,
    random: Random,
) -> dict[str, _Step]:
    first_starts = _first_starts(scheduling, live, merged, versions)
    return {
        attempt_id: _judged(
            attempt, merged[attempt_id], versions[attempt_id], first_starts.get(attempt.instance_id), now, random
        )
        for attempt_id, attempt in live.items()
        if merged[attempt_id].started or merged[attempt_id].finished
    }


def _follow(scheduling: Pass, followed: Sequence[_Step], now: datetime) -> Applied:
    """What follows from the steps that held."""
    _store_outputs(scheduling, followed)
    for step in followed:
        _collect_effects(scheduling, step, now)
        if step.verdict is not None:
            task = step.version.tasks[step.live.task_index]
            scheduling.unblock(step.version.definition.dag_id, task.task_id)
    # After the moves of all: what a branch leaves out may be among those that moved.
    of_mapped: list[tuple[Version, int, int]] = []
    for step in followed:
        run_id, index = step.live.dag_run_id, step.live.task_index
        if step.verdict is not None and is_mapped_branch(step.version, index):
            of_mapped.append((step.version, run_id, index))
        elif step.branch is not None:
            skip_left_out(scheduling, step.version, run_id, index, step.branch, now)
    follow_mapped_branches(scheduling, of_mapped, now)
    due = [step.verdict.not_before for step in followed if step.verdict and step.verdict.not_before]
    return Applied(len(followed), min(due, default=None))


def _first_starts(
    scheduling: Pass,
    live: Mapping[str, LiveAttempt],
    merged: Mapping[str, MergedReports],
    versions: Mapping[str, Version],
) -> Mapping[int, datetime]:
    """When the first try started, of those instances whose retries have a deadline and that may need one now."""
    ended = [
        attempt
        for attempt_id, attempt in live.items()
        if merged[attempt_id].finished is not None
        and versions[attempt_id].tasks[attempt.task_index].retry_deadline is not None
    ]
    if not ended:
        return {}
    found = dict(scheduling.reports.first_starts(attempt.instance_id for attempt in ended))
    for attempt in ended:
        started = merged[attempt.attempt_id].started
        if started is not None:  # not in the store yet
            found[attempt.instance_id] = min(started.at, found.get(attempt.instance_id, started.at))
    return found


def _judged(
    live: LiveAttempt,
    merged: MergedReports,
    version: Version,
    first_started_at: datetime | None,
    now: datetime,
    random: Random,
) -> _Step:
    if merged.finished is None:
        return _Step(live, merged, version, None)
    branch = None
    task = version.tasks[live.task_index]
    if live.is_poke and live.waits_for is not None:
        poke = judge_poke(merged.finished, task, live.waits_for, now=now)
        if poke is not None:
            merged.finished, verdict = poke
            return _Step(live, merged, version, verdict)
    if task.type == TaskType.BRANCH:
        merged.finished, branch = followed_branch(version, live.task_index, merged.finished)
    merged.finished = typed(merged.finished, version.output_types.get(live.task_index))
    verdict = judge(
        merged.finished,
        task,
        try_number=live.try_number,
        max_tries=0 if _ends_for_good(live) else live.max_tries,
        has_started=live.is_running or merged.started is not None,
        first_started_at=first_started_at,
        now=now,
        random=random,
    )
    return _Step(live, merged, version, verdict, branch if verdict.state is TaskState.SUCCESS else None)


def _ends_for_good(live: LiveAttempt) -> bool:
    """Whether it is a wait for something that will not be waited for a second time, as it did not come."""
    return live.state is TaskState.DEFERRED and live.waits_for is not None and live.waits_for["kind"] != WaitKind.RUN


def _attempt_end(step: _Step) -> AttemptEnd:
    started, finished = step.merged.started, step.merged.finished
    return AttemptEnd(
        attempt_id=step.live.attempt_id,
        state=_attempt_state(step),
        start_date=started.at if started else None,
        end_date=finished.at if finished and not step.waits_on else None,
        # A live attempt that was said to have stopped would not be looked after any more.
        stopped_at=step.merged.stopped_at if finished else None,
        reason=finished.reason if finished else None,
        message=finished.message if finished else None,
        hostname=started.hostname if started else None,
        pid=started.pid if started else None,
        exit_code=finished.exit_code if finished else None,
        log_bytes=finished.log_bytes if finished else None,
    )


def _attempt_state(step: _Step) -> AttemptState:
    if step.waits_on:
        return AttemptState.DEFERRED
    return AttemptState.RUNNING if step.merged.finished is None else ATTEMPT_STATE[step.merged.finished.outcome]


def _decided(step: _Step, now: datetime) -> StateUpdate:
    started, finished, verdict = step.merged.started, step.merged.finished, step.verdict
    # A wait began before its first request did.
    start_date = started.at if started and not step.live.is_poke else None
    waits_for = orjson.dumps(step.live.waits_for).decode() if step.live.waits_for is not None else None
    if verdict is None or finished is None:
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
        state=verdict.state,
        at=now,
        attempt_id=step.live.attempt_id,
        reason=verdict.reason,
        ready=verdict.state is TaskState.SCHEDULED,
        not_before=verdict.not_before,
        start_date=start_date,
        end_date=None if step.waits_on else finished.at,
        more_tries=int(verdict.is_free),
        waits_for=waits_for if step.waits_on else None,
    )


def _note_late(scheduling: Pass, merged: Mapping[str, MergedReports], took: frozenset[str]) -> None:
    """An attempt that was fenced before its report came: only that it started and stopped is news."""
    late = [late_report(attempt_id, reports) for attempt_id, reports in merged.items() if attempt_id not in took]
    if any(late):
        scheduling.reports.note_late(filter(None, late))


def late_report(attempt_id: str, reports: MergedReports) -> LateReport | None:
    """What can be recorded of an attempt that has ended before; `None` = nothing."""
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
    rows = [
        {
            "instance_id": step.live.instance_id,
            "key": key,
            "value": orjson.dumps(value).decode(),
            "at": step.merged.finished.at,
        }
        for step in followed
        if step.merged.finished is not None and step.verdict is not None and step.verdict.state is TaskState.SUCCESS
        for key, value in step.merged.finished.outputs.items()
    ]
    if rows:
        scheduling.reports.store_outputs(rows)


def _collect_effects(scheduling: Pass, step: _Step, now: datetime) -> None:
    live, verdict = step.live, step.verdict
    is_call = step.version.tasks[live.task_index].type == TaskType.DAG
    instance = InstanceRef(live.instance_id, live.dag_run_id, live.task_index, live.pool, live.pool_slots, is_call)
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
    if verdict is not None:
        scheduling.effects.moved(
            instance,
            old,
            verdict.state,
            at=step.merged.finished.at if step.merged.finished else now,
            downstream=step.version.graph.downstream[live.task_index],
            reason=verdict.reason or _reason_of(step),
            try_number=live.try_number,
            emits_event=not step.waits_on,
        )


def _reason_of(step: _Step) -> StateReason | None:
    return step.merged.finished.reason if step.merged.finished else None


def _running(live: LiveAttempt) -> LiveAttempt:
    return live if live.is_running else replace(live, state=TaskState.RUNNING)
