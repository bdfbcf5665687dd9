"""Schemas without lists of types: a value that may be null, or of several types, is a choice (`anyOf`).

Both say the same. Programs that read documents of FastAPI know the choice alone, as Airflow's own document has it.
"""

from collections.abc import Mapping
from typing import Any

__all__ = ["with_choices"]

_ANNOTATIONS = frozenset({"title", "description", "default", "deprecated", "readOnly", "writeOnly", "examples"})
"""Keywords about the value as a whole; the others belong to the choice that is not null."""
_DATA = frozenset({"default", "examples", "example", "enum", "const"})
"""Keywords whose values are no schemas."""
_MAPS = frozenset({"properties", "patternProperties", "$defs", "schemas"})
"""Keywords whose values have schemas by name, so that a name may look like a keyword."""


def with_choices(part: Any) -> Any:
    """A part of a document, with every list of types written as a choice."""
    if isinstance(part, list):
        return [with_choices(item) for item in part]
    if not isinstance(part, Mapping):
        return part
    rendered = {key: _value(key, value) for key, value in part.items()}
    kinds = rendered.get("type")
    if not isinstance(kinds, list):
        return rendered
    about = {key: value for key, value in rendered.items() if key in _ANNOTATIONS}
    checks = {key: value for key, value in rendered.items() if key not in _ANNOTATIONS and key != "type"}
    choices = [{"type": kind} if kind == "null" else {"type": kind, **checks} for kind in kinds]
    return {"anyOf": choices, **about}


def _value(keyword: str, value: Any) -> Any:
    if keyword in _MAPS:
        return {name: with_choices(schema) for name, schema in value.items()}
    if keyword == "anyOf":
        return [choice for schema in value for choice in _flat(with_choices(schema))]
    return value if keyword in _DATA else with_choices(value)


def _flat(schema: Any) -> list[Any]:
    """The choices of a schema with a choice and no further keyword; else the schema itself."""
    return list(schema["anyOf"]) if isinstance(schema, Mapping) and schema.keys() == {"anyOf"} else [schema]
