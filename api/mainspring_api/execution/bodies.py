"""What workers send, read and checked."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from mainspring.attempts import Limits, LogChunk, Outcome
from mainspring.large_values import (
    EXCERPT_CHARS,
    KINDS,
    PIECE_BYTES,
    VALUE_BYTES_MAX,
    VALUES_BYTES_MAX,
    VALUES_MAX,
    LargeValue,
    value_id,
)
from mainspring.start_refusals import CAUSE_UNKNOWN, CAUSES
from mainspring.states import DECIDED_REASONS, StateReason
from mainspring_store.access.worker_tokens import WorkerToken
from mainspring_store.resources.large_values import Piece
from mainspring_store.scheduling.worker_protocol import Worker

__all__ = [
    "ATTEMPTS_MAX",
    "ATTEMPT_ID",
    "BATCH_MAX",
    "BODY_BYTES_MAX",
    "Bad",
    "ClaimFields",
    "Ended",
    "checked_token",
    "read_chunk",
    "read_claim",
    "read_finish",
    "read_heartbeat",
    "read_input",
    "read_json",
    "read_next",
    "read_report_and_claim",
    "read_start",
    "read_value_piece",
]  # fmt: skip

ATTEMPT_ID = "[0-9a-f]{32}"
BODY_BYTES_MAX = 2 * 1024 * 1024
ATTEMPTS_MAX = 1000
BATCH_MAX = 16
"""Ends in one exchange, and wishes."""
_TOKEN_CHARS_MIN = 32
_TOKEN_CHARS_MAX = 200
_CHUNK_BYTES_MAX = 64 * 1024
_CHUNKS_MAX = 16
_MESSAGE_CHARS_MAX = 2_000
_CAUSE_CHARS_MAX = 200
_NAME_CHARS_MAX = 250
_SHA256 = re.compile("[0-9a-f]{64}")
_LOG_BYTES_MAX = Limits().log_bytes_max + _CHUNK_BYTES_MAX
"""Size of the log that a host keeps, including the marker line with the number of dropped bytes."""
_OUTPUT_BYTES_MAX = 2 * Limits().output_bytes_max
"""Hosts count a different spelling of the values, with a slightly different length."""
_INSTANT_MIN = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT_MAX = datetime(3000, 1, 1, tzinfo=UTC)
"""A clock may be wrong by years. At the ends of time sums of instants and time zones have no value any more."""
_OUTCOMES = frozenset(map(str, Outcome))
_REPORTED_REASONS = frozenset(map(str, StateReason)) - DECIDED_REASONS
_RANDOM_UUID = 4
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Bad(Exception):
    """A body that is invalid in this release."""


@dataclass(frozen=True, slots=True)
class ClaimFields:
    """A worker's claim request inside a different call."""

    attempt_id: str
    token: str
    hostname: str
    queue: str | None
    """What the worker listens to; `None` = a worker of the previous release, which does not send the queue."""
    takes_values: bool
    """Whether the worker can fetch large values."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of an attempt in the format of the inbox."""

    attempt_id: str
    report: Mapping[str, Any]
    chunks: Sequence[LogChunk]
    """The last pieces of its log."""
    start: Mapping[str, Any] | None
    """The start of a prefetched attempt, if the start is not reported yet."""
    large: Sequence[LargeValue]
    """The large outputs in the report."""


