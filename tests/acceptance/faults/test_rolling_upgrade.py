"""Processes of the previous release beside those of this version, on one database that this version upgraded."""

import socket
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from mainspring_cli.client.plain_client import Client
from mainspring_cli.services.listener import listen
from mainspring_store import open_database
from mainspring_store.schema.migrate import current_revision, head_revision
from tests.acceptance.database import db
from tests.acceptance.server import Server, ask, started_alone, until
from tests.invariants import assert_sound
from tests.schemas.previous import PREVIOUS_REVISION, previous_version
from tests.services.ports import free_port
from tests.services.postgres import PostgresServer

ADMIN_TOKEN = "the token of the administrator of both versions"
PASSED_ON = """
dag_id: passed_on
default_args: {retries: 1, retry_delay: 0s}
tasks:
  first: {type: python, queue: earlier, callable: "operator:add", args: [20, 1]}
  second:
    type: shell
    queue: present
    depends_on: [first]
    env: {N: "${{ tasks.first.outputs.return_value * 2 }}"}
    script: &once 'echo "n is $N"; echo "n=$N" >> "$MAINSPRING_OUTPUT"; [ "$MAINSPRING_TRY_NUMBER" != 1 ]'
  third:
    type: shell
    queue: earlier
    depends_on: [second]
    env: {N: "${{ tasks.second.outputs.n + 1 }}"}
    script: *once
outputs: {n: "${{ tasks.third.outputs.n }}"}
"""
GATED = """
dag_id: gated_%s
tasks:
  work:
    type: shell
    queue: %s
    env: {STARTS: "${{ params.starts }}", GATE: "${{ params.gate }}"}
    script: |
      echo $$ >> "$STARTS"
      while [ ! -e "$GATE" ]; do sleep 0.05; done
  pause: {type: wait, depends_on: [work], for: 1s}
  after: {type: noop, depends_on: [pause]}
"""

FAILS_FAST = """
dag_id: fails_fast
fail_fast: true
tasks:
  fails: {type: shell, queue: present, command: ["false"]}
  waits: {type: wait, for: 1h}
"""


