"""What a batch does about things that exist already, or do not exist."""

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
"""The column of rows that count for somebody."""


class OnExistence(StrEnum):
    """When one to be created exists."""

    FAIL = "fail"
    """The whole batch changes nothing."""
    SKIP = "skip"
    """It is left as it is; the others are created."""
    OVERWRITE = "overwrite"
    """It gets the new values, and keeps those that are not given."""


class OnAbsence(StrEnum):
    """When one to be changed or deleted does not exist."""

    FAIL = "fail"
    """The whole batch changes nothing."""
    SKIP = "skip"
    """The others are changed."""


def insert_named(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    on_existence: OnExistence,
    given: Sequence[Collection[str]] | None = None,
) -> list[str]:
    """Insert rows of a table whose primary key is one name, in order; returns the names that were written.

    An overwritten row keeps its owner. Where existence must FAIL, the caller sees it by what is missing from the
    answer, and rolls back.

    given: the columns of each row that one to be overwritten gets; `None` = all.
    """
    (key,) = table.primary_key.columns
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    written = []
    for row, columns in zip(rows, given or rows, strict=True):
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
    given: Sequence[Collection[str]] | None = None,
) -> list[str]:
    """`insert_named` of rows that count for a principal, within its quota.

    Raises:
        QuotaExceeded: With those that are new the owner has more than it may have.
    """
    if owner is None:
        return insert_named(connection, table, rows, on_existence, given)
    (key,) = table.primary_key.columns
    names = {row[key.name] for row in rows}
    new = names.difference(connection.scalars(select(key).where(key.in_(names))))
    if new:
        owner.admit(connection, quota, len(new))
    owned = [{**row, _OWNER: owner.principal_id} for row in rows]
    return insert_named(connection, table, owned, on_existence, given)


def update_named(connection: Connection, table: Table, changes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Give rows of such a table new values (name -> columns); returns the names of those that exist, in order."""
    (key,) = table.primary_key.columns
    return [
        name
        for name, values in sorted(changes.items())
        if connection.execute(update(table).where(key == name).values(**values)).rowcount
    ]


def delete_named(connection: Connection, table: Table, names: Iterable[str]) -> list[str]:
    """Delete rows of such a table; returns the names of those that existed, in order."""
    (key,) = table.primary_key.columns
    return sorted(connection.scalars(delete(table).where(key.in_(list(names))).returning(key)))


def check_absence(
    names: Iterable[str], found: Collection[str], on_absence: OnAbsence, not_found: Callable[[str], NotFound]
) -> None:
    """Raises what `not_found` makes of the first name that was not found, where absence must FAIL."""
    missing = sorted(set(names) - set(found))
    if missing and on_absence is OnAbsence.FAIL:
        raise not_found(missing[0])
