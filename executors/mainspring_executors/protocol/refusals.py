"""Errors that say that a machine has no room for another task now. They are no fault of the task, and may pass."""

import errno
import os
from typing import Any

import orjson

__all__ = ["PAUSE_SECONDS", "Refused", "encode_refused", "is_refusal", "refusal_of"]

_REFUSALS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM},
)
PAUSE_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Before the next start, by how many in a row were refused."""


class Refused(Exception):
    """Nothing was started. The text is the cause as the system names it, without a path."""


def is_refusal(exc: OSError) -> bool:
    """Whether the system had no room: disk, quota, descriptors, processes or memory."""
    return exc.errno in _REFUSALS


def refusal_of(exc: OSError) -> Refused:
    return Refused(os.strerror(exc.errno or 0))


def encode_refused(attempt_id: str, refused: Refused) -> bytes:
    """The message of a host that keeps an attempt and tries again."""
    fields: list[Any] = ["refused", attempt_id, str(refused)]
    return orjson.dumps(fields)
