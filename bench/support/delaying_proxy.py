"""A proxy on a unix socket that delays each message: half of the delay on the way to the server, half on the way back.

python -m bench.support.delaying_proxy LISTENING_SOCKET SERVER_SOCKET MILLISECONDS

Messages on their way do not wait for each other, and the throughput has no limit: a network of this length does the
same. Prints a line when clients can connect.
"""

import select
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

__all__ = ["delayed"]

_SOCKET = ".s.PGSQL.5432"
_BYTES_MAX = 1 << 20


@contextmanager
def delayed(url: str, folder: Path, milliseconds: float) -> Iterator[str]:
    """The URL of the PostgreSQL at `url` behind a proxy, which ends with the block. `url` names a unix socket."""
    (server_folder,) = parse_qs(urlsplit(url).query)["host"]
    folder.mkdir()
    sockets = [str(folder / _SOCKET), str(Path(server_folder) / _SOCKET)]
    command = [sys.executable, "-m", "bench.support.delaying_proxy", *sockets, str(milliseconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline(), "the proxy has ended"
        yield url.replace(quote(server_folder, safe=""), quote(str(folder), safe=""))
    finally:
        process.terminate()
        process.wait()


class _Direction:
    """The messages on their way from one socket to the other."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source, self.target = source, target
        self._messages: deque[tuple[float, bytes]] = deque()
        """When each is due, and its bytes; no bytes = the source has closed."""

    def due_at(self) -> float:
        return self._messages[0][0] if self._messages else float("inf")

    def receive(self, delay: float) -> bool:
        """Take what has arrived. Returns whether the source may send more."""
        try:
            data = self.source.recv(_BYTES_MAX)
        except ConnectionError:
            data = b""
        self._messages.append((time.monotonic() + delay, data))
        return bool(data)

    def send(self, now: float) -> bool:
        """Hand over what is due. Returns whether the connection goes on."""
        while self._messages and self._messages[0][0] <= now:
            _, data = self._messages.popleft()
            if not data:
                return False
            try:
                self.target.sendall(data)
            except ConnectionError:
                return False
        return True


def main(listening: str, server: str, milliseconds: str) -> None:
    delay = float(milliseconds) / 2000
    directions: dict[socket.socket, _Direction] = {}
    silent: set[socket.socket] = set()
    """Sockets whose peer has closed."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(listening)
        listener.listen()
        print("ready", flush=True)
        while True:
            due_at = min((direction.due_at() for direction in directions.values()), default=float("inf"))
            # `select` waits by microseconds, `poll` by milliseconds.
            wait = None if due_at == float("inf") else max(0.0, due_at - time.monotonic())
            readable, _, _ = select.select([listener, *(directions.keys() - silent)], [], [], wait)
            for source in readable:
                if source is listener:
                    _connect(listener.accept()[0], server, directions)
                elif not directions[source].receive(delay):
                    silent.add(source)
            now = time.monotonic()
            for direction in [each for each in directions.values() if each.due_at() <= now]:
                if direction.source in directions and not direction.send(now):
                    for end in (direction.source, direction.target):
                        del directions[end]
                        silent.discard(end)
                        end.close()


def _connect(client: socket.socket, server: str, directions: dict[socket.socket, _Direction]) -> None:
    upstream = socket.socket(socket.AF_UNIX)
    upstream.connect(server)
    directions[client] = _Direction(client, upstream)
    directions[upstream] = _Direction(upstream, client)


if __name__ == "__main__":
    main(*sys.argv[1:])
