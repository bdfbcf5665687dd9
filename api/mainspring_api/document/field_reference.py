"""Writes docs/fields.md: `python -m mainspring_api.document.field_reference PATH`.

The page follows from the JSON Schema of a definition, so it names exactly what the parser reads.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mainspring.definition import json_schema

__all__ = ["reference"]

_HEAD = """\
# Fields of a definition

Written from the tables that the parser reads (`./dev openapi` writes this page again). A definition is one JSON
document; YAML is another spelling of the same document. An unknown field is an error, except under `x-...`.
Durations are ISO 8601 (`PT15M`) or short (`15m`). *Templated* text may hold expressions, `${{ ... }}`.
"""


def reference() -> str:
    """The whole page, in Markdown."""
    schema = json_schema()
    definitions = schema["$defs"]
    return "\n".join((_HEAD, *_page(schema, definitions))) + "\n"


def _page(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    yield "## The DAG\n"
    yield from _table(schema, definitions)
    yield "\n`default_args` takes every field of the next table from `trigger_rule` on."
    types = {name: definitions[name] for name in _task_types(definitions)}
    common = set.intersection(*(set(task["properties"]) for task in types.values()))
    any_task = next(iter(types.values()))
    yield "\n## Every task\n"
    yield from _table(_only(any_task, common), definitions)
    for task in types.values():
        yield f"\n## {_type_name(task)}\n"
        yield from _table(_without(task, common), definitions)
    described = {
        *types,
        "Task",
        "Definition",
        "DefaultArgs",
        *(name for name in definitions if "properties" not in definitions[name]),
    }
    for name in sorted(definitions.keys() - described):
        yield f"\n## {name}\n"
        yield from _table(definitions[name], definitions)
    yield "\n## Values\n"
    yield from _enumerations(definitions)


def _task_types(definitions: Mapping[str, Any]) -> list[str]:
    return [choice["$ref"].rpartition("/")[2] for choice in definitions["Task"]["oneOf"]]


def _type_name(task: Mapping[str, Any]) -> str:
    return f"Tasks of type `{task['properties']['type']['const']}`"


def _only(record: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    properties = {name: member for name, member in record["properties"].items() if name in names and name != "type"}
    return {"properties": properties, "required": record.get("required", ())}


def _without(record: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    properties = {name: member for name, member in record["properties"].items() if name not in names and name != "type"}
    return {"properties": properties, "required": record.get("required", ())}


def _table(record: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    if not record["properties"]:
        yield "No fields of its own."
        return
    yield "| field | value | meaning |"
    yield "|---|---|---|"
    for name, schema in record["properties"].items():
        required = " (required)" if name in record.get("required", ()) else ""
        yield f"| `{name}`{required} | {_value(schema, definitions)} | {schema.get('description', '')} |"


def _value(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """The kind of a value in a few words, with links to the records and enumerations of this page."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _named(name, definitions)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_value(choice, definitions) for choice in schema[key]))
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", (schema.get("const"),)))
    if "items" in schema:
        return f"list of {_value(schema['items'], definitions)}"
    if "PT15M" in schema.get("examples", ()):
        return "duration"
    kinds = schema.get("type", "any value")
    return f"{kinds if isinstance(kinds, str) else ' or '.join(kinds)}{_bounds(schema)}"


def _named(name: str, definitions: Mapping[str, Any]) -> str:
    schema = definitions[name]
    if "properties" in schema:
        return f"[{name}](#{'every-task' if name == 'DefaultArgs' else name.lower()})"
    if "enum" in schema:
        return f"[{name}](#values)"
    values = schema.get("additionalProperties", schema.get("items"))
    return f"object of {_value(values, definitions)}" if isinstance(values, Mapping) and values else "object"


def _bounds(schema: Mapping[str, Any]) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f", {schema['minimum']} to {schema['maximum']}"
    return ""


def _enumerations(definitions: Mapping[str, Any]) -> Iterator[str]:
    yield "| name | values |"
    yield "|---|---|"
    for name, schema in sorted(definitions.items()):
        if "enum" in schema:
            yield f"| {name} | {', '.join(f'`{value}`' for value in schema['enum'])} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
