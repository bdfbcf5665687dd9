"""Facts about the installation as a whole, which all processes share."""

from typing import Any

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from mainspring_store.database.transactions import Database
from mainspring_store.tables import installation

__all__ = ["HAS_RETENTION_DEFAULTS", "has_retention_defaults", "read_fact", "write_fact"]

HAS_RETENTION_DEFAULTS = "has_retention_defaults"


def has_retention_defaults(database: Database) -> bool:
    """Whether a version with retention made the instance, so that the default policy holds."""
    with database.read() as connection:
        return bool(read_fact(connection, HAS_RETENTION_DEFAULTS))


def read_fact(connection: Connection, name: str) -> Any:
    """The value of a fact; None = there is no such fact."""
    return connection.execute(_READ, {"name": name}).scalar_one_or_none()


def write_fact(connection: Connection, name: str, value: Any) -> None:
    """Replace the value of a fact; None removes the fact."""
    if value is None:
        connection.execute(_REMOVE, {"of_name": name})
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(installation).values(name=name, value=value)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value})
    )


_READ = select(installation.c.value).where(installation.c.name == bindparam("name"))
_REMOVE = delete(installation).where(installation.c.name == bindparam("of_name"))
