"""Which secrets an attempt may open: only the secrets that the saved definition names by a literal.

A secret stands as `{secret: name}` in `env` and in `headers`, and nowhere else. The rights of the author are checked
against these names when the definition is saved. What an expression gives never names a secret: params, outputs and
variables come from people who may hold no right to the secret.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mainspring.errors import ExpressionError
from mainspring.waits import CHECKS

__all__ = ["secret_names", "secrets_to_open"]


def secret_names(written: Mapping[str, Any]) -> frozenset[str]:
    """The names in the payload of a task as it is written in the definition. Never ask for those of a rendered one."""
    return frozenset(_names(written))


def secrets_to_open(written: Mapping[str, Any], rendered: Mapping[str, Any]) -> frozenset[str]:
    """The names of the secrets that an attempt gets. The scheduler and the execution API both ask here.

    written: the payload as it stands in the definition; rendered: the same with every expression evaluated.

    Raises:
        ExpressionError: An expression gave an object at a place for text, where it could be taken for a secret.
    """
    if rendered is not written:
        literals = dict(_texts(written))
        for place, value in _texts(rendered):
            if isinstance(value, Mapping) and literals.get(place) != value:
                raise ExpressionError(
                    f"{place}: the expression gave an object, and text stands there. Name a single value of the "
                    "object; a secret is named by a literal {secret: name} in the definition, never by an expression"
                )
    return secret_names(written)


def _names(payload: Mapping[str, Any]) -> Iterator[str]:
    for place in ("env", "headers"):
        values = payload.get(place)
        for value in values.values() if isinstance(values, Mapping) else ():
            if isinstance(value, Mapping) and set(value) == {"secret"}:
                yield value["secret"]
    for kind in CHECKS:
        if isinstance(payload.get(kind), Mapping):  # the check of a `wait`
            yield from _names(payload[kind])


def _texts(payload: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(place, value) of every value that becomes text where the task runs."""
    for place in ("url", "body", "working_dir", "path"):
        if place in payload:
            yield place, payload[place]
    yield from _items("command", payload.get("command"))
    for place in ("env", "headers", "query"):
        values = payload.get(place)
        if isinstance(values, Mapping):
            for name, value in values.items():
                yield f"{place}/{name}", value
                if place == "query":  # each item becomes a text of its own; elsewhere a list becomes one text
                    yield from _items(f"query/{name}", value)
        elif values is not None:
            yield place, values


def _items(place: str, values: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(values, list | tuple):
        yield from ((f"{place}/{position}", value) for position, value in enumerate(values))
