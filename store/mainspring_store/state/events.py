"""Writing events that move no run and no task instance; `Effects` writes the events that do."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert

from mainspring.events import EventKind
from mainspring_store.tables import feed_event

__all__ = ["write_event"]

_INSERT = insert(feed_event).inline()


def write_event(
    connection: Connection,
    kind: EventKind,
    state: str,
    *,
    at: datetime | None = None,
    dag_id: str | None = None,
    dag_run_id: int | None = None,
    instance_id: int | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Add an event to the caller's transaction.

    Call this function after the change itself, never as the first write of a transaction: PostgreSQL must know the
    transaction before the event draws its number (`queries.events`).

    at: None = now, by the clock of this machine.
    dag_id: the DAG of the event, unless `dag_run_id` names a run. None for both = an event about no DAG.
    data: further members of the event, as clients see them.
    """
    connection.execute(
        _INSERT,
        {
            "kind": kind,
            "at": at or datetime.now(UTC),
            "dag_run_id": dag_run_id,
            "task_instance_id": instance_id,
            "state": state,
            "dag_id": dag_id,
            "data": None if data is None else dict(data),
        },
    )
