"""The audit log: who did what, and who was refused. Rows are added, never changed, and hold no value of a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert

from mainspring_store.tables import audit_event

__all__ = ["AuditEvent", "Outcome", "write_event"]

_TEXT_CHARS_MAX = 250


class Outcome(StrEnum):
    """What became of what somebody wanted to do."""

    DONE = "done"
    """It is stored; the event was written in the same transaction."""
    REFUSED = "refused"
    """Nothing was changed, because whoever asked may not do it, or is not who they say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """Something that somebody did, or was kept from doing."""

    at: datetime
    event: str
    """The operation, by its id in the document."""
    outcome: Outcome
    owner: str | None
    """Name of the user or token; `None` = nobody was known."""
    principal_id: str | None
    dag_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    map_index: int | None = None
    try_number: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What else is worth knowing: where the request came from, its id, a hash of what was written."""


def write_event(connection: Connection, event: AuditEvent) -> None:
    """Add an event within a transaction of the caller's."""
    connection.execute(
        _INSERT,
        {
            "at": event.at,
            "event": event.event,
            "outcome": event.outcome,
            "owner": _clipped(event.owner),
            "principal_id": event.principal_id,
            "dag_id": _clipped(event.dag_id),
            "run_id": _clipped(event.run_id),
            "task_id": _clipped(event.task_id),
            "map_index": event.map_index,
            "try_number": event.try_number,
            "extra": dict(event.extra),
        },
    )


def _clipped(text: str | None) -> str | None:
    """Names come from requests that may have been refused: as long as a path, with anything in them."""
    return None if text is None else text[:_TEXT_CHARS_MAX].replace("\0", "")


_INSERT = insert(audit_event)
