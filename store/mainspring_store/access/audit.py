"""The audit log: writes of users and tokens, and refused requests. Append-only; rows contain no value of a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert

from mainspring_store.tables import audit_event

__all__ = ["AuditEvent", "AuditOwner", "Outcome", "add_event", "write_event"]

_TEXT_CHARS_MAX = 250


class Outcome(StrEnum):
    """The result of a request."""

    DONE = "done"
    """The change is stored; the same transaction wrote the event."""
    REFUSED = "refused"
    """The request changed no row, because its sender lacks the right or is not authenticated."""


@dataclass(frozen=True, slots=True)
class AuditOwner:
    """Who an event is about: a user, or a token without a user."""

    principal_id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """A request that changed rows or was refused."""

    at: datetime
    event: str
    """The operation id of the OpenAPI document."""
    outcome: Outcome
    owner: str | None
    """Name of the user or token; `None` = not authenticated."""
    principal_id: str | None
    dag_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    map_index: int | None = None
    try_number: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further facts: the address of the client, the id of the request, a hash of the written values."""


def write_event(connection: Connection, event: AuditEvent) -> None:
    """Add an event in the caller's transaction."""
    connection.execute(_INSERT, _values_of(event))


def add_event(connection: Connection, event: AuditEvent, *, extra: Mapping[str, Any]) -> int:
    """As `write_event`; returns the id, so that the caller can bring `extra` up to date while its work goes on.

    extra: replaces `extra` of the event.
    """
    values = {**_values_of(event), "extra": dict(extra)}
    key: int = connection.execute(_INSERT.returning(audit_event.c.id), values).scalar_one()
    return key


def _values_of(event: AuditEvent) -> dict[str, Any]:
    return {
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
    }


def _clipped(text: str | None) -> str | None:
    """The text without NUL and cut to the width of the column. Names of refused requests are arbitrary long text."""
    return None if text is None else text[:_TEXT_CHARS_MAX].replace("\0", "")


_INSERT = insert(audit_event)
