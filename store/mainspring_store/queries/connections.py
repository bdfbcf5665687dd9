"""What connections there are, without what they keep secret."""

from typing import Any

from sqlalchemy import bindparam, select

from mainspring.errors import NotFound
from mainspring_store.database.transactions import Database
from mainspring_store.queries.filters import Kind, patterns
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, always_null, list_rows
from mainspring_store.tables import connection

__all__ = ["CONNECTIONS", "connection_not_found", "get_connection", "list_connections"]

_it = connection.c
_CONNECTION = select(
    _it.connection_id, _it.conn_type, _it.description, _it.host, _it.schema, _it.login, _it.port, _it.sealed
)
_ID = SortKey(column=_it.connection_id, kind=Kind.TEXT, is_nullable=False)

CONNECTIONS = Listing(
    rows=_CONNECTION,
    filters=patterns("connection_id", _it.connection_id),
    # A connection has no number; where Airflow orders by it, ours are in order of their id.
    sort_keys={
        "id": _ID,
        "connection_id": _ID,
        "conn_id": _ID,
        "conn_type": SortKey(column=_it.conn_type, kind=Kind.TEXT, is_nullable=False),
        "description": SortKey(column=_it.description, kind=Kind.TEXT),
        "host": SortKey(column=_it.host, kind=Kind.TEXT),
        "port": SortKey(column=_it.port, kind=Kind.INTEGER),
        "team_name": always_null(Kind.TEXT),
    },
    default_order=("connection_id",),
    tie_breaker=("connection_id",),
)


def get_connection(database: Database, connection_id: str) -> dict[str, Any]:
    """One connection; `sealed` names the secret members that it has.

    Raises:
        NotFound: There is no such connection.
    """
    with database.read() as reading:
        row = reading.execute(_ONE, {"id": connection_id}).one_or_none()
    if row is None:
        raise connection_not_found(connection_id)
    return row._asdict()


def list_connections(database: Database, query: ListQuery) -> Listed:
    """A page of connections, each as `get_connection` gives it. Raises InvalidPage, see `list_rows`."""
    with database.read() as reading:
        return list_rows(reading, CONNECTIONS, query)


def connection_not_found(connection_id: str) -> NotFound:
    return NotFound(f"The Connection with connection_id: `{connection_id}` was not found")


_ONE = _CONNECTION.where(_it.connection_id == bindparam("id"))
