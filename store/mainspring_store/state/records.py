"""What scheduling reads and writes, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mainspring.states import AttemptState, RunState, StateReason, TaskState
from mainspring.trigger_rules import UpstreamCounts
from mainspring_store.database.batches import Fields
from mainspring_store.state.effects import RunCounters

__all__ = [
    "ATTEMPT_FIELDS",
    "END_FIELDS",
    "UPDATE_FIELDS",
    "AttemptEnd",
    "Candidate",
    "ChildRun",
    "DueWork",
    "LateReport",
    "LiveAttempt",
    "NewAttempt",
    "ParentAndChild",
    "RunFacts",
    "StartableRun",
    "StateUpdate",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveAttempt:
    """A queued, running or deferred attempt, with what is needed to decide on its report."""

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
    """Of its instance: queued, running or deferred."""
    waits_for: Mapping[str, Any] | None = None
    """What its instance waits for; while it is queued or running: what this request asks about."""

    @property
    def is_running(self) -> bool:
        return self.state is TaskState.RUNNING

    @property
    def is_poke(self) -> bool:
        """Whether it is one of many requests of one wait, whose moves are no news."""
        return self.waits_for is not None and self.state is not TaskState.DEFERRED


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptEnd:
    """What a report says about an attempt; also a mere start, then `state` is running and the end is None."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class LateReport:
    """What is reported of an attempt that had ended before."""

    attempt_id: str
    stopped_at: datetime | None = None
    start_date: datetime | None = None
    hostname: str | None = None
    pid: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StateUpdate:
    """The next state of one instance. A field that is None leaves the column as it is, except as said."""

    id: int
    state: TaskState
    at: datetime
    generation: int | None = None
    """The one that was decided on, of a ready instance: a clear since then makes the decision void."""
    attempt_id: str | None = None
    """The attempt that must still be the live one (after a report), or that is the new one (when queued)."""
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """An instance whose trigger rule is to be asked now, in a running run that has room."""

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
    """None unless a wait of it has come to its next request."""
    run_slots_free: int
    pool_slots_free: int | None
    """None = the pool does not exist."""
    pool_includes_deferred: bool
    pool_calls_free: int
    """Slots that `dag` tasks which wait leave to others of their kind."""
    rank: int
    """Lower comes first; among equals, the lower id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewAttempt:
    """An attempt row to be written."""

    attempt_id: str
    instance_id: int
    generation: int
    try_number: int
    executor: str
    owner: str
    queued_at: datetime
    payload: str | None = None
    """JSON text; None = as in the definition."""
    state: AttemptState = AttemptState.QUEUED
    reason: StateReason | None = None
    message: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stopped_at: datetime | None = None
    """None = something of it may run."""


@dataclass(frozen=True, slots=True)
class DueWork:
    """What is due beside new runs."""

    overdue_runs: tuple[int, ...]
    """Running runs past their `timeout_at`."""
    orphaned_runs: tuple[int, ...]
    """Unfinished runs whose `dag` task waits for them no more, whatever ended or cleared it."""
    over_runs: tuple[RunCounters, ...]
    """Running runs that have nothing left to do, because their last instances were marked."""
    next_due_at: datetime | None
    """When the next retry or deferred instance is due; may have passed."""

    @property
    def has_stops(self) -> bool:
        return bool(self.overdue_runs or self.orphaned_runs)

    def is_due(self, now: datetime) -> bool:
        return self.next_due_at is not None and self.next_due_at <= now


@dataclass(frozen=True, slots=True)
class ChildRun:
    """A run that a `dag` task waits for."""

    dag_id: str
    run_id: str
    state: RunState
    message: str | None
    outputs: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class StartableRun:
    """A queued run whose time has come."""

    id: int
    dag_id: str
    version_id: int
    backfill_id: int | None
    """Each backfill has a limit of its own; the runs of none count for that of their DAG."""
    max_active_runs: int
    running_runs: int
    """Of its DAG, or of its backfill, now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentAndChild:
    """A run, and the DAG that one of its tasks is to run."""

    depth: int
    """How many `dag` tasks stand above the run."""
    principal_id: str | None
    """Whom the run counts for."""
    version_id: int | None
    """The current version of the DAG; None = there is no such DAG."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """What tasks may ask about their run; changes only with its version."""

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
}
