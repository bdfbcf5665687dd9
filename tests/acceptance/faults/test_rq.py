"""The rq executor over whole processes: Redis-compatible server, execution API, worker, scheduler, API."""

import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic

import pytest
from redis import Redis

from mainspring_cli.services.execution_server import THREADS
from tests.acceptance.server import Server, cmdline_of, descendants, is_running, parent_of, started, until
from tests.services.ports import free_port
from tests.services.valkey import ValkeyServer

CHAIN = """
dag_id: chain
tasks:
  first: {type: python, callable: "operator:add", args: [20, 1]}
  second: {type: shell, depends_on: [first], command: [sh, -c, 'echo "n is $N"; echo "n=$N" >> "$MAINSPRING_OUTPUT"'],
           env: {N: "${{ tasks.first.outputs.return_value * 2 }}"}}
outputs: {n: "${{ tasks.second.outputs.n }}"}
"""
SLOW = """
dag_id: slow
tasks:
  only:
    type: shell
    retries: 1
    retry_delay: 0s
    script: |
      echo $$ >> "$WITNESS"
      while [ ! -e "$GO" ]; do sleep 0.05; done
    env: {WITNESS: "${{ params.witness }}", GO: "${{ params.go }}"}
"""


FRAGILE = SLOW.replace("slow", "fragile").replace("retries: 1", "retries: 0")


REST_SECONDS = 60


@dataclass(kw_only=True)
class Resting:
    """A server on default settings that was given nothing to do."""

    server: Server
    since: float
    """By the monotonic clock."""


@pytest.fixture(scope="module", autouse=True)
def resting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resting]:
    """It rests beside the other tests of this module, so that its minute costs little."""
    with tempfile.TemporaryDirectory(prefix="mainspring-vk-", dir="/tmp") as folder, ExitStack() as stack:
        redis = ValkeyServer.start(Path(folder))
        stack.callback(redis.close)
        home = tmp_path_factory.mktemp("resting") / "home"
        server = stack.enter_context(started(home, executor="rq", redis_url=redis.url, execution_port="0"))
        yield Resting(server=server, since=monotonic())


def part(server_pid: int, name: str) -> int:
    """The lowest process id of one service."""
    return min(parts(server_pid, name))


def parts(server_pid: int, name: str) -> list[int]:
    """The processes of one service."""
    found = [pid for pid in descendants(server_pid) if f"mainspring_cli {name}" in cmdline_of(pid)]
    assert found, f"no {name}"
    return found


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def test_a_dag_runs_on_a_worker_with_its_logs_and_outputs(tmp_path: Path, valkey_url: str) -> None:
    with started(tmp_path / "home", executor="rq", redis_url=valkey_url, execution_port="0") as server:
        server.put_dag(CHAIN)
        path = server.trigger("chain")
        run = server.wait(path)
        assert (run["state"], run["outputs"]) == ("success", {"n": 42})
        assert "n is 42" in server.log(path, "second")
        assert server.instances(path)["second"]["executor"] == "rq"


def test_a_worker_that_dies_loses_its_task_which_is_tried_again(tmp_path: Path, valkey_url: str) -> None:
    execution_log, go = tmp_path / "witness", tmp_path / "go"
    settings = {"executor": "rq", "redis_url": valkey_url, "execution_port": "0", "lease_seconds": "2"}
    with started(tmp_path / "home", **settings) as server:
        server.put_dag(SLOW)
        path = server.trigger("slow", {"witness": str(execution_log), "go": str(go)})
        until(lambda: len(lines(execution_log)) == 1, "the first try")
        os.kill(part(server.process.pid, "worker"), signal.SIGKILL)
        until(lambda: not is_running(int(lines(execution_log)[0])), "the end of the first try's process")
        until(lambda: len(lines(execution_log)) == 2, "the second try")
        go.touch()
        assert server.wait(path)["state"] == "success"


@pytest.mark.parametrize("victim", ["scheduler", "execution-api"])
def test_a_task_survives_the_death_of_a_service(tmp_path: Path, valkey_url: str, victim: str) -> None:
    execution_log, go = tmp_path / "witness", tmp_path / "go"
    with started(tmp_path / "home", executor="rq", redis_url=valkey_url, execution_port="0") as server:
        server.put_dag(SLOW)
        path = server.trigger("slow", {"witness": str(execution_log), "go": str(go)})
        until(lambda: len(lines(execution_log)) == 1, "the first try")
        os.kill(part(server.process.pid, victim), signal.SIGKILL)
        go.touch()
        assert server.wait(path)["state"] == "success"
        assert len(lines(execution_log)) == 1, "it ran once"