def read_json(data: bytes) -> Any:
    """The value of a body. Raises `Bad` for what is no JSON, or what a database cannot hold."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as exc:
        raise Bad(f"the body is not JSON: {exc}") from None
    if b"u0000" in data and _ESCAPED_NUL.search(data):
        raise Bad("the body holds the character U+0000")
    return value


def read_claim(attempt_id: str, token: str, body: Any) -> ClaimFields:
    """The claim of an attempt with a checked token."""
    fields = _object(body)
    queue = _text(fields, "queue", 250) if fields.get("queue") is not None else None
    return ClaimFields(attempt_id, token, _text(fields, "hostname", 255), queue, _flag(fields, "takes_values"))


def read_start(body: Any) -> Mapping[str, Any]:
    """The report of a start in the format of the inbox."""
    fields = _object(body)
    return {"at": _instant(fields, "at").isoformat(), "hostname": _text(fields, "hostname", 255)}


def read_heartbeat(body: Any, *, worker_id: str | None, token: WorkerToken | None) -> tuple[Worker, Sequence[str]]:
    """The worker, and the ids of the attempts in its report.

    worker_id: the proven incarnation of the worker; `None` for a worker of the previous release, which names it.
    token: that of its queue, if it has one.
    """
    fields = _object(body)
    ids = fields.get("attempts")
    if not isinstance(ids, list) or len(ids) > ATTEMPTS_MAX or not all(map(_is_attempt_id, ids)):
        raise Bad(f"attempts must be a list of at most {ATTEMPTS_MAX} ids of attempts")
    about = _object(fields.get("worker"), "worker")
    refusals_count, refusals_cause = _refusals(about.get("refusals"))
    worker = Worker(
        incarnation=worker_id or _unproven(about),
        hostname=_text(about, "hostname", 255),
        pid=_number(about, "pid"),
        version=_text(about, "version", 100),
        queue=_text(about, "queue", 250),
        is_stopped=_flag(about, "is_stopped"),
        is_proven=worker_id is not None,
        token_id=None if token is None else token.id,
        token_name=None if token is None else token.name,
        refusals_count=refusals_count,
        refusals_cause=refusals_cause,
    )
    return worker, ids


def _refusals(value: Any) -> tuple[int, str | None]:
    """Count and cause of the starts that the machine of a worker refused. A worker of the release before sends none."""
    if value is None:
        return 0, None
    fields = _object(value, "refusals")
    cause = _text(fields, "cause", _CAUSE_CHARS_MAX) if fields.get("cause") is not None else None
    # Clients without a token read the cause in the health of the service, so no worker chooses its words.
    known = cause if cause is None or cause in CAUSES else CAUSE_UNKNOWN
    return _number(fields, "count"), known


def _unproven(about: Mapping[str, Any]) -> str:
    """The incarnation in a report of a worker of the previous release. Incarnations from keys are not random UUIDs, so
    the two kinds cannot collide."""
    try:
        incarnation = UUID(_text(about, "incarnation", 36))
    except ValueError:
        raise Bad("incarnation must be a UUID") from None
    if incarnation.version != _RANDOM_UUID:
        raise Bad("an incarnation that is made from a key must be proven by the header Worker-Key")
    return str(incarnation)


def read_chunk(attempt_id: str, body: Any, *, now: datetime) -> LogChunk:
    fields = _object(body)
    try:
        data = b64decode(_text(fields, "data", _CHUNK_BYTES_MAX * 2), validate=True)
    except Base64Error as exc:
        raise Bad(f"data must be base64: {exc}") from exc
    if len(data) > _CHUNK_BYTES_MAX:
        raise Bad(f"a chunk may have at most {_CHUNK_BYTES_MAX} bytes")
    return LogChunk(
        attempt_id=attempt_id, offset=_number(fields, "offset", maximum=_LOG_BYTES_MAX - len(data)), data=data, at=now
    )


def read_finish(attempt_id: str, body: Any, *, now: datetime) -> Ended:
    fields = _object(body)
    outputs = _object(fields.get("outputs") or {}, "outputs")
    try:
        output_bytes = len(orjson.dumps(outputs))
    except orjson.JSONEncodeError as exc:
        raise Bad(f"outputs cannot be kept: {exc}") from None
    if output_bytes > _OUTPUT_BYTES_MAX:
        raise Bad(f"outputs may have at most {_OUTPUT_BYTES_MAX} bytes")
    chunks = fields.get("log") or []
    if not isinstance(chunks, list) or len(chunks) > _CHUNKS_MAX:
        raise Bad(f"log must be a list of at most {_CHUNKS_MAX} chunks")
    large = [_large_value(attempt_id, item) for item in _list(fields, "large", VALUES_MAX)] if "large" in fields else []
    if sum(value.bytes for value in large) > VALUES_BYTES_MAX:
        raise Bad(f"large outputs may have at most {VALUES_BYTES_MAX} bytes together")
    if len({value.name for value in large} | outputs.keys()) < len(large) + len(outputs):
        raise Bad("an output is named twice")
    report = {
        "at": _instant(fields, "at").isoformat(),
        "outcome": _one_of(fields, "outcome", _OUTCOMES),
        "reason": _one_of(fields, "reason", _REPORTED_REASONS) if fields.get("reason") is not None else None,
        "message": _text(fields, "message", _MESSAGE_CHARS_MAX) if fields.get("message") is not None else None,
        "exit_code": _number(fields, "exit_code", minimum=-(2**31)) if fields.get("exit_code") is not None else None,
        "outputs": outputs,
        "log_bytes": _number(fields, "log_bytes", maximum=_LOG_BYTES_MAX),
        **({"large": [value.to_json() for value in large]} if large else {}),
    }
    if report["outcome"] == Outcome.SKIPPED and report["reason"] not in (None, StateReason.TASK_SKIPPED):
        raise Bad(f"a task that asked to be skipped has the reason {StateReason.TASK_SKIPPED}")
    return Ended(
        attempt_id,
        report,
        [read_chunk(attempt_id, chunk, now=now) for chunk in chunks],
        read_start(fields["started"]) if fields.get("started") is not None else None,
        large,
    )


def read_value_piece(attempt_id: str, body: Any) -> Piece:
    """A piece of a large output."""
    fields = _object(body)
    value = _large_value(attempt_id, fields.get("value"))
    position = _number(fields, "position", maximum=value.pieces - 1)
    try:
        data = b64decode(_text(fields, "data", PIECE_BYTES * 2), validate=True)
    except Base64Error as exc:
        raise Bad(f"data must be base64: {exc}") from exc
    if len(data) != value.piece_bytes(position):
        raise Bad(f"piece {position} has {len(data)} bytes; it must have {value.piece_bytes(position)}")
    return Piece(value=value, position=position, data=data)


def read_input(body: Any) -> tuple[str, int]:
    """Id of a value that an attempt is handed, and the position of the piece that the worker wants."""
    fields = _object(body)
    wanted_id = fields.get("value_id")
    if not _is_attempt_id(wanted_id):
        raise Bad("value_id must be the id of a large value")
    return str(wanted_id), _number(fields, "position", maximum=-(-VALUE_BYTES_MAX // PIECE_BYTES))


def _large_value(attempt_id: str, value: Any) -> LargeValue:
    """The reference to a large output. Its id follows from the attempt, so no worker can name the value of another."""
    fields = _object(value, "a large output")
    name = _text(fields, "name", _NAME_CHARS_MAX)
    digest = _text(fields, "sha256", 64)
    if not name or _SHA256.fullmatch(digest) is None:
        raise Bad("a large output has a name, and its digest as 64 hexadecimal digits")
    return LargeValue(
        id=value_id(attempt_id, name),
        name=name,
        bytes=_number(fields, "bytes", minimum=1, maximum=VALUE_BYTES_MAX),
        sha256=digest,
        kind=_one_of(fields, "kind", KINDS),
        excerpt=_text(fields, "excerpt", EXCERPT_CHARS),
    )


def read_next(body: Any) -> ClaimFields | None:
    """What a worker wants to claim with the end of an attempt."""
    claim_fields = _object(body).get("next")
    return None if claim_fields is None else _claim_fields(claim_fields, "next")


def read_report_and_claim(body: Any, *, now: datetime) -> tuple[Sequence[tuple[Ended, str]], Sequence[ClaimFields]]:
    """Ends, each with the token of its attempt, and what is to be claimed ahead."""
    fields = _object(body)
    ends = [
        (read_finish(_attempt_id(end, "an end"), end, now=now), checked_token(end.get("token"), "the token of an end"))
        for end in _list(fields, "ends", BATCH_MAX)
    ]
    requested = [_claim_fields(claim_fields, "a bid") for claim_fields in _list(fields, "bids", BATCH_MAX)]
    ids = [end.attempt_id for end, _ in ends] + [claim_fields.attempt_id for claim_fields in requested]
    if len(set(ids)) < len(ids):
        raise Bad("an attempt is named twice")
    return ends, requested


def _claim_fields(value: Any, name: str) -> ClaimFields:
    fields = _object(value, name)
    token = checked_token(fields.get("token"), f"the token of {name}")
    return read_claim(_attempt_id(fields, name), token, fields)


def checked_token(token: Any, name: str) -> str:
    """A worker's token for an attempt."""
    if not isinstance(token, str) or not _TOKEN_CHARS_MIN <= len(token) <= _TOKEN_CHARS_MAX:
        raise Bad(f"{name} must be a random text of {_TOKEN_CHARS_MIN} to {_TOKEN_CHARS_MAX} characters")
    return token


