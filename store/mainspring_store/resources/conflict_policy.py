"""How a batch treats names that exist already, and names that do not exist."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mainspring.errors import NotFound
from mainspring_store.access.quotas import Owner, Quota

__all__ = [
    "OnAbsence",
    "OnExistence",
    "check_absence",
    "delete_named",
    "insert_named",
    "insert_owned",
    "update_named",
]

_OWNER = "principal_id"
"""The column of rows that count for the quota of a principal."""


class OnExistence(StrEnum):
    """How a batch that creates rows treats a row that exists."""

    FAIL = "fail"
    """The whole batch fails and changes no row."""
    SKIP = "skip"
    """Keep the row; create the remaining rows."""
    OVERWRITE = "overwrite"
    """Replace the values in the request; keep the remaining values."""


class OnAbsence(StrEnum):
    """How a batch that changes or deletes rows treats a missing row."""

    FAIL = "fail"
    """The whole batch fails and changes no row."""
    SKIP = "skip"
    """Change or delete the remaining rows."""


def insert_named(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    on_existence: OnExistence,
    overwritten: Sequence[Collection[str]] | None = None,
) -> list[str]:
    """Insert rows, in order, into a table whose primary key is a single name; returns the written names.

    An overwritten row keeps its owner. For `OnExistence.FAIL` the caller compares the names, and rolls back when a
    name is missing.

    overwritten: for each row, the columns that replace those of an existing row; `None` = all columns.
    """
    (key,) = table.primary_key.columns
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    written = []
    for row, columns in zip(rows, overwritten or rows, strict=True):
        statement = dialect.insert(table)
        if on_existence is OnExistence.OVERWRITE:
            new = {name: statement.excluded[name] for name in row if name in columns and name not in (key.name, _OWNER)}
            statement = statement.on_conflict_do_update(index_elements=[key], set_=new)
        else:
            statement = statement.on_conflict_do_nothing(index_elements=[key])
        written.append(connection.scalar(statement.returning(key), row))
    return [str(name) for name in written if name is not None]


def insert_owned(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    on_existence: OnExistence,
    owner: Owner | None,
    quota: Quota,
    overwritten: Sequence[Collection[str]] | None = None,
) -> list[str]:
    """As `insert_named`; new rows count for the quota of `owner`, unless None.

    Raises:
        QuotaExceeded: The new rows would exceed the quota.
    """
    if owner is None:
        return insert_named(connection, table, rows, on_existence, overwritten)
    (key,) = table.primary_key.columns
    names = {row[key.name] for row in rows}
    new = names.difference(connection.scalars(select(key).where(key.in_(names))))
    if new:
        owner.admit(connection, quota, len(new))
    owned = [{**row, _OWNER: owner.principal_id} for row in rows]
    return insert_named(connection, table, owned, on_existence, overwritten)


def update_named(connection: Connection, table: Table, changes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Change rows of a table with a name as key (name -> columns); returns the names that exist, sorted."""
    (key,) = table.primary_key.columns
    return [
        name
        for name, values in sorted(changes.items())
        if connection.execute(update(table).where(key == name).values(**values)).rowcount
    ]


def delete_named(connection: Connection, table: Table, names: Iterable[str]) -> list[str]:
    """Delete rows of a table with a name as key; returns the names that existed, sorted."""
    (key,) = table.primary_key.columns
    return sorted(connection.scalars(delete(table).where(key.in_(list(names))).returning(key)))


def check_absence(
    names: Iterable[str], existing: Collection[str], on_absence: OnAbsence, not_found: Callable[[str], NotFound]
) -> None:
    """With `OnAbsence.FAIL`, raises the error that `not_found` makes for the first of `names` not in `existing`."""
    missing = sorted(set(names) - set(existing))
    if missing and on_absence is OnAbsence.FAIL:
        raise not_found(missing[0])
