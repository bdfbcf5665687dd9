"""An API for each test, on each kind of database."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mainspring_store import open_database
from mainspring_store.schema.migrate import migrate
from tests.api.harness import Api
from tests.services.postgres import PostgresServer


def _migrate(url: str) -> None:
    database = open_database(url)
    migrate(database)
    database.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "mainspring.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a migrated database, to be copied."""
    url = postgres_server.create_database()
    _migrate(url)
    return urlsplit(url).path.lstrip("/")


OpenApi = Callable[[str], AbstractContextManager[Api]]


@pytest.fixture(scope="session")
def open_api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> OpenApi:
    """Opens an API over a new, migrated, empty database of a kind, and throws both away at the end."""

    @contextmanager
    def opened(kind: str, **settings: Any) -> Iterator[Api]:
        home = tmp_path_factory.mktemp("home")
        if kind == "sqlite":
            path = home / "mainspring.db"
            shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
            with closing(Api(f"sqlite:///{path}", home, **settings)) as api:
                yield api
            return
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.create_database(template=request.getfixturevalue("postgres_template"))
        with closing(Api(url, home, **settings)) as api:
            yield api
        server.drop_database(url)

    return opened


@pytest.fixture(params=["sqlite", "postgresql"])
def api(request: pytest.FixtureRequest, open_api: OpenApi) -> Iterator[Api]:
    """On each kind of database: for what the store decides."""
    with open_api(request.param) as api:
        yield api


@pytest.fixture
def sqlite_api(open_api: OpenApi) -> Iterator[Api]:
    """On SQLite alone: for what is decided before the store."""
    with open_api("sqlite") as api:
        yield api
