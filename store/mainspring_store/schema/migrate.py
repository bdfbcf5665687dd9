"""Schema migrations: Alembic, shipped inside the package, no configuration file."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import ProgrammingError

from mainspring.errors import StoreUnavailable
from mainspring_store.database.postgres_sessions import schema_elsewhere
from mainspring_store.database.transactions import Database, lift_time_limit
from mainspring_store.schema.database_roles import grant_use, role_rights

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = [
    "SchemaMismatch",
    "current_revision",
    "downgrade",
    "elsewhere_advice",
    "head_revision",
    "migrate",
    "pending_changes",
]

_FOLDER = Path(__file__).parent / "migrations"
_REFUSALS = frozenset({"42501", "3F000"})
"""SQLSTATE codes: the role lacks a privilege; the role cannot see the schema."""


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
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7311990255)")
            lift_time_limit(connection)
        command.upgrade(_config(connection), "head")
        if service_role is not None:
            grant_use(connection, service_role)


def downgrade(database: Database, revision: str) -> None:
    """Migrate the schema to an earlier revision; `base` removes all tables."""
    from alembic import command

    with database.write() as connection:
        command.downgrade(_config(connection), revision)


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
    return max(path.stem.split("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))


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
    """Replace a privilege error of PostgreSQL by a `SchemaMismatch` that names the cure."""
    try:
        yield
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
