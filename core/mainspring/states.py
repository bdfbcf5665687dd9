"""States of runs, task instances and attempts, and the moves between them, as data.

Every write of a state is a compare-and-set against this table: the store updates a row only while it is still in the
state the decision was made on. No updated row means that another process decided first, which is a normal answer.
"""

from collections.abc import Mapping
from enum import StrEnum

__all__ = [
    "ATTEMPT_LIVE",
    "DECIDED_REASONS",
    "RUN_FINISHED",
    "RUN_TRANSITIONS",
    "TASK_ACTIVE",
    "TASK_FINISHED",
    "TASK_TRANSITIONS",
    "AttemptState",
    "BackfillState",
    "RunState",
    "RunType",
    "StateReason",
    "TaskState",
    "known_reason",
    "may_move",
    "was_prevented",
]


class RunState(StrEnum):
    """Where one DagRun stands. The values are Airflow's: its clients know no others."""

    QUEUED = "queued"
    """Born here by a trigger, the timetable or a backfill. Left when its `run_after` has come and `max_active_runs`
    and the concurrency key have room. A crash leaves it here; the next pass starts it."""
    RUNNING = "running"
    """Entered by the scheduler, which makes the root task instances ready in the same transaction. Left when every task
    instance is terminal, or by a cancel. A crash leaves it here; nothing about it lives in memory."""
    SUCCESS = "success"
    """Final until a clear: all instances are terminal and no failure was left unhandled."""
    FAILED = "failed"
    """Final until a clear; `state_reason` says why (`task_failed`, `cancelled`, `timed_out`, ...)."""


class TaskState(StrEnum):
    """Where one TaskInstance stands."""

    SCHEDULED = "scheduled"
    """Born here with its run. Waits for its upstream (`ready` false) or for a slot (`ready` true)."""
    QUEUED = "queued"
    """An attempt row exists, slots are taken, the scheduler hands the attempt to the executor. A crash leaves it here;
    the scheduler's recovery asks the executor where the attempt is."""
    RUNNING = "running"
    """The executor reported the start. Left by the attempt's final report, by a cancel, or when its lease is lost."""
    SUCCESS = "success"
    """Final until a clear or mark."""
    FAILED = "failed"
    """Final until a clear or mark: no tries left, or a reason that is not retried."""
    SKIPPED = "skipped"
    """Final until a clear: `when` was false, a branch was not taken, the trigger rule decided to skip, or a cancel came
    before the start."""
    UPSTREAM_FAILED = "upstream_failed"
    """Final until a clear: the trigger rule can no longer hold because of a failure upstream."""
    UP_FOR_RETRY = "up_for_retry"
    """A try failed and another will start at `not_before`, or the next turn will. Holds no slot."""
    DEFERRED = "deferred"
    """Waits without a slot: a timer, an approval, a child run."""
    REMOVED = "removed"
    """Final unless its item or task comes back: the instance no longer belongs to its run, because a clear of its
    upstream made the list of its mapped task open again, or had the run go on with a version that has no place for
    it."""


class AttemptState(StrEnum):
    """State of a try of a TaskInstance in its executor, not the state of the instance."""

    QUEUED = "queued"
    """Written in the transaction that queued the instance; handed to the executor after the commit."""
    RUNNING = "running"
    """Started by its executor."""
    DEFERRED = "deferred"
    """Its instance waits without a slot; nothing of it runs. Made or left by the scheduler alone: no executor knows of
    it. For an HTTP condition the attempt is the latest request; the next request replaces the attempt."""
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    """The task itself asked to be skipped."""
    CANCELLED = "cancelled"
    """Fenced by a cancel, clear or mark before its report came. A later report of it changes nothing."""
    INTERRUPTED = "interrupted"
    """Ended by an orderly stop of the service. Costs no try."""
    LOST = "lost"
    """Its executor vanished without a final report. Costs a try if it had started, unless the reason is `host_lost`."""


