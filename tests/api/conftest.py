"""An API for each test, on each kind of database."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import pytest

from mainspring_api.http import passwords
from tests.api.harness import Api
from tests.api.remembered_passwords import RememberingHasher
from tests.services.database_pool import DatabasePool

_HASHER = RememberingHasher(passwords._hasher())

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
        pool: DatabasePool = request.getfixturevalue("postgres_pool")
        with pool.lend() as url, closing(Api(url, home, **settings)) as api:
            yield api

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


@pytest.fixture(autouse=True)
def remembered_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test of how long hashing takes, or of how much runs at once, has a fixture of this name that does nothing."""
    monkeypatch.setattr(passwords, "_hasher", lambda: _HASHER)
