"""A proxy on loopback that cuts its connections off at random."""

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["CuttingProxy", "cutting_proxy"]


class CuttingProxy:
    """Passes each connection on to a port, and ends it after a random number of bytes."""

    def __init__(self, listener: socket.socket, port: int, *, seed: int, cuts: int, bytes_max: int) -> None:
        """cuts: number of connections to cut off; later connections stay. bytes_max: of an answer before the cut."""
        self.cuts = 0
        self.port = listener.getsockname()[1]
        self._listener, self._upstream_port = listener, port
        self._dice = random.Random(seed)
        self._cuts_max, self._bytes_max = cuts, bytes_max
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            is_cut = self.cuts < self._cuts_max
            allowance = self._dice.randint(400, self._bytes_max) if is_cut else None
            self.cuts += is_cut
            threading.Thread(target=self._pass_on, args=(client, allowance), daemon=True).start()

    def _pass_on(self, client: socket.socket, allowance: int | None) -> None:
        with client, socket.create_connection(("127.0.0.1", self._upstream_port)) as server, suppress(OSError):
            threading.Thread(target=_copy, args=(client, server), daemon=True).start()
            while data := server.recv(65536):
                if allowance is not None and len(data) >= allowance:
                    client.sendall(data[:allowance])
                    client.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads, which keeps the socket open
                    return
                client.sendall(data)
                allowance = None if allowance is None else allowance - len(data)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


@contextmanager
def cutting_proxy(port: int, *, seed: int, cuts: int = 50, bytes_max: int = 2000) -> Iterator[CuttingProxy]:
    """A proxy before a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield CuttingProxy(listener, port, seed=seed, cuts=cuts, bytes_max=bytes_max)
        listener.shutdown(socket.SHUT_RDWR)
