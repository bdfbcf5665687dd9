"""The possible decisions on a ready task instance, as values. `dispatch` writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mainspring.large_values import LargeValue
from mainspring.states import StateReason, TaskState
from mainspring_store.state.runs import VersionRef

__all__ = ["Block", "Decision", "Defer", "Expand", "Fail", "Postpone", "Queue", "Resolve", "StartRun"]


@dataclass(frozen=True, slots=True)
class Queue:
    """Make an attempt, if the capacity suffices; else the instance stays ready."""

    payload: Any
    """The payload with all expressions evaluated."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Name -> value of the task's secrets."""
    values: Mapping[str, LargeValue] = field(default_factory=dict)
    """JSON pointer in `payload` -> the large output to put there."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """End the instance without an attempt."""

    state: TaskState
    reason: StateReason | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    branch: Sequence[str] | None = None
    """The direct downstream task ids to follow; a branch skips all other tasks. None = the task is no branch."""


@dataclass(frozen=True, slots=True)
class Fail:
    """Fail the instance before its start. A try of its own keeps the message."""

    reason: StateReason
    message: str


@dataclass(frozen=True, slots=True)
class Block:
    """Make the instance wait until another instance of its task ends; without a reason, until its upstream ends."""

    reason: StateReason | None


@dataclass(frozen=True, slots=True)
class Defer:
    """Make the instance wait without a slot."""

    waits_for: Mapping[str, Any]
    until: datetime | None = None
    """When the scheduler looks at the wait again; None = only after an event, like an answer or the end of a run."""


@dataclass(frozen=True, slots=True)
class Postpone:
    """Make the wait of a due check go on, because its executor or its task runs as many checks as allowed."""

    until: datetime
    """When the check is due again."""


@dataclass(frozen=True, slots=True)
class StartRun:
    """Make a run of another DAG, in the transaction of the decision."""

    version: VersionRef
    conf: Mapping[str, Any]
    params: Mapping[str, Any]
    depth: int
    principal_id: str | None
    """The owner in quotas; inherited from the parent run."""
    is_awaited: bool
    """Whether the instance waits, without a pool slot, for the end of the run; else it succeeds at once."""
    until: datetime | None
    """When the wait times out; None = never."""


@dataclass(frozen=True, slots=True)
class Expand:
    """Make an instance for each item."""

    items: Sequence[Mapping[str, Any]]
    """Never empty."""
    keys: Sequence[str | None]
    """The key of each item; None = its map index."""


Decision = Queue | Resolve | Fail | Block | Defer | Postpone | StartRun | Expand
