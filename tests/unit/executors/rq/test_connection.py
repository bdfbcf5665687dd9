"""The worker's connection to the execution API, against a server that is told what to do."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from mainspring.errors import ExecutorError
from mainspring_executors.rq.http_connection import Answer, Connection, Unreachable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Accepts connections; what each one does is given in order. Notes what it was sent."""

    def __init__(self, *conversations: Callable[[socket.socket, bytes], bool]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/base/"
        self.requests: list[bytes] = []
        self.closed = threading.Semaphore(0)
        """Released once for each connection that the server has closed."""
        self._conversations = conversations
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for converse in self._conversations:
            sock, _ = self.listener.accept()
            with sock:
                while (request := sock.recv(65536)) and b"\r\n\r\n" in request:
                    if not request.endswith(b"{}"):
                        request += sock.recv(65536)
                    self.requests.append(request)
                    if not converse(sock, request):
                        break
            self.closed.release()

    def close(self) -> None:
        self.listener.close()


@pytest.fixture
def open_server() -> Iterator[Callable[..., Server]]:
    with ExitStack() as stack:

        def open_(*conversations: Callable[[socket.socket, bytes], bool]) -> Server:
            server = Server(*conversations)
            stack.callback(server.close)
            return server

        yield open_


def answers(sock: socket.socket, request: bytes) -> bool:
    sock.sendall(OK)
    return True


def answers_and_hangs_up(sock: socket.socket, request: bytes) -> bool:
    sock.sendall(OK)
    return False


def hangs_up(sock: socket.socket, request: bytes) -> bool:
    return False


def says_nothing(sock: socket.socket, request: bytes) -> bool:
    return True


def post(connection: Connection, *, patience_seconds: float = 5.0) -> Answer:
    return connection.post("/beat", b"{}", {"Attempt-Token": "t"}, patience_seconds=patience_seconds)


def test_a_connection_is_kept_and_says_who_calls(open_server: Callable[..., Server]) -> None:
    server = open_server(answers)
    with closing(Connection(server.url, {"Authorization": "Bearer w"})) as connection:
        assert post(connection) == post(connection) == Answer(200, b"{}")
    head = server.requests[1].decode()
    assert head.startswith("POST /base/beat HTTP/1.1\r\n")
    assert "Authorization: Bearer w\r\n" in head
    assert "Attempt-Token: t\r\n" in head


def test_one_that_the_server_has_closed_meanwhile_is_made_anew(open_server: Callable[..., Server]) -> None:
    server = open_server(answers_and_hangs_up, answers)
    with closing(Connection(server.url, {})) as connection:
        post(connection)
        assert server.closed.acquire(timeout=5)
        assert post(connection) == Answer(200, b"{}")


@pytest.mark.parametrize(
    "converse", [pytest.param(hangs_up, id="hangs up"), pytest.param(says_nothing, id="says nothing")]
)
def test_a_request_without_an_answer_may_be_repeated(
    open_server: Callable[..., Server], converse: Callable[[socket.socket, bytes], bool]
) -> None:
    server = open_server(converse, answers)
    with closing(Connection(server.url, {})) as connection:
        with pytest.raises(Unreachable, match="cannot be reached"):
            post(connection, patience_seconds=0.2)
        assert post(connection) == Answer(200, b"{}")


def test_nobody_there_is_unreachable(open_server: Callable[..., Server]) -> None:
    server = open_server()
    server.close()
    with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:\d+/base cannot be reached"):
        post(Connection(server.url, {}))


@pytest.mark.parametrize("url", ["ftp://host", "host:8080", "http://"])
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ExecutorError, match="http"):
        Connection(url, {})
