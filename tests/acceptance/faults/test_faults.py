"""kill -9 of any part in the middle of a run: nothing is lost, nothing is stuck, no task is left running."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.server import Server, cmdline_of, descendants, is_running, parent_of, started, until

# `work` notes each of its starts and ends when the gate opens.
GATED = """
dag_id: gated
default_args: {retries: 3, retry_delay: 1s}
tasks:
  before: {type: shell, command: ["true"]}
  work:
    type: shell
    depends_on: [before]
    env: {STARTS: "${{ params.starts }}", GATE: "${{ params.gate }}"}
    script: |
      echo $$ >> "$STARTS"
      while [ ! -e "$GATE" ]; do sleep 0.05; done
      echo "passed=$$" >> "$MAINSPRING_OUTPUT"
  after: {type: shell, depends_on: [work], command: ["true"]}
outputs: {passed: "${{ tasks.work.outputs.passed }}"}
"""


PLACES = pytest.mark.parametrize(
    ("executor", "database_url"),
    [("thread", "sqlite"), ("local", "sqlite"), ("thread", "postgresql")],
    indirect=True,
)


class Gate:
    """The test's side of a gated run."""

    def __init__(self, folder: Path) -> None:
        self.starts = folder / "starts"
        self.gate = folder / "gate"
        self.conf = {"starts": str(self.starts), "gate": str(self.gate)}

    def pids(self) -> list[int]:
        return [int(line) for line in self.starts.read_text().split()] if self.starts.exists() else []

    def wait_for_start(self, number: int) -> int:
        """Process id of the `number`th start, from 1."""
        until(lambda: len(self.pids()) >= number, f"start {number} of the task")
        return self.pids()[number - 1]

    def open(self) -> None:
        self.gate.touch()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def _age_heartbeats(database_url: str) -> None:
    """Let half a minute pass for the services that were killed.

    On PostgreSQL, a scheduler that vanished might still live, so its attempts are lost only when its last heartbeat is
    that old. Services that live beat again at once.
    """
    if database_url.startswith("postgresql"):
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE service SET heartbeat_at = heartbeat_at - interval '31 seconds'")


def _begin(server: Server, gate: Gate, *, source: str = GATED) -> tuple[str, int]:
    server.put_dag(source)
    path = server.trigger("gated", gate.conf)
    return path, gate.wait_for_start(1)


def _assert_finished(server: Server, path: str, gate: Gate, *, starts: int) -> None:
    run = server.wait(path)
    assert run["state"] == "success", server.errors()
    assert run["outputs"] == {"passed": gate.pids()[-1]}
    assert len(gate.pids()) == starts
    assert {each["state"] for each in server.instances(path).values()} == {"success"}
    assert not any(map(is_running, gate.pids()))


@PLACES
@pytest.mark.parametrize("part", ["scheduler", "host"])
def test_a_killed_scheduler_or_host_takes_its_task_along_and_the_task_is_tried_again(
    server: Server, gate: Gate, part: str, database_url: str
) -> None:
    path, first = _begin(server, gate)

    # A server may have several task hosts; the one in question started the task.
    os.kill(parent_of(first) if part == "host" else server.pid_of(part), signal.SIGKILL)
    if part == "scheduler":
        _age_heartbeats(database_url)

    gate.wait_for_start(2)
    until(lambda: not is_running(first), "the first try ended")
    gate.open()
    _assert_finished(server, path, gate, starts=2)
    assert server.instances(path)["work"]["try_number"] == 2
    assert server.instances(path)["before"]["try_number"] == 1


def test_a_killed_api_costs_a_run_nothing(server: Server, gate: Gate) -> None:
    path, _ = _begin(server, gate)

    os.kill(server.pid_of("api"), signal.SIGKILL)

    gate.open()
    _assert_finished(server, path, gate, starts=1)


@PLACES
def test_everything_killed_at_once_goes_on_at_the_next_start(
    tmp_path: Path, executor: str, database_url: str, gate: Gate
) -> None:
    with started(tmp_path / "home", executor=executor, database_url=database_url) as server:
        path, first = _begin(server, gate)
        below = descendants(server.process.pid)
        for pid in [server.process.pid, *(pid for pid in below if "mainspring" in cmdline_of(pid))]:
            with suppress(ProcessLookupError):  # it ends with its parent
                os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(is_running, [*below, first])), "all processes ended, the task's too")
    _age_heartbeats(database_url)

    with started(tmp_path / "home", executor=executor, database_url=database_url) as server:
        gate.wait_for_start(2)
        gate.open()
        _assert_finished(server, path, gate, starts=2)


def test_a_cancelled_run_ends_its_task_and_starts_no_other(server: Server, gate: Gate) -> None:
    path, first = _begin(server, gate)

    server.cancel(path)

    assert server.wait(path)["state"] == "failed"
    until(lambda: not is_running(first), "the task ended")
    states = {task_id: each["state"] for task_id, each in server.instances(path).items()}
    assert states == {"before": "success", "work": "failed", "after": "skipped"}
    assert len(gate.pids()) == 1


def test_an_orderly_stop_costs_no_try(tmp_path: Path, executor: str, gate: Gate) -> None:
    with started(tmp_path / "home", executor=executor, stop_grace_seconds="0") as server:
        path, first = _begin(server, gate, source=GATED.replace("retries: 3", "retries: 0"))
    assert not is_running(first)
    with started(tmp_path / "home", executor=executor) as server:
        gate.wait_for_start(2)
        gate.open()
        _assert_finished(server, path, gate, starts=2)


def test_a_run_that_was_triggered_while_the_scheduler_was_dead_is_run(tmp_path: Path, gate: Gate) -> None:
    with started(tmp_path / "home") as server:
        server.put_dag(GATED)
        gate.open()
        os.kill(server.pid_of("scheduler"), signal.SIGKILL)
        path = server.trigger("gated", gate.conf)
        _assert_finished(server, path, gate, starts=1)
