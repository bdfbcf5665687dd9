"""Declared outputs of a task: for each name a JSON Schema that the value must fit.

The scheduler checks the outputs, so the cost of a check is bounded: each part of a schema meets each part of a value at
most once (`schema_bounds`), and a product of their sizes beyond `WORK_MAX` is refused.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from mainspring.params import compile_schema
from mainspring.pointers import join_pointer
from mainspring.schema_bounds import count_parts

__all__ = ["WORK_MAX", "OutputTypes"]

WORK_MAX = 64 * 1024 * 1024
"""Parts of the schema times bytes of the value as JSON: a value of 256 KiB may have a type of 256 parts."""

_EXCERPT_CHARS = 80


class OutputTypes:
    """The declared outputs of one task, compiled at the first use."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        """`schemas` passed `check_output_schema`."""
        self._schemas = schemas
        self._compiled: dict[str, tuple[Any, int]] = {}

    def problem(self, outputs: Mapping[str, Any], *, checked: Collection[str] = ()) -> str | None:
        """A sentence about the first declared output that is missing or does not fit; `None` when all are right.

        Undeclared outputs may have any value. checked: further outputs, which fit.
        """
        for name in self._schemas:
            if name in checked:
                continue
            if name not in outputs:
                return f"output '{name}' is declared and missing; give it in every successful try, or do not declare it"
            problem = self.problem_of(name, outputs[name])
            if problem is not None:
                return problem
        return None

    def problem_of(self, name: str, value: Any) -> str | None:
        """A sentence about one output that does not fit; `None` when it fits or is not declared."""
        problem = self._misfit(name, value) if name in self._schemas else None
        if problem is None:
            return None
        return f"output '{name}' is {_excerpt(value)}, which does not fit its declared type: {problem}"

    def fitting(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs that are undeclared or fit. For a failed task, which need not give all that it declares."""
        return {
            name: value
            for name, value in outputs.items()
            if name not in self._schemas or self._misfit(name, value) is None
        }

    def nullable(self) -> frozenset[str]:
        """Names of the declared outputs that may be null."""
        return frozenset(name for name in self._schemas if self._misfit(name, None) is None)

    def _misfit(self, name: str, value: Any) -> str | None:
        if name not in self._compiled:
            schema = self._schemas[name]
            self._compiled[name] = (compile_schema(schema), count_parts(schema) or 1)
        validator, parts = self._compiled[name]
        size = len(json.dumps(value))
        if parts * size > WORK_MAX:
            return (
                f"{size} bytes are too many for a type of {parts} parts; at most {WORK_MAX // parts} can be checked. "
                "Declare a shorter type, or hand over a reference"
            )
        fault = next(iter(validator.iter_errors(value)), None)
        if fault is None:
            return None
        return f"{_cut(fault.message)} (at {join_pointer('', *fault.instance_path) or 'the value itself'})"


def _excerpt(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False), _EXCERPT_CHARS)


def _cut(text: str, chars_max: int = 200) -> str:
    return text if len(text) <= chars_max else text[: chars_max - 1] + "…"
