"""The output log of one attempt: masked, capped, cut into chunks."""

from collections.abc import Callable, Mapping

from mainspring.attempts import Limits
from mainspring_executors.masking import Masker
from mainspring_executors.protocol.wire import LOG_CHUNK_BYTES_MAX, encode_log_chunk

__all__ = ["FLUSH_SECONDS", "AttemptLog"]

FLUSH_SECONDS = 0.2
"""Output waits at most this long in an `AttemptLog`: its owner calls `flush` in this interval."""


class AttemptLog:
    """Takes the bytes a task writes and emits log chunks with contiguous offsets.

    Bytes beyond `Limits.log_bytes_max` are counted and dropped, so that endless output costs time but no memory. One
    line at the end, beyond the limit, gives the number of dropped bytes. Not safe for threads.
    """

    def __init__(
        self, attempt_id: str, *, limits: Limits, secrets: Mapping[str, str], emit: Callable[[bytes], None]
    ) -> None:
        self._attempt_id = attempt_id
        self._room = limits.log_bytes_max
        self._masker = Masker(secrets.values()) if secrets else None
        self._emit = emit
        self._buffer = bytearray()
        self._offset = 0
        self._dropped = 0

    @property
    def is_dirty(self) -> bool:
        """Whether `flush` has something to emit."""
        return bool(self._buffer)

    def write(self, data: bytes) -> None:
        """Append bytes; emits each full chunk."""
        for start in range(0, len(data), LOG_CHUNK_BYTES_MAX):
            piece = data[start : start + LOG_CHUNK_BYTES_MAX] if len(data) > LOG_CHUNK_BYTES_MAX else data
            if self._room == 0:
                self._dropped += len(piece)
                continue
            self._keep(piece if self._masker is None else self._masker.feed(piece))

    def flush(self) -> None:
        """Emit the buffered bytes. The masker still holds an end that may be the beginning of a secret."""
        while self._buffer:
            chunk = bytes(self._buffer[:LOG_CHUNK_BYTES_MAX])
            del self._buffer[:LOG_CHUNK_BYTES_MAX]
            self._emit(encode_log_chunk(self._attempt_id, self._offset, chunk))
            self._offset += len(chunk)

    def close(self) -> int:
        """Emit the rest, and the line about dropped bytes. Returns the length of the log."""
        if self._masker is not None:
            self._keep(self._masker.flush())
        if self._dropped:
            self._buffer += (
                f"\n[mainspring: the log is over its limit of {self._offset + len(self._buffer)} bytes; "
                f"{self._dropped} more bytes were dropped]\n"
            ).encode()
        self.flush()
        return self._offset

    def _keep(self, data: bytes) -> None:
        kept = data[: self._room]
        self._room -= len(kept)
        self._dropped += len(data) - len(kept)
        self._buffer += kept
        while len(self._buffer) >= LOG_CHUNK_BYTES_MAX:
            self.flush()
