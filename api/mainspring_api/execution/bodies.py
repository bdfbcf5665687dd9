"""What workers send, read and checked."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from mainspring.attempts import LogChunk, Outcome
from mainspring.states import StateReason
from mainspring_store.remote import Worker

__all__ = [
    "ATTEMPTS_MAX", "ATTEMPT_ID", "BODY_BYTES_MAX", "Bad", "checked_token", "read_beat", "read_chunk", "read_claim",
    "read_finish", "read_json", "read_next", "read_start",
]  # fmt: skip

ATTEMPT_ID = "[0-9a-f]{32}"
BODY_BYTES_MAX = 2 * 1024 * 1024
ATTEMPTS_MAX = 1000
_TOKEN_CHARS_MIN = 32
_TOKEN_CHARS_MAX = 200
_CHUNK_BYTES_MAX = 64 * 1024
_CHUNKS_MAX = 16
_MESSAGE_CHARS_MAX = 2_000
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Bad(Exception):
    """A body that no worker of this release sends."""


def read_json(data: bytes) -> Any:
    """The value of a body. Raises `Bad` for what is no JSON, or what a database cannot hold."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as exc:
        raise Bad(f"the body is not JSON: {exc}") from None
    if b"u0000" in data and _ESCAPED_NUL.search(data):
        raise Bad("the body holds the character U+0000")
    return value


def read_claim(body: Any) -> tuple[str, bool]:
    """The worker's host name, and whether the attempt starts later."""
    fields = _object(body)
    return _text(fields, "hostname", 255), _flag(fields, "is_ahead")


def read_start(body: Any) -> Mapping[str, Any]:
    """The report of a start, as the inbox keeps it."""
    fields = _object(body)
    return {"at": _instant(fields, "at").isoformat(), "hostname": _text(fields, "hostname", 255)}


def read_beat(body: Any) -> tuple[Worker, Sequence[str]]:
    """The worker, and the ids of the attempts that it carries."""
    fields = _object(body)
    ids = fields.get("attempts")
    if not isinstance(ids, list) or len(ids) > ATTEMPTS_MAX or not all(map(_is_attempt_id, ids)):
        raise Bad(f"attempts must be a list of at most {ATTEMPTS_MAX} ids of attempts")
    about = _object(fields.get("worker"), "worker")
    worker = Worker(
        incarnation=_text(about, "incarnation", 36),
        hostname=_text(about, "hostname", 255),
        pid=_number(about, "pid"),
        version=_text(about, "version", 100),
        queue=_text(about, "queue", 250),
        is_stopped=_flag(about, "is_stopped"),
    )
    return worker, ids


def read_chunk(attempt_id: str, body: Any, *, now: datetime) -> LogChunk:
    fields = _object(body)
    try:
        data = b64decode(_text(fields, "data", _CHUNK_BYTES_MAX * 2), validate=True)
    except Base64Error as exc:
        raise Bad(f"data must be base64: {exc}") from exc
    if len(data) > _CHUNK_BYTES_MAX:
        raise Bad(f"a chunk may have at most {_CHUNK_BYTES_MAX} bytes")
    return LogChunk(attempt_id=attempt_id, offset=_number(fields, "offset"), data=data, at=now)


def read_finish(attempt_id: str, body: Any, *, now: datetime) -> tuple[Mapping[str, Any], Sequence[LogChunk]]:
    """The report as the inbox keeps it, and the last pieces of the log."""
    fields = _object(body)
    outputs = _object(fields.get("outputs") or {}, "outputs")
    try:
        orjson.dumps(outputs)
    except orjson.JSONEncodeError as exc:
        raise Bad(f"outputs cannot be kept: {exc}") from None
    chunks = fields.get("log") or []
    if not isinstance(chunks, list) or len(chunks) > _CHUNKS_MAX:
        raise Bad(f"log must be a list of at most {_CHUNKS_MAX} chunks")
    report = {
        "at": _instant(fields, "at").isoformat(),
        "outcome": _one_of(fields, "outcome", Outcome),
        "reason": _one_of(fields, "reason", StateReason) if fields.get("reason") is not None else None,
        "message": _text(fields, "message", _MESSAGE_CHARS_MAX) if fields.get("message") is not None else None,
        "exit_code": _number(fields, "exit_code", minimum=-(2**31)) if fields.get("exit_code") is not None else None,
        "outputs": outputs,
        "log_bytes": _number(fields, "log_bytes"),
    }
    return report, [read_chunk(attempt_id, chunk, now=now) for chunk in chunks]


def read_next(body: Any) -> tuple[str, str, str, bool] | None:
    """What a worker wants to claim with the end of an attempt: its id, the token, and what `read_claim` gives."""
    fields = _object(body).get("next")
    if fields is None:
        return None
    fields = _object(fields, "next")
    attempt_id = _text(fields, "attempt_id", 32)
    if not _is_attempt_id(attempt_id):
        raise Bad("next must name an attempt by its id")
    return attempt_id, checked_token(fields.get("token"), "the token of next"), *read_claim(fields)


def checked_token(token: Any, name: str) -> str:
    """A token that a worker made up for one attempt."""
    if not isinstance(token, str) or not _TOKEN_CHARS_MIN <= len(token) <= _TOKEN_CHARS_MAX:
        raise Bad(f"{name} must be a random text of {_TOKEN_CHARS_MIN} to {_TOKEN_CHARS_MAX} characters")
    return token


def _object(value: Any, name: str = "the body") -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Bad(f"{name} must be a JSON object")
    return value


def _is_attempt_id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(ATTEMPT_ID, value) is not None


def _text(fields: Mapping[str, Any], name: str, chars_max: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > chars_max:
        raise Bad(f"{name} must be text of at most {chars_max} characters")
    return value


def _flag(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise Bad(f"{name} must be true or false")
    return value


def _number(fields: Mapping[str, Any], name: str, *, minimum: int = 0) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value < 2**31:
        raise Bad(f"{name} must be a whole number from {minimum} to {2**31 - 1}")
    return value


def _one_of(fields: Mapping[str, Any], name: str, values: type[Outcome] | type[StateReason]) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or value not in set(values):
        raise Bad(f"{name} is {value!r}; known: {', '.join(values)}")
    return str(value)


def _instant(fields: Mapping[str, Any], name: str) -> datetime:
    try:
        instant = datetime.fromisoformat(_text(fields, name, 40))
    except ValueError as exc:
        raise Bad(f"{name} must be an instant: {exc}") from exc
    if instant.tzinfo is None:
        raise Bad(f"{name} must be an instant with its offset")
    return instant
