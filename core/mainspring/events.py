"""Events of the feed: what kinds there are, and ids."""

import re
from enum import StrEnum

__all__ = ["EventKind", "format_event_id", "parse_event_id"]


class EventKind(StrEnum):
    """What an event is about. The value is the `event` of the stream."""

    RUN = "run"
    """A run was created, changed its state, was paused, resumed, changed by a user or deleted."""
    TASK = "task"
    """A task instance changed its state."""
    DAG = "dag"
    """A DAG was saved, paused, unpaused or deleted."""
    BACKFILL = "backfill"
    """A backfill was created, paused, resumed, completed or cancelled."""
    APPROVAL = "approval"
    """An approval waits for an answer, or was answered."""
    SIGNAL = "signal"
    """A client sent a signal to a run."""
    POOL = "pool"
    """A pool was created, changed or deleted."""
    WORKER = "worker"
    """A worker started or stopped."""
    WEBHOOK = "webhook"
    """A webhook ended, because its owner or its receiver no longer wants it."""
    LOG = "log"
    """A try has more lines of log. Not stored."""
    MANY = "many"
    """Too many events of one run: the client must read the run again."""
    RESET = "reset"
    """The client must read everything again. Not stored."""


_EVENT_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)


def format_event_id(number: int) -> str:
    """The id that clients see; the order of ids as text is the order of events."""
    return f"{number:016x}"


def parse_event_id(text: str) -> int:
    """Inverse of `format_event_id`.

    Raises:
        ValueError: The text is not the id of an event.
    """
    if _EVENT_ID.fullmatch(text) is None or (number := int(text, 16)) >= 1 << 63:
        raise ValueError(f"{text[:50]!r} is not the id of an event")
    return number
