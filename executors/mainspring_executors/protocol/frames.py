"""Frames on a stream socket: the length in four bytes, big-endian, then the payload.

A reader refuses a frame longer than `FRAME_BYTES_MAX` before it allocates memory for the frame. After a refusal, or an
end of the stream in mid-frame, the owner of the stream treats the other side as dead.
"""

import socket
import struct
from collections.abc import Iterable

__all__ = ["FRAME_BYTES_MAX", "FrameError", "FrameReader", "frame", "receive_frame"]

FRAME_BYTES_MAX = 16 * 1024 * 1024

_LENGTH = struct.Struct(">I")


class FrameError(Exception):
    """The stream does not hold frames."""


def frame(payload: bytes) -> bytes:
    """One frame around `payload`. Raises `FrameError` when it is too long."""
    if len(payload) > FRAME_BYTES_MAX:
        raise FrameError(f"a frame of {len(payload)} bytes is over the limit of {FRAME_BYTES_MAX} bytes")
    return _LENGTH.pack(len(payload)) + payload


def receive_frame(stream: socket.socket) -> bytes | None:
    """Read exactly one frame from a blocking socket; returns its payload. `None` at the end of the stream."""
    head = _receive_exactly(stream, _LENGTH.size)
    return None if head is None else _receive_exactly(stream, _LENGTH.unpack(head)[0])


def _receive_exactly(stream: socket.socket, count: int) -> bytes | None:
    data = bytearray()
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            return None
        data += piece
    return bytes(data)


class FrameReader:
    """Cuts a byte stream, which arrives in arbitrary pieces, into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def is_between_frames(self) -> bool:
        """Whether the stream may end here."""
        return not self._buffer

    def feed(self, data: bytes) -> Iterable[bytes]:
        """The payloads that `data` completes, in order. Raises `FrameError` for a length over the limit."""
        self._buffer += data
        payloads = []
        start = 0
        while len(self._buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, start)
            if length > FRAME_BYTES_MAX:
                raise FrameError(f"a frame announces {length} bytes; the limit is {FRAME_BYTES_MAX} bytes")
            end = start + _LENGTH.size + length
            if len(self._buffer) < end:
                break
            payloads.append(bytes(self._buffer[start + _LENGTH.size : end]))
            start = end
        del self._buffer[:start]
        return payloads
