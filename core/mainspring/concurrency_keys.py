"""The concurrency key of a run: evaluated once, when the run is made."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from mainspring.definition.model import KEY_BYTES_MAX, Concurrency
from mainspring.errors import ExpressionError, InvalidInput, Problem
from mainspring.expressions import Template

__all__ = ["ConcurrencyKeyInvalid", "key_of", "key_of_run"]


class ConcurrencyKeyInvalid(InvalidInput):
    """The expression of a concurrency key failed, or its result cannot be a key."""

    code: ClassVar[str] = "concurrency_key_invalid"
    subject: ClassVar[str] = "concurrency key"

    def __init__(self, fault: str, hint: str) -> None:
        """fault: what is wrong with the key, without a subject."""
        message = f"the {self.subject} of the run {fault}"
        super().__init__([Problem(pointer="/conf", message=message, hint=hint, code=self.code)])


def key_of_run(concurrency: Concurrency, names: Mapping[str, Any]) -> str:
    """The concurrency key of a run: see `key_of`.

    Raises:
        ConcurrencyKeyInvalid: See `key_of`.
    """
    return key_of(concurrency.key, names, ConcurrencyKeyInvalid)


def key_of(template: Template, names: Mapping[str, Any], fault: type[ConcurrencyKeyInvalid]) -> str:
    """The key that an expression gives: 1 to `KEY_BYTES_MAX` bytes. Numbers, true and false stand for their JSON text.

    names: see `run_names`.

    Raises:
        ConcurrencyKeyInvalid: As `fault`. The expression failed; the result is null, empty, a list or an object; or it
            is too long.
    """
    try:
        value = template.render(names)
    except ExpressionError as exc:
        hint = "send the values that the key of the DAG reads, or change the key"
        raise fault(f"cannot be evaluated: {exc}", hint) from exc
    if value is None or value == "" or isinstance(value, list | Mapping):
        result = "empty" if value == "" else _KINDS.get(type(value), "an object")
        message = f"is {result}; a key is text, a number, true or false"
        raise fault(message, "send a value for the key, or give the key of the DAG a default")
    key = value if isinstance(value, str) else json.dumps(value)
    size = len(key.encode("utf-8", "surrogatepass"))
    if size > KEY_BYTES_MAX:
        message = f"has {size} bytes; at most {KEY_BYTES_MAX} are allowed"
        raise fault(message, "use a shorter value as the key, such as an id")
    return key


_KINDS: Mapping[type, str] = {type(None): "null", list: "a list"}
