"""Maps a final report to the next state of its task instance. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from mainspring.attempts import Finished, Outcome
from mainspring.backoff import retry_delay
from mainspring.definition.model import Task
from mainspring.output_types import OutputTypes
from mainspring.retry_policy import fitting_rule
from mainspring.states import AttemptState, StateReason, TaskState

__all__ = ["ATTEMPT_STATE", "ResolvedOutcome", "is_past_deadline", "judge", "typed"]

ATTEMPT_STATE: Mapping[Outcome, AttemptState] = {
    Outcome.SUCCESS: AttemptState.SUCCESS,
    Outcome.FAILED: AttemptState.FAILED,
    Outcome.SKIPPED: AttemptState.SKIPPED,
    Outcome.CANCELLED: AttemptState.CANCELLED,
    Outcome.INTERRUPTED: AttemptState.INTERRUPTED,
    Outcome.LOST: AttemptState.LOST,
}

# Another try would fail for the same reason, or the task itself asked for none. No retry policy overrides these.
_NOT_RETRIED = frozenset(
    {
        StateReason.APPROVAL_REJECTED,
        StateReason.CANCELLED,
        StateReason.EXPRESSION_ERROR,
        StateReason.FAIL_REQUESTED,
        StateReason.REJECTED,
        StateReason.REPEAT_MAX,
        StateReason.SECRET_MISSING,
    }
)


@dataclass(frozen=True, slots=True)
class ResolvedOutcome:
    """The instance's next state."""

    state: TaskState
    reason: StateReason | None = None
    not_before: datetime | None = None
    """Earliest start of the next try or turn, or of the next request of a wait; only for `up_for_retry` and
    `deferred`."""
    is_free: bool = False
    """The try costs nothing: the instance gets another try for it."""
    next_turn: int | None = None
    """The turn that follows, from 0; None = the task has no `repeat`, or its present turn goes on or is the last."""


def judge(
    report: Finished,
    task: Task,
    *,
    try_number: int,
    max_tries: int,
    has_started: bool,
    first_started_at: datetime | None,
    now: datetime,
    random: Random,
) -> ResolvedOutcome:
    """The next state of an instance after the final report of its live attempt.

    max_tries: retries allowed beyond the first try; clears and interruptions add to them.
    has_started: whether a start was ever reported. A lost attempt without a start costs no try. Neither does a lost
        attempt whose host died from an unknown cause.
    first_started_at: start of the first try of this generation; needed only for a task with a `retry_deadline`.
        `None` = no try has started.
    """
    match report.outcome:
        case Outcome.SUCCESS:
            return ResolvedOutcome(TaskState.SUCCESS)
        case Outcome.SKIPPED:
            return ResolvedOutcome(TaskState.SKIPPED, report.reason or StateReason.TASK_SKIPPED)
        case Outcome.INTERRUPTED:
            return ResolvedOutcome(TaskState.SCHEDULED, StateReason.INTERRUPTED, is_free=True)
        case Outcome.LOST if not has_started or report.reason is StateReason.HOST_LOST:
            return ResolvedOutcome(TaskState.SCHEDULED, report.reason or StateReason.WORKER_LOST, is_free=True)
    reason = report.reason or StateReason.WORKER_LOST
    if try_number > max_tries or not _may_be_retried(report, reason, task):
        return ResolvedOutcome(TaskState.FAILED, reason)
    delay = retry_delay(
        try_number if task.repeat is None else _try_of_turn(task, try_number, max_tries),
        delay=task.retry_delay,
        factor=task.retry_backoff,
        delay_max=task.max_retry_delay,
        jitter=task.retry_jitter,
        random=random.random,
    )
    if first_started_at is not None and is_past_deadline(task, first_started_at, now + delay):
        return ResolvedOutcome(TaskState.FAILED, StateReason.DEADLINE)
    if delay <= timedelta(0):
        return ResolvedOutcome(TaskState.SCHEDULED, reason)
    return ResolvedOutcome(TaskState.UP_FOR_RETRY, reason, not_before=now + delay)


def _try_of_turn(task: Task, try_number: int, max_tries: int) -> int:
    """Number of the charged tries of a turn up to this try. Each turn begins with all retries of the task."""
    return max(1, try_number - (max_tries - task.retries))


def is_past_deadline(task: Task, first_started_at: datetime, at: datetime) -> bool:
    """Whether the task's `retry_deadline` forbids a start at `at`."""
    return task.retry_deadline is not None and at > first_started_at + task.retry_deadline


def typed(report: Finished, types: OutputTypes | None) -> Finished:
    """Turn a success into a failure when its outputs do not fit their declared types. Drop such outputs of others."""
    if types is None or (report.outcome is not Outcome.SUCCESS and not report.outputs):
        return report
    if report.outcome is not Outcome.SUCCESS:
        return replace(report, outputs=types.fitting(report.outputs))
    # The process that ran the task has checked those that are kept by reference.
    problem = types.problem(report.outputs, checked=report.large)
    if problem is None:
        return report
    reason = StateReason.OUTPUT_INVALID
    return replace(report, outcome=Outcome.FAILED, reason=reason, message=problem, outputs={}, large={})


def _may_be_retried(report: Finished, reason: StateReason, task: Task) -> bool:
    if report.outcome is Outcome.CANCELLED or reason in _NOT_RETRIED:
        return False
    rule = fitting_rule(task.retry_policy, report)
    return rule is None or rule.action == "retry"
