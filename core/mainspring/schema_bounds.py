"""Bounds the cost of a user's JSON Schema by its text, before the library compiles it.

References make a short schema long: thirty lines that each refer twice to the next are a billion parts, and one that
leads back to itself has no end. So references stay within the schema, never go round, and are counted written out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mainspring.errors import Problem
from mainspring.graph import find_cycle, topological_order
from mainspring.pointers import join_pointer, split_pointer

__all__ = ["DATA_KEYWORDS", "PARTS_MAX", "PATTERNS_MAX", "SCHEMA_MAPS", "bound_problems", "count_parts"]

PARTS_MAX = 10_000
"""Values of a schema, references written out."""
PATTERNS_MAX = 50
"""Regular expressions, each of which may take a megabyte when compiled."""

_REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("$anchor", "$dynamicAnchor", "$dynamicRef", "$id", "$recursiveRef"), "refer by '#/$defs/name'"),
    # Each of these keywords reads the results of the neighbouring schemas again: nested sixteen deep, one check takes a
    # second.
    "unevaluatedItems": "use prefixItems and items: false",
    "unevaluatedProperties": "use additionalProperties, beside all the properties",
}
"""Keyword -> what to write instead."""
SCHEMA_MAPS = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")
"""Keywords whose keys are names, not keywords."""
DATA_KEYWORDS = ("const", "default", "enum", "examples")
"""Keywords whose value is no schema."""


def bound_problems(schema: Mapping[str, Any]) -> list[Problem]:
    """Parts of `schema` that are too costly or refer to another document, with pointers within the schema; empty when
    it is bounded."""
    refused = [
        _problem(join_pointer(pointer, keyword), f"{keyword} is not understood here", hint)
        for pointer, part in _subschemas(schema, "")
        for keyword, hint in _REFUSED.items()
        if keyword in part
    ]
    if refused:
        return refused
    patterns = sum(
        ("pattern" in part) + len(_mapping(part, "patternProperties")) for _, part in _subschemas(schema, "")
    )
    if patterns > PATTERNS_MAX:
        return [_problem("", f"the schema holds {patterns} regular expressions; at most {PATTERNS_MAX} are allowed")]
    parts = count_parts(schema)
    if parts is None:
        return [_endless_reference(schema)]
    if parts > PARTS_MAX:
        message = f"the schema has {parts} parts with its references written out; at most {PARTS_MAX} are allowed"
        return [_problem("", message)]
    return []


def count_parts(schema: Mapping[str, Any]) -> int | None:
    """Number of values of a schema, with each reference counted as a copy of its target; `None` = no end."""
    names, sizes, references = _references(schema)
    order = topological_order(references)
    if len(order) < len(names):
        return None
    for position in order:
        sizes[position] += sum(sizes[target] for target in references[position])
    return sizes[0]


def _endless_reference(schema: Mapping[str, Any]) -> Problem:
    names, _, references = _references(schema)
    endless = {names[position] for position in find_cycle(references) or ()}
    pointer = next((pointer for pointer, part in _subschemas(schema, "") if part.get("$ref") in endless), None)
    at = "" if pointer is None else join_pointer(pointer, "$ref")
    return _problem(at, "the reference leads back to itself", "write the schema without recursion")


def _references(schema: Mapping[str, Any]) -> tuple[list[str], list[int], list[list[int]]]:
    """What refers to what: the references, the first being the schema itself as ""; for each reference the number of
    values of its target; and for each reference the positions of the references in the target, with repetitions."""
    names = [""]
    index = {"": 0}
    sizes: list[int] = []
    references: list[list[int]] = []
    for name in names:
        size, references_in = _measure(_resolve(schema, name))
        for reference in references_in:
            if reference not in index:
                index[reference] = len(names)
                names.append(reference)
        sizes.append(size)
        references.append([index[reference] for reference in references_in])
    return names, sizes, references


def _measure(value: Any) -> tuple[int, list[str]]:
    """The number of values in `value`, and its references."""
    size = 0
    references: list[str] = []
    waiting = [value]
    while waiting:
        value = waiting.pop()
        size += 1
        if isinstance(value, Mapping):
            waiting += value.values()
            if isinstance(value.get("$ref"), str):
                references.append(value["$ref"])
        elif isinstance(value, list):
            waiting += value
    return size, references


def _resolve(schema: Any, reference: str) -> Any:
    """What a reference within the schema leads to; nothing for a reference to another document, which does not
    compile."""
    if reference and not reference.startswith("#"):
        return None
    for key in split_pointer(reference[1:]):
        schema = schema.get(key) if isinstance(schema, Mapping) else None
    return schema


def _subschemas(schema: Any, pointer: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(pointer, schema) of the schema and of all schemas inside at the places of schemas."""
    if isinstance(schema, list):
        for position, item in enumerate(schema):
            yield from _subschemas(item, join_pointer(pointer, position))
    if not isinstance(schema, Mapping):
        return
    yield pointer, schema
    for keyword, value in schema.items():
        if keyword in SCHEMA_MAPS:
            for name, below in _mapping(schema, keyword).items():
                yield from _subschemas(below, join_pointer(pointer, keyword, name))
        elif keyword not in DATA_KEYWORDS:
            yield from _subschemas(value, join_pointer(pointer, keyword))


def _mapping(schema: Mapping[str, Any], keyword: str) -> Mapping[str, Any]:
    value = schema.get(keyword)
    return value if isinstance(value, Mapping) else {}


def _problem(pointer: str, message: str, hint: str | None = None) -> Problem:
    return Problem(pointer=pointer, message=message, hint=hint, code="invalid_schema")
