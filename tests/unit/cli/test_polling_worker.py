"""Clients that are slow, silent, malformed or many, at a real server process with two threads and small bounds."""

import select
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.services.environment import child_environment
from tests.services.tls import self_signed

PROGRAM = """
import sys
from gunicorn.app.base import BaseApplication
from mainspring_cli.connections import polling_worker
from mainspring_cli.connections.places import Caps

polling_worker.REQUEST_SECONDS_MAX = 2.0
polling_worker.STRANGER_IDLE_SECONDS_MAX = 1.0
polling_worker.SENDING_SECONDS_MAX = 2.0
descriptor, certificate, key = sys.argv[1:]

class Worker(polling_worker.PollingWorker):
    caps = Caps(address=8, total=20, principal=3)

def app(environ, start_response):
    principal = environ.get("HTTP_AUTHORIZATION")
    if principal:
        environ["mainspring.connection"].principal = principal
    body = environ["wsgi.input"].read()
    answer = b"x" * 20_000_000 if environ["PATH_INFO"] == "/large" else b"read " + body
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]

class Server(BaseApplication):
    def load_config(self):
        settings = {"bind": f"fd://{descriptor}", "worker_class": Worker, "threads": 2, "workers": 1, "keepalive": 30,
                    "loglevel": "error", "control_socket_disable": True, "forwarded_allow_ips": "127.0.0.99",
                    "certfile": certificate or None, "keyfile": key or None}
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self):
        return app

Server().run()
"""
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\n"


class Client:
    """Connections to one server, from any address of loopback."""

    def __init__(self, port: int, stack: ExitStack, process: "subprocess.Popen[bytes] | None" = None) -> None:
        self.port = port
        self.process = process
        self._stack = stack

    def connect(self, sent: bytes = b"", address: str = "127.0.0.1") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30, source_address=(address, 0))
        self._stack.enter_context(connection)
        connection.sendall(sent)
        return connection

    def ask(self, sent: bytes, address: str = "127.0.0.1") -> bytes:
        """All that the server says until it ends the connection."""
        return read_all(self.connect(sent, address))


def read_all(connection: socket.socket) -> bytes:
    pieces = []
    while piece := connection.recv(1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def ask_unless_refused(port: int, sent: bytes) -> bytes | None:
    """None: the connection is refused."""
    try:
        connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    except ConnectionRefusedError:
        return None
    with connection:
        connection.sendall(sent)
        return read_all(connection)


def read_answer(connection: socket.socket) -> bytes:
    """One answer of few bytes; the connection stays."""
    said = b""
    while b"read " not in said:
        piece = connection.recv(65536)
        assert piece, said
        said += piece
    return said


def is_open(connection: socket.socket) -> bool:
    return not select.select([connection], [], [], 0)[0]


@contextmanager
def served(certificate: str = "", key: str = "") -> Iterator[Client]:
    with ExitStack() as stack:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port, descriptor = listener.getsockname()[1], listener.fileno()
            command = [sys.executable, "-c", PROGRAM, str(descriptor), certificate, key]
            process = subprocess.Popen(command, env=child_environment(), pass_fds=[descriptor])
        try:
            yield Client(port, stack, process)
        finally:
            stack.close()
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    with served() as client:
        yield client


@pytest.fixture
def client(shared: Client) -> Iterator[Client]:
    with ExitStack() as stack:
        yield Client(shared.port, stack)


def test_a_connection_is_kept_for_more_requests_and_they_may_come_at_once(client: Client) -> None:
    connection = client.connect(GET)
    assert read_answer(connection).startswith(ANSWER)
    last = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    connection.sendall(CHUNKED + b"2\r\nab\r\n0\r\n\r\n" + GET + last)
    said = read_all(connection)
    assert said.count(ANSWER) == 3
    assert said.index(b"read ab") < said.index(b"read ", said.index(b"read ab") + 1)


@pytest.mark.parametrize(
    "chunks",
    [b"zz\r\n", b"-1\r\n", b"1\r\nabc\r\n0\r\n\r\n", b"1;a b\r\na\r\n0\r\n\r\n", b"0\r\nContent-Length: 3\r\n\r\n"],
    ids=["no number", "a sign", "longer than its size", "an extension that is none", "a trailer that frames"],
)
def test_malformed_chunks_are_a_bad_request(client: Client, chunks: bytes) -> None:
    assert client.ask(CHUNKED + chunks).startswith(b"HTTP/1.1 400 ")


def test_a_large_body_in_small_chunks_costs_no_more_than_its_size(client: Client) -> None:
    connection = client.connect(CHUNKED + b"40\r\n%b\r\n" % (b"x" * 64) * 20_000 + b"0\r\n\r\n")
    said = read_answer(connection)
    assert said.startswith(ANSWER)


@pytest.mark.parametrize(
    ("framing", "status"),
    [
        (b"Content-Length: 4\r\nTransfer-Encoding: chunked", 400),
        (b"Content-Length: 4\r\nContent-Length: 5", 400),
        (b"Content-Length: +4", 400),
        (b"Transfer-Encoding: identity", 400),
        (b"Transfer-Encoding : chunked", 400),
        (b"Transfer-Encoding: chunked, chunked", 400),
        (b"Transfer-Encoding: xchunked", 501),
        (b"Expect: luck", 417),
        (b"X: " + b"x" * 9000, 431),
        (b"X: y\r\n" * 6000 + b"Z: z", 431),
    ],
)
def test_a_request_whose_end_is_not_certain_is_refused_and_starts_no_other(
    client: Client, framing: bytes, status: int
) -> None:
    said = client.ask(b"POST / HTTP/1.1\r\nHost: localhost\r\n" + framing + b"\r\n\r\n0\r\n\r\n" + GET)
    assert said.startswith(b"HTTP/1.1 %d " % status)
    assert said.count(b"HTTP/1.1 ") == 1


def test_a_client_that_asks_first_is_asked_for_its_body(client: Client) -> None:
    connection = client.connect(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    )
    assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"ab")
    said = read_answer(connection)
    assert said.startswith(ANSWER)
    assert said.endswith(b"read ab")


