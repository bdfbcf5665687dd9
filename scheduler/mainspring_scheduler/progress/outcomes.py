"""What a final report makes of its task instance. Pure: the report, the task and a random source in, a value out."""

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

# Another try would meet the same words of the definition, the same executor, the same want of a secret; or the task
# asked for none. No retry policy overrides these.
_NOT_RETRIED = frozenset(
    {
        StateReason.APPROVAL_REJECTED,
        StateReason.CANCELLED,
        StateReason.EXPRESSION_ERROR,
        StateReason.FAIL_REQUESTED,
        StateReason.REJECTED,
        StateReason.SECRET_MISSING,
    }
)


@dataclass(frozen=True, slots=True)
class ResolvedOutcome:
    """The instance's next state."""

    state: TaskState
    reason: StateReason | None = None
    not_before: datetime | None = None
    """When the next try may start, or the next request of the same try; only for `up_for_retry` and `deferred`."""
    is_free: bool = False
    """The try is not charged: the instance gets another one for it."""


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
    """What becomes of an instance after the final report of its live attempt.

    max_tries: retries allowed beyond the first try, as grown by clears and interruptions.
    has_started: whether a start was ever reported. A lost attempt that never started is not charged, and neither is
        one whose host died for a cause that is not known to be this task.
    first_started_at: when the first try of this generation started; needed only where the task has a
        `retry_deadline`. `None` = none has.
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
        try_number,
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


def is_past_deadline(task: Task, first_started_at: datetime, at: datetime) -> bool:
    """Whether no try may start at `at` any more."""
    return task.retry_deadline is not None and at > first_started_at + task.retry_deadline


def typed(report: Finished, types: OutputTypes | None) -> Finished:
    """The report; a success whose outputs do not fit their declared types becomes a failure."""
    if types is None or report.outcome is not Outcome.SUCCESS:
        return report
    problem = types.problem(report.outputs)
    if problem is None:
        return report
    reason = StateReason.OUTPUT_INVALID
    return replace(report, outcome=Outcome.FAILED, reason=reason, message=problem, outputs={})


def _may_be_retried(report: Finished, reason: StateReason, task: Task) -> bool:
    if report.outcome is Outcome.CANCELLED or reason in _NOT_RETRIED:
        return False
    rule = fitting_rule(task.retry_policy, report)
    return rule is None or rule.action == "retry"
