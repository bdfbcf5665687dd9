"""Sends the output and log records of a thread to the log of the attempt that runs on the thread."""

import io
import logging
import sys
import threading
from typing import Protocol, TextIO

__all__ = ["ByteSink", "install_logging", "install_router", "on_this_thread"]

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class ByteSink(Protocol):
    """A receiver of the output of a task."""

    def write(self, data: bytes) -> None: ...


class _OnThisThread(threading.local):
    sink: ByteSink | None = None


on_this_thread = _OnThisThread()
"""`sink` receives this thread's output; `None` = the output goes to the streams of the process."""


def install_router() -> None:
    """Replace `sys.stdout` and `sys.stderr`. The output of a thread without a sink goes to the original streams."""
    sys.stdout = _Router(sys.stdout)
    sys.stderr = _Router(sys.stderr)


def install_logging() -> None:
    """Let log records of level INFO and above reach `sys.stderr`, unless the user's code decides otherwise."""
    handler = logging.StreamHandler(_CurrentStderr())
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


class _Router(io.TextIOBase):
    """A text stream that sends each write to the sink of the writing thread."""

    def __init__(self, original: TextIO) -> None:
        self._original = original
        self.buffer = _ByteRouter(original)

    encoding = "utf-8"
    errors = "backslashreplace"

    def write(self, text: str, /) -> int:
        sink = on_this_thread.sink
        if sink is None:
            return self._original.write(text)
        sink.write(text.encode("utf-8", "backslashreplace"))
        return len(text)

    def flush(self) -> None:
        if on_this_thread.sink is None:
            self._original.flush()

    def writable(self) -> bool:
        return True


class _ByteRouter(io.RawIOBase):
    """`sys.stdout.buffer` of a router."""

    def __init__(self, original: TextIO) -> None:
        self._original = original

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        sink = on_this_thread.sink
        if sink is None:
            return self._original.buffer.write(data)
        sink.write(bytes(data))
        return len(data)

    def writable(self) -> bool:
        return True


class _CurrentStderr:
    """A stream that looks up `sys.stderr` at each write, because tasks may replace it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()
