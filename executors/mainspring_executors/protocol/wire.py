"""The messages between a scheduler and its task hosts: JSON in frames, and log chunks as bytes in frames.

Both ends belong to one release, so a message is an array of its kind and positional fields, without negotiation. The
log has a socket of its own, so that a report never waits behind log.
"""

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from time import time
from typing import Any

import orjson

from mainspring.attempt_json import attempt_from_json, attempt_to_json
from mainspring.attempts import Attempt, Finished, LogChunk, Outcome, Started, Stopped
from mainspring.large_values import LargeValue
from mainspring.states import StateReason
from mainspring_executors.protocol.results import Result

__all__ = [
    "FENCED_EXIT_CODE",
    "LOG_CHUNK_BYTES_MAX",
    "READY",
    "SEQ_FINISHED",
    "SEQ_STARTED",
    "SEQ_STOPPED",
    "clean",
    "decode_attempt",
    "decode_log_chunk",
    "decode_report",
    "encode_attempt",
    "encode_finished",
    "encode_log_chunk",
    "encode_started",
    "encode_stopped",
    "join",
]

LOG_CHUNK_BYTES_MAX = 64 * 1024

_MESSAGE_CHARS_MAX = 2_000
READY = b'["ready"]'
"""The first message of a host. A host starts no attempt before it."""

FENCED_EXIT_CODE = 86
"""Exit code of a host whose scheduler was silent for too long. No task is the cause of this end."""

_LOG_HEADER = struct.Struct(">16sQQ")
SEQ_STARTED, SEQ_FINISHED, SEQ_STOPPED = 1, 2, 3


def join(messages: list[bytes]) -> bytes:
    """Join encoded messages into a JSON array."""
    return b"[" + b",".join(messages) + b"]"


def encode_attempt(attempt: Attempt) -> bytes:
    """Raises `TypeError` (orjson's) for a payload that JSON cannot hold."""
    return orjson.dumps(["attempt", attempt_to_json(attempt)], default=_plain)


def decode_attempt(fields: list[Any]) -> Attempt:
    """The inverse of `encode_attempt`, from its parsed array."""
    return attempt_from_json(fields[1])


def encode_started(attempt_id: str, pid: int) -> bytes:
    return orjson.dumps(["started", attempt_id, SEQ_STARTED, time(), pid])


def encode_finished(attempt_id: str, result: Result, *, log_bytes: int, still_running: bool = False) -> bytes:
    return orjson.dumps(
        [
            "finished",
            attempt_id,
            SEQ_FINISHED,
            time(),
            result.outcome,
            result.reason,
            clean(result.message),
            result.exit_code,
            orjson.Fragment(result.outputs_json),
            log_bytes,
            still_running,
            [value.to_json() for value in result.large],
        ]
    )


def encode_stopped(attempt_id: str) -> bytes:
    return orjson.dumps(["stopped", attempt_id, SEQ_STOPPED, time()])


def decode_report(fields: list[Any], *, hostname: str) -> Started | Finished | Stopped:
    """The report in a message whose first field is `started`, `finished` or `stopped`."""
    kind, attempt_id, seq, at = fields[:4]
    when = datetime.fromtimestamp(at, UTC)
    if kind == "started":
        return Started(attempt_id=attempt_id, seq=seq, at=when, hostname=hostname, pid=fields[4])
    if kind == "stopped":
        return Stopped(attempt_id=attempt_id, seq=seq, at=when)
    return Finished(
        attempt_id=attempt_id,
        seq=seq,
        at=when,
        outcome=Outcome(fields[4]),
        reason=None if fields[5] is None else StateReason(fields[5]),
        message=fields[6],
        exit_code=fields[7],
        outputs=fields[8],
        log_bytes=fields[9],
        still_running=fields[10],
        large={item["name"]: LargeValue.from_json(item) for item in fields[11]},
    )


def encode_log_chunk(attempt_id: str, offset: int, data: bytes) -> bytes:
    """`attempt_id` is 32 hexadecimal digits."""
    return _LOG_HEADER.pack(bytes.fromhex(attempt_id), offset, int(time() * 1_000_000)) + data


def decode_log_chunk(payload: bytes) -> LogChunk:
    raw_id, offset, at = _LOG_HEADER.unpack_from(payload)
    return LogChunk(
        attempt_id=raw_id.hex(),
        offset=offset,
        data=payload[_LOG_HEADER.size :],
        at=datetime.fromtimestamp(at / 1_000_000, UTC),
    )


def clean(message: str | None) -> str | None:
    """Make the text of a task's exception fit for JSON and every database: shorter, valid UTF-8, no U+0000."""
    if message is None:
        return None
    return message[:_MESSAGE_CHARS_MAX].encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _plain(value: Any) -> Any:
    """Convert mappings to `dict`, and tuples and frozen sets to lists: orjson knows no other mapping."""
    if isinstance(value, dict):
        return value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
