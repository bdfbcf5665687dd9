"""Servers on every executor and store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.cli import Command, command_for
from tests.acceptance.server import Server, started
from tests.services.postgres import PostgresServer


@pytest.fixture(params=["thread", "local"])
def executor(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a new database, once on each kind of store."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def server(tmp_path: Path, executor: str, database_url: str) -> Iterator[Server]:
    with started(tmp_path / "home", executor=executor, database_url=database_url) as server:
        yield server


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests of a module: what they save has names of their own."""
    with started(tmp_path_factory.mktemp("server") / "home") as server:
        yield server


@pytest.fixture
def mainspring(shared_server: Server, tmp_path: Path) -> Command:
    """The command line, in a folder of its own."""
    return command_for(shared_server, tmp_path)
