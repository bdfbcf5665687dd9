"""Events of the audit log."""

from typing import Any

from sqlalchemy import Text, bindparam, select, type_coerce

from mainspring.errors import NotFound
from mainspring_store.access.audit import Outcome
from mainspring_store.database.transactions import Database
from mainspring_store.queries.filters import Filter, Kind, equal_to, one_of, patterns
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, always_null, list_rows
from mainspring_store.tables import audit_event

__all__ = ["EVENTS", "get_event", "list_events"]

_event = audit_event.c
_EVENT = select(audit_event)

EVENTS = Listing(
    rows=_EVENT,
    filters={
        "dag_id": equal_to(_event.dag_id),
        "run_id": equal_to(_event.run_id),
        "task_id": equal_to(_event.task_id),
        "map_index": equal_to(_event.map_index, Kind.INTEGER),
        "try_number": equal_to(_event.try_number, Kind.INTEGER),
        "owner": equal_to(_event.owner),
        "event": equal_to(_event.event),
        "included_events": one_of(_event.event),
        "excluded_events": Filter(kind=Kind.TEXT, clause=_event.event.not_in, is_list=True),
        "outcome": one_of(_event.outcome, choices=[*Outcome]),
        "before": Filter(kind=Kind.INSTANT, clause=lambda instant: _event.at < instant),
        "after": Filter(kind=Kind.INSTANT, clause=lambda instant: _event.at > instant),
        **patterns("dag_id", _event.dag_id),
        **patterns("run_id", _event.run_id),
        **patterns("task_id", _event.task_id),
        **patterns("owner", _event.owner),
        **patterns("event", _event.event),
    },
    sort_keys={
        "id": SortKey(column=_event.id, kind=Kind.INTEGER, is_nullable=False),
        "event_log_id": SortKey(column=_event.id, kind=Kind.INTEGER, is_nullable=False),
        "when": SortKey(column=_event.at, kind=Kind.INSTANT, is_nullable=False),
        "dttm": SortKey(column=_event.at, kind=Kind.INSTANT, is_nullable=False),
        "dag_id": SortKey(column=_event.dag_id, kind=Kind.TEXT),
        "run_id": SortKey(column=_event.run_id, kind=Kind.TEXT),
        "task_id": SortKey(column=_event.task_id, kind=Kind.TEXT),
        "event": SortKey(column=_event.event, kind=Kind.TEXT, is_nullable=False),
        "owner": SortKey(column=_event.owner, kind=Kind.TEXT),
        "extra": SortKey(column=type_coerce(_event.extra, Text), kind=Kind.TEXT, is_nullable=False),
        "logical_date": always_null(Kind.INSTANT),
    },
    default_order=("id",),
    tie_breaker=("id",),
    dag_id=_event.dag_id,
)


def get_event(database: Database, key: int) -> dict[str, Any]:
    """One event, with the columns of `audit_event`.

    Raises:
        NotFound: There is no such event.
    """
    with database.read() as connection:
        row = connection.execute(_ONE, {"key": key}).one_or_none()
    if row is None:
        raise NotFound(f"The Event Log with id: `{key}` not found")
    return row._asdict()


def list_events(database: Database, query: ListQuery) -> Listed:
    """A page of the audit log. Raises InvalidPage, see `list_rows`."""
    with database.read() as connection:
        return list_rows(connection, EVENTS, query)


_ONE = _EVENT.where(_event.id == bindparam("key"))
