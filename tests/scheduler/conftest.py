"""An engine on each kind of database."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mainspring_store import Database, open_database
from mainspring_store.migrate import migrate
from tests.scheduler.engine import Engine
from tests.services.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty database of each kind."""
    if request.param == "sqlite":
        database = open_database(f"sqlite:///{tmp_path}/mainspring.db")
        migrate(database)
        yield database
        database.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create_database()
    database = open_database(url)
    migrate(database)
    yield database
    database.close()
    server.drop_database(url)


@pytest.fixture
def make_engine(database: Database) -> Iterator[Callable[..., Engine]]:
    engines: list[Engine] = []

    def make(**options: Any) -> Engine:
        engines.append(Engine(database, **options))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


@pytest.fixture
def engine(make_engine: Callable[..., Engine]) -> Engine:
    return make_engine()
