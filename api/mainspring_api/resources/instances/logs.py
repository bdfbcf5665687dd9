"""Logs of tries, in pages that a signed token continues."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response, request
from itsdangerous import BadSignature
from marshmallow import fields
from werkzeug.exceptions import NotAcceptable

from mainspring.errors import Problem
from mainspring.states import TaskState
from mainspring_api.http.answers import NDJSON, answer, dump, wants_ndjson
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import Answer, Instant, MapIndex
from mainspring_api.http.operations import Resource
from mainspring_api.http.problems import BadRequest
from mainspring_store.access.roles import Role
from mainspring_store.queries.logs import LoggedTry, LogPiece, find_try, read_log

__all__ = ["blueprint"]

blueprint = Resource("logs", "Logs of tries")

PAGE_BYTES = 256 * 1024
FULL_BYTES = 16 * 1024 * 1024
"""More than a try may log."""
LINES_MAX = 100_000
"""In one answer, whatever was asked for: a short line costs much more as JSON than it has bytes."""
_SKIPPED = "Task was skipped, no logs available."
"""Airflow's sentence."""
_NOT_STARTED = "Task has not started, no logs available."
_WITHOUT_TRY: Mapping[TaskState, str] = {
    TaskState.SKIPPED: _SKIPPED,
    TaskState.UPSTREAM_FAILED: _SKIPPED,
    **dict.fromkeys((TaskState.SUCCESS, TaskState.FAILED), "Task ended without a try, no logs available."),
}
_TOKEN_SALT = "log"  # noqa: S105 - names the use of the signing key


class LogLine(Answer):
    """One line."""

    timestamp = Instant(metadata={"description": "Instant at which the end of the line arrived"})
    event = fields.String(metadata={"description": "Text of the line"})


class TaskInstancesLog(Answer):
    """A page of a log."""

    content = fields.List(fields.Nested(LogLine), metadata={"description": "Lines of this page"})
    continuation_token = fields.String(
        allow_none=True, metadata={"description": "`token` for the following lines; null at the end"}
    )


class LogQuery(MapIndex):
    full_content = fields.Boolean(load_default=False, metadata={"description": "In one answer, not in pages"})
    token = fields.String(load_default=None)


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/<task_id>/logs/<int(max=2147483647):try_number>",
    "get_log",
    role=Role.VIEWER,
    answer=TaskInstancesLog,
    query=LogQuery,
    errors=(400, 404, 406),
    other_media={
        NDJSON: {"schema": {"type": "string", "description": "One LogLine a line"}},
        "text/plain": {"schema": {"type": "string", "description": "The whole log, as a file to download"}},
    },
)
def get_log(query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str, try_number: int) -> Response:
    """The log of one try.

    Number 0 is a task instance that has had no try: its log is one line that says why.

    As JSON, or with `Accept: application/x-ndjson` one line each, with the token in `Airflow-Continuation-Token`. With
    `Accept: text/plain`, and for a browser that follows a link, the whole log as a file.
    """
    is_stream = wants_ndjson()
    accepted = request.accept_mimetypes
    is_file = not is_stream and _wants_file()
    if not (is_stream or is_file) and not accepted.accept_json and accepted:
        raise NotAcceptable("a log can be had as application/json, application/x-ndjson or text/plain")
    ctx = context()
    logged = find_try(ctx.database, dag_id, dag_run_id, task_id, try_number, map_index=query["map_index"])
    if is_file and logged.attempt_id is not None:
        return _file(ctx, logged.attempt_id, f"{dag_id}-{dag_run_id}-{task_id}-{try_number}.log")
    content, token = _page(ctx, logged, query)
    if not is_stream:
        return answer({"content": content, "continuation_token": token})
    response = Response(b"".join(dump(line) + b"\n" for line in content), mimetype=NDJSON)
    if token is not None:
        response.headers["Airflow-Continuation-Token"] = token
    return response


def _page(ctx: Context, logged: LoggedTry, query: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    """The lines of a page, and the token of the next page."""
    offset, is_full = 0, query["full_content"]
    if query["token"] is not None:
        offset, is_full = _read_token(ctx, query["token"], logged)
    if logged.attempt_id is None:
        return [{"timestamp": logged.changed_at, "event": _WITHOUT_TRY.get(logged.state, _NOT_STARTED)}], None
    bytes_max = FULL_BYTES if is_full else PAGE_BYTES
    pieces = read_log(ctx.database, logged.attempt_id, offset=offset, bytes_max=bytes_max)
    lines, end, is_last = _lines(pieces, offset, bytes_max=bytes_max, is_finished=logged.is_finished)
    token = None if is_last else ctx.signer.dumps([logged.attempt_id, end, is_full], salt=_TOKEN_SALT)
    return [{"timestamp": at, "event": text} for at, text in lines], token


def _wants_file() -> bool:
    """Whether the client takes text and no JSON, or is a browser that follows a link."""
    accepted = [media for media, _ in request.accept_mimetypes]
    return "application/json" not in accepted and bool({"text/plain", "text/html"} & set(accepted))


def _file(ctx: Context, attempt_id: str, name: str) -> Response:
    """The whole log in pieces, so that the server never holds all of it.

    Raises:
        LogStoreUnavailable: Before the answer begins. Later an outage of the store cuts the answer off.
    """
    first = read_log(ctx.database, attempt_id, offset=0, bytes_max=PAGE_BYTES)

    def pieces() -> Iterator[bytes]:
        offset, read = 0, first
        while read:
            data = b"".join(piece.data for piece in read)
            offset += len(data)
            yield data
            read = read_log(ctx.database, attempt_id, offset=offset, bytes_max=PAGE_BYTES)

    response = Response(pieces(), content_type="text/plain; charset=utf-8")
    safe_name = re.sub(r"[^A-Za-z0-9._+-]", "_", name)[-200:]
    response.headers["Content-Disposition"] = f'attachment; filename="{safe_name}"'
    return response


def _read_token(ctx: Context, token: str, logged: LoggedTry) -> tuple[int, bool]:
    """Offset and whether the whole log was asked for."""
    try:
        attempt_id, offset, is_full = ctx.signer.loads(token, salt=_TOKEN_SALT)
    except BadSignature as exc:
        raise BadRequest([Problem(pointer="/token", message="Bad Signature")]) from exc
    if attempt_id != logged.attempt_id:
        message = "belongs to another try; begin again without it"
        raise BadRequest([Problem(pointer="/token", message=message)])
    return offset, is_full


def _lines(
    pieces: Sequence[LogPiece], offset: int, *, bytes_max: int, is_finished: bool
) -> tuple[list[tuple[datetime, str]], int, bool]:
    """The lines in `pieces`, where the next page begins, and whether there will be none.

    An unfinished line is left for the next page, unless the line alone fills the page.
    """
    lines: list[tuple[datetime, str]] = []
    rest = b""
    end = offset
    for piece in pieces:
        *complete, rest = (rest + piece.data).split(b"\n")
        for line in complete:
            if len(lines) == LINES_MAX:
                return lines, end, False
            lines.append((piece.at, _text(line)))
            end += len(line) + 1
    size = sum(len(piece.data) for piece in pieces)
    is_at_end = is_finished and size < bytes_max
    if rest and (is_at_end or (size >= bytes_max and not lines)):
        lines.append((pieces[-1].at, _text(rest)))
        end += len(rest)
    return lines, end, is_at_end


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode(errors="replace")
