"""`mainspring run --wait` beside a server that dies, comes back or stays away: its exit code tells the truth."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.acceptance.cli import Command, command_for
from tests.acceptance.gate import GATE, until_running
from tests.acceptance.server import Server, descendants, started
from tests.services.ports import free_port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(tmp_path_factory.mktemp("server") / "home", executor="local", stop_grace_seconds="1") as server:
        yield server


@pytest.fixture
def mainspring(server: Server, tmp_path: Path) -> Command:
    command = command_for(server, tmp_path)
    command.save("gate", GATE)
    return command


def test_a_server_that_is_killed_and_comes_back_changes_nothing(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "open"
    port = str(free_port())
    with started(home, executor="local", port=port) as first:
        mainspring = command_for(first, tmp_path)
        mainspring.save("gate", GATE)
        waiting = mainspring.start("run", "gate", "-p", f"file={file}", "--run-id", "k1", "--wait", "-o", "json")
        until_running(mainspring, "k1")
        for pid in [first.process.pid, *descendants(first.process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        first.process.wait(30)
    assert waiting.poll() is None, "a server that is away says nothing about the run"
    with started(home, executor="local", port=port):
        file.touch()
        output, errors = waiting.communicate(timeout=60)
        assert waiting.returncode == 0, errors
        assert '"state": "success"' in output
        assert [run["dag_run_id"] for run in mainspring.json("runs", "list", "gate")] == ["k1"]


def test_an_api_that_is_killed_alone_changes_nothing(mainspring: Command, server: Server, tmp_path: Path) -> None:
    file = tmp_path / "open"
    waiting = mainspring.start("run", "gate", "-p", f"file={file}", "--run-id", "p1", "--wait", "-o", "json")
    until_running(mainspring, "p1")
    master = server.pid_of("api")
    for pid in [master, *descendants(master)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    file.touch()
    output, errors = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, errors
    assert json.loads(output)["state"] == "success"
    assert mainspring.json("runs", "list", "gate")[0]["dag_run_id"] == "p1"


def test_a_server_that_stays_away_ends_with_5(tmp_path: Path) -> None:
    with started(tmp_path / "home", executor="local", stop_grace_seconds="0") as server:
        mainspring = command_for(server, tmp_path)
        mainspring.save("gate", GATE)
        waiting = mainspring.start(
            "run", "gate", "-p", "file=/nowhere", "--run-id", "a1", "--wait", "--reach-timeout", "2s"
        )
        until_running(mainspring, "a1")
    waiting.communicate(timeout=60)
    assert waiting.returncode == 5
