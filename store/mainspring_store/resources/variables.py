"""Variables: values with a name that expressions read as `vars.<key>`. No place for secrets: every reader sees them."""

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
    """Text; that of a JSON object or list is read as such by expressions."""
    description: str | None = None


def create_variables(
    database: Database,
    variables: Sequence[NewVariable],
    *,
    now: datetime,
    on_existence: OnExistence = OnExistence.FAIL,
    given: Sequence[Collection[str]] | None = None,
    owner: Owner | None = None,
) -> list[str]:
    """Create variables; returns the keys that were written.

    given: the fields of each that an existing one gets; `None` = all.
    owner: the principal that the new ones count for, within its quota.

    Raises:
        Conflict: One exists, and that must FAIL; then none was created.
        QuotaExceeded: The owner would have more than it may have; then none was created.
    """
    rows = [{**asdict(one), "updated_at": now} for one in variables]
    told = None if given is None else [{*fields, "updated_at"} for fields in given]
    with database.write() as connection:
        written = insert_owned(connection, variable, rows, on_existence, owner, Quota.VARIABLES, told)
        existing = sorted({one.key for one in variables} - set(written))
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
    """Give variables new values (key -> fields of `NewVariable` but the key); returns the keys that were changed.

    Raises:
        NotFound: One does not exist, and that must FAIL; then none was changed.
    """
    with database.write() as connection:
        told = {key: {**fields, "updated_at": now} for key, fields in changes.items()}
        changed = update_named(connection, variable, told)
        check_absence(changes, changed, on_absence, variable_not_found)
    return changed


def delete_variables(database: Database, keys: Sequence[str], *, on_absence: OnAbsence = OnAbsence.FAIL) -> list[str]:
    """Delete variables; returns the keys that were deleted. A task that names one fails from now on.

    Raises:
        NotFound: One does not exist, and that must FAIL; then none was deleted.
    """
    with database.write() as connection:
        deleted = delete_named(connection, variable, keys)
        check_absence(keys, deleted, on_absence, variable_not_found)
    return deleted
