"""Tasks as another user, and what one task finds in memory of another."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest

from mainspring.attempts import Attempt, Finished, Outcome, Report, Started
from mainspring.errors import ExecutorError
from mainspring_executors import Executor, ExecutorSettings, open_executor
from mainspring_executors.local.task_user import TaskUser, prepare_folder

SEARCH = """
import re

PIECE = 1 << 20
EMPTY = bytes(PIECE)


def copies(reversed_text):
    wanted = reversed_text[::-1].encode()
    piece, number = bytearray(PIECE), 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", buffering=0) as memory:
        for line in maps:
            begin, end, rights = re.match(r"(\\w+)-(\\w+) (\\S+)", line).groups()
            if not rights.startswith("rw"):
                continue
            for place in range(int(begin, 16), int(end, 16), PIECE - len(wanted)):
                piece[:] = EMPTY  # this search must not find what it has read
                try:
                    memory.seek(place)
                    memory.readinto(memoryview(piece)[: int(end, 16) - place])
                except OSError:
                    continue
                number += piece.count(wanted)
    return number
"""
"""Counts a text in the memory of its process, where the search itself has some copies."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that all users reach, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="mainspring-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def take(executor: Executor, kind: type[Report], attempt_id: str) -> Report:
    deadline = monotonic() + 20
    while monotonic() < deadline:
        for report in executor.reports(0.1):
            if isinstance(report, kind) and report.attempt_id == attempt_id:
                return report
    raise AssertionError(f"no {kind.__name__} of {attempt_id}")


def attempt(number: int, **fields: object) -> Attempt:
    values = {"dag_id": "d", "run_id": "r", "task_id": "t", "task_type": "shell", **fields}
    return Attempt(attempt_id=f"{number:032x}", **values)  # type: ignore[arg-type]


def copies_beside(folder: Path, text: str, *others: Attempt) -> int:
    """How often a call has a text in memory, in a new executor that has started other attempts before."""
    executor = open_executor("local", ExecutorSettings(concurrency=2, state_dir=folder / "state", code_path=(folder,)))
    try:
        for other in others:
            executor.submit([other])
            take(executor, Started, other.attempt_id)
        search = attempt(9, task_type="python", payload={"callable": "search:copies", "args": [text[::-1]]})
        executor.submit([search])
        end = take(executor, Finished, search.attempt_id)
        assert isinstance(end, Finished)
        assert end.outcome is Outcome.SUCCESS
        return int(end.outputs["return_value"])
    finally:
        executor.close(timedelta(0))


def test_a_call_has_no_copy_of_the_secrets_of_other_attempts(folder: Path) -> None:
    (folder / "search.py").write_text(SEARCH)
    secret = "kanarienvogel-4711-" + "x" * 40
    other = attempt(1, payload={"command": ["sleep", "60"], "env": {"S": {"secret": "s"}}}, secrets={"s": secret})
    own = copies_beside(folder, secret)
    assert own > 0
    assert copies_beside(folder, secret, other) == own


def test_a_task_user_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1234567)
    with pytest.raises(ExecutorError, match="runs as '1234567'; only root can start"):
        TaskUser.find("nobody")


def test_a_folder_that_others_may_write_to_is_refused(folder: Path) -> None:
    shared = folder / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    (folder / "link").symlink_to(folder)
    for path in (shared, folder / "link"):
        with pytest.raises(ExecutorError, match="to which no other user may write"):
            prepare_folder(path)
