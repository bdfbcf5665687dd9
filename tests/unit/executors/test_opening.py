"""Opening executors: names, settings, exports, the cost of imports."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import mainspring_executors
from mainspring.errors import ExecutorError
from mainspring_executors import ExecutorSettings, open_executor
from mainspring_executors.environment import inherited
from tests.services.environment import child_environment


def test_an_unknown_executor_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ExecutorError, match=r"there is no executor 'celery'; known: local, rq, thread"):
        open_executor("celery", ExecutorSettings())


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"concurrency": 0}, "concurrency is 0"),
        ({"concurrency": 100_000}, "concurrency is 100000"),
        ({"self_fence": timedelta(seconds=1)}, "self_fence is 0:00:01"),
        ({"http_allow": ("http://x",)}, "http_allow holds 'http://x'"),
        ({"environment": ("MAINSPRING_TOKEN",)}, "environment names 'MAINSPRING_TOKEN'"),
    ],
)
@pytest.mark.parametrize("name", ["thread", "local"])
def test_bad_settings_are_refused_by_name(name: str, fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ExecutorError, match=problem):
        open_executor(name, ExecutorSettings(**fields))


def test_an_executor_without_a_state_folder_of_its_own_leaves_none_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    executor = open_executor("local", ExecutorSettings())
    assert list(tmp_path.iterdir())
    executor.close(timedelta(0))
    assert not list(tmp_path.iterdir())


def test_python_in_a_task_is_the_one_mainspring_runs_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert inherited()["PATH"].split(":")[0] == str(Path(sys.executable).parent)


def test_the_public_names_are_there() -> None:
    for name in mainspring_executors.__all__:
        assert getattr(mainspring_executors, name) is not None


@pytest.mark.parametrize(
    "module",
    ["mainspring_executors", "mainspring_executors.host.thread_host", "mainspring_executors.host.process_host"],
)
def test_a_host_imports_nothing_heavy(module: str) -> None:
    heavy = {"sqlalchemy", "flask", "requests", "urllib3", "cel", "rq", "redis", "jsonschema_rs", "importlib.metadata"}
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & {heavy!r}))"
    out = subprocess.run(
        [sys.executable, "-P", "-c", code], env=child_environment(), capture_output=True, text=True, check=True
    ).stdout
    assert out.strip() == ""
