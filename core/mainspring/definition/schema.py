"""The JSON Schema of a definition, made from the tables that the parser reads by: for editors and for OpenAPI.

It says what one value may be; only the parser checks relations between values (existing names, no cycle).
"""

from collections.abc import Mapping
from typing import Any

from mainspring.definition.parse import DOCUMENT, TASKS

__all__ = ["json_schema"]


def json_schema(refs: str = "#/$defs/") -> dict[str, Any]:
    """A JSON Schema 2020-12 of the definition document.

    `$defs` holds every part that has a name: `Task`, the union of all types of task with the constant `type` as
    discriminator, one schema for each type (`ShellTask`, ...), and shared parts (`RetryRule`, `TriggerRule`, ...).
    `refs` is the prefix of references, for documents with another place for schemas, such as `#/components/schemas/`.
    """
    named: dict[str, Any] = {}
    _extract(DOCUMENT.schema(), refs, named)
    document = named.pop("Definition")
    named["Task"]["discriminator"] = {
        "propertyName": "type",
        "mapping": {name: f"{refs}{record.name}" for name, record in TASKS.items()},
    }
    required = [name for name in document.pop("required", ()) if name != "dag_id"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Definition",
        "description": "A DAG as data. `dag_id` may be left out where the address names it.",
        **document,
        **({"required": required} if required else {}),
        "$defs": named,
    }


def _extract(part: Any, refs: str, named: dict[str, Any]) -> Any:
    """`part` with a reference in place of every schema within it that has a title; those go into `named`.

    A description explains the schema at its place, so the description stays beside the reference.
    """
    if isinstance(part, list):
        return [_extract(item, refs, named) for item in part]
    if not isinstance(part, Mapping):
        return part
    if "$named" in part:  # a schema within itself
        return {"$ref": f"{refs}{part['$named']}", **{key: part[key] for key in part if key != "$named"}}
    whole = {key: _extract(value, refs, named) for key, value in part.items()}
    title = whole.pop("title") if isinstance(part.get("title"), str) else None
    if title is None:
        return whole
    description = {"description": whole.pop("description")} if "description" in whole else {}
    assert named.setdefault(title, whole) == whole, f"two different schemas are named {title!r}"
    return {"$ref": f"{refs}{title}", **description}
