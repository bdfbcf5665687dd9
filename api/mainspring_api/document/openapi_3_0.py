"""The document in the words of OpenAPI 3.0, for generators and gateways that know no newer ones.

What 3.0 cannot say is left out (which fields go together, what names keys may have); the server checks it all the same.
"""

from collections.abc import Mapping
from typing import Any

__all__ = ["rendered_as_3_0"]

_LEFT_OUT = frozenset({"patternProperties", "propertyNames", "dependentRequired", "dependentSchemas"})
_MAPS = frozenset({"properties"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf"})
_SINGLE = frozenset({"items", "additionalProperties", "not"})
_NULL: Mapping[str, Any] = {"type": "null"}
_ONLY_NULL: Mapping[str, Any] = {"type": "string", "enum": [None], "nullable": True}
_LICENSE_URL = "https://www.apache.org/licenses/LICENSE-2.0"
"""3.0 knows no identifiers of licenses."""


def rendered_as_3_0(document: Mapping[str, Any]) -> dict[str, Any]:
    """An OpenAPI 3.0.3 document of the same operations."""
    rendered = {key: _part(value) for key, value in document.items()}
    license_ = {"name": document["info"]["license"]["name"], "url": _LICENSE_URL}
    components = dict(rendered["components"])
    components["schemas"] = {name: _schema(schema) for name, schema in document["components"]["schemas"].items()}
    return {**rendered, "openapi": "3.0.3", "info": {**document["info"], "license": license_}, "components": components}


def _part(value: Any) -> Any:
    """A part of the document that is no schema, with the schemas within it rendered."""
    if isinstance(value, Mapping):
        return {key: _schema(member) if key == "schema" else _part(member) for key, member in value.items()}
    return [_part(item) for item in value] if isinstance(value, list) else value


def _schema(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    rendered = {key: _keyword(key, value) for key, value in schema.items() if key not in _LEFT_OUT}
    if "const" in rendered:
        rendered["enum"] = [rendered.pop("const")]
    if "examples" in rendered:
        rendered["example"] = rendered.pop("examples")[0]
    if "exclusiveMinimum" in rendered:
        rendered |= {"minimum": rendered["exclusiveMinimum"], "exclusiveMinimum": True}
    return _with_one_type(_with_bare_reference(_with_nullable(rendered)))


def _keyword(key: str, value: Any) -> Any:
    if key in _MAPS:
        return {name: _schema(member) for name, member in value.items()}
    if key in _LISTS:
        # the enclosing schema removes `null`.
        return [choice if choice == _NULL else _schema(choice) for choice in value]
    return _schema(value) if key in _SINGLE else value


def _with_nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Null as `nullable` beside a type, and as a separate choice elsewhere.

    `nullable` beside a reference would say nothing: what is referred to allows no null.
    """
    choices = schema.get("anyOf", [])
    if _NULL in choices:
        remaining = [choice for choice in choices if choice != _NULL]
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        if len(remaining) == 1 and "type" in remaining[0]:
            values = {"enum": [*remaining[0]["enum"], None]} if "enum" in remaining[0] else {}
            return {**remaining[0], **rest, **values, "nullable": True}
        return {**rest, "anyOf": [*remaining, _ONLY_NULL]}
    kinds = schema.get("type")
    if kinds == "null":
        return {**schema, **_ONLY_NULL}
    if isinstance(kinds, list) and "null" in kinds:
        return {**schema, "type": [kind for kind in kinds if kind != "null"], "nullable": True}
    return schema


def _with_bare_reference(schema: dict[str, Any]) -> dict[str, Any]:
    """No keyword beside a reference, because 3.0 ignores it."""
    if "$ref" not in schema or len(schema) == 1:
        return schema
    return {"allOf": [{"$ref": schema["$ref"]}], **{key: value for key, value in schema.items() if key != "$ref"}}


def _with_one_type(schema: dict[str, Any]) -> dict[str, Any]:
    """Several types told as alternatives."""
    kinds = schema.get("type")
    if not isinstance(kinds, list):
        return schema
    rest = {key: value for key, value in schema.items() if key != "type"}
    return {**rest, "type": kinds[0]} if len(kinds) == 1 else {**rest, "anyOf": [{"type": kind} for kind in kinds]}
