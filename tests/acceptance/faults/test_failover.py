"""The database and Redis fail over to another server: what serves goes on by itself, and nothing is lost."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from redis import Redis

from tests.acceptance.faults.test_outages import GATED
from tests.acceptance.server import ask, started, until
from tests.services.ports import free_port
from tests.services.postgres import PostgresServer
from tests.services.valkey import ValkeyServer


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path]]:
    """Two folders with short paths, for sockets."""
    with (
        tempfile.TemporaryDirectory(prefix="mainspring-a-", dir="/tmp") as first,
        tempfile.TemporaryDirectory(prefix="mainspring-b-", dir="/tmp") as second,
    ):
        yield Path(first), Path(second)


def test_a_promoted_replica_goes_on_with_the_runs(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    starts, gate = tmp_path / "starts", tmp_path / "gate"
    primary = PostgresServer.start(folders[0], fsync=True)
    name = urlsplit(primary.create_database()).path
    standby = primary.start_standby(folders[1])
    hosts = quote(",".join(str(folder / "run") for folder in folders), safe="")
    url = f"postgresql://mainspring@{name}?host={hosts}&target_session_attrs=read-write"
    try:
        # A single process answers all requests: of two, one may still be starting, or find the outage later.
        with started(tmp_path / "home", executor="thread", database_url=url, api_processes="1") as server:
            server.put_dag(GATED)
            path = server.trigger("gated", {"starts": str(starts), "gate": str(gate)})
            until(lambda: starts.exists() and bool(starts.read_text()), "the start of the task")
            pids = {service: server.pid_of(service) for service in ("api", "scheduler")}
            primary.crash()
            status, _, problem = ask(server, "/api/v2/dags")
            assert (status, problem["code"]) == (503, "unavailable")
            gate.touch()
            standby.promote()
            until(lambda: ask(server, "/ready")[0] == 200, "the API is ready again")
            assert server.wait(path)["state"] == "success", server.errors()
            assert len(starts.read_text().split()) == 1, "it ran once"
            assert {service: server.pid_of(service) for service in pids} == pids
    finally:
        standby.close()
        primary.close()


def test_a_replica_that_sentinels_promote_takes_the_place_of_redis(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    watch = tmp_path / "watch"
    watch.mkdir()
    first, second, watching = (free_port() for _ in range(3))
    secrets = ("requirepass pass/word", "masterauth pass/word", "repl-diskless-sync-delay 0")
    master = ValkeyServer.start_on(folders[0], first, *secrets)
    replica = ValkeyServer.start_on(folders[1], second, *secrets, f"replicaof 127.0.0.1 {first}")
    rules = (
        f"sentinel monitor queue 127.0.0.1 {first} 1",
        "sentinel auth-pass queue pass/word",
        "sentinel down-after-milliseconds queue 500",
        "sentinel failover-timeout queue 2000",
    )
    sentinel = ValkeyServer.start_on(watch, watching, *rules, is_sentinel=True)
    url = f"redis+sentinel://:pass%2Fword@127.0.0.1:{watching}/queue/0"
    definition = "dag_id: quick\ntasks:\n  a: {type: shell, command: ['true']}\n"
    try:
        with (
            Redis(port=watching, decode_responses=True) as asked,
            started(tmp_path / "home", executor="rq", redis_url=url, execution_port="0") as server,
        ):
            until(lambda: _replicas(asked) == 1, "the sentinel knows the replica")
            server.put_dag(definition)
            assert server.wait(server.trigger("quick"))["state"] == "success", server.errors()
            pids = {service: server.pid_of(service) for service in ("scheduler", "api")}
            master.process.kill()
            assert server.wait(server.trigger("quick"))["state"] == "success", server.errors()
            assert asked.sentinel_get_master_addr_by_name("queue") == ("127.0.0.1", second)
            assert {service: server.pid_of(service) for service in pids} == pids
    finally:
        for process in (sentinel, replica, master):
            process.close()


def _replicas(asked: Any) -> int:
    """Replicas that the sentinel would promote."""
    return sum(each["master-link-status"] == "ok" for each in asked.sentinel_slaves("queue"))
