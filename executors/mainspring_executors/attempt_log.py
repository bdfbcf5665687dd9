"""The output log of one attempt: masked, capped, cut into chunks."""

from collections.abc import Callable, Mapping

from mainspring.attempts import Limits
from mainspring_executors.masking import Masker
from mainspring_executors.protocol.wire import LOG_CHUNK_BYTES_MAX, encode_log_chunk

__all__ = ["FLUSH_SECONDS", "AttemptLog"]

FLUSH_SECONDS = 0.2
"""Output waits at most this long in an `AttemptLog`: its owner calls `flush` in this interval."""


TAIL_BYTES_MAX = 64 * 1024
"""The last bytes of a log beyond its limit stay: an error stands at the end. At most a quarter of the limit."""


class AttemptLog:
    """Takes the bytes a task writes and emits log chunks with contiguous offsets.

    A log beyond `Limits.log_bytes_max` keeps its beginning and its end. The bytes between are counted and dropped, so
    that endless output costs time but no memory. A line in their place gives their number. The last
    `TAIL_BYTES_MAX` of the limit are emitted by `close`. Not safe for threads.
    """

    def __init__(
        self, attempt_id: str, *, limits: Limits, secrets: Mapping[str, str], emit: Callable[[bytes], None]
    ) -> None:
        self._attempt_id = attempt_id
        self._limit = limits.log_bytes_max
        self._tail_max = min(self._limit // 4, TAIL_BYTES_MAX)
        self._room = self._limit - self._tail_max
        self._masker = Masker(secrets.values()) if secrets else None
        self._emit = emit
        self._buffer = bytearray()
        self._offset = 0
        self._tail = bytearray()
        """The last bytes behind the beginning: all of them, or at least `_tail_max`."""
        self._behind = 0
        """The number of bytes that came behind the beginning."""

    @property
    def is_dirty(self) -> bool:
        """Whether `flush` has something to emit."""
        return bool(self._buffer)

    def write(self, data: bytes) -> None:
        """Append bytes; emits each full chunk."""
        for start in range(0, len(data), LOG_CHUNK_BYTES_MAX):
            piece = data[start : start + LOG_CHUNK_BYTES_MAX] if len(data) > LOG_CHUNK_BYTES_MAX else data
            self._keep(piece if self._masker is None else self._masker.feed(piece))

    def flush(self) -> None:
        """Emit the buffered bytes. The masker still holds an end that may be the beginning of a secret."""
        while self._buffer:
            chunk = bytes(self._buffer[:LOG_CHUNK_BYTES_MAX])
            del self._buffer[:LOG_CHUNK_BYTES_MAX]
            self._emit(encode_log_chunk(self._attempt_id, self._offset, chunk))
            self._offset += len(chunk)

    def close(self) -> int:
        """Emit the rest: the end of the log, after a line about dropped bytes. Returns the length of the log."""
        if self._masker is not None:
            self._keep(self._masker.flush())
        self._buffer += self._tail if self._behind <= self._tail_max else self._cut_tail()
        self._tail.clear()
        self.flush()
        return self._offset

    def _keep(self, data: bytes) -> None:
        head = data[: self._room]
        self._room -= len(head)
        self._buffer += head
        if len(head) < len(data):
            self._keep_tail(data[len(head) :])
        while len(self._buffer) >= LOG_CHUNK_BYTES_MAX:
            self.flush()

    def _keep_tail(self, data: bytes) -> None:
        self._behind += len(data)
        self._tail += data
        # Cut seldom: each cut moves the rest.
        if len(self._tail) > 2 * self._tail_max + LOG_CHUNK_BYTES_MAX:
            del self._tail[: len(self._tail) - self._tail_max]

    def _cut_tail(self) -> bytes:
        """The line about the dropped bytes, and the end of the log from the begin of a line on."""
        tail = bytes(self._tail[len(self._tail) - self._tail_max :])
        tail = tail[tail.find(b"\n", 0, len(tail) // 2) + 1 :]
        dropped = self._behind - len(tail)
        note = f"\n[mainspring: the log is over its limit of {self._limit} bytes; {dropped} bytes are left out here]\n"
        return note.encode() + tail
