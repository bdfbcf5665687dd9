"""Variables: named values that expressions read as `vars.<key>`. Variables are not secret: each reader sees them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from mainspring.errors import Conflict
from mainspring_store.access.quotas import Owner, Quota
from mainspring_store.database.transactions import Database
from mainspring_store.queries.variables import variable_not_found
from mainspring_store.resources.conflict_policy import (
    OnAbsence,
    OnExistence,
    check_absence,
    delete_named,
    insert_owned,
    update_named,
)
from mainspring_store.tables import variable

__all__ = ["NewVariable", "change_variables", "create_variables", "delete_variables"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NewVariable:
    """A variable to be created."""

    key: str
    value: str
    """Text. Expressions parse the text of a JSON object or list."""
    description: str | None = None


def create_variables(
    database: Database,
    variables: Sequence[NewVariable],
    *,
    now: datetime,
    on_existence: OnExistence = OnExistence.FAIL,
    overwritten: Sequence[Collection[str]] | None = None,
    owner: Owner | None = None,
) -> list[str]:
    """Create variables; returns the written keys. An error creates none.

    overwritten: for each variable, the fields that replace those of an existing variable; `None` = all fields.
    owner: the principal whose quota new variables count for.

    Raises:
        Conflict: A variable exists, and `on_existence` is FAIL.
        QuotaExceeded: The owner would exceed the quota.
    """
    rows = [{**asdict(new_variable), "updated_at": now} for new_variable in variables]
    columns = None if overwritten is None else [{*fields, "updated_at"} for fields in overwritten]
    with database.write() as connection:
        written = insert_owned(connection, variable, rows, on_existence, owner, Quota.VARIABLES, columns)
        existing = sorted({new_variable.key for new_variable in variables} - set(written))
        if existing and on_existence is OnExistence.FAIL:
            raise Conflict(f"The variables with these keys: {existing} already exist.")
    return written


def change_variables(
    database: Database,
    changes: Mapping[str, Mapping[str, Any]],
    *,
    now: datetime,
    on_absence: OnAbsence = OnAbsence.FAIL,
) -> list[str]:
    """Change variables (key -> fields of `NewVariable` but the key); returns the changed keys. An error changes none.

    Raises:
        NotFound: A variable does not exist, and `on_absence` is FAIL.
    """
    with database.write() as connection:
        columns = {key: {**fields, "updated_at": now} for key, fields in changes.items()}
        changed = update_named(connection, variable, columns)
        check_absence(changes, changed, on_absence, variable_not_found)
    return changed


def delete_variables(database: Database, keys: Sequence[str], *, on_absence: OnAbsence = OnAbsence.FAIL) -> list[str]:
    """Delete variables; returns the deleted keys. From now on tasks that read a deleted variable fail.

    Raises:
        NotFound: A variable does not exist, and `on_absence` is FAIL; then no variable is deleted.
    """
    with database.write() as connection:
        deleted = delete_named(connection, variable, keys)
        check_absence(keys, deleted, on_absence, variable_not_found)
    return deleted
