"""A client that costs little beside the server it measures: requests as bytes on connections that stay open."""

import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from urllib.parse import urlsplit

__all__ = ["Connection", "latencies_milliseconds", "p99", "request_bytes", "requests_per_second"]


def request_bytes(method: str, path: str, *, token: str = "", body: bytes = b"") -> bytes:
    """A request for `Connection.ask`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}"]
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
        self._socket.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        head = received[:end].lower()
        assert head.split(b" ", 2)[1].startswith(b"2"), received.decode(errors="replace")
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        while len(received) < end + 4 + length:
            received += self._receive()
        return received[end + 4 :]

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


def requests_per_second(url: str, request: bytes, *, clients: int, seconds: float) -> float:
    """How often the same request is answered to some clients at once."""

    def ask_on(deadline: float) -> int:
        connection, count = Connection(url), 0
        while time.perf_counter() < deadline:
            connection.ask(request)
            count += 1
        connection.close()
        return count

    with ThreadPoolExecutor(clients) as pool:
        begun = time.perf_counter()
        counts = list(pool.map(ask_on, [begun + seconds] * clients))
        return sum(counts) / (time.perf_counter() - begun)


def p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100)[98] if len(values) > 1 else median(values)