class Version:
    """The processes of one version of the program."""

    def __init__(self, name: str, folder: Path, *, settings: dict[str, str], execution: socket.socket) -> None:
        self.name = name
        self.folder = folder
        self.port = free_port()
        self.execution = execution
        self.settings = {
            **settings,
            "MAINSPRING_STOP_GRACE_SECONDS": "2",
            "MAINSPRING_HOME": str(folder / name),
            "MAINSPRING_PORT": str(self.port),
            "MAINSPRING_QUEUES": name,
            "MAINSPRING_EXECUTION_URL": f"http://127.0.0.1:{execution.getsockname()[1]}",
        }
        (folder / name).mkdir()

    def start(self, stack: ExitStack) -> dict[str, subprocess.Popen[bytes]]:
        parts = ("api", "scheduler", "execution-api", "worker")
        return {part: stack.enter_context(self._started(part)) for part in parts}

    def _started(self, part: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        number = self.execution.fileno()
        listens, passed = (("--listen-fd", str(number)), (number,)) if part == "execution-api" else ((), ())
        command = [sys.executable, "-m", "mainspring_cli", part, *listens]
        return started_alone(command, self.settings, self.folder / f"{self.name}-{part}.log", pass_fds=passed)

    def log(self) -> str:
        """What all its processes wrote."""
        return "".join(f"{path.name}:\n{path.read_text()}" for path in sorted(self.folder.glob(f"{self.name}-*.log")))

    def server(self, api: subprocess.Popen[bytes]) -> Server:
        client = Client(url=f"http://127.0.0.1:{self.port}/api/v2", token=ADMIN_TOKEN)
        server = Server(process=api, client=client, home=self.folder / self.name)  # type: ignore[arg-type]
        until(lambda: _answers(server), f"the API of {self.name}: {self.log()}")
        return server


def _answers(server: Server) -> bool:
    try:
        return ask(server, "/ready")[0] == 200
    except OSError:
        return False


class Gate:
    """A run whose first task goes on until it is told to end."""

    def __init__(self, server: Server, queue: str, folder: Path, name: str) -> None:
        self.server = server
        self._starts, self._gate = folder / f"{name}-starts", folder / f"{name}-gate"
        self.path = server.trigger(f"gated_{queue}", {"starts": str(self._starts), "gate": str(self._gate)})

    def starts(self) -> int:
        return len(self._starts.read_text().split()) if self._starts.exists() else 0

    def open(self) -> None:
        self._gate.touch()


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def versions(tmp_path: Path, database_url: str, valkey_url: str) -> Iterator[tuple[Version, Version]]:
    """The previous release and this version. The queue that a worker of theirs serves has their name.

    Their execution APIs share a socket, as behind a load balancer.
    """
    settings = {
        "MAINSPRING_DATABASE_URL": database_url,
        "MAINSPRING_REDIS_URL": valkey_url,
        "MAINSPRING_EXECUTOR": "rq",
        "MAINSPRING_API_PROCESSES": "1",
        "MAINSPRING_ADMIN_TOKEN": ADMIN_TOKEN,
        "MAINSPRING_WORKER_TOKEN": "the token of the workers of both versions",
        "MAINSPRING_SECRET_KEYS": Fernet.generate_key().decode(),
    }
    earlier = {**settings, "PYTHONPATH": previous_version()}
    with listen("127.0.0.1", 0) as execution:
        yield (
            Version("earlier", tmp_path, settings=earlier, execution=execution),
            Version("present", tmp_path, settings=settings, execution=execution),
        )


@pytest.mark.timeout(300)
def test_runs_go_on_while_services_of_two_versions_share_a_database(
    tmp_path: Path, versions: tuple[Version, Version], database_url: str
) -> None:
    earlier, present = versions
    with ExitStack() as stack, ExitStack() as old_stack:
        old_processes = earlier.start(old_stack)
        old = earlier.server(old_processes["api"])
        for queue in ("earlier", "present"):
            old.put_dag(GATED % (queue, queue))
        old.put_dag(PASSED_ON)
        before = Gate(old, "earlier", tmp_path, "before")
        until(lambda: before.starts() == 1, f"the start before the upgrade: {earlier.log()}")
        assert _revision(database_url) == PREVIOUS_REVISION

        upgraded = db("upgrade", tmp_path / "elsewhere", database_url=database_url)
        assert (upgraded.returncode, upgraded.stderr) == (0, "")
        assert _revision(database_url) == head_revision()
        between = Gate(old, "earlier", tmp_path, "between")

        new_processes = present.start(stack)
        new = present.server(new_processes["api"])
        before.open()
        until(lambda: between.starts() == 1, f"the old worker goes on: {earlier.log()}")
        over_old, over_new = old.trigger("passed_on"), new.trigger("passed_on")
        to_cancel = Gate(new, "present", tmp_path, "to-cancel")
        until(lambda: to_cancel.starts() == 1, f"a start by the new worker: {present.log()}")
        old.cancel(to_cancel.path)
        new.cancel(between.path)

        for path, server in ((before.path, new), (over_old, new), (over_new, old)):
            assert server.wait(path)["state"] == "success", earlier.log() + present.log()
        for path in (to_cancel.path, between.path):
            assert new.wait(path)["state"] == "failed"
        _clear(old, over_new)
        _clear(new, over_old)
        for path, server in ((over_new, new), (over_old, old)):
            run = server.wait(path)
            assert (run["state"], run["outputs"]) == ("success", {"n": 43})
            assert "n is 42" in server.log(path, "second", 2)

        _stop([old_processes["scheduler"]])
        new.put_dag(FAILS_FAST)
        failing = new.trigger("fails_fast")
        assert new.wait(failing)["state_reason"] == "fail_fast"
        assert old.client.get(failing)["state_reason"] == "fail_fast"
        assert old.instances(failing)["waits"]["state_reason"] == "fail_fast"
        assert old.client.get(f"{failing}/events")["events"]
        _stop(old_processes.values())
        assert new.wait(new.trigger("fails_fast"))["state"] == "failed"
        _stop(new_processes.values())
    assert not [*_errors(earlier), *_errors(present)]
    with closing(open_database(database_url)) as database:
        assert_sound(database)


def _stop(processes: Collection[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    assert {process.wait(60) for process in processes} == {0}


def _revision(database_url: str) -> str | None:
    with closing(open_database(database_url)) as database:
        return current_revision(database)


def _clear(server: Server, path: str) -> None:
    server.client.post(f"{path}/clear", {"dry_run": False})


def _errors(version: Version) -> Sequence[str]:
    return [line for line in version.log().splitlines() if " ERROR " in line or "Traceback" in line]
