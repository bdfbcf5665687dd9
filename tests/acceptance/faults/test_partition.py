"""A worker whose network is cut, in network namespaces of their own: nothing answers, and nothing says so."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.server import is_running, started, started_alone, until
from tests.services.environment import child_environment

API_ADDRESS, WORKER_ADDRESS, PORT = "10.77.0.1", "10.77.0.2", 8081
LEASE_SECONDS = 3
TASK = """
dag_id: cut_off
tasks:
  only:
    type: shell
    retries: 1
    retry_delay: 0s
    script: |
      exec 9>>"$WITNESS.lock"
      flock -n 9 || echo overlap >> "$WITNESS"
      echo $$ >> "$WITNESS"
      while [ ! -e "$GO" ]; do sleep 0.05; done
    env: {WITNESS: "${{ params.witness }}", GO: "${{ params.go }}"}
"""


@dataclass(frozen=True)
class Namespace:
    """A network of its own, as long as the process lives."""

    holder: int

    def command(self, *command: str) -> list[str]:
        return ["nsenter", "--target", str(self.holder), "--user", "--preserve-credentials", "--net", *command]

    def ip(self, *arguments: str) -> None:
        subprocess.run(self.command("ip", *arguments), env=child_environment(), check=True, capture_output=True)


@contextmanager
def namespace(parent: Namespace | None = None) -> Iterator[Namespace]:
    """A new network, beside that of `parent` and under the same user namespace."""
    inner = ["unshare", "--net"] if parent else ["unshare", "--user", "--map-root-user", "--net"]
    line = [*inner, "sh", "-c", "echo up; exec sleep 600"]
    process = subprocess.Popen(
        parent.command(*line) if parent else line, env=child_environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "up\n":
            pytest.skip("this machine does not let us make network namespaces (unshare --user --net)")
        yield Namespace(process.pid)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def networks() -> Iterator[tuple[Namespace, Namespace]]:
    """That of the execution API and that of the worker, joined by a cable."""
    with namespace() as api, namespace(api) as worker:
        try:
            api.ip("link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", str(worker.holder))
        except (FileNotFoundError, subprocess.CalledProcessError) as exc:
            pytest.skip(f"this machine does not let us join network namespaces (ip link add type veth): {exc}")
        for network, address in ((api, API_ADDRESS), (worker, WORKER_ADDRESS)):
            network.ip("link", "set", "lo", "up")
            network.ip("address", "add", f"{address}/24", "dev", "cable")
            network.ip("link", "set", "cable", "up")
        yield api, worker


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def test_a_worker_that_is_cut_off_stops_its_task_before_it_is_started_again(
    tmp_path: Path, networks: tuple[Namespace, Namespace], valkey_url: str
) -> None:
    api, worker = networks
    execution_log, go, home = tmp_path / "witness", tmp_path / "go", tmp_path / "home"
    shared = {
        "MAINSPRING_DATABASE_URL": f"sqlite:///{home / 'mainspring.db'}",
        "MAINSPRING_WORKER_TOKEN": "the token of all workers",
        "MAINSPRING_REDIS_URL": valkey_url,
        "MAINSPRING_LEASE_SECONDS": str(LEASE_SECONDS),
        "MAINSPRING_EXECUTION_URL": f"http://{API_ADDRESS}:{PORT}",
    }
    execution = {"MAINSPRING_EXECUTION_HOST": API_ADDRESS, "MAINSPRING_BEHIND_PROXY": "true"}
    own = [sys.executable, "-m", "mainspring_cli"]
    with ExitStack() as stack:
        # Its own worker listens to a queue that is not used.
        settings = {"executor": "rq", "redis_url": valkey_url, "execution_port": "0", "queues": "none"}
        server = stack.enter_context(started(home, **settings, lease_seconds=str(LEASE_SECONDS)))
        for network, command, more in ((api, "execution-api", execution), (worker, "worker", {})):
            environment = {**shared, **more, "MAINSPRING_HOME": str(tmp_path / command)}
            line = network.command(*own, command)
            stack.enter_context(started_alone(line, environment, tmp_path / f"{command}.log"))
        server.put_dag(TASK)
        path = server.trigger("cut_off", {"witness": str(execution_log), "go": str(go)})
        until(lambda: len(lines(execution_log)) == 1, "the first start")

        api.ip("route", "add", "blackhole", f"{WORKER_ADDRESS}/32")
        cut_at = time.monotonic()
        until(lambda: not is_running(int(lines(execution_log)[0])), "the end of the task that was cut off")
        assert time.monotonic() - cut_at < LEASE_SECONDS
        until(lambda: server.instances(path)["only"]["try_number"] == 2, "the second try")
        assert len(lines(execution_log)) == 1, "nobody who is cut off can claim"

        api.ip("route", "del", "blackhole", f"{WORKER_ADDRESS}/32")
        until(lambda: len(lines(execution_log)) == 2, "the second start")
        go.touch()
        assert server.wait(path)["state"] == "success"
        assert "overlap" not in lines(execution_log)
