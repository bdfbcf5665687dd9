"""What a definition may say although the engine cannot do it yet.

Such a definition is refused when it is saved: never accepted and then ignored. A feature that lands loses its line.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mainspring.errors import Problem
from mainspring.pointers import join_pointer

__all__ = ["UNSUPPORTED_DAG_FIELDS", "UNSUPPORTED_TASK_FIELDS", "unsupported"]

Asks = Callable[[Any], bool]
"""Whether a field with this value asks for more than the engine does without it."""


def _given(_: Any) -> bool:
    return True


def _true(value: Any) -> bool:
    return bool(value)


UNSUPPORTED_DAG_FIELDS: Mapping[str, Asks] = {}

UNSUPPORTED_TASK_FIELDS: Mapping[str, Asks] = {
    "executor": _given,
}


def unsupported(document: Mapping[str, Any]) -> Iterator[Problem]:
    """A problem for each thing in a normalised document that is not supported yet."""
    yield from _fields(document, "", UNSUPPORTED_DAG_FIELDS)
    yield from _fields(document.get("default_args", {}), "/default_args", UNSUPPORTED_TASK_FIELDS)
    for task_id, task in document.get("tasks", {}).items():
        at = join_pointer("/tasks", task_id)
        yield from _fields(task, at, UNSUPPORTED_TASK_FIELDS)


def _fields(part: Mapping[str, Any], at: str, table: Mapping[str, Asks]) -> Iterator[Problem]:
    for name, value in part.items():
        if name in table and table[name](value):
            yield _problem(f"{at}/{name}", f"the field {name!r}")


def _problem(pointer: str, what: str) -> Problem:
    return Problem(pointer=pointer, message=f"{what}: not supported yet", code="not_supported_yet")
