"""The two sockets of the process host. No call blocks, except `drain`."""

import select
import selectors
import socket
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import orjson

from mainspring_executors.protocol.frames import FrameReader, frame
from mainspring_executors.protocol.wire import join

__all__ = ["Link"]

_READ_BYTES = 64 * 1024
"""Small enough that malloc does not map and unmap memory for each read."""
_BATCH_BYTES = 1024 * 1024
_DRAIN_SECONDS_MAX = 5.0


class Link:
    """Sends reports and log chunks to the scheduler, and receives its messages."""

    def __init__(
        self, control: socket.socket, logs: socket.socket, *, epoch: str, selector: selectors.BaseSelector
    ) -> None:
        self.heard_at = monotonic()
        """When the last message of the scheduler arrived."""
        self.is_deserted = False
        """The scheduler is gone. `send` drops everything."""
        self._control, self._logs = control, logs
        self._epoch = orjson.dumps(epoch)
        self._reports: list[bytes] = []
        self._report_at = float("inf")
        """When `send` must send the reports at the latest."""
        self._out = {control: bytearray(), logs: bytearray()}
        self._selector = selector
        for sock, heed in ((control, self._hear), (logs, self._hear_silence)):
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ, heed)

    def listen(self, reader: FrameReader, obey: Callable[[Sequence[Any]], None]) -> None:
        """Hand every batch of messages to `obey`. `reader` may already hold the beginning of the next frame."""
        self._reader, self._obey = reader, obey

    def report(self, message: bytes, *, patience: float = 0.0) -> None:
        """Queue a report for the next `send`. patience: seconds for which the report waits for another report."""
        self._reports.append(message)
        self._report_at = min(self._report_at, monotonic() + patience)

    @property
    def send_at(self) -> float:
        """When to call `send` for waiting reports; infinite without a report."""
        return self._report_at

    @property
    def has_reports(self) -> bool:
        """Whether a report waits for the socket."""
        return bool(self._reports or self._out[self._control])

    def log(self, chunk: bytes) -> None:
        """Queue a chunk for the next `send`."""
        self._out[self._logs] += frame(chunk)

    @property
    def log_backlog_bytes(self) -> int:
        return len(self._out[self._logs])

    def send(self) -> None:
        """Send what the sockets take: the reports of one round in as few frames as possible."""
        if self._report_at <= monotonic():
            self._frame_reports()
        self._flush()

    def _frame_reports(self) -> None:
        batch, size = [self._epoch], 0
        for message in self._reports:
            batch.append(message)
            size += len(message)
            if size >= _BATCH_BYTES:
                self._out[self._control] += frame(join(batch))
                batch, size = [self._epoch], 0
        if size:
            self._out[self._control] += frame(join(batch))
        self._reports.clear()
        self._report_at = float("inf")

    def drain(self) -> None:
        """Send everything, for a bounded time."""
        deadline = monotonic() + _DRAIN_SECONDS_MAX
        self._frame_reports()
        self._flush()
        while not self.is_deserted and any(self._out.values()) and monotonic() < deadline:
            select.select([], [sock for sock, out in self._out.items() if out], [], 0.1)
            self._flush()

    def _flush(self) -> None:
        for sock, out in self._out.items():
            if self.is_deserted:
                out.clear()
                continue
            was_waiting = bool(self._selector.get_key(sock).events & selectors.EVENT_WRITE)
            try:
                while out:
                    del out[: sock.send(out)]
            except BlockingIOError:
                pass
            except OSError:
                self._desert()
                continue
            if bool(out) != was_waiting:
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if out else 0)
                self._selector.modify(sock, events, self._selector.get_key(sock).data)

    def _hear(self) -> None:
        try:
            data = self._control.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._desert()
            return
        self.heard_at = monotonic()
        for payload in self._reader.feed(data):
            self._obey(orjson.loads(payload))

    def _hear_silence(self) -> None:
        """The scheduler never writes to the log socket. A readable log socket is at its end."""
        try:
            if self._logs.recv(1):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._desert()

    def _desert(self) -> None:
        if not self.is_deserted:
            self.is_deserted = True
            self.heard_at = float("inf")
            for sock in self._out:
                self._selector.unregister(sock)