def test_attempts_that_redis_forgot_are_put_back(tmp_path: Path, valkey_url: str) -> None:
    with started(tmp_path / "home", executor="rq", redis_url=valkey_url, execution_port="0") as server:
        server.put_dag(CHAIN)
        assert server.wait(server.trigger("chain"))["state"] == "success"
        worker = part(server.process.pid, "worker")
        os.kill(worker, signal.SIGSTOP)
        with closing(Redis.from_url(valkey_url)) as redis:
            path = server.trigger("chain")
            until(lambda: any(b"rq:job:" in key for key in redis.scan_iter()), "the attempt in Redis")
            redis.flushall()
        os.kill(worker, signal.SIGCONT)
        assert server.wait(path)["state"] == "success"
        assert server.instances(path)["first"]["try_number"] == 1


def test_a_task_that_ends_while_redis_is_away_has_succeeded_and_the_next_run(tmp_path: Path) -> None:
    execution_log, go = tmp_path / "witness", tmp_path / "go"
    with tempfile.TemporaryDirectory(prefix="mainspring-vk-", dir="/tmp") as folder, ExitStack() as stack:
        redis = ValkeyServer.start(Path(folder))
        server = stack.enter_context(started(tmp_path / "home", executor="rq", redis_url=redis.url, execution_port="0"))
        server.put_dag(SLOW)
        server.put_dag(CHAIN)
        path = server.trigger("slow", {"witness": str(execution_log), "go": str(go)})
        until(lambda: len(lines(execution_log)) == 1, "the first try")
        redis.process.kill()
        redis.close()
        later = server.trigger("chain")
        go.touch()
        assert server.wait(path)["state"] == "success"
        redis = ValkeyServer.start(Path(folder))  # with nothing in it
        stack.callback(redis.close)
        assert server.wait(later)["state"] == "success"
        assert len(lines(execution_log)) == 1
        assert server.instances(later)["first"]["try_number"] == 1


def test_an_outage_of_the_execution_api_longer_than_a_lease_loses_nothing(tmp_path: Path, valkey_url: str) -> None:
    """What could not renew its lease was stopped in time, and runs again without having spent a try."""
    execution_log, go = tmp_path / "witness", tmp_path / "go"
    settings = {"executor": "rq", "redis_url": valkey_url, "execution_port": "0", "lease_seconds": "3"}
    with started(tmp_path / "home", **settings) as server:
        server.put_dag(FRAGILE)
        path = server.trigger("fragile", {"witness": str(execution_log), "go": str(go)})
        until(lambda: len(lines(execution_log)) == 1, "the first start")
        away = parts(server.process.pid, "execution-api")
        for pid in away:
            os.kill(pid, signal.SIGSTOP)
        stopped_at = monotonic()
        until(lambda: not is_running(int(lines(execution_log)[0])), "the end of what could not be renewed")
        until(lambda: monotonic() - stopped_at > 8, "the end of the lease and of every margin")
        assert server.client.get(path)["state"] == "running"
        for pid in away:
            os.kill(pid, signal.SIGCONT)
        until(lambda: len(lines(execution_log)) == 2, "the second start")
        go.touch()
        assert server.wait(path)["state"] == "success"


def test_two_queues_have_a_worker_each(tmp_path: Path, valkey_url: str) -> None:
    settings = {"executor": "rq", "redis_url": valkey_url, "execution_port": "0", "queues": "default,gpu"}
    with started(tmp_path / "home", **settings) as server:
        server.put_dag(CHAIN.replace("args: [20, 1]", "args: [20, 1], queue: gpu"))
        path = server.trigger("chain")
        assert server.wait(path)["state"] == "success"
        shown = server.instances(path)
        assert [shown[name]["queue"] for name in ("first", "second")] == ["gpu", "default"]


def test_clients_that_never_finish_what_they_say_do_not_hold_up_workers(tmp_path: Path, valkey_url: str) -> None:
    """As after a cut of the network in the middle of requests: more of them than the execution API has threads."""
    address = ("127.0.0.1", free_port())
    settings = {"executor": "rq", "redis_url": valkey_url, "execution_port": str(address[1])}
    head = b"POST /execution/v1/beat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    with ExitStack() as stack, started(tmp_path / "home", **settings) as server:
        server.put_dag(CHAIN)
        assert server.wait(server.trigger("chain"))["state"] == "success"
        for number in range(2 * THREADS):
            client = stack.enter_context(socket.create_connection(address))
            client.sendall(head + (b"" if number % 2 else b"Authorization: Bearer nobody\r\n\r\n{"))
        assert server.wait(server.trigger("chain"))["state"] == "success"


def test_clients_that_keep_their_connections_are_all_answered(tmp_path: Path, valkey_url: str) -> None:
    """More of them than there are threads, and each asks again: no thread stays with one while another waits."""
    host, port = "127.0.0.1", free_port()
    settings = {"executor": "rq", "redis_url": valkey_url, "execution_port": str(port)}
    with ExitStack() as stack, started(tmp_path / "home", **settings) as server:
        server.put_dag(CHAIN)
        assert server.wait(server.trigger("chain"))["state"] == "success"
        clients = [stack.enter_context(closing(HTTPConnection(host, port, timeout=20))) for _ in range(3 * THREADS)]
        for _ in range(3):
            for client in clients:
                client.request("GET", "/execution/v1/health")
                assert client.getresponse().read()
        sockets = {client.sock for client in clients}
        assert len(sockets) == len(clients)
        assert None not in sockets


