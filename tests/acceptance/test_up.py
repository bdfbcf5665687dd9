"""From an empty folder to a finished run, and back to nothing."""

import os
import pty
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from mainspring_cli.client.plain_client import ApiError
from tests.acceptance.server import Server, ask, descendants, is_running, proportional_memory_mib, started, until
from tests.services.environment import child_environment

HELLO = """
dag_id: hello
params: {type: object, properties: {name: {type: string, default: world}}}
tasks:
  greet:
    type: shell
    env: {NAME: "${{ params.name }}"}
    script: |
      echo "Hello, $NAME!"
      echo "greeting=Hello, $NAME!" >> "$MAINSPRING_OUTPUT"
  count:
    type: python
    depends_on: [greet]
    inputs: {text: "${{ tasks.greet.outputs.greeting }}"}
    source: |
      import json, os
      text = json.load(open(os.environ["MAINSPRING_INPUT"]))["text"]
      print("counting", text)
      open(os.environ["MAINSPRING_OUTPUT"], "a").write(f"letters={sum(map(str.isalpha, text))}\\n")
outputs:
  greeting: "${{ tasks.greet.outputs.greeting }}"
  letters: "${{ tasks.count.outputs.letters }}"
"""
WAITS = """
dag_id: waits
tasks:
  wait:
    type: shell
    env: {PIDS: "${{ params.pids }}"}
    script: |
      echo $$ >> "$PIDS"
      exec sleep 600
"""


def test_a_dag_is_live_one_request_later_and_its_run_is_told_to_the_end(server: Server) -> None:
    server.put_dag(HELLO)
    path = server.trigger("hello", {"name": "you"})

    run = server.wait(path)

    assert run["state"] == "success"
    assert run["outputs"] == {"greeting": "Hello, you!", "letters": 8}
    assert {name: each["state"] for name, each in server.instances(path).items()} == {
        "greet": "success",
        "count": "success",
    }
    assert "Hello, you!" in server.log(path, "greet")
    assert "counting Hello, you!" in server.log(path, "count")


def test_what_was_run_is_still_told_after_a_restart(tmp_path: Path, database_url: str) -> None:
    with started(tmp_path / "home", database_url=database_url) as server:
        server.put_dag(HELLO)
        path = server.trigger("hello")
        before = server.wait(path)
        log = server.log(path, "greet")
    with started(tmp_path / "home", database_url=database_url) as server:
        assert server.client.get(path) == before
        assert server.log(path, "greet") == log


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_is_left_running_when_it_is_stopped_in_mid_run(
    tmp_path: Path, executor: str, stop: signal.Signals
) -> None:
    pids = tmp_path / "pids"
    with started(tmp_path / "home", executor=executor, stop_grace_seconds="1") as server:
        server.put_dag(WAITS)
        server.trigger("waits", {"pids": str(pids)})
        until(lambda: pids.exists() and bool(pids.read_text()), "the task started")
        everything = [*descendants(server.process.pid), *map(int, pids.read_text().split())]
        assert len(everything) > 4

        server.process.send_signal(stop)

        server.process.wait(60)
        until(lambda: not any(map(is_running, everything)), "all processes ended")
        assert server.process.returncode == (0 if stop is not signal.SIGKILL else -signal.SIGKILL)


def test_the_home_folder_and_all_in_it_are_private(tmp_path: Path) -> None:
    home = tmp_path / "fresh" / "home"
    os.umask(0o022)
    command = [sys.executable, "-m", "mainspring_cli", "up", "--home", str(home), "--port", "0"]
    process = subprocess.Popen(command, env=child_environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    until((home / "mainspring.db").exists, "the database is there")
    process.terminate()
    process.communicate(timeout=60)

    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    files = [path for path in home.rglob("*") if path.is_file()]
    assert {"admin-token", "mainspring.db"} <= {path.name for path in files}
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in files if path.stat().st_mode & 0o077} == {}
    assert str(home / "admin-token") in lines[2]


