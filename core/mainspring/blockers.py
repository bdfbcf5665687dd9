"""Blockers: the causes that keep a run, a task instance or a schedule from going on, as codes for programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["CODES", "BlockCode", "Blocker", "Explanation", "Holder", "Satisfied"]


class BlockCode(StrEnum):
    """The cause of a wait. `CODES` has the meaning of each."""

    SCHEDULER_DOWN = "scheduler_down"
    DATABASE_DEGRADED = "database_degraded"
    CLOCK_GUARD = "clock_guard"
    RESTORE_HOLD = "restore_hold"
    DAG_PAUSED = "dag_paused"
    RUN_PAUSED = "run_paused"
    RUN_AFTER_AHEAD = "run_after_ahead"
    BACKFILL_PAUSED = "backfill_paused"
    MAX_ACTIVE_RUNS = "max_active_runs"
    CONCURRENCY_KEY = "concurrency_key"
    MAX_ACTIVE_TASKS = "max_active_tasks"
    UPSTREAM_NOT_DONE = "upstream_not_done"
    TRIGGER_RULE = "trigger_rule"
    WHEN = "when"
    BRANCH = "branch"
    EXPAND_EMPTY = "expand_empty"
    HANDLER = "handler"
    DEPENDS_ON_PAST = "depends_on_past"
    MAX_ACTIVE_TIS = "max_active_tis"
    MAX_ACTIVE_TIS_PER_DAG = "max_active_tis_per_dag"
    RETRY_DELAY = "retry_delay"
    TURN_DELAY = "turn_delay"
    POOL_MISSING = "pool_missing"
    POOL_TOO_SMALL = "pool_too_small"
    POOL_FULL = "pool_full"
    EXECUTOR_MISSING = "executor_missing"
    EXECUTOR_REFUSES = "executor_refuses"
    EXECUTOR_FULL = "executor_full"
    NO_WORKER = "no_worker"
    WORKERS_BUSY = "workers_busy"
    STARTING = "starting"
    STOPPING = "stopping"
    DECISION_PENDING = "decision_pending"
    WAIT_TIME = "wait_time"
    WAIT_HTTP = "wait_http"
    WAIT_CHECK = "wait_check"
    WAIT_SIGNAL = "wait_signal"
    WAIT_RUN = "wait_run"
    APPROVAL_OPEN = "approval_open"
    NO_SCHEDULE = "no_schedule"
    SCHEDULE_ERROR = "schedule_error"
    NOT_DUE = "not_due"
    WAIT_DAGS = "wait_dags"
    START_DATE = "start_date"
    END_DATE = "end_date"
    EXCLUDED_DAY = "excluded_day"
    CATCHUP = "catchup"


CODES: Mapping[BlockCode, tuple[str, str, str]] = {
    BlockCode.SCHEDULER_DOWN: (
        "run, task, schedule",
        "no scheduler has sent a heartbeat for 30 seconds, or none had when the slot was due",
        "start of the outage",
    ),
    BlockCode.DATABASE_DEGRADED: (
        "run, task, schedule",
        "a scheduler lost its database within the last minute",
        "instance ids of the schedulers",
    ),
    BlockCode.CLOCK_GUARD: (
        "schedule, run of a backfill",
        "the clock of a scheduler is off by 30 seconds or more, so that it makes no runs",
        "instance ids of the schedulers",
    ),
    BlockCode.RESTORE_HOLD: (
        "schedule",
        "the instance was restored from a backup, and `mainspring restore --resume` has not been run yet",
        "instance ids of the schedulers",
    ),
    BlockCode.DAG_PAUSED: ("run, task, schedule", "the DAG is paused", "the DAG"),
    BlockCode.RUN_PAUSED: ("run, task", "the run is paused", "the run"),
    BlockCode.RUN_AFTER_AHEAD: ("run, task", "the earliest start of the run is ahead", "the run"),
    BlockCode.BACKFILL_PAUSED: ("run, task", "the backfill of the run is paused", "the backfill"),
    BlockCode.MAX_ACTIVE_RUNS: (
        "run, task, schedule",
        "as many runs are active as the DAG or the backfill allows",
        "the DAG or the backfill",
    ),
    BlockCode.CONCURRENCY_KEY: (
        "run, task",
        "as many runs with the concurrency key of the run are running as the definition allows",
        "the key",
    ),
    BlockCode.MAX_ACTIVE_TASKS: ("run, task", "as many tasks of the run are active as the DAG allows", "the run"),
    BlockCode.UPSTREAM_NOT_DONE: ("task", "upstream tasks have not ended", "the upstream tasks"),
    BlockCode.TRIGGER_RULE: (
        "task",
        "the trigger rule waits for a result of an upstream task, or decided that the task does not run",
        "the upstream tasks",
    ),
    BlockCode.WHEN: ("task", "the condition `when` was false", "the task"),
    BlockCode.BRANCH: ("task", "a branch did not choose the task", "the branches"),
    BlockCode.EXPAND_EMPTY: ("task", "the list of the mapped task was empty", "the task"),
    BlockCode.HANDLER: (
        "task",
        "the task is a handler of the run: it runs after all other tasks, when the run ends as its `handler` says",
        "the task",
    ),
    BlockCode.DEPENDS_ON_PAST: ("task", "the task has not succeeded in the run before", "the run before"),
    BlockCode.MAX_ACTIVE_TIS: ("task", "as many instances of the task are active in the run as it allows", "the task"),
    BlockCode.MAX_ACTIVE_TIS_PER_DAG: (
        "task",
        "as many instances of the task are active in all runs as it allows",
        "the task",
    ),
    BlockCode.RETRY_DELAY: ("task", "the delay before the next try is not over", "the task"),
    BlockCode.TURN_DELAY: ("task", "the delay before the next turn of a task with `repeat` is not over", "the task"),
    BlockCode.POOL_MISSING: ("task", "the pool does not exist; the task fails when its turn comes", "the pool"),
    BlockCode.POOL_TOO_SMALL: ("task", "the task needs more slots than the pool has in all", "the pool"),
    BlockCode.POOL_FULL: ("task", "the pool has too few free slots", "the pool"),
    BlockCode.EXECUTOR_MISSING: ("task", "no scheduler has the executor of the task", "the executor"),
    BlockCode.EXECUTOR_REFUSES: (
        "task",
        "the machine has no room for another task: disk, processes, descriptors or memory",
        "the executor or the queue",
    ),
    BlockCode.EXECUTOR_FULL: ("task", "the executor takes no further task now", "the executor"),
    BlockCode.NO_WORKER: ("task", "no worker serves the queue", "the queue"),
    BlockCode.WORKERS_BUSY: ("task", "the workers of the queue have not taken the task yet", "the queue"),
    BlockCode.STARTING: ("task", "the executor has the task and starts it", "the executor"),
    BlockCode.STOPPING: (
        "run, task",
        "the run was ended from outside; its tear-downs and handlers wait until the processes of tasks have stopped",
        "the tasks",
    ),
    BlockCode.DECISION_PENDING: ("run, task", "the next pass of the scheduler decides", "the run or the task"),
    BlockCode.WAIT_TIME: ("task", "the task waits for an instant", "the task"),
    BlockCode.WAIT_HTTP: ("task", "the task waits until an address answers as wanted", "the task"),
    BlockCode.WAIT_CHECK: ("task", "the task waits for a command, a callable or a file", "the task"),
    BlockCode.WAIT_SIGNAL: ("task", "the task waits for a signal, which a client sends to the run", "the signal"),
    BlockCode.WAIT_RUN: ("task", "the task waits for the end of its run of another DAG", "the run, when it is visible"),
    BlockCode.APPROVAL_OPEN: ("task", "the task waits for the answer of a person", "the choices"),
    BlockCode.NO_SCHEDULE: ("schedule", "the DAG has no schedule", "the DAG"),
    BlockCode.SCHEDULE_ERROR: ("schedule", "the scheduler cannot plan the next run", "the DAG"),
    BlockCode.NOT_DUE: ("schedule", "the next run is due later", "the logical date of the next run"),
    BlockCode.WAIT_DAGS: (
        "schedule",
        "the schedule waits for the ends of runs of other DAGs",
        "the DAGs, as far as they are visible",
    ),
    BlockCode.START_DATE: ("schedule", "the `start_date` of the DAG is ahead", "the start date"),
    BlockCode.END_DATE: ("schedule", "the schedule has ended by `end_date`, or has no further time", "the end date"),
    BlockCode.EXCLUDED_DAY: (
        "schedule",
        "the calendar or a change of the clocks leaves the time out",
        "the local time that was left out",
    ),
    BlockCode.CATCHUP: (
        "schedule",
        "the slot was missed, and `catchup` makes up for later slots only",
        "the logical date of the slot",
    ),
}
"""Code -> what it is about, its meaning, and what `ids` of the blocker names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """A run or a task instance that holds a place of a limit."""

    dag_id: str
    dag_run_id: str
    task_id: str | None = None
    """None = the run holds the place."""
    map_index: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Blocker:
    """One cause of a wait."""

    code: BlockCode
    text: str
    """The cause in a sentence."""
    since: datetime | None = None
    """Since when the cause holds; None = unknown."""
    until: datetime | None = None
    """When time alone ends the cause; None = time does not."""
    ids: tuple[str, ...] = ()
    """See `CODES`."""
    holders: tuple[Holder, ...] = ()
    """Some visible holders of the limit."""
    holders_total: int = 0
    holders_hidden: int = 0
    """The number of holders that the caller may not see."""
    position: int | None = None
    """Place in the queue for the limit, from 1; None = no queue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Satisfied:
    """A cause that does not hold."""

    code: BlockCode
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Why a run, a task instance or a schedule is in its state."""

    state: str
    blockers: tuple[Blocker, ...] = ()
    satisfied: tuple[Satisfied, ...] = ()

    @property
    def earliest_start(self) -> datetime | None:
        """The latest instant that a blocker waits for; None = no blocker waits for an instant."""
        return max((blocker.until for blocker in self.blockers if blocker.until is not None), default=None)
