"""The JSON Schema of a definition, made from the tables that the parser reads by: for editors and for OpenAPI.

It says what one value may be; what holds between values (names that exist, no cycle) only the parser can tell.
"""

from collections.abc import Mapping
from typing import Any

from mainspring.definition.parse import DOCUMENT, TASKS

__all__ = ["json_schema"]


def json_schema(refs: str = "#/$defs/") -> dict[str, Any]:
    """A JSON Schema 2020-12 of the definition document.

    `$defs` holds every part that has a name: `Task`, the union of all types of task told apart by the constant
    `type`, one schema for each type (`ShellTask`, ...), and what they have in common (`RetryRule`, `TriggerRule`, ...).
    `refs` is where a reference finds these, for documents that keep them elsewhere, such as `#/components/schemas/`.
    """
    named: dict[str, Any] = {}
    _extract(DOCUMENT.schema(), refs, named)
    document = named.pop("Definition")
    named["Task"]["discriminator"] = {
        "propertyName": "type",
        "mapping": {name: f"{refs}{record.name}" for name, record in TASKS.items()},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Definition",
        "description": "A DAG as data. `dag_id` may be left out where the address names it.",
        **document,
        "required": [name for name in document["required"] if name != "dag_id"],
        "$defs": named,
    }


def _extract(part: Any, refs: str, named: dict[str, Any]) -> Any:
    """`part` with a reference in place of every schema within it that has a title; those go into `named`.

    A description says what the schema means at its place, so it stays beside the reference.
    """
    if isinstance(part, list):
        return [_extract(item, refs, named) for item in part]
    if not isinstance(part, Mapping):
        return part
    whole = {key: _extract(value, refs, named) for key, value in part.items()}
    title = whole.pop("title") if isinstance(part.get("title"), str) else None
    if title is None:
        return whole
    description = {"description": whole.pop("description")} if "description" in whole else {}
    assert named.setdefault(title, whole) == whole, f"two different schemas are named {title!r}"
    return {"$ref": f"{refs}{title}", **description}