class RunType(StrEnum):
    """What made a run."""

    BACKFILL = "backfill"
    SCHEDULED = "scheduled"
    MANUAL = "manual"
    OPERATOR_TRIGGERED = "operator_triggered"
    """Made by a task of type `dag`."""
    ASSET_TRIGGERED = "asset_triggered"
    """Made by the ends of runs of other DAGs, for which the schedule waits. Airflow's name."""


class BackfillState(StrEnum):
    """Where a backfill stands. The state follows from the backfill and from the pause of its DAG; no column stores the
    state."""

    RUNNING = "running"
    """The scheduler makes and starts runs within the limits."""
    WAITING = "waiting"
    """The backfill or its DAG is paused: none of its runs is made or started."""
    CANCELLED = "cancelled"
    """Final: a user ended it."""
    FINISHED = "finished"
    """Final: every slot was looked at, and all its runs have ended."""


class StateReason(StrEnum):
    """Why a run, an instance or an attempt is in its state; finer than Airflow's closed enums."""

    TASK_FAILED = "task_failed"
    """A run: an instance failed and no downstream task handled the failure."""
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    DEADLINE = "deadline"
    """Retries were left, but the retry deadline had passed."""
    DEADLINE_MISSED = "deadline_missed"
    """Failed by a `deadline` with the action `fail`, or by a `queue_timeout`."""
    FAIL_FAST = "fail_fast"
    """A task had failed in a DAG with `fail_fast`. Of a run, of what it stopped, and of what it kept from running."""
    CONCURRENCY_KEY_INVALID = "concurrency_key_invalid"
    """A run of the scheduler whose concurrency key could not be evaluated. Of the run, and of its tasks."""
    CONCURRENCY_KEY_TAKEN = "concurrency_key_taken"
    """A run of the scheduler that the strategy `reject` refused. Of the run, and of its tasks."""
    SUPERSEDED = "superseded"
    """A newer run with the same concurrency key took the place of a waiting run. Of the run, and of its tasks."""
    NOT_YET = "not_yet"
    """Of the check of a wait alone: its callable returned a false value, or its file is not there yet."""
    NEXT_TURN = "next_turn"
    """A turn of a task with `repeat` has succeeded, and `until` was false: the next turn follows."""
    REPEAT_MAX = "repeat_max"
    """`until` was still false after the last turn that `repeat` allows."""
    SOFT_FAIL = "soft_fail"
    """A wait with `soft_fail` was skipped, because its timeout had passed."""
    LATE = "late"
    """Of an event alone: a deadline has passed. The state is the present one."""
    EXIT_CODE = "exit_code"
    EXCEPTION = "exception"
    FAIL_REQUESTED = "fail_requested"
    """The task itself asked to fail without another try."""
    COMMAND_NOT_FOUND = "command_not_found"
    CALLABLE_NOT_FOUND = "callable_not_found"
    HTTP_STATUS = "http_status"
    HTTP_ERROR = "http_error"
    ADDRESS_REFUSED = "address_refused"
    OUTPUT_TOO_LARGE = "output_too_large"
    OUTPUT_INVALID = "output_invalid"
    EXPRESSION_ERROR = "expression_error"
    SECRET_MISSING = "secret_missing"  # noqa: S105  a reason, no password
    POOL_MISSING = "pool_missing"
    """The pool was deleted after the DAG had stopped using the pool, and then an old run was cleared."""
    EXECUTOR_MISSING = "executor_missing"
    """The task's executor was removed from the settings after the DAG was saved."""
    KILLED = "killed"
    """Ended by a signal that was not ours."""
    WORKER_LOST = "worker_lost"
    HOST_LOST = "host_lost"
    """The task host died with several tasks inside, and the executor does not know the cause. Costs no try."""
    HOST_KILLED = "host_killed"
    """The task host died while this task ran alone inside. Costs a try."""
    INTERRUPTED = "interrupted"
    REJECTED = "rejected"
    """The executor can never run this attempt; the message gives the cause."""
    CHILD_RUN_FAILED = "child_run_failed"
    CHILD_RUN_INVALID = "child_run_invalid"
    """A `dag` task could not make its run: unknown DAG, params that do not fit, or too many levels of runs."""
    APPROVAL_REJECTED = "approval_rejected"
    """A person answered `reject`."""
    TRIGGER_RULE = "trigger_rule"
    WHEN = "when"
    BRANCH = "branch"
    TASK_SKIPPED = "task_skipped"
    EXPAND_EMPTY = "expand_empty"
    """There was nothing to expand over."""
    DEPENDS_ON_PAST = "depends_on_past"
    """Waits: the same task of the run before has not succeeded."""
    MAX_ACTIVE_TIS = "max_active_tis"
    """Waits: the task has reached its limit of active instances."""
    CANCELLING = "cancelling"
    """A running run was ended from outside; its processes stop, and its tear-downs and handlers run. A removed
    instance: a tear-down that waits for this."""
    HANDLER = "handler"
    """A removed instance: a handler of the run, which does not run before or after this end of its run."""
    CLEARED = "cleared"
    """A removed instance: a clear reopened the list of the mapped task, or the run changed to a version without this
    instance."""
    MARKED = "marked"
    """A user marked it."""
    RUN_MARKED = "run_marked"
    """A skipped instance: a user marked the run as a success before the instance had run."""
    QUARANTINED = "quarantined"
    """The scheduler cannot handle the instance (an unreadable stored row); set aside with the reason in its message."""


