"""What workers send, read and checked."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mainspring.attempts import LogChunk, Outcome
from mainspring.states import StateReason

__all__ = ["BODY_BYTES_MAX", "Bad", "read_beat", "read_chunk", "read_claim", "read_finish"]

BODY_BYTES_MAX = 2 * 1024 * 1024
ATTEMPTS_MAX = 1000
_CHUNK_BYTES_MAX = 64 * 1024
_MESSAGE_CHARS_MAX = 2_000


class Bad(Exception):
    """A body that no worker of this release sends."""


def read_claim(body: Any) -> str:
    """The worker's host name."""
    return _text(_object(body), "hostname", 255)


def read_beat(body: Any) -> Sequence[str]:
    """The ids of the attempts that the worker carries."""
    ids = _object(body).get("attempts")
    if not isinstance(ids, list) or len(ids) > ATTEMPTS_MAX or not all(isinstance(one, str) for one in ids):
        raise Bad(f"attempts must be a list of at most {ATTEMPTS_MAX} ids")
    return ids


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
    outputs = fields.get("outputs") or {}
    if not isinstance(outputs, dict):
        raise Bad("outputs must be an object")
    chunks = fields.get("log") or []
    if not isinstance(chunks, list):
        raise Bad("log must be a list of chunks")
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


def _object(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise Bad("the body must be a JSON object")
    return body


def _text(fields: Mapping[str, Any], name: str, chars_max: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > chars_max:
        raise Bad(f"{name} must be text of at most {chars_max} characters")
    return value


def _number(fields: Mapping[str, Any], name: str, *, minimum: int = 0) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value < 2**53:
        raise Bad(f"{name} must be a whole number from {minimum} on")
    return value


def _one_of(fields: Mapping[str, Any], name: str, values: type[Outcome] | type[StateReason]) -> str:
    value = fields.get(name)
    if value not in set(values):
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
