"""Logs by line: ranges, searches, and the lines with errors."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from flask import Response, g
from marshmallow import fields, validate

from mainspring.errors import NotFound
from mainspring.log_index import LogIndex
from mainspring_api.http.answers import answer
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import Answer, MapIndex
from mainspring_api.http.operations import Register, Resource
from mainspring_api.resources.instances.log_reading import (
    LINE_CHARS_MAX,
    SEARCH_SECONDS_MAX,
    compiled,
    decoded,
    read_lines,
    search,
)
from mainspring_store.access.roles import Role
from mainspring_store.queries.logs import find_try

__all__ = ["Log", "blueprint", "first_telling_line"]

blueprint = Resource("log_lines", "Lines of logs", tag="logs")

LINES_DEFAULT = 500
LINES_MAX = 5_000
ANSWER_CHARS_MAX = 2_000_000
"""An answer ends with the line that exceeds this number."""
WAIT_SECONDS_MAX = 60
_WAIT_PAUSE_SECONDS = 0.2
_NUMBER_MAX = 2**31 - 1
_PATH = "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/<task_id>/logs/<int(max=2147483647):try_number>"


@dataclass(frozen=True, slots=True)
class Log:
    """The log of one attempt."""

    attempt_id: str
    is_finished: bool
    """Whether the attempt has ended."""


class LogLines(Answer):
    """A range of lines."""

    lines = fields.List(
        fields.List(fields.Raw()),
        metadata={
            "description": "Number from 1, instant at which the end of the line arrived, text; a text has at most "
            f"{LINE_CHARS_MAX} characters"
        },
    )
    total = fields.Integer(metadata={"description": "Number of lines so far"})
    bytes = fields.Integer(metadata={"description": "Number of bytes so far"})
    is_finished = fields.Boolean(metadata={"description": "Whether the try has ended, so that no line follows"})


class LogSearch(Answer):
    """Matches in a log."""

    matches = fields.List(
        fields.List(fields.Integer()),
        metadata={"description": "Number of the line, column from 0, length; at most 1,000, from the line `from` on"},
    )
    total = fields.Integer(metadata={"description": "Number of matches in the whole log"})
    is_complete = fields.Boolean(
        metadata={"description": "False = the search took too long, and `total` is a lower bound"}
    )


class LogMarks(Answer):
    """Lines with errors and warnings."""

    first_error = fields.Integer(allow_none=True, metadata={"description": "Number of the line; null = no such line"})
    errors = fields.List(fields.Integer(), metadata={"description": "Numbers of the lines, ascending, at most 5,001"})
    warnings = fields.List(fields.Integer(), metadata={"description": "Numbers of the lines, ascending, at most 5,001"})


def _line_number(name: str, description: str, **options: Any) -> fields.Integer:
    check = validate.Range(min=1, max=_NUMBER_MAX)
    return fields.Integer(data_key=name, validate=check, metadata={"description": description}, **options)


class LinesQuery(MapIndex):
    first = _line_number("from", "Number of the first line, from 1", load_default=1)
    limit = fields.Integer(
        load_default=LINES_DEFAULT,
        validate=validate.Range(min=1, max=LINES_MAX),
        metadata={"description": "Lines in the answer at most"},
    )
    tail = fields.Integer(
        load_default=None,
        validate=validate.Range(min=1, max=LINES_MAX),
        metadata={"description": "The last lines, this number of them, instead of `from` and `limit`"},
    )
    wait = fields.Float(
        load_default=0.0,
        validate=validate.Range(min=0, max=WAIT_SECONDS_MAX),
        metadata={"description": "Seconds to wait for the line `from`, unless the try has ended"},
    )


class SearchQuery(MapIndex):
    q = fields.String(
        required=True,
        validate=[validate.Length(min=1, max=500), validate.ContainsNoneOf("\n\r")],
        metadata={"description": "Text, in any letter case, or a regular expression"},
    )
    is_regex = fields.Boolean(
        load_default=False, metadata={"description": "Whether `q` is a regular expression of RE2"}
    )
    first = _line_number("from", "Number of the first line with matches to answer", load_default=1)


def _operation(tail: str, operation_id: str, schema: type[Answer], query: type[MapIndex]) -> Register:
    return blueprint.operation(
        "GET", _PATH + tail, operation_id, role=Role.VIEWER, answer=schema, query=query, errors=(404,)
    )


@_operation("/lines", "get_log_lines", LogLines, LinesQuery)
def get_log_lines(query: Mapping[str, Any], **path: Any) -> Response:
    """Lines of the log of one try, by number. With `wait`, the answer comes when there is a new line."""
    ctx = context()
    logged = _find(ctx, path, query)
    index = ctx.log_indexes.read(logged.attempt_id)
    if query["wait"] and query["tail"] is None:
        logged, index = _awaited(ctx, path, query, logged, index)
    total = index.total(is_finished=logged.is_finished)
    first = query["first"] if query["tail"] is None else max(1, total - query["tail"] + 1)
    count = min(query["limit"] if query["tail"] is None else query["tail"], total - first + 1)
    lines = list(_lines(ctx, logged, index, first=first, count=count)) if count > 0 else []
    return answer({"lines": lines, "total": total, "bytes": index.size, "is_finished": logged.is_finished})


@_operation("/search", "search_log", LogSearch, SearchQuery)
def search_log(query: Mapping[str, Any], **path: Any) -> Response:
    """Search the whole log of one try, in linear and bounded time."""
    ctx = context()
    pattern = compiled(query["q"], is_regex=query["is_regex"])
    logged = _find(ctx, path, query)
    result = search(
        ctx.database,
        logged.attempt_id,
        pattern,
        first=query["first"],
        is_finished=logged.is_finished,
        seconds_max=SEARCH_SECONDS_MAX,
    )
    return answer({"matches": result.matches, "total": result.total, "is_complete": result.is_complete})


@_operation("/marks", "get_log_marks", LogMarks, MapIndex)
def get_log_marks(query: Mapping[str, Any], **path: Any) -> Response:
    """The lines with errors and warnings in the log of one try."""
    ctx = context()
    logged = _find(ctx, path, query)
    errors, warnings = ctx.log_indexes.read(logged.attempt_id).marks(is_finished=logged.is_finished)
    return answer({"first_error": errors[0] if errors else None, "errors": errors, "warnings": warnings})


def first_telling_line(ctx: Context, logged: Log, *, bytes_max: int) -> tuple[int, str] | None:
    """Number and text of the first line with an error, else of the last line; `None` = no line.

    bytes_max: of a longer log, only this beginning is searched for errors.
    """
    index = ctx.log_indexes.read(logged.attempt_id, bytes_max=bytes_max)
    errors, _ = index.marks(is_finished=logged.is_finished)
    number = errors[0] if errors else index.total(is_finished=logged.is_finished)
    for line in _lines(ctx, logged, index, first=number, count=1) if number else ():
        return line[0], line[2]
    return None


def _find(ctx: Context, path: Mapping[str, Any], query: Mapping[str, Any]) -> Log:
    """The log of a try. Raises NotFound also for an instance without a try."""
    names = (path["dag_id"], path["dag_run_id"], path["task_id"])
    logged = find_try(ctx.database, *names, path["try_number"], map_index=query["map_index"])
    if logged.attempt_id is None:
        raise NotFound("the task instance has had no try, so it has no log")
    return Log(logged.attempt_id, logged.is_finished)


def _awaited(
    ctx: Context, path: Mapping[str, Any], query: Mapping[str, Any], logged: Log, index: LogIndex
) -> tuple[Log, LogIndex]:
    """The log when it has the line `from`, the try has ended, or the time is over."""
    deadline = time.monotonic() + query["wait"]
    ctx.log_waits.take(g.user.id)
    try:
        while (
            not logged.is_finished
            and index.lines < query["first"]
            and time.monotonic() < deadline
            and not ctx.watcher.is_closed
        ):
            time.sleep(_WAIT_PAUSE_SECONDS)
            # The state first: lines that come before the end of the try are seen with the end.
            logged = _find(ctx, path, query)
            index = ctx.log_indexes.read(logged.attempt_id)
    finally:
        ctx.log_waits.give_back(g.user.id)
    return logged, index


def _lines(ctx: Context, logged: Log, index: LogIndex, *, first: int, count: int) -> Iterator[tuple[int, Any, str]]:
    offset, number = index.offset_of(first)
    lines = read_lines(
        ctx.database, logged.attempt_id, offset=offset, number=number, first=first, is_finished=logged.is_finished
    )
    size = 0
    for line_number, at, line in islice(lines, count):
        text = decoded(line)
        yield line_number, at, text
        size += len(text)
        if size > ANSWER_CHARS_MAX:
            return
