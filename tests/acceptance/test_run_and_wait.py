"""`mainspring run --wait`: its exit code is the truth about the run, whatever becomes of the server meanwhile."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from tests.acceptance.cli import Command, command_for
from tests.acceptance.gate import GATE, until_running, until_state
from tests.acceptance.server import Server, started
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


def test_a_run_that_succeeds_ends_with_0_and_its_outputs(mainspring: Command) -> None:
    mainspring.save(
        "sum",
        """
params: {type: object, properties: {a: {type: integer}, b: {type: string}}}
tasks:
  add:
    type: shell
    env: {A: "${{ params.a }}", B: "${{ params.b }}"}
    script: echo "out=\\"$A$B\\"" >> "$MAINSPRING_OUTPUT"
outputs: {out: "${{ tasks.add.outputs.out }}"}
""",
    )
    answer = mainspring("run", "sum", "-p", "a=4", "-p", "b=x y", "--wait", "-o", "json")
    assert answer.returncode == 0, answer.stderr
    assert '"out": "4x y"' in answer.stdout
    assert "add" in answer.stderr, "progress belongs to the error stream"


def test_a_run_that_fails_ends_with_1_and_the_end_of_the_log(mainspring: Command) -> None:
    mainspring.save("broken", "tasks: {bad: {type: shell, script: 'echo it broke here; exit 7'}}")
    answer = mainspring("run", "broken", "--wait")
    assert answer.returncode == 1
    assert "bad failed at try 1" in answer.stderr
    assert "it broke here" in answer.stderr


@pytest.mark.parametrize(("script", "exit_code"), [("true", 0), ("echo it broke here; exit 7", 1)])
def test_a_run_leaves_a_report_and_annotations(mainspring: Command, script: str, exit_code: int) -> None:
    mainspring.save("reported", f"tasks: {{only: {{type: shell, script: '{script}'}}}}")
    answer = mainspring("run", "reported", "--wait", "--junit", "report.xml", "--annotations", "github")
    assert answer.returncode == exit_code, answer.stderr
    suites = ElementTree.parse(mainspring.folder / "report.xml").getroot()
    assert (suites.get("tests"), suites.get("failures")) == ("1", str(exit_code))
    assert ("::error title=" in answer.stderr, "it broke here" in answer.stderr) == (exit_code == 1, exit_code == 1)


@pytest.mark.parametrize(("script", "exit_code"), [("true", 0), ("exit 7", 1)])
def test_a_report_that_cannot_be_written_hides_no_end(mainspring: Command, script: str, exit_code: int) -> None:
    mainspring.save("reported", f"tasks: {{only: {{type: shell, script: '{script}'}}}}")
    answer = mainspring("run", "reported", "--wait", "--junit", "/dev/full")
    assert answer.returncode == exit_code, answer.stderr
    assert "/dev/full: the report cannot be written: No space left on device" in answer.stderr


@pytest.mark.parametrize(("script", "exit_code"), [("true", 0), ("exit 7", 1)])
def test_a_report_that_does_not_come_hides_no_end(
    mainspring: Command, server: Server, script: str, exit_code: int
) -> None:
    mainspring.save("reported", f"tasks: {{only: {{type: shell, script: '{script}'}}}}")
    run = ("run", "reported", "--wait", "--reach-timeout", "1s", "--junit", "report.xml", "--annotations", "github")
    with _losing_first_replies(server, 1_000_000, path=b"/report.junit.xml") as (url, _):
        answer = _at(mainspring, url)(*run)
    assert answer.returncode == exit_code, answer.stderr
    assert "there is no report of the run: " in answer.stderr
    assert ("::error title=" in answer.stderr) == (exit_code == 1), "one report does not hinder the other"


def test_a_report_is_asked_for_with_the_patience_of_the_wait(mainspring: Command, server: Server) -> None:
    mainspring.save("reported", "tasks: {only: {type: noop}}")
    with _losing_first_replies(server, 2, path=b"/report.junit.xml") as (url, lost):
        answer = _at(mainspring, url)("run", "reported", "--wait", "--junit", "report.xml")
    assert (answer.returncode, lost) == (0, [2]), answer.stderr
    assert ElementTree.parse(mainspring.folder / "report.xml").getroot().get("tests") == "1"


def test_a_report_without_a_folder_starts_no_run(mainspring: Command) -> None:
    mainspring.save("unreported", "tasks: {only: {type: noop}}")
    answer = mainspring("run", "unreported", "--wait", "--junit", "nowhere/report.xml")
    assert (answer.returncode, "there is no folder nowhere" in answer.stderr) == (2, True), answer.stderr
    assert mainspring.json("runs", "list", "unreported") == []


def test_a_report_needs_the_end_of_the_run(mainspring: Command) -> None:
    answer = mainspring("run", "gate", "--junit", "report.xml")
    assert (answer.returncode, "--wait" in answer.stderr) == (2, True)


def test_a_run_that_is_cancelled_ends_with_3(mainspring: Command) -> None:
    waiting = mainspring.start("run", "gate", "-p", "file=/nowhere", "--run-id", "c1", "--wait")
    until_running(mainspring, "c1")
    assert mainspring("runs", "cancel", "gate", "c1").returncode == 0
    waiting.communicate(timeout=30)
    assert waiting.returncode == 3


def test_the_deadline_ends_with_4_and_leaves_the_run_alone(mainspring: Command, tmp_path: Path) -> None:
    file = tmp_path / "open"
    answer = mainspring("run", "gate", "-p", f"file={file}", "--run-id", "d1", "--wait", "--timeout", "1s")
    assert answer.returncode == 4, answer.stderr
    assert mainspring.json("runs", "show", "gate", "d1")["state"] == "running"
    file.touch()
    until_state(mainspring, "d1", "success")


def test_who_waits_for_a_run_of_a_paused_dag_is_told(mainspring: Command) -> None:
    mainspring.save("resting", "tasks: {a: {type: noop}}")
    mainspring("dags", "pause", "resting")
    answer = mainspring("run", "resting", "--wait", "--timeout", "0s")
    assert answer.returncode == 4
    assert "resting is paused: its runs wait until that ends (mainspring dags unpause resting)" in answer.stderr


def test_ctrl_c_ends_the_waiting_and_not_the_run(mainspring: Command, tmp_path: Path) -> None:
    file = tmp_path / "open"
    waiting = mainspring.start("run", "gate", "-p", f"file={file}", "--run-id", "i1", "--wait")
    until_running(mainspring, "i1")
    waiting.send_signal(signal.SIGINT)
    _, errors = waiting.communicate(timeout=30)
    assert waiting.returncode == 130
    assert "mainspring runs show gate i1" in errors
    file.touch()
    until_state(mainspring, "i1", "success")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("nothing",), id="no such DAG"),
        pytest.param(("gate", "-p", "file=7"), id="params that do not fit"),
        pytest.param(("gate", "--run-id", "scheduled__1"), id="a run id that cannot be"),
    ],
)
def test_what_the_server_refuses_ends_with_6(mainspring: Command, arguments: tuple[str, ...]) -> None:
    answer = mainspring("run", *arguments, "--wait")
    assert answer.returncode == 6, answer.stderr
    assert answer.stderr.startswith("mainspring: 4")


def test_a_run_id_that_is_taken_is_refused_with_6(mainspring: Command, tmp_path: Path) -> None:
    (tmp_path / "open").touch()
    first = mainspring("run", "gate", "-p", f"file={tmp_path / 'open'}", "--run-id", "t1", "--wait")
    second = mainspring("run", "gate", "-p", f"file={tmp_path / 'open'}", "--run-id", "t1", "--wait")
    assert (first.returncode, second.returncode) == (0, 6)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param((), id="no DAG"),
        pytest.param(("gate", "-p", "file"), id="a param without a value"),
        pytest.param(("gate", "--timeout", "soon"), id="no duration"),
        pytest.param(("gate", "--conf", "[1]"), id="conf that is no object"),
    ],
)
def test_a_command_line_that_makes_no_sense_ends_with_2(mainspring: Command, arguments: tuple[str, ...]) -> None:
    assert mainspring("run", *arguments).returncode == 2


def test_no_server_ends_with_5_in_time(mainspring: Command) -> None:
    port = free_port()
    gone = _at(mainspring, f"http://127.0.0.1:{port}")
    answer = gone("run", "gate", "--wait", "--reach-timeout", "1s")
    assert answer.returncode == 5
    assert f"127.0.0.1:{port}" in answer.stderr


def test_a_reply_that_is_lost_starts_no_second_run(mainspring: Command, server: Server, tmp_path: Path) -> None:
    (tmp_path / "open").touch()
    before = len(mainspring.json("runs", "list", "gate"))
    with _losing_first_replies(server, 3) as (url, lost):
        answer = _at(mainspring, url)("run", "gate", "-p", f"file={tmp_path / 'open'}", "--wait", "-q", "-o", "json")
    assert answer.returncode == 0, answer.stderr
    assert lost == [3]
    assert len(mainspring.json("runs", "list", "gate")) == before + 1


def _at(mainspring: Command, url: str) -> Command:
    return replace(mainspring, environment={**mainspring.environment, "MAINSPRING_URL": url})


@contextmanager
def _losing_first_replies(server: Server, count: int, *, path: bytes | None = None) -> Iterator[tuple[str, list[int]]]:
    """A proxy that hands requests on, and closes the connection instead of giving the first answers to a POST.

    path: end of the path of the requests whose answers are lost instead.
    """
    target = urlsplit(server.client.url)
    lost = [0]

    def hand_on(client: socket.socket) -> None:
        with client, socket.create_connection((target.hostname, target.port)) as upstream:
            request = client.recv(65536)
            upstream.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            is_meant = request.startswith(b"POST") if path is None else request.split(b" ", 2)[1].endswith(path)
            client_body = threading.Thread(target=_pump, args=(client, upstream), daemon=True)
            client_body.start()
            first = upstream.recv(65536)
            if is_meant and lost[0] < count:
                lost[0] += 1
                client.shutdown(socket.SHUT_RDWR)
                return
            client.sendall(first)
            _pump(upstream, client)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=hand_on, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", lost
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
