"""Signals that clients sent to runs."""

from typing import Any

from sqlalchemy import bindparam, select

from mainspring_store.database.transactions import Database
from mainspring_store.queries.filters import Kind, equal_to
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, list_rows
from mainspring_store.queries.runs import run_key
from mainspring_store.tables import dag_run, run_signal

__all__ = ["SIGNALS", "get_signal", "list_signals"]

_signal = run_signal.c

_SIGNAL = select(
    _signal.id,
    _signal.name,
    _signal.value,
    _signal.sent_by,
    _signal.sent_at,
    _signal.taken_by,
    _signal.taken_by_map_index,
    _signal.taken_at,
    dag_run.c.dag_id,
    dag_run.c.run_id,
).join(dag_run, dag_run.c.id == _signal.dag_run_id)

SIGNALS = Listing(
    rows=_SIGNAL,
    filters={"name": equal_to(_signal.name)},
    sort_keys={
        "signal_id": SortKey(column=_signal.id, kind=Kind.INTEGER, is_nullable=False),
        "name": SortKey(column=_signal.name, kind=Kind.TEXT, is_nullable=False),
        "taken_at": SortKey(column=_signal.taken_at, kind=Kind.INSTANT),
    },
    default_order=("signal_id",),
    tie_breaker=("signal_id",),
    dag_id=dag_run.c.dag_id,
)


def list_signals(database: Database, query: ListQuery, dag_id: str, run_id: str) -> Listed:
    """A page of the signals of a run.

    Raises:
        NotFound: There is no such run.
        InvalidPage: See `list_rows`.
    """
    key, _ = run_key(database, dag_id, run_id)
    with database.read() as connection:
        return list_rows(connection, SIGNALS, query, _signal.dag_run_id == key)


def get_signal(database: Database, signal_id: int) -> dict[str, Any]:
    """A signal that exists."""
    with database.read() as connection:
        return connection.execute(_ONE, {"signal_id": signal_id}).one()._asdict()


_ONE = _SIGNAL.where(_signal.id == bindparam("signal_id"))
