"""Where a request ends: the bytes that a client sends, collected until a parser can read the request without waiting.

The buffer only looks for the end. gunicorn's parser judges every request, and gets no byte beyond the end of the
request; so a request that both would read in two ways is refused and never gives a second request.
"""

import re
from enum import Enum

__all__ = ["Ending", "RequestBuffer"]

HEAD_BYTES_MAX = 64 * 1024
_OVERHEAD_BYTES_MAX = 256 * 1024
"""Of the head and the lines between chunks: a body in chunks of a byte or two costs too much."""
_LINE_BYTES_MAX = 1024
"""Bound for the line with the size of a chunk."""
_FRAMING = re.compile(rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_LENGTH = re.compile(rb"[0-9]{1,15}")
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?", re.DOTALL)


class Ending(Enum):
    """How far a request has come."""

    MISSING = "missing"
    """More bytes must come."""
    KNOWN = "known"
    """The request is there in full."""
    TOO_LONG = "too_long"
    """The body is longer than is read."""
    BROKEN = "broken"
    """The request is malformed, so its end is unknown."""


class RequestBuffer:
    """Bytes of a client's next request, and of the requests behind."""

    __slots__ = ("_body_bytes", "_body_bytes_max", "_data", "_end", "_is_chunked", "_position", "ending", "wants_go_on")

    def __init__(self, body_bytes_max: int) -> None:
        """body_bytes_max: of a body once its chunks are joined."""
        self._body_bytes_max = body_bytes_max
        self._data = bytearray()
        self._begin()

    def _begin(self) -> None:
        self.ending = Ending.MISSING
        self.wants_go_on = False
        """The client waits for `100 Continue` before it sends the body."""
        self._position = 0
        """Up to here nothing has to be looked at again."""
        self._end = 0
        """Length of the request, after its head is complete; 0 before."""
        self._is_chunked = False
        self._body_bytes = 0

    def __len__(self) -> int:
        return len(self._data)

    def feed(self, data: bytes) -> Ending:
        """Take what has come and look for the end of the first request."""
        self._data += data
        return self._look()

    def take(self) -> bytes:
        """The bytes of the first request. The following bytes belong to the next request."""
        end = self._end if self.ending is Ending.KNOWN else len(self._data)
        request = bytes(memoryview(self._data)[:end])
        del self._data[:end]
        self._begin()
        if self._data:
            self._look()
        return request

    def _look(self) -> Ending:
        if self.ending is Ending.MISSING and not self._end and not self._is_chunked:
            self._look_for_head()
        if self.ending is Ending.MISSING and self._is_chunked:
            self._look_for_last_chunk()
        if self.ending is Ending.MISSING and self._end and len(self._data) >= self._end:
            self.ending = Ending.KNOWN
        return self.ending

    def _look_for_head(self) -> None:
        if not self._position and self._data.startswith(b"\r\n"):
            del self._data[:2]  # the parser ignores an empty line before a request too
        index = self._data.find(b"\r\n\r\n", max(0, self._position - 3))
        if index < 0:
            self._position = len(self._data)
            is_broken = self._data.count(b"\n") != self._data.count(b"\r\n")
            if is_broken or len(self._data) > HEAD_BYTES_MAX:
                self.ending = Ending.BROKEN
            return
        self._read_head(bytes(memoryview(self._data)[: index + 2]), index + 4)

    def _read_head(self, head: bytes, end: int) -> None:
        """Find out from a whole head what kind of body follows; what cannot be is left to the parser to refuse."""
        fields = [(name.lower(), value.strip(b" \t").lower()) for name, value in _FRAMING.findall(head)]
        expectations = [value for name, value in fields if name == b"expect"]
        framing = [field for field in fields if field[0] != b"expect"]
        self._position = end
        if len(head) > HEAD_BYTES_MAX or len(framing) > 1 or expectations not in ([], [b"100-continue"]):
            self.ending = Ending.BROKEN
        elif not framing:
            self._end = end
        elif framing[0][0] == b"content-length":
            self._read_length(framing[0][1], end)
        elif framing[0][1] == b"chunked":
            self._is_chunked = True
        else:
            self.ending = Ending.BROKEN
        if expectations and self.ending is Ending.MISSING:
            self.wants_go_on = head.partition(b"\r\n")[0].endswith(b"HTTP/1.1")

    def _read_length(self, text: bytes, start: int) -> None:
        if _LENGTH.fullmatch(text) is None:
            self.ending = Ending.BROKEN
        elif int(text) > self._body_bytes_max:
            self.ending = Ending.TOO_LONG
        else:
            self._end = start + int(text)

    def _look_for_last_chunk(self) -> None:
        data = self._data
        while self.ending is Ending.MISSING and not self._end:
            if self._position - self._body_bytes > _OVERHEAD_BYTES_MAX:
                self.ending = Ending.TOO_LONG
                return
            line_end = data.find(b"\r\n", self._position, self._position + _LINE_BYTES_MAX)
            if line_end < 0:
                is_long = len(data) - self._position >= _LINE_BYTES_MAX
                self.ending = Ending.BROKEN if is_long else Ending.MISSING
                return
            size = _CHUNK_SIZE.fullmatch(data, self._position, line_end)
            if size is None:
                self.ending = Ending.BROKEN
            elif not self._pass_chunk(line_end + 2, int(size[1], 16)):
                return

    def _pass_chunk(self, start: int, size: int) -> bool:
        """Go on behind a chunk whose bytes begin at `start`. False: more bytes must come first."""
        if size == 0:
            return self._pass_trailers(start - 2)
        end = start + size
        if self._body_bytes + min(size, len(self._data) - start) > self._body_bytes_max:
            self.ending = Ending.TOO_LONG
        elif len(self._data) < end + 2:
            return False
        elif self._data[end : end + 2] != b"\r\n":
            self.ending = Ending.BROKEN
        self._body_bytes += size
        self._position = end + 2
        return True

    def _pass_trailers(self, start: int) -> bool:
        """start: where the line of the last chunk ends; the first of the two final line ends."""
        index = self._data.find(b"\r\n\r\n", start)
        if index >= 0:
            self._end = index + 4
        elif len(self._data) - start > HEAD_BYTES_MAX:
            self.ending = Ending.BROKEN
        return index >= 0
