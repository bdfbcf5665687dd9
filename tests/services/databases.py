"""A migrated, empty database of each kind, for whoever must work on both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mainspring_store import Database, open_database
from mainspring_store.schema.migrate import migrate
from tests.services.postgres import PostgresServer

__all__ = ["database", "empty_database", "postgres_database"]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        database = open_database(f"sqlite:///{tmp_path}/mainspring.db")
        yield database
        database.close()
        return
    yield from _postgres(request.getfixturevalue("postgres_server"))


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[Database]:
    """A migrated, empty PostgreSQL, for what SQLite cannot do."""
    for database in _postgres(postgres_server):
        migrate(database)
        yield database


def _postgres(server: PostgresServer) -> Iterator[Database]:
    url = server.create_database()
    database = open_database(url)
    yield database
    database.close()
    server.drop_database(url)


@pytest.fixture
def database(empty_database: Database) -> Database:
    """A migrated, empty database."""
    migrate(empty_database)
    return empty_database