def _object(value: Any, name: str = "the body") -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Bad(f"{name} must be a JSON object")
    return value


def _list(fields: Mapping[str, Any], name: str, length_max: int) -> list[Mapping[str, Any]]:
    value = fields.get(name)
    if not isinstance(value, list) or len(value) > length_max:
        raise Bad(f"{name} must be a list of at most {length_max}")
    return [_object(item, f"each of {name}") for item in value]


def _attempt_id(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get("attempt_id")
    if not _is_attempt_id(value):
        raise Bad(f"{name} must name an attempt by its id")
    return str(value)


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


def _number(fields: Mapping[str, Any], name: str, *, minimum: int = 0, maximum: int = 2**31 - 1) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
        raise Bad(f"{name} must be a whole number from {minimum} to {maximum}")
    return value


def _one_of(fields: Mapping[str, Any], name: str, values: Collection[str]) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or value not in values:
        raise Bad(f"{name} is {value!r}; known: {', '.join(sorted(values))}")
    return str(value)


def _instant(fields: Mapping[str, Any], name: str) -> datetime:
    try:
        instant = datetime.fromisoformat(_text(fields, name, 40))
    except ValueError as exc:
        raise Bad(f"{name} must be an instant: {exc}") from exc
    if instant.tzinfo is None:
        raise Bad(f"{name} must be an instant with its offset")
    # Compared before anything converts it: near the ends of time that overflows.
    if not _INSTANT_MIN <= instant < _INSTANT_MAX:
        raise Bad(f"{name} must be from {_INSTANT_MIN.year} to {_INSTANT_MAX.year - 1}")
    return instant