DECIDED_REASONS = frozenset(
    {
        StateReason.TASK_FAILED,
        StateReason.DEADLINE,
        StateReason.DEADLINE_MISSED,
        StateReason.FAIL_FAST,
        StateReason.CONCURRENCY_KEY_INVALID,
        StateReason.CONCURRENCY_KEY_TAKEN,
        StateReason.SUPERSEDED,
        StateReason.NEXT_TURN,
        StateReason.REPEAT_MAX,
        StateReason.SOFT_FAIL,
        StateReason.LATE,
        StateReason.EXPRESSION_ERROR,
        StateReason.POOL_MISSING,
        StateReason.EXECUTOR_MISSING,
        StateReason.CHILD_RUN_FAILED,
        StateReason.CHILD_RUN_INVALID,
        StateReason.APPROVAL_REJECTED,
        StateReason.TRIGGER_RULE,
        StateReason.WHEN,
        StateReason.BRANCH,
        StateReason.EXPAND_EMPTY,
        StateReason.DEPENDS_ON_PAST,
        StateReason.MAX_ACTIVE_TIS,
        StateReason.CANCELLING,
        StateReason.HANDLER,
        StateReason.CLEARED,
        StateReason.MARKED,
        StateReason.RUN_MARKED,
        StateReason.QUARANTINED,
    }
)
"""What the scheduler or a user decides. No executor reports one of them: a clear or a branch goes by them."""

RUN_FINISHED = frozenset({RunState.SUCCESS, RunState.FAILED})
TASK_FINISHED = frozenset(
    {TaskState.SUCCESS, TaskState.FAILED, TaskState.SKIPPED, TaskState.UPSTREAM_FAILED, TaskState.REMOVED}
)
TASK_ACTIVE = frozenset({TaskState.QUEUED, TaskState.RUNNING})
"""States that hold a slot."""
_PREVENTING = frozenset(
    {
        StateReason.CANCELLED,
        StateReason.TIMED_OUT,
        StateReason.DEADLINE_MISSED,
        StateReason.FAIL_FAST,
        StateReason.CONCURRENCY_KEY_INVALID,
        StateReason.CONCURRENCY_KEY_TAKEN,
        StateReason.SUPERSEDED,
        StateReason.QUARANTINED,
        StateReason.RUN_MARKED,
    }
)
ATTEMPT_LIVE = frozenset({AttemptState.QUEUED, AttemptState.RUNNING, AttemptState.DEFERRED})
"""States of a current try. An outside end of the instance ends the try too."""

