"""The executors under test. A new executor is one more factory here."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mainspring_executors import Executor, ExecutorSettings, open_executor

from .bed import Bed

CODE = Path(__file__).parent / "code"


@pytest.fixture(params=["thread", "local"])
def executor_name(request: pytest.FixtureRequest) -> str:
    """Name of the executor under test."""
    return str(request.param)


@pytest.fixture
def make(executor_name: str, tmp_path: Path) -> Iterator[Callable[..., Bed]]:
    """Opens executors with settings of the test's own, and closes them."""
    opened: list[Executor] = []

    def open_bed(**settings: Any) -> Bed:
        bed = _open(executor_name, tmp_path / "state", tmp_path, **settings)
        opened.append(bed.executor)
        return bed

    yield open_bed
    for executor in opened:
        executor.close(timedelta(0))


@pytest.fixture
def bed(executor_name: str, shared: dict[str, Bed], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Bed:
    """An executor that earlier tests may have used; whatever they did to it must not matter."""
    if executor_name not in shared:
        shared[executor_name] = _open(
            executor_name,
            tmp_path_factory.mktemp(executor_name),
            tmp_path,
            # Nobody talks to it while other tests run.
            self_fence=timedelta(hours=1),
        )
    return Bed(shared[executor_name].executor, tmp_path, shared[executor_name].state_dir)


@pytest.fixture(scope="session")
def shared() -> Iterator[dict[str, Bed]]:
    beds: dict[str, Bed] = {}
    yield beds
    for bed in beds.values():
        bed.executor.close(timedelta(0))


def _open(name: str, state_dir: Path, folder: Path, **settings: Any) -> Bed:
    settings = {"code_path": (CODE,), "state_dir": state_dir, "concurrency": 4, **settings}
    return Bed(open_executor(name, ExecutorSettings(**settings)), folder, state_dir)