def test_a_request_has_one_deadline_and_a_byte_now_and_then_does_not_move_it(client: Client) -> None:
    dripping, silent = client.connect(), client.connect()
    started = time.monotonic()
    rest = iter(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1000)
    while is_open(dripping):
        assert time.monotonic() - started < 20, "a byte now and then keeps the connection"
        dripping.sendall(bytes([next(rest)]))
        select.select([dripping], [], [], 0.1)
    assert read_all(dripping).startswith(b"HTTP/1.1 408 ")
    assert read_all(silent) == b""


def test_a_body_is_part_of_the_same_deadline(client: Client) -> None:
    dripping = client.connect(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
    started = time.monotonic()
    while is_open(dripping):
        assert time.monotonic() - started < 20
        dripping.sendall(b"x")
        select.select([dripping], [], [], 0.1)
    assert read_all(dripping).startswith(b"HTTP/1.1 408 ")


def test_more_slow_clients_than_threads_hold_up_no_request(client: Client) -> None:
    slow = [client.connect(b"" if number % 2 else b"GET / HT") for number in range(7)]
    assert read_answer(client.connect(GET)).startswith(ANSWER)
    assert all(map(is_open, slow))


def test_of_one_address_the_oldest_are_closed_and_a_whole_request_is_answered(client: Client) -> None:
    silent = [client.connect() for _ in range(30)]
    assert read_answer(client.connect(GET)).startswith(ANSWER)
    assert [is_open(connection) for connection in silent[:22]] == [False] * 22


def test_all_addresses_together_are_capped(client: Client) -> None:
    silent = [client.connect(address=f"127.0.1.{number}") for number in range(1, 41)]
    assert read_answer(client.connect(GET, address="127.0.2.1")).startswith(ANSWER)
    assert sum(map(is_open, silent)) <= 20


def test_a_trusted_proxy_has_more_than_one_clients_share(client: Client) -> None:
    through = [client.connect(address="127.0.0.99") for _ in range(16)]
    assert read_answer(client.connect(GET, address="127.0.0.99")).startswith(ANSWER)
    assert all(map(is_open, through))


def test_a_connection_with_a_credential_is_not_pushed_out_by_those_without(client: Client) -> None:
    mine = client.connect(GET.replace(b"\r\n\r\n", b"\r\nAuthorization: ann\r\n\r\n"))
    assert read_answer(mine).startswith(ANSWER)
    for number in range(60):
        client.connect(address="127.0.0.1" if number % 2 else f"127.0.1.{number}")
    assert read_answer(client.connect(GET)).startswith(ANSWER)
    mine.sendall(GET)
    assert read_answer(mine).startswith(ANSWER)


def test_one_principal_has_so_many_connections_and_no_more(client: Client) -> None:
    asked = GET.replace(b"\r\n\r\n", b"\r\nAuthorization: bob\r\n\r\n")
    mine = []
    for _ in range(5):
        mine.append(client.connect(asked))
        assert read_answer(mine[-1]).startswith(ANSWER)
    assert read_all(mine[0]) == b""
    assert [is_open(connection) for connection in mine[2:]] == [True] * 3


def test_clients_that_do_not_take_their_answers_hold_no_thread_and_are_ended(client: Client) -> None:
    large = GET.replace(b"/ ", b"/large ", 1)
    slow = [client.connect(large) for _ in range(2)]
    assert all(select.select([connection], [], [], 30)[0] for connection in slow)
    started = time.monotonic()
    assert read_answer(client.connect(GET)).startswith(ANSWER)
    assert time.monotonic() - started < 15
    whole = client.ask(large.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert whole.endswith(b"x" * 1000)
    assert len(whole.partition(b"\r\n\r\n")[2]) == 20_000_000


def test_a_client_that_never_shakes_hands_holds_up_no_other(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.create_default_context(cafile=str(certificate))
    with served(str(certificate), str(key)) as client:
        silent = [client.connect(b"" if number % 2 else b"\x16\x03\x01") for number in range(6)]
        with context.wrap_socket(client.connect(), server_hostname="localhost") as connection:
            connection.sendall(CHUNKED + b"2\r\nab\r\n0\r\n\r\n" + GET)
            said = b""
            while said.count(b"read ") < 2:
                said += connection.recv(65536)
        assert said.count(ANSWER) == 2
        assert [read_all(connection) for connection in silent] == [b""] * 6


def test_a_worker_that_stops_answers_whoever_is_connected_and_refuses_all_others() -> None:
    last = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with served() as client:
        assert client.process is not None
        in_work = client.connect(CHUNKED + b"2\r\nab\r\n")
        assert client.ask(last).startswith(ANSWER)
        client.process.send_signal(signal.SIGTERM)
        answers = list(iter(lambda: ask_unless_refused(client.port, last), None))
        assert all(answer is not None and answer.startswith(ANSWER) for answer in answers)
        in_work.sendall(b"0\r\n\r\n")
        assert read_answer(in_work).endswith(b"read ab")
