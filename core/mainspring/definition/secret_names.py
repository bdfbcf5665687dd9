"""Which secrets a task names. They stand as `{secret: name}` in `env` and in `headers`, and nowhere else."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["secret_names"]


def secret_names(payload: Mapping[str, Any]) -> frozenset[str]:
    """The names in the payload of a task, as written or rendered."""
    return frozenset(_names(payload))


def _names(payload: Mapping[str, Any]) -> Iterator[str]:
    for place in ("env", "headers"):
        values = payload.get(place)
        for value in values.values() if isinstance(values, Mapping) else ():
            if isinstance(value, Mapping) and set(value) == {"secret"}:
                yield value["secret"]
    if isinstance(payload.get("http"), Mapping):  # the request of a `wait`
        yield from _names(payload["http"])