RUN_TRANSITIONS: Mapping[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.FAILED, RunState.SUCCESS}),
    RunState.RUNNING: frozenset({RunState.SUCCESS, RunState.FAILED, RunState.QUEUED}),
    # Only a clear (or a mark, which recomputes the run) leaves a final state.
    RunState.SUCCESS: frozenset({RunState.QUEUED, RunState.FAILED}),
    RunState.FAILED: frozenset({RunState.QUEUED, RunState.SUCCESS}),
}
"""Each run state and the states it may move to. A finished run moves only by an explicit clear or mark."""

_S = TaskState
TASK_TRANSITIONS: Mapping[TaskState, frozenset[TaskState]] = {
    _S.SCHEDULED: frozenset(
        {_S.QUEUED, _S.DEFERRED, _S.SUCCESS, _S.FAILED, _S.SKIPPED, _S.UPSTREAM_FAILED, _S.REMOVED}
    ),
    _S.QUEUED: frozenset(
        {_S.RUNNING, _S.SUCCESS, _S.FAILED, _S.SKIPPED, _S.UP_FOR_RETRY, _S.SCHEDULED, _S.DEFERRED, _S.REMOVED}
    ),
    _S.RUNNING: frozenset({_S.SUCCESS, _S.FAILED, _S.SKIPPED, _S.UP_FOR_RETRY, _S.SCHEDULED, _S.DEFERRED, _S.REMOVED}),
    _S.UP_FOR_RETRY: frozenset({_S.QUEUED, _S.DEFERRED, _S.SUCCESS, _S.FAILED, _S.SKIPPED, _S.SCHEDULED, _S.REMOVED}),
    _S.DEFERRED: frozenset({_S.SCHEDULED, _S.SUCCESS, _S.FAILED, _S.SKIPPED, _S.UP_FOR_RETRY, _S.REMOVED}),
    # A clear sends them back as `scheduled`; a mark overrides one result by another.
    _S.SUCCESS: frozenset({_S.SCHEDULED, _S.FAILED, _S.SKIPPED, _S.REMOVED}),
    _S.FAILED: frozenset({_S.SCHEDULED, _S.SUCCESS, _S.SKIPPED, _S.REMOVED}),
    _S.SKIPPED: frozenset({_S.SCHEDULED, _S.SUCCESS, _S.FAILED, _S.REMOVED}),
    _S.UPSTREAM_FAILED: frozenset({_S.SCHEDULED, _S.SUCCESS, _S.FAILED, _S.SKIPPED, _S.REMOVED}),
    _S.REMOVED: frozenset({_S.SCHEDULED}),
}
"""Each task state and the states it may move to. A finished instance moves only by an explicit clear or mark."""


def known_reason(text: str | None) -> StateReason | None:
    """The reason in a row or a message. None = no reason, or one that only a later version knows.

    During an upgrade, processes of this version work beside those of the next version.
    """
    return _REASONS.get(text)


_REASONS: Mapping[str | None, StateReason] = {str(reason): reason for reason in StateReason}


def was_prevented(state: TaskState, reason: StateReason | None) -> bool:
    """Whether the end of its run kept an instance from running: a cancel, a time limit, a deadline, `fail_fast`, a
    concurrency key, a quarantine or a mark.

    Airflow's closed enum calls this state `skipped` too, but the instance is unfinished work. A run that goes on has no
    prevented instance: a clear, a mark or a requeue that lets the run go on sends all of them back.
    """
    return state is TaskState.SKIPPED and reason in _PREVENTING


def may_move(old: TaskState, new: TaskState) -> bool:
    """Whether the table allows an instance in `old` to become `new`."""
    return new in TASK_TRANSITIONS[old]
