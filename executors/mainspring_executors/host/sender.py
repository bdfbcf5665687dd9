"""Messages of the thread host on their way to the scheduler."""

import os
import socket
import threading
from collections import deque

import orjson

from mainspring_executors.protocol.frames import frame
from mainspring_executors.protocol.wire import join

__all__ = ["Sender"]

_BATCH_BYTES = 1024 * 1024


class Sender:
    """Sends messages from any thread. Whoever finds the socket free sends for all (flat combining)."""

    def __init__(self, control: socket.socket, epoch: str) -> None:
        self._control = control
        self._epoch = orjson.dumps(epoch)
        self._waiting: deque[bytes] = deque()
        self._turn = threading.Lock()

    def send(self, message: bytes) -> None:
        """Have `message` sent, after those before it; by another thread perhaps, and a moment later."""
        self._waiting.append(message)
        # Looked at again after each release: a message added while the turn was taken must not stay behind.
        while self._waiting and self._turn.acquire(blocking=False):
            try:
                self._send_batch()
            finally:
                self._turn.release()

    def send_at_once(self, message: bytes) -> None:
        """The same, but return only when it is on its way: it arrives, whatever becomes of this process then."""
        self._waiting.append(message)
        # Whoever had the turn before us has taken the message along, or left it to us.
        with self._turn:
            while self._waiting:
                self._send_batch()

    def drain(self, timeout: float) -> None:
        """Waits until everything is sent."""
        if self._turn.acquire(timeout=timeout):
            while self._waiting:
                self._send_batch()

    def _send_batch(self) -> None:
        batch, size = [self._epoch], 0
        while self._waiting and size < _BATCH_BYTES:
            message = self._waiting.popleft()
            batch.append(message)
            size += len(message)
        if not size:
            return
        try:
            self._control.sendall(frame(join(batch)))
        except OSError:
            # The scheduler is gone or does not read: nobody is left to work for.
            os._exit(1)
