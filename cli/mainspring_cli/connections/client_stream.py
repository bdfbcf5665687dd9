"""The way from a thread to a client: writes that do not wait for a slow reader."""

import select
import socket
import ssl
import time
from threading import Lock
from typing import Any

__all__ = ["LAST_CHUNK", "ClientStream", "Unsent"]

UNSENT_BYTES_MAX = 16 * 1024 * 1024
"""Of one connection. A thread that writes more than the client takes waits from here on."""
STALL_SECONDS_MAX = 10.0
"""How long a thread waits for a client to take some of it. Then the connection ends."""
LAST_CHUNK = b"0\r\n\r\n"
_CHUNKED = b"\r\nTransfer-Encoding: chunked"
_WAITING = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Unsent:
    """Bytes of answers that clients have yet to take, of all connections of a process. For many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.count = 0

    def add(self, count: int) -> None:
        with self._lock:
            self.count += count


class ClientStream:
    """What gunicorn and the application take for the client's socket. A write keeps what the client does not take at
    once, in memory; the worker's loop sends the rest when no thread is with the connection any more."""

    def __init__(self, connected: socket.socket, unsent: Unsent) -> None:
        self.socket = connected
        self.principal: str | None = None
        """Whose credential the latest request showed; `None` = none, or none that is valid."""
        self._all_unsent = unsent
        self._unsent = bytearray()
        self._head: bytes | None = None
        self._is_at_start = False
        self.rest: Any = None
        """A `HeldAnswer` that the loop takes over after the request; `None` = the answer is complete."""
        self.is_chunked = False

    def begin(self) -> None:
        """Before each request."""
        self.principal = None
        self._is_at_start = True
        self.rest = None
        self.is_chunked = False

    def hold(self, rest: Any) -> None:
        """Called by the application when its answer is sent up to here; the loop sends the rest without a thread."""
        self.rest = rest

    @property
    def has_unsent(self) -> bool:
        return bool(self._unsent)

    @property
    def unsent_bytes(self) -> int:
        return len(self._unsent)

    def sendall(self, data: bytes) -> None:
        """Raises ConnectionError when the client has left, or takes nothing for `STALL_SECONDS_MAX`."""
        if self._is_at_start:
            self._is_at_start = False
            self.is_chunked = _CHUNKED in data.partition(b"\r\n\r\n")[0]
            self._head = data  # gunicorn writes head and body apart; joined, they cost one packet
            return
        if self.rest is not None and data == LAST_CHUNK:
            return  # gunicorn ends the body, which goes on
        if self._head is not None:
            data, self._head = self._head + data, None
        self._write(data)
        if len(self._unsent) > UNSENT_BYTES_MAX:
            self._wait_for_room()

    def finish(self) -> None:
        """At the end of an answer: send a head that no body followed."""
        if self._head is not None:
            data, self._head = self._head, None
            self._write(data)

    def send_later(self, data: bytes) -> None:
        """For the loop: send what the client takes now, and keep the rest. Raises OSError when it has left."""
        self._write(data)

    def send_some(self) -> None:
        """Send what the client takes now. Raises OSError when it has left."""
        try:
            sent = self.socket.send(self._unsent)
        except _WAITING:
            return
        del self._unsent[:sent]
        self._all_unsent.add(-sent)

    def drop(self) -> None:
        """Forget what is not sent: the client will not get it."""
        self._all_unsent.add(-len(self._unsent))
        self._unsent = bytearray()
        self._head = None

    def send(self, data: bytes) -> int:
        self.sendall(data)
        return len(data)

    def gettimeout(self) -> float:
        return 0.0

    def shutdown(self, _how: int) -> None:
        """Refused: the worker's loop parts from clients, without a thread."""
        raise OSError("the worker's loop ends connections")

    def close(self) -> None:
        """Nothing: the worker's loop closes connections."""

    def _write(self, data: bytes) -> None:
        sent = 0
        if not self._unsent:
            try:
                sent = self.socket.send(data)
            except _WAITING:
                sent = 0
        if sent < len(data):
            self._unsent += memoryview(data)[sent:]
            self._all_unsent.add(len(data) - sent)

    def _wait_for_room(self) -> None:
        deadline = time.monotonic() + STALL_SECONDS_MAX
        poll = select.poll()
        poll.register(self.socket, select.POLLOUT)
        while len(self._unsent) > UNSENT_BYTES_MAX // 2:
            patience = deadline - time.monotonic()
            if patience <= 0 or not poll.poll(patience * 1000):
                raise ConnectionResetError("the client does not take its answer")
            self.send_some()
