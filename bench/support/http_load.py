"""A client that costs little beside the server it measures: requests as bytes on connections that stay open."""

import socket
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median, quantiles
from urllib.parse import urlsplit

__all__ = ["Connection", "Load", "latencies_milliseconds", "p99", "request_bytes", "requests_per_second", "under_load"]


def request_bytes(
    method: str, path: str, *, token: str = "", body: bytes = b"", headers: Mapping[str, str] = {}
) -> bytes:
    """A request for `Connection.ask`. headers: besides those that each request has."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection:
    """One connection to a server, kept open."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> bytes:
        """The body of the answer, which must be a success with a Content-Length."""
        status, body = self.exchange(request)
        assert 200 <= status < 300, body.decode(errors="replace")
        return body

    def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer, which must have a Content-Length."""
        self._socket.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        head = received[:end].lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        while len(received) < end + 4 + length:
            received += self._receive()
        return int(head.split(b" ", 2)[1]), received[end + 4 :]

    def close(self) -> None:
        self._socket.close()

    def _receive(self) -> bytes:
        data = self._socket.recv(262_144)
        assert data, "the server closed the connection"
        return data


def latencies_milliseconds(url: str, requests: Sequence[bytes]) -> list[float]:
    """One after another by one client, after a few that warm it up."""
    connection = Connection(url)
    for request in requests[:5]:
        connection.ask(request)
    found = []
    for request in requests[5:]:
        begun = time.perf_counter()
        connection.ask(request)
        found.append((time.perf_counter() - begun) * 1000)
    connection.close()
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What some clients at once got."""

    per_second: float
    milliseconds: Sequence[float]
    """Of each answer, in no order."""


def under_load(url: str, request: bytes, *, clients: int, seconds: float) -> Load:
    """Send the same request from some clients at once, each as soon as the last answer came."""

    def ask_on(deadline: float) -> list[float]:
        connection, found = Connection(url), []
        while (begun := time.perf_counter()) < deadline:
            connection.ask(request)
            found.append((time.perf_counter() - begun) * 1000)
        connection.close()
        return found

    with ThreadPoolExecutor(clients) as pool:
        begun = time.perf_counter()
        found = list(pool.map(ask_on, [begun + seconds] * clients))
        took = time.perf_counter() - begun
    milliseconds = [each for of_client in found for each in of_client]
    return Load(per_second=len(milliseconds) / took, milliseconds=milliseconds)


def requests_per_second(url: str, request: bytes, *, clients: int, seconds: float) -> float:
    """How often the same request is answered to some clients at once."""
    return under_load(url, request, clients=clients, seconds=seconds).per_second


def p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100)[98] if len(values) > 1 else median(values)
