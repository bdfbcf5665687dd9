"""The executors under test. A new executor is one more factory here."""

import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mainspring_executors import Executor, ExecutorSettings, open_executor
from mainspring_store import open_database
from mainspring_store.schema.migrate import migrate
from tests.services.valkey import ValkeyServer

from .differences import RQ
from .harness import Harness
from .remote import Remote

CODE = Path(__file__).parent / "code"


@pytest.fixture(params=["thread", "local", "rq"])
def executor_name(request: pytest.FixtureRequest) -> str:
    """Name of the executor under test."""
    name = str(request.param)
    test = request.function.__name__
    if name == "rq" and test in RQ:
        pytest.skip(f"rq: {RQ[test]}")
    return name


Open = Callable[..., Harness]


@pytest.fixture
def make(executor_name: str, open_harness: Open, tmp_path: Path) -> Iterator[Open]:
    """Opens executors with settings of the test's own, and closes them."""
    opened: list[Executor] = []

    def opening(**settings: Any) -> Harness:
        harness = open_harness(executor_name, tmp_path / "state", tmp_path, **settings)
        opened.append(harness.executor)
        return harness

    yield opening
    for executor in opened:
        executor.close(timedelta(0))


@pytest.fixture
def harness(
    executor_name: str,
    shared: dict[str, Harness],
    open_harness: Open,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Harness:
    """An executor that earlier tests may have used; whatever they did to it must not matter."""
    if executor_name not in shared:
        shared[executor_name] = open_harness(
            executor_name,
            tmp_path_factory.mktemp(executor_name),
            tmp_path,
            concurrency=4,
            # Nobody talks to it while other tests run.
            self_fence=timedelta(hours=1),
        )
    return Harness(shared[executor_name].executor, tmp_path, shared[executor_name].state_dir)


@pytest.fixture(scope="session")
def shared() -> Iterator[dict[str, Harness]]:
    harnesses: dict[str, Harness] = {}
    yield harnesses
    for harness in harnesses.values():
        harness.executor.close(timedelta(0))


@pytest.fixture(scope="session")
def open_harness(request: pytest.FixtureRequest) -> Open:
    """Opens an executor by its name, in a folder of its own, with witness files in another."""

    def opening(name: str, state_dir: Path, folder: Path, **settings: Any) -> Harness:
        settings = {"code_path": (CODE,), "state_dir": state_dir, **settings}
        if name != "rq":
            settings.setdefault("concurrency", 4)
            return Harness(open_executor(name, ExecutorSettings(**settings)), folder, state_dir)
        services = request.getfixturevalue("valkey"), request.getfixturevalue("database_template")
        remote = Remote(ExecutorSettings(**settings), redis_url=services[0], template=services[1])
        return Harness(remote, folder, state_dir)

    return opening


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """URL of a Redis-compatible server for all the executors of this test process."""
    with tempfile.TemporaryDirectory(prefix="mainspring-vk-", dir="/tmp") as folder:
        server = ValkeyServer.start(Path(folder))
        yield server.url
        server.close()


@pytest.fixture(scope="session")
def database_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, to be copied."""
    path = tmp_path_factory.mktemp("template") / "mainspring.db"
    database = open_database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path
