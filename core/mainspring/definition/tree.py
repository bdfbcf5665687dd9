"""Bounds of every JSON document of a client: bounded, and storable as UTF-8 and in a database."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from mainspring.definition.report import Report
from mainspring.errors import Problem
from mainspring.pointers import join_pointer

__all__ = ["BYTES_MAX", "DEPTH_MAX", "NODES_MAX", "Unusable", "check_tree"]

BYTES_MAX = 2 * 1024 * 1024
DEPTH_MAX = 50
NODES_MAX = 200_000
"""Values of a document, YAML aliases expanded."""
_INT64 = 1 << 63


class Unusable:
    """Stands in a parsed tree for a value that the text spells but that may not be used; `check_tree` finds it."""

    def __init__(self, message: str, code: str = "invalid_number") -> None:
        self.message, self.code = message, code


class RepeatedKeys(dict[str, Any]):
    """A parsed object whose text has some keys more than once."""

    keys_repeated: tuple[str, ...] = ()


def check_tree(value: Any, *, depth_max: int = DEPTH_MAX, nodes_max: int = NODES_MAX) -> list[Problem]:
    """Every fault of a tree that does not depend on the meaning. The check stops at the first broken bound, so the cost
    is bounded too.
    """
    report = Report()
    nodes = 1
    for code, message in _faults(value):
        report.add(code, "", message)
    waiting: list[tuple[Any, str, int]] = [(value, "", 1)]
    while waiting and not report.is_full:
        container, pointer, depth = waiting.pop()
        children = _children(container)
        nodes += len(children)
        if nodes > nodes_max:
            report.add("too_many_nodes", "", f"the document has more than {nodes_max} values")
            break
        if depth > depth_max:
            report.add("too_deep", pointer, f"it is nested deeper than {depth_max} levels")
            break
        below: list[tuple[Any, str, int]] = []
        for key, child in children:
            for code, message in _faults(child) if isinstance(key, int) else (*_faults(key), *_faults(child)):
                report.add(code, join_pointer(pointer, key), message)
            if isinstance(child, (list, tuple, Mapping)):
                below.append((child, join_pointer(pointer, key), depth + 1))
        waiting += reversed(below)
    return report.problems + report.counted()


def _children(container: Any) -> list[tuple[Any, Any]]:
    if isinstance(container, Mapping):
        return list(container.items())
    return list(enumerate(container)) if isinstance(container, (list, tuple)) else []


def _faults(value: Any) -> Iterator[tuple[str, str]]:
    """(code, message) for the faults of one value without its children."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            yield "invalid_text", "the text holds a lone surrogate, which is no character"
        if "\0" in value:
            yield "invalid_text", "the text holds the character U+0000, which cannot be stored"
    elif value is None or isinstance(value, (bool, list, tuple)):
        pass
    elif isinstance(value, RepeatedKeys):
        for key in value.keys_repeated:
            yield "duplicate_key", f"the key {key[:60]!r} stands here more than once"
    elif isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            yield "wrong_type", "every key must be a string"
    elif isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            yield "invalid_number", "the integer is beyond 64 bits; write it as a string"
    elif isinstance(value, float):
        if not isfinite(value):
            yield "invalid_number", f"{value} is no JSON number"
    elif isinstance(value, Unusable):
        yield value.code, value.message
    else:
        yield "wrong_type", f"a value of type {type(value).__name__} is no JSON"
