"""Streams and waits at real server processes: no thread each, cut off at random, slow readers."""

import json
import random
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api
from tests.api.server import Server, serve

START = "0" * 16


class Follower:
    """A client of the stream, over a socket of its own."""

    def __init__(self, port: int, token: str, path: str, accept: str = "text/event-stream") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        head = f"Host: localhost\r\nAuthorization: Bearer {token}\r\nAccept: {accept}\r\n\r\n"
        self.socket.sendall(f"GET /api/v2{path} HTTP/1.0\r\n{head}".encode())
        self._file = self.socket.makefile("rb")

    def head(self) -> str:
        lines = []
        while (line := self._file.readline()) not in (b"\r\n", b""):
            lines.append(line.decode())
        return "".join(lines)

    def events(self) -> Iterator[dict[str, Any]]:
        members: dict[str, str] = {}
        for raw in self._file:
            line = raw.decode().rstrip("\n")
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                members[name] = value
            elif not line and members:
                yield {"id": members["id"], "event": members["event"], **json.loads(members["data"])}
                members = {}

    def body(self) -> bytes:
        return self._file.read()

    def close(self) -> None:
        self._file.close()
        self.socket.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, open_api: OpenApi) -> Iterator[tuple[Api, Server]]:
    """Two processes, each with eight threads."""
    with open_api(request.param) as api:
        api.save("etl", {"a": SHELL})
        with serve(api, processes=2, waits_max=64) as server:
            yield api, server


def test_many_more_clients_than_threads_follow_and_wait(served: tuple[Api, Server]) -> None:
    api, server = served
    api.trigger(run_id="r1")
    wait = "/dags/etl/dagRuns/r1/wait?interval=1"
    with ExitStack() as stack:
        streams = [Follower(server.port, api.token, "/events") for _ in range(40)]
        polls = [Follower(server.port, api.token, "/events?wait=30", "application/json") for _ in range(4)]
        waits = [Follower(server.port, api.token, wait, "application/json") for _ in range(4)]
        for each in [*streams, *polls, *waits]:
            stack.callback(each.close)
        # The begin of a stream shows that it follows; a waiting request is sent its head at once.
        assert all("200 OK" in each.head() for each in [*streams, *polls, *waits])
        api.patch("/dags/etl/dagRuns/r1", {"state": "failed"})
        for each in streams:
            state = next(event["state"] for event in each.events() if event["event"] == "run")
            assert state == "failed"
        assert {json.loads(each.body())["state"] for each in waits} == {"failed"}
        assert all(json.loads(each.body())["events"] for each in polls)


def test_a_client_that_is_cut_off_again_and_again_gets_the_whole_log(served: tuple[Api, Server]) -> None:
    api, server = served
    dice = random.Random(7)
    names = [f"r{number}" for number in range(120)]
    stop = threading.Event()

    def change() -> None:
        for name in names:
            api.trigger(run_id=name)
        stop.set()

    seen: list[dict[str, Any]] = []
    last, cuts = START, 0
    with ThreadPoolExecutor(1) as pool:
        changing = pool.submit(change)
        while sum(event["event"] == "run" for event in seen) < len(names):
            follower = Follower(server.port, api.token, f"/events?after={last}")
            follower.head()
            patience = dice.randint(1, 5) if cuts < 50 else 10_000
            for event in follower.events():
                seen.append(event)
                last = event["id"]
                patience -= 1
                if not patience or event.get("dag_run_id") == names[-1]:
                    break
            follower.close()
            cuts += 1
        changing.result()
    runs = [event["dag_run_id"] for event in seen if event["event"] == "run"]
    assert runs == names
    assert cuts >= 20
    assert [event["id"] for event in seen] == sorted({event["id"] for event in seen})


def test_a_stopped_server_ends_its_streams(open_api: OpenApi) -> None:
    with open_api("sqlite") as api:
        api.save("etl", {"a": SHELL})
        with serve(api) as server:
            follower = Follower(server.port, api.token, "/events")
            follower.head()
            server.stop()
            assert b"event" not in follower.body()
            follower.close()
