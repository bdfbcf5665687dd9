"""What the command prints where: on narrow terminals, into closed pipes, onto full disks; and what it never prints."""

import os
import pty
import re
import signal
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cli import Command
from tests.acceptance.server import until

QUICK = "tasks: {hi: {type: shell, script: echo hello}}"
GATE = "tasks: {gate: {type: shell, script: 'echo waiting; until [ -e $FILE ]; do sleep 0.05; done', env: {FILE: %s}}}"
RUN_ID = "a-name-that-is-longer-than-what-is-left-of-a-line"


@pytest.fixture
def mainspring(mainspring: Command) -> Command:
    """Of a server that has a DAG `quick`."""
    mainspring.save("quick", QUICK)
    return mainspring


def test_names_are_whole_on_a_terminal_that_is_too_narrow_for_the_table(mainspring: Command) -> None:
    mainspring("run", "quick", "--run-id", RUN_ID, "--wait")
    shown = _on_a_terminal(mainspring, "runs", "list", "quick", COLUMNS="80")
    assert RUN_ID in shown
    assert "\u2026" not in shown, "nothing is left out"
    assert max(map(len, _without_colours(shown).splitlines())) <= 80


def test_colours_are_for_terminals_that_want_them(mainspring: Command) -> None:
    mainspring("run", "quick", "--wait")
    shown = "\x1b[32msuccess"
    assert shown in _on_a_terminal(mainspring, "runs", "list", "quick")
    assert shown not in _on_a_terminal(mainspring, "runs", "list", "quick", NO_COLOR="1")
    assert "\x1b" not in mainspring("runs", "list", "quick").stdout


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_run_that_succeeds_does_so_though_nobody_reads_about_it(mainspring: Command, stream: str) -> None:
    assert _with_closed(mainspring, stream, "run", "quick", "--wait") == (0, "")


def test_a_pipe_that_closes_ends_a_command_without_a_word(mainspring: Command) -> None:
    for arguments in (("runs", "list"), ("dags", "show", "quick", "-o", "json"), ("completion", "bash")):
        assert _with_closed(mainspring, "stdout", *arguments) == (141, ""), arguments


def test_a_full_disk_is_told_and_is_no_failure_of_the_run(mainspring: Command) -> None:
    with open("/dev/full", "w") as full:
        line = mainspring.line("run", "quick", "--wait", "-q", "-o", "json")
        answer = subprocess.run(line, env=mainspring.environment, stdout=full, stderr=subprocess.PIPE, text=True)
    assert answer.returncode == 74
    assert "the output cannot be written: No space left on device" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_ctrl_c_ends_the_following_of_logs_with_130(mainspring: Command, tmp_path: Path) -> None:
    mainspring.save("gate", GATE % (tmp_path / "open"))
    mainspring("run", "gate", "--run-id", "g1")
    following = mainspring.start("runs", "logs", "gate", "g1", "-f")
    assert following.stdout is not None
    assert following.stdout.readline() == "gate | waiting\n"
    following.send_signal(signal.SIGINT)
    _, errors = following.communicate(timeout=30)
    assert (following.returncode, errors) == (130, "")
    (tmp_path / "open").touch()
    until(lambda: mainspring.json("runs", "show", "gate", "g1")["state"] == "success", "the run went on")


def test_ctrl_c_on_a_terminal_says_below_the_table_that_the_run_goes_on(mainspring: Command, tmp_path: Path) -> None:
    mainspring.save("gate", GATE % (tmp_path / "open"))
    ours, theirs = pty.openpty()
    line = mainspring.line("run", "gate", "--run-id", "g2", "--wait")
    with os.fdopen(theirs, "w") as terminal:
        waiting = subprocess.Popen(line, env=mainspring.environment, stdout=subprocess.DEVNULL, stderr=terminal)
    shown, is_told = "", False
    with os.fdopen(ours, "rb", buffering=0) as screen, suppress(OSError):
        while piece := screen.read(65536):
            shown += piece.decode()
            if "running" in shown and not is_told:
                waiting.send_signal(signal.SIGINT)
                is_told = True
    assert waiting.wait(30) == 130
    assert shown.rstrip().endswith("the run goes on: mainspring runs show gate g2"), shown
    (tmp_path / "open").touch()


@pytest.mark.parametrize(
    "token", ["hunter two", "hunter\ntwo", "hunter-zw\u00f6lf"], ids=["space", "newline", "umlaut"]
)
def test_a_token_that_cannot_be_one_is_refused_and_not_shown(mainspring: Command, token: str) -> None:
    answer = replace(mainspring, environment={**mainspring.environment, "MAINSPRING_TOKEN": token})("dags", "list")
    assert answer.returncode == 78
    assert "MAINSPRING_TOKEN" in answer.stderr
    assert "hunter" not in answer.stdout + answer.stderr


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://host", "http://"])
def test_an_address_that_is_none_is_not_taken_for_a_server_that_is_away(mainspring: Command, url: str) -> None:
    answer = replace(mainspring, environment={**mainspring.environment, "MAINSPRING_URL": url})("run", "quick")
    assert answer.returncode == 78
    assert repr(url) in answer.stderr


def test_the_version_is_told(mainspring: Command) -> None:
    assert mainspring("--version").stdout == mainspring("version").stdout


def _with_closed(mainspring: Command, stream: str, *arguments: str) -> tuple[int, str]:
    """The exit code and what stood on the other stream of errors, when nobody reads `stream` from the start."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: closed}
        answer = subprocess.run(
            mainspring.line(*arguments), env=mainspring.environment, text=True, timeout=60, **streams
        )
    progress = [line for line in (answer.stderr or "").splitlines() if not line.startswith(("run ", "  hi"))]
    return answer.returncode, "\n".join(progress)


def _on_a_terminal(mainspring: Command, *arguments: str, **environment: str) -> str:
    ours, theirs = pty.openpty()
    terminal = {**mainspring.environment, "TERM": "xterm-256color", "COLUMNS": "200", **environment}
    with os.fdopen(theirs, "w") as out:
        process = subprocess.Popen(mainspring.line(*arguments), env=terminal, stdout=out, stderr=subprocess.DEVNULL)
    shown = b""
    # An error is how Linux says that the last user of a terminal is gone.
    with os.fdopen(ours, "rb", buffering=0) as screen, suppress(OSError):
        while piece := screen.read(65536):
            shown += piece
    assert process.wait(30) == 0
    return shown.decode()


def _without_colours(shown: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)