@pytest.mark.parametrize(
    ("token", "status"),
    [
        pytest.param(None, 401, id="none"),
        pytest.param("", 401, id="empty"),
        pytest.param("ms_wrong", 403, id="wrong"),
    ],
)
def test_without_the_token_the_api_tells_nothing(tmp_path: Path, token: str | None, status: int) -> None:
    with started(tmp_path / "home") as server:
        request = urllib.request.Request(f"{server.client.url}/dags")
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        refused.value.close()
        assert refused.value.code == status


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_new_token_is_shown_once_and_on_a_terminal_alone(tmp_path: Path, is_terminal: bool) -> None:
    texts = [_output_of_up(tmp_path, is_terminal=is_terminal) for _ in range(2)]
    token = (tmp_path / "admin-token").read_bytes().strip()
    assert [token in text for text in texts] == [is_terminal, False]
    assert token not in (tmp_path / "log").read_bytes()


def _output_of_up(home: Path, *, is_terminal: bool) -> bytes:
    reading, writing = pty.openpty() if is_terminal else os.pipe()
    environment = child_environment(MAINSPRING_HOME=str(home), MAINSPRING_PORT="0")
    with (home / "log").open("ab") as log:
        command = [sys.executable, "-m", "mainspring_cli", "up"]
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=writing, stderr=log)
    os.close(writing)
    text = b""
    # A terminal whose last writer has ended answers with an error.
    with suppress(OSError):
        while part := os.read(reading, 4096):
            text += part
            # On a terminal the link follows; the program that makes the link would wait for a server that has ended.
            if (b"#code=" if is_terminal else b"admin-token") in text:
                process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)
    os.close(reading)
    return text


def test_what_guards_it_is_logged_by_each_service_and_told_to_the_administrator(tmp_path: Path) -> None:
    with started(tmp_path / "home", executor="local") as server:
        until(lambda: ask(server, "/ready")[0] == 200, "the API is ready")
        told = ask(server, "/ready")[2]["security"]
        assert told == {
            "address": "127.0.0.1, reached by this machine alone",
            "authentication": "tokens and passwords; the administrator has a token made here",
            "transport": "clear text, within this machine",
            "database": "SQLite, a file on this machine",
            "database_role": None,
            "database_sessions": None,
            "redis": "not used",
            "executors": "local: a process for each task, as the user of the scheduler",
        }
        until(lambda: server.errors().count("security_mode: executors: ") == 2, "both services say so")
        log = server.errors()
        for fact in told.keys() - {"database_role", "database_sessions"}:
            assert f"api mainspring_cli.services.security_mode: {fact}: {told[fact]}\n" in log
        for fact in ("database", "executors"):
            assert f"scheduler mainspring_cli.services.security_mode: {fact}: {told[fact]}\n" in log
        assert server.client.token not in log


def test_a_port_in_use_is_told_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "mainspring_cli", "up", "--home", str(tmp_path / "h"), "--port", str(port)]
        answer = subprocess.run(command, env=child_environment(), capture_output=True, text=True, timeout=30)
    assert answer.returncode == 78
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use; give another" in answer.stderr


def test_a_second_up_on_the_same_home_is_refused(tmp_path: Path) -> None:
    with started(tmp_path / "home") as server:
        command = [sys.executable, "-m", "mainspring_cli", "up", "--home", str(server.home), "--port", "0"]
        answer = subprocess.run(command, env=child_environment(), capture_output=True, text=True, timeout=30)
    assert answer.returncode == 78
    assert "is in use by another `mainspring up`" in answer.stderr


def test_a_request_that_comes_at_once_is_answered(tmp_path: Path) -> None:
    """The socket is there before the API is: an early client waits instead of being refused."""
    with started(tmp_path / "home") as server:
        assert server.client.get("/dags")["total_entries"] == 0


def test_all_processes_together_stay_below_their_memory_limit(tmp_path: Path, executor: str) -> None:
    with started(tmp_path / "home", executor=executor) as server:
        server.put_dag(HELLO)
        server.wait(server.trigger("hello"))
        assert proportional_memory_mib(server.process.pid) < 250


def test_the_database_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "no" / "such" / "folder" / "test.db"
    command = [sys.executable, "-m", "mainspring_cli", "db", "upgrade", "--database-url", f"sqlite:///{path}"]
    answer = subprocess.run(
        [*command, "--home", str(tmp_path)], env=child_environment(), capture_output=True, text=True, timeout=30
    )
    assert answer.returncode == 1
    assert answer.stderr == f"mainspring: cannot write the database file {path}: No such file or directory\n"


def test_a_refused_definition_is_told_to_the_client(tmp_path: Path) -> None:
    with started(tmp_path / "home") as server, pytest.raises(ApiError, match="unknown task 'gret'"):
        server.put_dag(HELLO.replace("depends_on: [greet]", "depends_on: [gret]"))
