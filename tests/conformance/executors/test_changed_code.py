"""A Python module that its users change: the next attempt runs the code as it is now."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mainspring.attempts import Outcome

from .harness import Harness, attempt, wait_for

PATIENT = "import os\ndef wait(go):\n    while not os.path.exists(go):\n        pass\n    return 'old'\n"


def version(number: int) -> str:
    return f"def answer(): return {number!r}\n" + "#" * number


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    return folder


def ask(harness: Harness, module: str = "changing") -> object:
    end = harness.run(attempt("python", {"callable": f"{module}:answer"}))
    assert end.outcome is Outcome.SUCCESS, end
    return end.outputs["return_value"]


def test_a_changed_module_is_seen_by_the_next_attempt(make: Callable[..., Harness], code: Path) -> None:
    harness = make(code_path=(code,))
    for number in (1, 2, 3):
        (code / "changing.py").write_text(version(number))
        assert ask(harness) == number


def test_a_module_that_another_one_imports_is_seen_too(make: Callable[..., Harness], code: Path) -> None:
    harness = make(code_path=(code,))
    (code / "parts").mkdir()
    (code / "parts" / "__init__.py").write_text("")
    (code / "changing.py").write_text("from parts import inner\ndef answer(): return inner.answer()\n")
    for number in (1, 2):
        (code / "parts" / "inner.py").write_text(version(number))
        assert ask(harness) == number


def test_what_runs_while_a_module_changes_goes_on(make: Callable[..., Harness], code: Path, tmp_path: Path) -> None:
    harness = make(code_path=(code,), concurrency=2)
    (code / "patient.py").write_text(PATIENT)
    (code / "changing.py").write_text(version(1))
    assert ask(harness) == 1
    go = tmp_path / "go"
    running = attempt("python", {"callable": "patient:wait", "args": [str(go)]})
    harness.start(running)
    (code / "changing.py").write_text(version(2))
    wait_for(lambda: ask(harness) == 2, "the new code")
    go.touch()
    assert harness.finish(running).outputs["return_value"] == "old"


def test_a_module_that_does_not_change_is_imported_once_by_a_host_of_threads(
    make: Callable[..., Harness], code: Path, executor_name: str
) -> None:
    harness = make(code_path=(code,))
    (code / "changing.py").write_text("import os\nanswer = os.getpid\n")
    hosts = {ask(harness) for _ in range(5)}
    assert len(hosts) == (1 if executor_name == "thread" else 5)
    assert os.getpid() not in hosts
