"""Puts large values from their files into the payload of a task, in the process that runs the task."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from mainspring.attempts import Attempt
from mainspring.large_values import LargeValue, filled
from mainspring.states import StateReason
from mainspring_executors.protocol.results import TaskEnded, failed

__all__ = ["with_values"]


def with_values(attempt: Attempt, *, is_wanted: Callable[[str], bool], is_text: Callable[[str], bool]) -> Attempt:
    """The attempt with the wanted values in its payload; the others stay references.

    is_wanted: whether the value at a place (JSON pointer) is put there.
    is_text: whether the place takes the JSON text itself (`orjson.Fragment`), without a copy of its parts.

    Raises:
        TaskEnded: A file is missing or no JSON.
    """
    wanted = {place: value for place, value in attempt.values.items() if is_wanted(place)}
    if not wanted:
        return attempt
    contents: dict[str, Any] = {}
    for place, value in wanted.items():
        text = _read(value)
        contents[place] = orjson.Fragment(text) if is_text(place) else orjson.loads(text)
    rest = {place: value for place, value in attempt.values.items() if place not in wanted}
    return replace(attempt, payload=filled(attempt.payload, contents), values=rest)


def _read(value: LargeValue) -> bytes:
    try:
        with open(value.path or "", "rb") as file:
            text = file.read(value.bytes + 1)
    except OSError as exc:
        raise _unreadable(value, exc.strerror or type(exc).__name__) from exc
    if len(text) != value.bytes:
        raise _unreadable(value, f"its file has another size than {value.bytes} bytes")
    return text


def _unreadable(value: LargeValue, cause: str) -> TaskEnded:
    message = f"output '{value.name}', which this task is handed, cannot be read on this machine: {cause}"
    return TaskEnded(failed(StateReason.EXCEPTION, message))
