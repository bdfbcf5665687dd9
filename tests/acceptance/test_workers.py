"""Workers that are started, stopped and killed one by one."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.acceptance.server import Server, cmdline_of, descendants, is_running, started, until
from tests.services.environment import child_environment

SLOW = """
dag_id: slow
tasks:
  only:
    type: shell
    queue: field
    script: |
      echo $$ >> "$WITNESS"
      while [ ! -e "$GO" ]; do sleep 0.05; done
    env: {WITNESS: "${{ params.witness }}", GO: "${{ params.go }}"}
"""


class Field:
    """An `up` whose own worker listens elsewhere, and a task that waits for a sign."""

    def __init__(self, server: Server, folder: Path, valkey_url: str) -> None:
        self.server = server
        self.folder = folder
        self.execution_log, self.go = folder / "witness", folder / "go"
        (execution,) = {pid for pid in descendants(server.process.pid) if _listens(pid, "execution-api")}
        self.environment = {
            **child_environment(),
            "MAINSPRING_REDIS_URL": valkey_url,
            "MAINSPRING_EXECUTION_URL": f"http://127.0.0.1:{_port_of(execution)}",
            "MAINSPRING_WORKER_TOKEN": (server.home / "worker-token").read_text().strip(),
            "MAINSPRING_QUEUES": "field",
        }

    @contextmanager
    def worker(self, name: str = "worker", **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        """A `mainspring worker` with a home folder of its own; killed at the end if it still runs."""
        given = {f"MAINSPRING_{key.upper()}": value for key, value in settings.items()}
        environment = {**self.environment, "MAINSPRING_HOME": str(self.folder / name), **given}
        process = subprocess.Popen([sys.executable, "-m", "mainspring_cli", "worker"], env=environment)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def trigger(self) -> str:
        """Put the DAG and trigger it; returns the path of its run."""
        self.server.put_dag(SLOW)
        return self.server.trigger("slow", {"witness": str(self.execution_log), "go": str(self.go)})

    def starts(self) -> list[int]:
        return [int(line) for line in self.execution_log.read_text().split()] if self.execution_log.exists() else []

    def wait_for_start(self, number: int) -> int:
        until(lambda: len(self.starts()) >= number, f"start {number} of the task")
        return self.starts()[number - 1]


@pytest.fixture
def field(tmp_path: Path, valkey_url: str) -> Iterator[Field]:
    settings = {"executor": "rq", "redis_url": valkey_url, "execution_port": "0", "lease_seconds": "3"}
    with started(tmp_path / "home", queues="elsewhere", **settings) as server:
        until(lambda: (server.home / "worker-token").exists(), "the token of the workers")
        yield Field(server, tmp_path, valkey_url)


def test_a_worker_that_is_told_to_stop_ends_its_task_first(field: Field) -> None:
    with field.worker() as worker:
        path = field.trigger()
        field.wait_for_start(1)
        worker.terminate()
        until(lambda: _shown(field)["status"] == "alive", "the worker is shown")
        field.go.touch()
        assert worker.wait(30) == 0
        assert field.server.wait(path)["state"] == "success"
        assert _shown(field)["status"] == "stopped"


def test_past_the_grace_its_task_is_interrupted_which_costs_no_try_and_another_worker_takes_it(field: Field) -> None:
    with ExitStack() as stack:
        worker = stack.enter_context(field.worker(stop_grace_seconds="0"))
        path = field.trigger()
        first = field.wait_for_start(1)
        worker.terminate()
        assert worker.wait(30) == 0
        assert not is_running(first)
        stack.enter_context(field.worker("another"))
        field.wait_for_start(2)
        field.go.touch()
        assert field.server.wait(path)["state"] == "success"
        tries = field.server.client.get(f"{path}/taskInstances/only/tries")["task_instances"]
        assert [one["state_reason"] for one in tries] == ["interrupted", None]


def test_a_worker_that_fails_leaves_nothing_running_and_goes_on(field: Field, tmp_path: Path) -> None:
    """Whatever goes wrong in it while a task runs: nobody renews the task's lease any more."""
    failpoints = tmp_path / "failpoints"
    failpoints.mkdir()
    with field.worker(failpoints=str(failpoints)) as worker:
        path = field.trigger()
        first = field.wait_for_start(1)
        (failpoints / "worker.beat.answered").write_text("raise")
        until(lambda: not is_running(first), "the end of the task")
        assert field.server.wait(path)["state"] == "failed"
        field.go.touch()
        assert field.server.wait(field.trigger())["state"] == "success"
        assert worker.poll() is None


def test_what_a_killed_worker_left_on_disk_is_removed_at_the_next_start(field: Field) -> None:
    folder = field.folder / "worker" / "tasks" / "work"
    with field.worker() as worker:
        field.trigger()
        first = field.wait_for_start(1)
        left = set(folder.iterdir())
        assert left
        worker.kill()
        worker.wait()
    until(lambda: not is_running(first), "the end of the task")
    with field.worker():
        until(lambda: folder.exists() and not left & set(folder.iterdir()), "the removal of what was left")
        field.go.touch()


@pytest.mark.parametrize(("heartbeats", "code"), [(0, 78), (1, 78)], ids=["at its start", "while it works"])
def test_a_worker_ends_clearly_when_the_execution_api_speaks_another_version(
    tmp_path: Path, valkey_url: str, heartbeats: int, code: int
) -> None:
    with _newer_server(heartbeats) as url:
        environment = {
            **child_environment(),
            "MAINSPRING_HOME": str(tmp_path / "home"),
            "MAINSPRING_REDIS_URL": valkey_url,
            "MAINSPRING_EXECUTION_URL": url,
            "MAINSPRING_WORKER_TOKEN": "token",
        }
        command = [sys.executable, "-m", "mainspring_cli", "worker"]
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert answer.returncode == code
    assert "this worker's release and the execution API's do not fit together: use release 9" in answer.stderr


@contextmanager
def _newer_server(heartbeats: int) -> Iterator[str]:
    """An execution API that is replaced, after so many beats, by one of a release that speaks another version."""
    left = iter(range(heartbeats))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            is_known = next(left, None) is not None
            body = b'{"stop": [], "lease_seconds": 2}' if is_known else b"use release 9"
            self.send_response(200 if is_known else 426)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def _shown(field: Field) -> dict[str, object]:
    """The worker of the queue, as the API shows it; `starting` until it does."""
    found = [one for one in field.server.client.get("/workers")["workers"] if one["queues"] == ["field"]]
    return dict(found[0]) if found else {"status": "starting"}


def _listens(pid: int, name: str) -> bool:
    return f"mainspring_cli {name}" in cmdline_of(pid) and f"mainspring_cli {name}" not in cmdline_of(_parent(pid))


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _port_of(pid: int) -> int:
    """The TCP port that a process listens on."""
    inodes = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.exists() or link.is_symlink()}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
            return int(fields[1].partition(":")[2], 16)
    raise AssertionError(f"process {pid} listens on no port")
