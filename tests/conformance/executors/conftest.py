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
        settings = {"code_path": (CODE,), "state_dir": tmp_path / "state", "concurrency": 4, **settings}
        executor = open_executor(executor_name, ExecutorSettings(**settings))
        opened.append(executor)
        return Bed(executor, tmp_path)

    yield open_bed
    for executor in opened:
        executor.close(timedelta(0))


@pytest.fixture
def bed(make: Callable[..., Bed]) -> Bed:
    return make()
