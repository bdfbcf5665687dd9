"""Errors of a machine that has no room for another task now. The task is not at fault, and the error may pass."""

import os
from typing import Any

import orjson

from mainspring.start_refusals import ERRNOS

__all__ = ["PAUSE_SECONDS", "Refused", "encode_refused", "is_refusal", "refusal_of"]

PAUSE_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Pauses before the next start, by the number of refusals in a row."""


class Refused(Exception):
    """The attempt was not started. The text is the system's name of the cause, without a path."""


def is_refusal(exc: OSError) -> bool:
    """Whether the system had no room: disk, quota, descriptors, processes or memory."""
    return exc.errno in ERRNOS


def refusal_of(exc: OSError) -> Refused:
    return Refused(os.strerror(exc.errno or 0))


def encode_refused(attempt_id: str, refused: Refused) -> bytes:
    """The message of a host that keeps an attempt and tries again."""
    fields: list[Any] = ["refused", attempt_id, str(refused)]
    return orjson.dumps(fields)
