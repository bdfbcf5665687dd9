"""The types of events that webhooks send: the kind and the state of an event of the feed, as `run.failed`."""

from collections.abc import Mapping, Sequence

from mainspring.events import EventKind
from mainspring.states import RunState, StateReason, TaskState

__all__ = ["NOTIFY_TYPES", "TEST_TYPE", "WEBHOOK_TYPES", "webhook_type"]

_LATE = StateReason.LATE.value
_STATES: Mapping[EventKind, Sequence[str]] = {
    EventKind.RUN: (*(state.value for state in RunState), _LATE, "deleted", "paused", "unpaused", "changed"),
    EventKind.TASK: (*(state.value for state in TaskState), _LATE),
    EventKind.DAG: ("saved", "paused", "unpaused", "deleted"),
    EventKind.BACKFILL: ("created", "paused", "unpaused", "completed", "cancelled"),
    EventKind.APPROVAL: ("waiting", "answered"),
    EventKind.SIGNAL: ("received",),
}
"""Kinds of events that belong to a DAG -> their states."""

WEBHOOK_TYPES: tuple[str, ...] = tuple(f"{kind.value}.{state}" for kind, states in _STATES.items() for state in states)
"""All types that a webhook can subscribe to."""
TEST_TYPE = "webhook.test"
"""The type of a delivery that a user sends to try a webhook."""
NOTIFY_TYPES: Mapping[str, str] = {
    "failed": f"run.{RunState.FAILED.value}",
    "success": f"run.{RunState.SUCCESS.value}",
    "late": f"run.{_LATE}",
    "approval": "approval.waiting",
}
"""Word of `notify.on` in a definition -> type."""


def webhook_type(kind: str, state: str, state_reason: str | None) -> str:
    """The type of an event. An event of a missed deadline has the present state, and the reason `late`."""
    return f"{kind}.{_LATE if state_reason == _LATE else state}"
