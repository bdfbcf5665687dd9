"""Where the lines of a log begin, and which lines hold errors and warnings.

The index of a live log goes on from where it ended. So any range of lines costs as much as the range, and not as much
as the log.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any, Self

__all__ = ["LINES_A_MARK", "LogIndex"]

LINES_A_MARK = 1_000
"""Lines between two known offsets."""
MARKS_MAX = 5_000
"""Lines with errors, and lines with warnings, that one index knows."""
_CARRY_BYTES = 4_096
"""Of an unfinished line, its beginning is searched for errors."""

_COLOUR = rb"(?:(?<![A-Za-z0-9_])|(?<=[0-9;]m))"
"""The start of a word, also right after an escape sequence of colours."""
_ERROR = re.compile(
    _COLOUR
    + rb"(?:ERROR|CRITICAL|FATAL|PANIC)\b"
    + rb"|(?:^|[\s\[\]:=\"'])(?:[Ee]rror|[Ff]atal|[Pp]anic)(?:\[[^\]\n]{0,40}\])?:"
    + rb"|level=\"?(?:error|fatal|critical|panic)\b"
    + rb"|^[ \t]{0,40}[A-Za-z_][\w.]{0,200}(?:Error|Exception|Interrupt|Exit)(?::|\r?$)",
    re.MULTILINE,
)
_WARNING = re.compile(
    _COLOUR
    + rb"WARN(?:ING)?\b"
    + rb"|(?:^|[\s\[\]:=\"'])[Ww]arning:"
    + rb"|level=\"?warn(?:ing)?\b"
    + rb"|^[^\n]{0,300}?[A-Za-z_]\w{0,100}Warning:",
    re.MULTILINE,
)
_HINTS_OF_ERRORS = re.compile(rb"error|fatal|panic|critical|exception|interrupt|exit", re.IGNORECASE)
_HINT_OF_WARNINGS = re.compile(rb"warn", re.IGNORECASE)


class LogIndex:
    """The index of one log, as far as the log was read. Not safe to use from several threads."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes that were read."""
        self.lines = 0
        """Complete lines that were read."""
        self.offsets = [0]
        """Offset of the first line, and of each line after `LINES_A_MARK` further lines."""
        self.errors: list[int] = []
        """Numbers of lines with errors, ascending; the first `MARKS_MAX`."""
        self.warnings: list[int] = []
        self._rest = b""
        """The beginning of the unfinished line."""

    def dump(self) -> dict[str, Any]:
        """The index as JSON."""
        return {
            "size": self.size,
            "lines": self.lines,
            "offsets": self.offsets,
            "errors": self.errors,
            "warnings": self.warnings,
            "rest": base64.b64encode(self._rest).decode(),
        }

    @classmethod
    def load(cls, content: Mapping[str, Any]) -> Self:
        """Inverse of `dump`."""
        index = cls()
        index.size, index.lines = content["size"], content["lines"]
        index.offsets, index.errors, index.warnings = (
            list(content[name]) for name in ("offsets", "errors", "warnings")
        )
        index._rest = base64.b64decode(content["rest"])
        return index

    def total(self, *, is_finished: bool) -> int:
        """The number of lines. The last line of a finished log needs no line break."""
        return self.lines + int(is_finished and bool(self._rest))

    def marks(self, *, is_finished: bool) -> tuple[list[int], list[int]]:
        """Numbers of the lines with errors and of the lines with warnings, ascending."""
        marks = (list(self.errors), list(self.warnings))
        if is_finished and self._rest:
            for numbers, pattern in zip(marks, (_ERROR, _WARNING), strict=True):
                if pattern.search(self._rest) is not None:
                    numbers.append(self.lines + 1)
        return marks

    def offset_of(self, line: int) -> tuple[int, int]:
        """The nearest known offset at or before a line, and the number of the line there; lines count from 1."""
        place = min((line - 1) // LINES_A_MARK, len(self.offsets) - 1)
        return self.offsets[place], place * LINES_A_MARK + 1

    def feed(self, data: bytes) -> None:
        """Go on with the next bytes of the log."""
        text = self._rest + data
        start = self.size - len(self._rest)
        self.size += len(data)
        end = text.rfind(b"\n") + 1
        self._mark(text[:end])
        self._count(text, start, end)
        rest = text[end:]
        # Of a very long line the beginning is enough; the count of its bytes does not matter.
        self._rest = rest if len(rest) <= _CARRY_BYTES else rest[:_CARRY_BYTES]

    def _count(self, text: bytes, start: int, end: int) -> None:
        position, lines = 0, text.count(b"\n", 0, end)
        next_mark = len(self.offsets) * LINES_A_MARK
        if self.lines + lines < next_mark:
            self.lines += lines
            return
        while position < end:
            position = text.index(b"\n", position) + 1
            self.lines += 1
            if self.lines == next_mark:
                self.offsets.append(start + position)
                next_mark += LINES_A_MARK

    def _mark(self, text: bytes) -> None:
        for numbers, hint, pattern in (
            (self.errors, _HINTS_OF_ERRORS, _ERROR),
            (self.warnings, _HINT_OF_WARNINGS, _WARNING),
        ):
            if len(numbers) < MARKS_MAX and hint.search(text) is not None:
                numbers += _lines_with(text, hint, pattern, self.lines, MARKS_MAX - len(numbers))


def _lines_with(
    text: bytes, hint: re.Pattern[bytes], pattern: re.Pattern[bytes], lines_read: int, count_max: int
) -> list[int]:
    """Numbers of the lines that match; `lines_read` lines stand before the text."""
    numbers: list[int] = []
    counted, position, number = 0, 0, lines_read
    while len(numbers) < count_max and (match := hint.search(text, position)) is not None:
        begin = text.rfind(b"\n", 0, match.start()) + 1
        end = text.find(b"\n", match.start())
        number += text.count(b"\n", counted, begin)
        counted = begin
        if pattern.search(text[begin : min(end, begin + _CARRY_BYTES)]) is not None:
            numbers.append(number + 1)
        position = end
    return numbers
