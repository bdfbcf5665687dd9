"""Lines of a log: any range by number, and the lines that a pattern matches, in bounded time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from time import monotonic
from typing import Any

import re2

from mainspring.errors import Problem
from mainspring_api.http.problems import InvalidQuery
from mainspring_store import Database
from mainspring_store.queries.logs import read_log

__all__ = ["LINE_CHARS_MAX", "Match", "SearchResult", "compiled", "decoded", "read_lines", "search"]

LINE_CHARS_MAX = 65_536
"""Characters of one line in an answer; a download has whole lines."""
MATCHES_MAX = 1_000
SEARCH_SECONDS_MAX = 2.0
_LINE_BYTES_MAX = 4 * LINE_CHARS_MAX
_PIECE_BYTES = 256 * 1024
_PATTERN_MEMORY = 1024 * 1024

Line = tuple[int, datetime, bytes]
"""Number from 1, instant at which the end of the line arrived, the first bytes."""
Match = tuple[int, int, int]
"""Number of the line, column from 0, length; both in characters."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found."""

    matches: list[Match]
    """The first `MATCHES_MAX` from the wanted line on."""
    total: int
    """Matches in the whole log; at least this number unless `is_complete`."""
    is_complete: bool


def read_lines(
    database: Database, attempt_id: str, *, offset: int, number: int, first: int, is_finished: bool
) -> Iterator[Line]:
    """The lines of a log from the line `first` on.

    offset, number: the begin and the number of a line at or before `first`.
    is_finished: the last line needs no line break.
    """
    rest, at = bytearray(), None
    while pieces := read_log(database, attempt_id, offset=offset, bytes_max=_PIECE_BYTES):
        for piece in pieces:
            data, position, at = piece.data, 0, piece.at
            offset += len(data)
            while (end := data.find(b"\n", position)) >= 0:
                if number >= first:
                    rest += data[position : min(end, position + _LINE_BYTES_MAX)]
                    yield number, at, bytes(rest[:_LINE_BYTES_MAX])
                rest.clear()
                number += 1
                position = end + 1
            if len(rest) < _LINE_BYTES_MAX:
                rest += data[position : position + _LINE_BYTES_MAX]
    if is_finished and rest and at is not None and number >= first:
        yield number, at, bytes(rest[:_LINE_BYTES_MAX])


def decoded(line: bytes) -> str:
    return line.removesuffix(b"\r").decode(errors="replace")[:LINE_CHARS_MAX]


def compiled(text: str, *, is_regex: bool) -> Any:
    """The pattern for `search`: a text in any letter case, or a regular expression of RE2.

    Raises:
        InvalidQuery: The expression cannot be compiled.
    """
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_MEMORY
    try:
        return re2.compile(f"(?m){text}" if is_regex else f"(?i){re2.escape(text)}", options)
    except re2.error as exc:
        reason = exc.args[0].decode(errors="replace") if exc.args and isinstance(exc.args[0], bytes) else str(exc)
        message = f"is no regular expression of RE2: {reason[:200]}"
        raise InvalidQuery([Problem(pointer="/q", message=message, code="invalid_value")]) from exc


def search(
    database: Database, attempt_id: str, pattern: Any, *, first: int, is_finished: bool, seconds_max: float
) -> SearchResult:
    """Search a log from its beginning. A search that takes too long ends early."""
    deadline = monotonic() + seconds_max
    matches: list[Match] = []
    total = 0
    lines = read_lines(database, attempt_id, offset=0, number=1, first=1, is_finished=is_finished)
    while batch := list(islice(lines, 2_000)):
        for number, line in _candidates(batch, pattern):
            for hit in pattern.finditer(line):
                if hit.end() == hit.start():
                    continue
                total += 1
                if number >= first and len(matches) < MATCHES_MAX:
                    matches.append(_match(number, line, hit.start(), hit.end()))
            if monotonic() > deadline:
                return SearchResult(matches, total, is_complete=False)
        if monotonic() > deadline:
            return SearchResult(matches, total, is_complete=False)
    return SearchResult(matches, total, is_complete=True)


def _candidates(batch: list[Line], pattern: Any) -> Iterator[tuple[int, bytes]]:
    """The lines that may match: many lines are searched at once, because each call of the engine costs."""
    text = b"\n".join(line for _, _, line in batch) + b"\n"
    place, begin, position = 0, 0, 0
    while (hit := pattern.search(text, position)) is not None:
        start = hit.start()
        while begin + len(batch[place][2]) < start:
            begin += len(batch[place][2]) + 1
            place += 1
        yield batch[place][0], batch[place][2]
        position = begin + len(batch[place][2]) + 1
        if position >= len(text):
            return


def _match(number: int, line: bytes, start: int, end: int) -> Match:
    column = len(line[:start].decode(errors="replace"))
    return number, column, len(line[start:end].decode(errors="replace"))
