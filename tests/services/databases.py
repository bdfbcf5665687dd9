"""A migrated, empty database of each kind, for tests that must work on both."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mainspring_store import Database, open_database
from mainspring_store.schema.migrate import migrate
from tests.services.database_pool import DatabasePool
from tests.services.postgres import PostgresServer

__all__ = ["database", "empty_database", "postgres_database", "postgres_pool", "sqlite_template"]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "mainspring.db"
    with closing(open_database(f"sqlite:///{path}")) as database:
        migrate(database)
    return path


@pytest.fixture(scope="session")
def postgres_pool(postgres_server: PostgresServer) -> DatabasePool:
    """Migrated databases of this test process's PostgreSQL."""
    return DatabasePool(postgres_server)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        with closing(open_database(f"sqlite:///{tmp_path}/mainspring.db")) as database:
            yield database
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create_database()
    with closing(open_database(url)) as database:
        yield database
    server.drop_database(url)


@pytest.fixture
def postgres_database(postgres_pool: DatabasePool) -> Iterator[Database]:
    """A migrated, empty PostgreSQL, for what SQLite cannot do."""
    with postgres_pool.lend() as url, closing(open_database(url)) as database:
        yield database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty database."""
    if request.param == "postgresql":
        yield request.getfixturevalue("postgres_database")
        return
    path = tmp_path / "mainspring.db"
    shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
    with closing(open_database(f"sqlite:///{path}")) as database:
        yield database
