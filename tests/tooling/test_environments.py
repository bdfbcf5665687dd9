"""No variable of the shell that starts the tests reaches a process that a test starts."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.environment import child_environment

TESTS = Path(__file__).parents[1]
STARTERS = {"run", "Popen", "call", "check_call", "check_output"}
READERS = {
    "services/environment.py",
    "services/plugin.py",  # servers to use instead
    "simulation/budget.py",  # how long to try
    "conformance/executors/confined.py",  # whether it is the second run
    "conformance/executors/code/jobs.py",  # runs as a task
    "chaos/small_disk.py",  # whether the trials have their own mounts
    "chaos/task_body.py",  # runs as a task
    "packages/conftest.py",  # where packages are made
    "schemas/previous.py",  # where earlier versions are kept
    "page/conftest.py",  # whether a browser must be there: in CI
    "scheduler/test_notifiers.py",  # whether a notifier gets the home of its own process
    "page/test_pictures.py",  # where the pictures are kept
}
"""Files that read single variables of their own process."""


def test_a_variable_of_the_shell_is_not_in_the_environment_of_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    monkeypatch.setenv("MAINSPRING_EXECUTOR", "local")
    printed = subprocess.run(["env"], env=child_environment(X="1"), capture_output=True, text=True).stdout
    names = {line.partition("=")[0] for line in printed.splitlines()}
    assert names - {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"} == {"PATH", "HOME", "LANG", "X"}


def test_every_process_of_the_tests_is_started_with_an_environment_of_its_own() -> None:
    calls = [
        f"{name}:{node.lineno}"
        for name, tree in _sources()
        for node in _starts_of_processes(tree)
        if not any(keyword.arg == "env" for keyword in node.keywords)
    ]
    assert [call for call in calls if call.partition(":")[0] not in READERS] == []


def test_no_test_hands_on_its_own_environment() -> None:
    readers = {
        name
        for name, tree in _sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "os.environ"
    }
    assert readers - READERS == set()


def _starts_of_processes(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="subprocess"), attr=name)) if name in STARTERS:
                yield node


def _sources() -> Iterator[tuple[str, ast.Module]]:
    for path in TESTS.rglob("*.py"):
        yield str(path.relative_to(TESTS)), ast.parse(path.read_text())
