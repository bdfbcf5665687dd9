"""Clients that are slow, in a process of their own: `python -m tests.services.slow_clients HOST PORT SILENT DRIPPING`.

The first so many connections send nothing; the next so many send the head of a request byte by byte, one every three
seconds. A connection that the server ends is opened again. Each comes from one of forty addresses of loopback, so all
are open at once unless the server caps them in total. Prints `open N` whenever the number has grown to a new height,
and ends when its input ends.
"""

import random
import resource
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.services.environment import child_environment

__all__ = ["slow_clients"]

ROOT = Path(__file__).resolve().parents[2]
ADDRESSES = 40
_DRIP_SECONDS = 3.0
_TURN_SECONDS = 0.05
_OPENED_IN_TURN = 100
_HEAD = b"POST /execution/v1/beat HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 4000


@contextmanager
def slow_clients(host: str, port: int, *, silent: int, dripping: int) -> Iterator[None]:
    """All of them, open when this is entered and until it is left."""
    command = [sys.executable, "-m", "tests.services.slow_clients", host, str(port), str(silent), str(dripping)]
    with subprocess.Popen(
        command, env=child_environment(), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line == f"open {silent + dripping}\n":
                    break
            assert process.poll() is None, "the slow clients have ended"
            yield
        finally:
            process.kill()


class _Clients:
    def __init__(self, host: str, port: int, silent: int, dripping: int) -> None:
        self._server = (host, port)
        self._silent = silent
        self._wanted = silent + dripping
        self._free = list(range(self._wanted))
        self._open: dict[int, tuple[int, socket.socket]] = {}
        self._drips: list[tuple[float, int]] = []
        self._poll = select.epoll()
        self._highest = 0

    def turn(self) -> None:
        for _ in range(min(_OPENED_IN_TURN, len(self._free))):
            self._connect(self._free.pop())
        if len(self._open) > self._highest:
            self._highest = len(self._open)
            print("open", self._highest, flush=True)
        for descriptor, _ in self._poll.poll(_TURN_SECONDS, 1000):
            self._end(descriptor)
        self._drip()

    def _connect(self, number: int) -> None:
        client = socket.socket()
        client.setblocking(False)
        client.bind((f"127.0.3.{1 + number % ADDRESSES}", 0))
        with suppress(BlockingIOError):
            client.connect(self._server)
        self._open[client.fileno()] = (number, client)
        self._poll.register(client.fileno(), select.EPOLLIN | select.EPOLLRDHUP)
        if number >= self._silent:
            self._drips.append((time.monotonic() + random.uniform(0.1, _DRIP_SECONDS), client.fileno()))

    def _drip(self) -> None:
        now = time.monotonic()
        due = [descriptor for at, descriptor in self._drips if at <= now]
        self._drips = [drip for drip in self._drips if drip[0] > now]
        for descriptor in due:
            if descriptor in self._open:
                with suppress(OSError):
                    self._open[descriptor][1].send(_HEAD[:1])
                self._drips.append((now + _DRIP_SECONDS, descriptor))

    def _end(self, descriptor: int) -> None:
        number, client = self._open.pop(descriptor)
        self._poll.unregister(descriptor)
        client.close()
        self._free.append(number)


def main(host: str, port: str, silent: str, dripping: str) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = _Clients(host, int(port), int(silent), int(dripping))
    while not select.select([sys.stdin], [], [], 0)[0]:
        clients.turn()


if __name__ == "__main__":
    main(*sys.argv[1:])
