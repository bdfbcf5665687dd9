"""Schema migrations: Alembic, shipped inside the package, no configuration file."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from mainspring_store.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["current_revision", "downgrade", "head_revision", "migrate", "pending_changes"]

_FOLDER = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Bring the schema to the newest revision. Does nothing, quickly, when it is there already.

    Safe to call from several processes at once: the second waits and finds nothing to do.
    """
    if current_revision(database) == head_revision():
        return
    from alembic import command

    with database.write() as connection:
        if not database.is_sqlite:
            # Two processes that start together must not both create the tables.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7311990255)")
        command.upgrade(_config(connection), "head")


def downgrade(database: Database, revision: str) -> None:
    """Take the schema back to an earlier revision; `base` removes everything."""
    from alembic import command

    with database.write() as connection:
        command.downgrade(_config(connection), revision)


def current_revision(database: Database) -> str | None:
    """The revision the database is at; None = an empty database."""
    from sqlalchemy import inspect

    with database.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def head_revision() -> str:
    """The newest revision this program knows. Read from the file names, so that a start need not import Alembic."""
    return max(path.stem.split("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))


def pending_changes(database: Database) -> list[object]:
    """What the tables in code have that the migrated database has not; empty when they agree."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from mainspring_store.tables import metadata

    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        return list(compare_metadata(context, metadata))


def _config(connection: object) -> "Config":
    from alembic.config import Config

    # Alembic tells each step at INFO; a start-up log has better things to say.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config
