"""The JSON Schema of a definition, made from the tables that the parser reads by: for editors and for OpenAPI.

It says what one value may be; what holds between values (names that exist, no cycle) only the parser can tell.
"""

from typing import Any

from mainspring.definition.parse import DOCUMENT, TASKS

__all__ = ["json_schema"]


def json_schema(refs: str = "#/$defs/") -> dict[str, Any]:
    """A JSON Schema 2020-12 of the definition document.

    `$defs` holds `Task`, the union of all types of task told apart by the constant `type`, and one schema for each
    type (`ShellTask`, ...). `refs` is where a reference finds these, for documents that keep them elsewhere, such as
    `#/components/schemas/`.
    """
    names = {name: f"{name.capitalize()}Task" for name in TASKS}
    task = {
        "oneOf": [{"$ref": f"{refs}{name}"} for name in names.values()],
        "discriminator": {
            "propertyName": "type",
            "mapping": {name: f"{refs}{schema}" for name, schema in names.items()},
        },
    }
    schema = DOCUMENT.schema()
    schema["properties"]["tasks"]["additionalProperties"] = {"$ref": f"{refs}Task"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Definition",
        "description": "A DAG as data. `dag_id` may be left out where the address names it.",
        **schema,
        "required": [name for name in schema["required"] if name != "dag_id"],
        "$defs": {"Task": task, **{names[name]: record.schema() for name, record in TASKS.items()}},
    }
