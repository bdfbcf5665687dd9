"""What only shows on a real connection."""

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import orjson
import pytest

from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api
from tests.api.server import Server, serve
from tests.services.environment import child_environment


@pytest.fixture(scope="module")
def api(open_api: OpenApi) -> Iterator[Api]:
    with open_api("sqlite") as api:
        api.save("etl", {"a": SHELL})
        yield api


@pytest.fixture(scope="module")
def server(api: Api) -> Iterator[Server]:
    with serve(api) as server:
        yield server


def send_chunked(api: Api, server: Server, chunks: int) -> int:
    """POST so many KiB of a JSON object without telling their length beforehand; the status of the answer."""
    body = iter([b'{"x": "', *(b"y" * 1024 for _ in range(chunks)), b'"}'])
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request("POST", "/api/v2/dags/etl/dagRuns", body, headers, encode_chunked=True)
        return connection.getresponse().status


def test_a_body_of_unknown_length_is_bounded_too(api: Api, server: Server) -> None:
    assert send_chunked(api, server, 100) == 422
    assert send_chunked(api, server, 1025) == 413
    assert api.get("/dags/etl/dagRuns")["total_entries"] == 0


def test_two_lengths_at_once_are_refused(api: Api, server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(
            b"POST /api/v2/dags/etl/dagRuns HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
            b"Authorization: Bearer " + api.token.encode() + b"\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_yaml_body_of_unknown_length_is_not_cut_but_refused(api: Api, server: Server) -> None:
    comment = b"#" + b"x" * 1022 + b"\n"
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/yaml"}
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        body = iter([b"tasks: {a: {type: noop}}\n", *[comment] * 2048, b"description: the end\n"])
        connection.request("PUT", "/api/v2/dags/long", body, headers, encode_chunked=True)
        assert connection.getresponse().status == 413
    api.get("/dags/long", 404)


def begin_wait(api: Api, server: Server, run_id: str, timeout_seconds: float) -> http.client.HTTPConnection:
    """Ask for a stream of a run's states."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    path = f"/api/v2/dags/etl/dagRuns/{run_id}/wait?interval=0.1&timeout={timeout_seconds}"
    headers = {"Authorization": f"Bearer {api.token}", "Accept": "application/x-ndjson"}
    connection.request("GET", path, headers=headers)
    return connection


def test_a_waiting_client_that_leaves_gives_its_place_back(api: Api, server: Server) -> None:
    run_id = api.trigger()

    def look() -> int:
        with closing(begin_wait(api, server, run_id, 0.01)) as connection, connection.getresponse() as answer:
            return answer.status

    with ExitStack() as waits:
        for _ in range(4):
            connection = waits.enter_context(closing(begin_wait(api, server, run_id, 60)))
            assert waits.enter_context(connection.getresponse()).status == 200
        assert look() == 503
    deadline = time.monotonic() + 10
    while look() == 503:
        assert time.monotonic() < deadline, "the places of clients that left were not given back"


def test_a_stop_answers_those_who_wait(api: Api) -> None:
    run_id = api.trigger()
    with (
        serve(api) as server,
        closing(begin_wait(api, server, run_id, 60)) as connection,
        connection.getresponse() as answer,
    ):
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 15
        lines = answer.read().splitlines()
    assert orjson.loads(lines[-1]) == {
        "state": "queued",
        "state_reason": None,
        "message": None,
        "is_finished": False,
        "exit_code": 4,
        "failed_tasks": [],
        "failed_tasks_total": 0,
        "outputs": None,
        "results": {},
    }


def test_the_application_starts_without_what_only_some_requests_need() -> None:
    program = "import sys, mainspring_api.app; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], env=child_environment(), capture_output=True, text=True, check=True
    ).stdout.split()
    assert "flask" in loaded
    assert not {"cel", "jsonschema_rs", "psycopg", "alembic", "requests", "cryptography"} & set(loaded)
