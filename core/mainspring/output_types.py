"""Declared outputs of a task: for each name a JSON Schema that the value must fit.

The scheduler checks them, so what one check may cost is bounded: a schema refers to nothing, so each of its parts
meets each part of a value at most once, and a product of sizes beyond `WORK_MAX` is refused.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mainspring.errors import Problem
from mainspring.params import check_output_schema, compile_schema
from mainspring.pointers import join_pointer

__all__ = ["WORK_MAX", "OutputTypes", "check_output_type"]

WORK_MAX = 256 * 1024 * 1024
"""Bytes of the schema times bytes of the value, both as JSON; a value of 256 KiB fits a schema of 1 KiB."""

_REFUSED = ("$ref", "$dynamicRef", "unevaluatedItems", "unevaluatedProperties")
_SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs")
_NO_SCHEMAS = ("const", "default", "enum", "examples")
_EXCERPT_CHARS = 80


def check_output_type(schema: Any) -> list[Problem]:
    """What keeps `schema` from being the type of an output; pointers within it, empty when it is fine."""
    return check_output_schema(schema) or [
        Problem(
            pointer=pointer,
            message=f"{pointer.rpartition('/')[2]} cannot be used in the type of an output",
            hint="write the part out where it is used",
            code="invalid_schema",
        )
        for pointer in _refused_keywords(schema, "")
    ]


class OutputTypes:
    """The declared outputs of one task, compiled at the first use."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        """`schemas` passed `check_output_type`."""
        self._schemas = schemas
        self._compiled: dict[str, tuple[Any, int]] = {}

    def problem(self, outputs: Mapping[str, Any]) -> str | None:
        """A sentence about the first declared output that is missing or does not fit; `None` when all are right.

        Outputs that are not declared may be anything.
        """
        for name in self._schemas:
            if name not in outputs:
                return f"output '{name}' is declared and missing; give it in every successful try, or do not declare it"
            found = self._misfit(name, outputs[name])
            if found is not None:
                return f"output '{name}' is {_excerpt(outputs[name])}, which does not fit its declared type: {found}"
        return None

    def _misfit(self, name: str, value: Any) -> str | None:
        if name not in self._compiled:
            self._compiled[name] = (compile_schema(self._schemas[name]), len(json.dumps(self._schemas[name])))
        validator, schema_bytes = self._compiled[name]
        value_bytes = len(json.dumps(value))
        if schema_bytes * value_bytes > WORK_MAX:
            return (
                f"{value_bytes} bytes are too many for a type of {schema_bytes} bytes; "
                f"at most {WORK_MAX // schema_bytes} can be checked. Declare a shorter type, or hand over a reference"
            )
        fault = next(iter(validator.iter_errors(value)), None)
        if fault is None:
            return None
        return f"{_cut(fault.message)} (at {join_pointer('', *fault.instance_path) or 'the value itself'})"


def _refused_keywords(schema: Any, at: str) -> Iterator[str]:
    """Pointers of the keywords that would let a check cost more than the product of the sizes."""
    if isinstance(schema, list):
        for position, item in enumerate(schema):
            yield from _refused_keywords(item, f"{at}/{position}")
    if not isinstance(schema, Mapping):
        return
    for keyword, value in schema.items():
        if keyword in _REFUSED:
            yield join_pointer(at, keyword)
        elif keyword in _SCHEMA_MAPS and isinstance(value, Mapping):
            for name, below in value.items():
                yield from _refused_keywords(below, join_pointer(at, keyword, name))
        elif keyword not in _NO_SCHEMAS:
            yield from _refused_keywords(value, join_pointer(at, keyword))


def _excerpt(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False), _EXCERPT_CHARS)


def _cut(text: str, chars_max: int = 200) -> str:
    return text if len(text) <= chars_max else text[: chars_max - 1] + "…"
