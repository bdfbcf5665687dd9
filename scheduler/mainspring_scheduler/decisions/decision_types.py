"""What can be decided about a ready task instance. Values only; `dispatch` writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mainspring.states import StateReason, TaskState
from mainspring_store.state.runs import VersionRef

__all__ = ["Block", "Decision", "Defer", "Expand", "Fail", "Queue", "Resolve", "StartRun"]


@dataclass(frozen=True, slots=True)
class Queue:
    """Becomes an attempt, if there is room."""

    payload: Any
    """Every expression evaluated."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Name -> value, of the secrets that the task names."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """Ends without an attempt."""

    state: TaskState
    reason: StateReason | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    branch: Sequence[str] | None = None
    """The direct downstream task ids to follow; all others are skipped. None = it is no branch."""


@dataclass(frozen=True, slots=True)
class Fail:
    """Ends as failed before it could start; the message is kept with a try of its own."""

    reason: StateReason
    message: str


@dataclass(frozen=True, slots=True)
class Block:
    """Waits, not ready, until another instance of the same task ends; without a reason, until its upstream does."""

    reason: StateReason | None


@dataclass(frozen=True, slots=True)
class Defer:
    """Waits without a slot."""

    waits_for: Mapping[str, Any]
    until: datetime | None = None
    """When to look at it again; None = only when something else wakes it."""


@dataclass(frozen=True, slots=True)
class StartRun:
    """Makes a run of another DAG, in the same transaction."""

    version: VersionRef
    conf: Mapping[str, Any]
    params: Mapping[str, Any]
    depth: int
    principal_id: str | None
    """Whom it counts for, as its parent does."""
    is_awaited: bool
    """Whether it waits for the end of the run, without a slot; else it ends as success at once."""
    until: datetime | None
    """When the wait is given up."""


@dataclass(frozen=True, slots=True)
class Expand:
    """Becomes one instance for each item."""

    items: Sequence[Mapping[str, Any]]
    """Never empty."""


Decision = Queue | Resolve | Fail | Block | Defer | StartRun | Expand
