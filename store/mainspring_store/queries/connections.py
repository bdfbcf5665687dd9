"""Connections, without their secret members."""

from typing import Any

from sqlalchemy import bindparam, select

from mainspring.errors import NotFound
from mainspring_store.database.transactions import Database
from mainspring_store.queries.filters import Kind, patterns
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, always_null, list_rows
from mainspring_store.tables import connection

__all__ = ["CONNECTIONS", "connection_not_found", "get_connection", "list_connections"]

_connection = connection.c
_CONNECTION = select(
    _connection.connection_id,
    _connection.conn_type,
    _connection.description,
    _connection.host,
    _connection.schema,
    _connection.login,
    _connection.port,
    _connection.sealed,
    _connection.updated_at,
)
_ID = SortKey(column=_connection.connection_id, kind=Kind.TEXT, is_nullable=False)

CONNECTIONS = Listing(
    rows=_CONNECTION,
    filters=patterns("connection_id", _connection.connection_id),
    # Airflow can order connections by a number. Our connections have no number, so `id` orders by `connection_id`.
    sort_keys={
        "id": _ID,
        "connection_id": _ID,
        "conn_id": _ID,
        "conn_type": SortKey(column=_connection.conn_type, kind=Kind.TEXT, is_nullable=False),
        "description": SortKey(column=_connection.description, kind=Kind.TEXT),
        "host": SortKey(column=_connection.host, kind=Kind.TEXT),
        "port": SortKey(column=_connection.port, kind=Kind.INTEGER),
        "team_name": always_null(Kind.TEXT),
    },
    default_order=("connection_id",),
    tie_breaker=("connection_id",),
)


def get_connection(database: Database, connection_id: str) -> dict[str, Any]:
    """A connection; `sealed` lists the names of its secret members.

    Raises:
        NotFound: There is no such connection.
    """
    with database.read() as reading:
        row = reading.execute(_ONE, {"id": connection_id}).one_or_none()
    if row is None:
        raise connection_not_found(connection_id)
    return row._asdict()


def list_connections(database: Database, query: ListQuery) -> Listed:
    """A page of connections, with the columns of `get_connection`. Raises InvalidPage, see `list_rows`."""
    with database.read() as reading:
        return list_rows(reading, CONNECTIONS, query)


def connection_not_found(connection_id: str) -> NotFound:
    return NotFound(f"The Connection with connection_id: `{connection_id}` was not found")


_ONE = _CONNECTION.where(_connection.connection_id == bindparam("id"))
