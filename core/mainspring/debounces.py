"""The debounce of triggers: which triggers become one run, and when that run starts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from mainspring.concurrency_keys import ConcurrencyKeyInvalid, key_of
from mainspring.definition.model import Debounce

__all__ = ["DebounceKeyInvalid", "debounce_key", "debounced_start"]


class DebounceKeyInvalid(ConcurrencyKeyInvalid):
    """The expression of a debounce key failed, or its result cannot be a key."""

    code: ClassVar[str] = "debounce_key_invalid"
    subject = "debounce key"


def debounce_key(debounce: Debounce, names: Mapping[str, Any]) -> str:
    """The key of a trigger, by the rules of a concurrency key. Triggers with the same key join one run.

    Raises:
        DebounceKeyInvalid: See `key_of`.
    """
    return key_of(debounce.key, names, DebounceKeyInvalid)


def debounced_start(debounce: Debounce, first_at: datetime, now: datetime) -> datetime:
    """Earliest start of a run that a trigger joins now: `wait` from now, at most `max_wait` from the first trigger."""
    return min(now + debounce.wait, first_at + debounce.max_wait)
