"""Standard streams that never decide how a command ends by accident.

Python flushes `sys.stdout` and `sys.stderr` once more when a process exits, and ends the process with 120 when that
fails. The streams of this module fail at most once, with a special error, and drop all later output.
"""

import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

from mainspring_cli.client.exits import OutputClosed, OutputFailed

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["open_standard_streams"]


def open_standard_streams() -> None:
    """Replace `sys.stdout` and `sys.stderr`; open /dev/null in place of each descriptor from 0 to 2 that is closed.

    Without the latter, the next file or socket that this process opens gets the number of a standard stream.
    A write to `sys.stdout` that fails raises OutputClosed or OutputFailed, once. A write to `sys.stderr` never fails.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is the closed number
            os.set_inheritable(descriptor, True)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False))
    sys.stdout = _text_stream(_Output(1, "wb", closefd=False), sys.stdout)
    sys.stderr = _text_stream(_Messages(2, "wb", closefd=False), sys.stderr, is_line_buffered=True)


class _Stream(io.FileIO):
    """Waits for room where another process has made the terminal or pipe non-blocking."""

    def write(self, data: "ReadableBuffer", /) -> int:
        while (written := super().write(data)) is None:
            select.select((), (self,), ())
        return written


class _Output(_Stream):
    """Raises when the first write fails, and drops what is written afterwards."""

    _has_failed = False

    def write(self, data: "ReadableBuffer", /) -> int:
        if self._has_failed:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except BrokenPipeError as exc:
            self._has_failed = True
            raise OutputClosed("no reader of the output is left") from exc
        except OSError as exc:
            self._has_failed = True
            raise OutputFailed(f"the output cannot be written: {exc.strerror}") from exc


class _Messages(_Stream):
    """Drops what cannot be written."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def _text_stream(raw: io.FileIO, replaced: TextIO | None, *, is_line_buffered: bool = False) -> io.TextIOWrapper:
    """A stream with the encoding of the replaced stream. PYTHONUNBUFFERED makes it flush each line."""
    is_unbuffered = isinstance(replaced, io.TextIOWrapper) and (replaced.line_buffering or replaced.write_through)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=replaced.encoding if replaced is not None else None,
        errors=replaced.errors if replaced is not None else "backslashreplace",
        line_buffering=is_line_buffered or is_unbuffered,
    )