def test_fifty_clients_that_wait_do_not_hold_up_claims(tmp_path: Path, valkey_url: str) -> None:
    execution_log, go = tmp_path / "witness", tmp_path / "go"
    settings = {"executor": "rq", "redis_url": valkey_url, "execution_port": "0", "queues": "default,gpu"}
    with started(tmp_path / "home", **settings, api_threads="256") as server, ThreadPoolExecutor(50) as clients:
        server.put_dag(SLOW.replace("type: shell", "type: shell\n    queue: gpu"))
        server.put_dag(CHAIN)
        path = server.trigger("slow", {"witness": str(execution_log), "go": str(go)})
        until(lambda: len(lines(execution_log)) == 1, "the start")
        waits = [clients.submit(server.client.get, f"{path}/wait?interval=0.1") for _ in range(50)]
        try:
            for _ in range(3):
                assert server.wait(server.trigger("chain"))["state"] == "success"
            assert not any(wait.done() for wait in waits)
        finally:
            go.touch()
        assert {wait.result()["state"] for wait in waits} == {"success"}


def test_a_crowd_that_never_finishes_what_it_says_interrupts_no_task(tmp_path: Path, valkey_url: str) -> None:
    """For longer than a lease, and from the worker's own address: the worker renews its lease all the time."""
    address = ("127.0.0.1", free_port())
    execution_log, go = tmp_path / "witness", tmp_path / "go"
    settings = {"executor": "rq", "redis_url": valkey_url, "execution_port": str(address[1]), "lease_seconds": "3"}
    with ExitStack() as stack, started(tmp_path / "home", **settings) as server:
        server.put_dag(FRAGILE)
        path = server.trigger("fragile", {"witness": str(execution_log), "go": str(go)})
        until(lambda: len(lines(execution_log)) == 1, "the first start")
        crowded_until = monotonic() + 7
        while monotonic() < crowded_until:
            client = stack.enter_context(socket.create_connection(address))
            with suppress(OSError):
                client.sendall(b"POST /execution/v1/beat HTTP/1.1\r\nHost: localhost\r\n")
            assert server.client.get(path)["state"] == "running"
        assert is_running(int(lines(execution_log)[0]))
        go.touch()
        assert server.wait(path)["state"] == "success"
        assert len(lines(execution_log)) == 1


def test_outages_of_redis_end_no_process(tmp_path: Path) -> None:
    """Redis is unreachable each time the worker's task ends, and comes back after the worker has asked again."""
    with tempfile.TemporaryDirectory(prefix="mainspring-vk-", dir="/tmp") as folder, ExitStack() as stack:
        redis = ValkeyServer.start(Path(folder))
        server = stack.enter_context(started(tmp_path / "home", executor="rq", redis_url=redis.url, execution_port="0"))
        server.put_dag(SLOW)
        # Its task host is started anew where it ends; the services are not.
        services = set(services_of(server))
        for number in range(3):
            execution_log, go = tmp_path / f"witness-{number}", tmp_path / f"go-{number}"
            path = server.trigger("slow", {"witness": str(execution_log), "go": str(go)})
            until(lambda: len(lines(execution_log)) == 1, "the start")  # noqa: B023  # called within this turn
            redis.process.kill()
            redis.close()
            text = "Redis is unreachable"
            seen = server.errors().count(text)
            go.touch()
            assert server.wait(path)["state"] == "success"
            until(
                lambda: server.errors().count(text) > seen + 2 or "starting it again" in server.errors(),  # noqa: B023
                "a worker that has asked again",
            )
            redis = ValkeyServer.start(Path(folder))
        stack.callback(redis.close)
        path = server.trigger("slow", {"witness": str(tmp_path / "last"), "go": str(tmp_path / "go-0")})
        assert server.wait(path)["state"] == "success"
        assert services <= set(services_of(server)), server.errors()
        assert server.process.poll() is None


def test_a_minute_of_rest_on_default_settings_logs_no_error(resting: Resting) -> None:
    until(lambda: monotonic() - resting.since > REST_SECONDS, "a minute", deadline_seconds=2 * REST_SECONDS)
    errors = [line for line in resting.server.errors().splitlines() if " ERROR " in line or "Traceback" in line]
    assert errors == []
    assert "Redis is unreachable" not in resting.server.errors()


def services_of(server: Server) -> dict[int, str]:
    """Process id -> command of each service that `up` started itself."""
    return {pid: cmdline_of(pid) for pid in descendants(server.process.pid) if parent_of(pid) == server.process.pid}
