"""Schema migrations: Alembic, shipped inside the package, no configuration file."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.exc import ProgrammingError

from mainspring.errors import Conflict, StoreUnavailable
from mainspring_store.database.postgres_sessions import schema_elsewhere
from mainspring_store.database.transactions import LOCK_WAIT_SECONDS_MAX, Database, lift_time_limit
from mainspring_store.schema.database_roles import grant_use, role_rights
from mainspring_store.schema.losses import LOSSES

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = [
    "DowngradeRefused",
    "SchemaMismatch",
    "current_revision",
    "downgrade",
    "elsewhere_advice",
    "head_revision",
    "migrate",
    "pending_changes",
    "step_down",
]

_FOLDER = Path(__file__).parent / "migrations"
_REFUSALS = frozenset({"42501", "3F000"})
"""SQLSTATE codes: the role lacks a privilege; the role cannot see the schema."""

_LOCK_TIMEOUT = "55P03"
"""SQLSTATE code: another session holds a lock for too long."""

_MIGRATION_LOCK = "SELECT pg_advisory_xact_lock(7311990255)"


class DowngradeRefused(Conflict):
    """A step down that would delete rows for good."""


class SchemaMismatch(StoreUnavailable):
    """The revision of the tables is wrong for this version, and this process cannot migrate the tables."""


def migrate(database: Database, *, service_role: str | None = None) -> None:
    """Bring the schema to the newest revision. A schema of the newest revision costs one short query.

    Several processes may call this function at once. The first process migrates; the rest waits and changes nothing.

    service_role: a PostgreSQL role that gets the use of the tables in the same transaction, see `grant_use`.

    Raises:
        SchemaMismatch: Our role may not change tables, the tables have a later revision, or another schema holds them.
            An administrator must act.
        NotFound: There is no such role.
    """
    revision = current_revision(database)
    if revision == head_revision() and service_role is None:
        return
    _refuse_later(revision)
    if revision is None:
        _refuse_second_set(database)
    rights = role_rights(database)
    if rights is not None and not rights.may_change_tables:
        raise _mismatch(f"role '{rights.name}' may not change tables")
    from alembic import command

    with _refusals_explained(), database.write() as connection:
        if not database.is_sqlite:
            # Processes that start together must not all create the tables.
            connection.exec_driver_sql(_MIGRATION_LOCK)
            lift_time_limit(connection)
        command.upgrade(_config(connection), "head")
        if service_role is not None:
            grant_use(connection, service_role)


def downgrade(database: Database, revision: str) -> None:
    """Migrate the schema to an earlier revision; `base` removes all tables."""
    from alembic import command

    with database.write() as connection:
        command.downgrade(_config(connection), revision)


def step_down(database: Database) -> tuple[str, str]:
    """Migrate the schema to the revision just before, which the version before needs; returns (from, to).

    The services must be stopped. A refusal changes nothing.

    Raises:
        DowngradeRefused: The step would delete rows for good, or there is no earlier revision.
        SchemaMismatch: As for `migrate`.
    """
    from alembic import command

    with _refusals_explained(), database.write() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql(_MIGRATION_LOCK)
            lift_time_limit(connection)
        has_tables = connection.dialect.has_table(connection, "alembic_version")
        revision = (
            connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() if has_tables else None
        )
        _refuse_later(revision)
        earlier = [number for number in _revisions() if revision is not None and number < revision]
        if revision is None or not earlier:
            raise DowngradeRefused("there is no earlier schema than the one of this database")
        _refuse_losses(connection, revision, earlier[-1])
        command.downgrade(_config(connection), earlier[-1])
        return revision, earlier[-1]


def _refuse_losses(connection: Connection, revision: str, earlier: str) -> None:
    if revision not in LOSSES:
        raise DowngradeRefused(f"the step from {revision} to {earlier} may delete rows for good; nothing was changed")
    counts = {what: connection.exec_driver_sql(statement).scalar() or 0 for what, statement in LOSSES[revision]}
    losses = ", ".join(f"{what} ({count})" for what, count in counts.items() if count)
    if losses:
        raise DowngradeRefused(
            f"the step from {revision} to {earlier} would delete for good: {losses}; nothing was changed."
            " To go back all the same, restore a backup that the earlier version made"
        )


def current_revision(database: Database) -> str | None:
    """The revision of the database; None = an empty database.

    Raises:
        SchemaMismatch: Our role may not read the tables.
    """
    from sqlalchemy import inspect

    with _refusals_explained(), database.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def head_revision() -> str:
    """The newest revision of this program. The file names give the revision, so starting needs no import of Alembic."""
    return _revisions()[-1]


def _revisions() -> list[str]:
    """All revisions of this program, oldest first."""
    return sorted(path.stem.split("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))


def pending_changes(database: Database) -> list[object]:
    """Differences between the tables in code and the migrated database, as Alembic operations; empty when none."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from mainspring_store.tables import metadata

    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        return list(compare_metadata(context, metadata))


def _refuse_later(revision: str | None) -> None:
    if revision is not None and revision > head_revision():
        raise SchemaMismatch(
            f"the tables are of revision {revision}, later than {head_revision()}, which this version needs;"
            " run the version that brought them there"
        )


def _refuse_second_set(database: Database) -> None:
    """Refuse to create tables when another schema has them: an empty second set would look like lost data."""
    schema = schema_elsewhere(database)
    if schema is not None:
        raise SchemaMismatch(elsewhere_advice(schema))


def elsewhere_advice(schema: str) -> str:
    """Advice for users whose search path does not include the schema of the tables."""
    return (
        f"the tables are in the schema '{schema}', and the search path does not lead there;"
        f" add ?options=-csearch_path%3D{schema} to database_url (and to migrator_database_url)"
    )


@contextmanager
def _refusals_explained() -> Iterator[None]:
    """Replace a privilege error of PostgreSQL by a `SchemaMismatch` that names the cure, and say who holds locks."""
    try:
        yield
    except StoreUnavailable as exc:
        if getattr(getattr(exc.__cause__, "orig", None), "sqlstate", None) != _LOCK_TIMEOUT:
            raise
        raise StoreUnavailable(
            f"another session has locked tables for more than {LOCK_WAIT_SECONDS_MAX:g} s, as pg_dump does; nothing was"
            " changed: try again when that session is over"
        ) from exc
    except ProgrammingError as exc:
        if getattr(exc.orig, "sqlstate", None) not in _REFUSALS:
            raise
        raise _mismatch(str(exc.orig).splitlines()[0]) from exc


def _mismatch(reason: str) -> SchemaMismatch:
    return SchemaMismatch(
        f"the tables are not of revision {head_revision()} for this role, and it cannot bring them there: {reason};"
        " run `mainspring db upgrade` with migrator_database_url set"
    )


def _config(connection: object) -> "Config":
    from alembic.config import Config

    # Alembic logs each step at INFO, which would fill the log of a start.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config
