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
    """Sends messages from any thread. The thread that gets the socket sends the messages of all (flat combining)."""

    def __init__(self, control: socket.socket, epoch: str) -> None:
        self._control = control
        self._epoch = orjson.dumps(epoch)
        self._waiting: deque[bytes] = deque()
        self._turn = threading.Lock()

    def send(self, message: bytes) -> None:
        """Queue `message` in order. This thread or another thread sends the message a moment later."""
        self._waiting.append(message)
        # Check again after each release: a thread may have added a message while this thread held the turn.
        while self._waiting and self._turn.acquire(blocking=False):
            try:
                self._send_batch()
            finally:
                self._turn.release()

    def send_at_once(self, message: bytes) -> None:
        """Send `message` and return when the kernel has it: the message then arrives even if this process dies."""
        self._waiting.append(message)
        # The thread that had the turn has either sent the message or left it in the queue.
        with self._turn:
            while self._waiting:
                self._send_batch()

    def drain(self, timeout: float) -> None:
        """Wait until all messages are sent."""
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
            # The scheduler is gone or does not read, so no process needs the results.
            os._exit(1)
