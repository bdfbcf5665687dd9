"""Values read and written by a scheduling pass."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mainspring.definition.model import ConcurrencyStrategy
from mainspring.states import AttemptState, RunState, StateReason, TaskState
from mainspring.trigger_rules import UpstreamCounts
from mainspring_store.database.batches import Fields
from mainspring_store.state.effects import RunCounters

__all__ = [
    "ATTEMPT_FIELDS",
    "END_FIELDS",
    "RESTORED_OWNER",
    "UPDATE_FIELDS",
    "AttemptEnd",
    "Candidate",
    "ChildRun",
    "CrowdedKey",
    "DueWork",
    "LateReport",
    "LiveAttempt",
    "MemberOfKey",
    "NewAttempt",
    "ParentAndChild",
    "RunFacts",
    "StartableRun",
    "StateUpdate",
    "TurnFacts",
]

RESTORED_OWNER = "restored"
"""Owner of attempts that a backup held as live. No scheduler has this instance id, so all of them are lost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveAttempt:
    """A queued, running or deferred attempt, with the facts for a decision on its report."""

    attempt_id: str
    instance_id: int
    dag_run_id: int
    version_id: int
    task_index: int
    map_index: int
    try_number: int
    max_tries: int
    pool: str
    pool_slots: int
    executor: str
    owner: str
    queued_at: datetime
    state: TaskState = TaskState.QUEUED
    """State of the instance: queued, running or deferred."""
    waits_for: Mapping[str, Any] | None = None
    """The wait of the instance; for a queued or running attempt the wait of this request."""

    @property
    def is_running(self) -> bool:
        return self.state is TaskState.RUNNING

    @property
    def is_poke(self) -> bool:
        """Whether the attempt is a request of an HTTP wait; the state changes of requests emit no events."""
        return self.waits_for is not None and self.state is not TaskState.DEFERRED


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenSignal:
    """A signal that a wait took."""

    value: Any
    """JSON."""
    sent_by: str
    sent_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptEnd:
    """The change of an attempt by a report. A start has the state running and no end date."""

    attempt_id: str
    state: AttemptState
    start_date: datetime | None = None
    end_date: datetime | None = None
    stopped_at: datetime | None = None
    reason: StateReason | None = None
    message: str | None = None
    hostname: str | None = None
    pid: int | None = None
    exit_code: int | None = None
    log_bytes: int | None = None
    outputs: str | None = None
    """JSON text with the outputs of a turn; None = the task has no `repeat`, or the try gave none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnFacts:
    """The turn of an instance with `repeat`."""

    turn: int
    """From 0."""
    map_value: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LateReport:
    """A report of an already ended attempt."""

    attempt_id: str
    stopped_at: datetime | None = None
    start_date: datetime | None = None
    hostname: str | None = None
    pid: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StateUpdate:
    """The next state of an instance. A None keeps the column, except where the field says otherwise."""

    id: int
    state: TaskState
    at: datetime
    generation: int | None = None
    """Generation of the decided ready instance: a later clear invalidates the decision."""
    attempt_id: str | None = None
    """After a report: the expected live attempt. For a queued instance: the new attempt."""
    reason: StateReason | None = None
    """None clears it."""
    try_number: int | None = None
    ready: bool = False
    not_before: datetime | None = None
    """None clears it."""
    start_date: datetime | None = None
    end_date: datetime | None = None
    more_tries: int = 0
    """Added to `max_tries`."""
    waits_for: str | None = None
    """JSON text; None clears it."""
    map_index: int | None = None
    map_value: str | None = None
    """JSON text."""
    map_key: str | None = None
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ready instance of a running run below its limits; the scheduler evaluates its trigger rule now."""

    id: int
    dag_run_id: int
    dag_id: str
    run_id: str
    version_id: int
    task_index: int
    map_index: int
    try_number: int
    max_tries: int
    generation: int
    counts: UpstreamCounts
    pool: str
    pool_slots: int
    executor: str | None
    map_value: Mapping[str, Any] | None
    waits_for: Mapping[str, Any] | None
    """The wait whose next request is due; None = no wait."""
    run_slots_free: int
    pool_slots_free: int | None
    """None = the pool does not exist."""
    pool_includes_deferred: bool
    pool_calls_free: int
    """Free slots for `dag` tasks, after subtraction of the slots of waiting `dag` tasks."""
    rank: int
    """A lower rank comes first; with equal ranks, a lower id comes first."""
    turn: int | None = None
    """As the column of `task_instance`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewAttempt:
    """A row for a new attempt."""

    attempt_id: str
    instance_id: int
    generation: int
    try_number: int
    executor: str
    owner: str
    queued_at: datetime
    payload: str | None = None
    """JSON text; None = the payload of the definition."""
    state: AttemptState = AttemptState.QUEUED
    reason: StateReason | None = None
    message: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stopped_at: datetime | None = None
    """None = a process of the attempt may still run."""
    turn: int | None = None
    """None = the task has no `repeat`."""


@dataclass(frozen=True, slots=True)
class DueWork:
    """Due work, without new runs."""

    overdue_runs: tuple[int, ...]
    """Running runs past their `timeout_at`."""
    orphaned_runs: tuple[int, ...]
    """Unfinished child runs without a waiting `dag` task, because the `dag` task ended or was cleared."""
    over_runs: tuple[RunCounters, ...]
    """Running runs without unfinished instances, because a user marked the last instances."""
    next_due_at: datetime | None
    """Instant of the next due retry or deferred instance; may be in the past."""
    next_deadline: datetime | None
    """Instant of the next deadline; may be in the past."""
    has_keys: bool
    """Whether a queued run has a concurrency key."""
    has_priorities: bool
    """Whether a queued run has a priority other than 0."""

    @property
    def has_stops(self) -> bool:
        return bool(self.overdue_runs or self.orphaned_runs)

    def is_due(self, now: datetime) -> bool:
        return self.next_due_at is not None and self.next_due_at <= now


@dataclass(frozen=True, slots=True)
class ChildRun:
    """The child run of a `dag` task."""

    dag_id: str
    run_id: str
    state: RunState
    message: str | None
    outputs: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StartableRun:
    """A queued run with a past `run_after`."""

    id: int
    dag_id: str
    version_id: int
    backfill_id: int | None
    """A backfill has its own limit; runs without a backfill count towards the limit of the DAG."""
    run_after: datetime
    priority: int
    max_active_runs: int
    running_runs: int
    """Number of running runs of the backfill, or of the DAG for a run without a backfill."""
    key: str | None
    """The concurrency key; None = no key limits the run."""
    key_max: int | None
    """Runs with the key that may be running."""
    running_of_key: int = 0
    """Number of running runs of the DAG with the key."""

    def with_key(self, running_of_key: int) -> "StartableRun":
        return replace(self, running_of_key=running_of_key)


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberOfKey:
    """A run with a concurrency key: a running run, or a queued run with a past `run_after`."""

    id: int
    run_id: str
    is_running: bool
    is_ending: bool
    """Whether the run has a coming end and waits for its handlers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CrowdedKey:
    """A concurrency key with a waiting run, and a strategy that ends other runs."""

    max: int
    strategy: ConcurrencyStrategy
    runs: tuple[MemberOfKey, ...]
    """Oldest first."""
    is_complete: bool
    """Whether `runs` has all waiting runs, not only the oldest ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentAndChild:
    """A parent run, and the DAG of its future child run."""

    depth: int
    """Number of `dag` tasks above the parent run."""
    principal_id: str | None
    """The principal whose quotas count the run."""
    version_id: int | None
    """The current version of the DAG; None = the DAG does not exist."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """Facts of a run for expressions of its tasks, and of its coming end."""

    id: int
    dag_id: str
    run_id: str
    run_type: str
    version_id: int
    conf: Mapping[str, Any]
    params: Mapping[str, Any]
    logical_date: datetime | None
    data_interval_start: datetime | None
    data_interval_end: datetime | None
    run_after: datetime
    traceparent: str | None
    state: RunState
    ending: StateReason | str | None
    """The reason of the end that has begun, `success` or `MARKED_SUCCESS`; None = tasks are to do."""
    message: str | None
    parent_attempt_id: str | None
    """The attempt of the `dag` task that waits for the run; None = no task waits."""
    has_followers: bool
    """Whether the schedule of a DAG waits for runs of this DAG."""


END_FIELDS: Fields = {
    "attempt_id": str,
    "state": str,
    "start_date": datetime,
    "end_date": datetime,
    "stopped_at": datetime,
    "reason": str,
    "message": str,
    "hostname": str,
    "pid": int,
    "exit_code": int,
    "log_bytes": int,
    "outputs": str,
}
UPDATE_FIELDS: Fields = {
    "id": int,
    "generation": int,
    "state": str,
    "at": datetime,
    "attempt_id": str,
    "reason": str,
    "try_number": int,
    "ready": bool,
    "not_before": datetime,
    "start_date": datetime,
    "end_date": datetime,
    "more_tries": int,
    "waits_for": str,
    "map_index": int,
    "map_value": str,
    "map_key": str,
    "turn": int,
}
ATTEMPT_FIELDS: Fields = {
    "attempt_id": str,
    "instance_id": int,
    "generation": int,
    "try_number": int,
    "executor": str,
    "owner": str,
    "queued_at": datetime,
    "payload": str,
    "state": str,
    "reason": str,
    "message": str,
    "started_at": datetime,
    "ended_at": datetime,
    "stopped_at": datetime,
    "turn": int,
}
