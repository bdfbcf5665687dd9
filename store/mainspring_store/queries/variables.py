"""Variables and their values."""

from typing import Any

from sqlalchemy import bindparam, select

from mainspring.errors import NotFound
from mainspring_store.database.transactions import Database
from mainspring_store.queries.filters import Kind, patterns
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, always_null, list_rows
from mainspring_store.tables import variable

__all__ = ["VARIABLES", "get_variable", "list_variables", "variable_not_found"]

_VARIABLE = select(variable.c.key, variable.c.value, variable.c.description, variable.c.updated_at)
_KEY = SortKey(column=variable.c.key, kind=Kind.TEXT, is_nullable=False)

VARIABLES = Listing(
    rows=_VARIABLE,
    filters=patterns("variable_key", variable.c.key),
    # Airflow can order variables by a number. Our variables have no number, so `id` orders by `key`.
    sort_keys={
        "key": _KEY,
        "id": _KEY,
        "_val": SortKey(column=variable.c.value, kind=Kind.TEXT, is_nullable=False),
        "description": SortKey(column=variable.c.description, kind=Kind.TEXT),
        "is_encrypted": always_null(Kind.TEXT),
        "team_name": always_null(Kind.TEXT),
    },
    default_order=("key",),
    tie_breaker=("key",),
)


def get_variable(database: Database, key: str) -> dict[str, Any]:
    """The columns of a variable.

    Raises:
        NotFound: There is no such variable.
    """
    with database.read() as connection:
        row = connection.execute(_ONE, {"id": key}).one_or_none()
    if row is None:
        raise variable_not_found(key)
    return row._asdict()


def list_variables(database: Database, query: ListQuery) -> Listed:
    """A page of variables. Raises InvalidPage, see `list_rows`."""
    with database.read() as connection:
        return list_rows(connection, VARIABLES, query)


def variable_not_found(key: str) -> NotFound:
    return NotFound(f"The Variable with key: `{key}` was not found")


_ONE = _VARIABLE.where(variable.c.key == bindparam("id"))
