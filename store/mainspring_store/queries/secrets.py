"""Names and dates of secrets. No query returns the value of a secret."""

from typing import Any

from sqlalchemy import bindparam, select

from mainspring.errors import NotFound
from mainspring_store.database.transactions import Database
from mainspring_store.queries.filters import Kind, patterns
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, list_rows
from mainspring_store.tables import secret

__all__ = ["SECRETS", "get_secret", "list_secrets"]

_SECRET = select(secret.c.name, secret.c.updated_at)

SECRETS = Listing(
    rows=_SECRET,
    filters=patterns("name", secret.c.name),
    sort_keys={
        "name": SortKey(column=secret.c.name, kind=Kind.TEXT, is_nullable=False),
        "updated_at": SortKey(column=secret.c.updated_at, kind=Kind.INSTANT, is_nullable=False),
    },
    default_order=("name",),
    tie_breaker=("name",),
)


def get_secret(database: Database, name: str) -> dict[str, Any]:
    """Name and time of the last change of a secret. Raises NotFound."""
    with database.read() as connection:
        row = connection.execute(_ONE, {"name": name}).one_or_none()
    if row is None:
        raise NotFound(f"The Secret with name: `{name}` was not found")
    return row._asdict()


def list_secrets(database: Database, query: ListQuery) -> Listed:
    """A page of secrets, with the columns of `get_secret`. Raises InvalidPage, see `list_rows`."""
    with database.read() as connection:
        return list_rows(connection, SECRETS, query)


_ONE = _SECRET.where(secret.c.name == bindparam("name"))
