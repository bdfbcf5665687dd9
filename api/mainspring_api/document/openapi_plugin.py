"""The rendering of marshmallow's fields in the document, where apispec's output would lose information.

Generated clients have a type for each component, so every enum and the free JSON object are components.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields, validate

from mainspring.states import RunState, RunType, TaskState
from mainspring_api.document.field_descriptions import FIELD_DESCRIPTIONS
from mainspring_api.http.fields import Choice, JsonObject, Query

__all__ = ["SCHEMAS", "Plugin"]

SCHEMAS = "#/components/schemas/"
_NULL: Mapping[str, Any] = {"type": "null"}
_COMPONENT_NAMES: Mapping[type[StrEnum], str] = {
    RunState: "DagRunState",
    RunType: "DagRunType",
    TaskState: "TaskInstanceState",
}
"""Airflow's names; an enum of our own keeps its own."""


class _Converter(OpenAPIConverter):
    def init_attribute_functions(self) -> None:
        super().init_attribute_functions()  # type: ignore[no-untyped-call]
        for function in (_pattern, _exclusive_minimum, _nullable_enum, _null_default, _reference, _description):
            self.add_attribute_function(function)  # type: ignore[no-untyped-call]


class Plugin(MarshmallowPlugin):
    Converter = _Converter


def _pattern(self: OpenAPIConverter, field: fields.Field[Any], ret: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Patterns in the words of ECMA 262, which knows no `\\Z`; ours are held against the whole text."""
    if "pattern" not in ret:
        return {}
    return {"pattern": f"^(?:{ret['pattern'].removesuffix(chr(92) + 'Z')})$"}


def _exclusive_minimum(
    self: OpenAPIConverter, field: fields.Field[Any], ret: dict[str, Any], **_: Any
) -> dict[str, Any]:
    """A bound that is not within the range; apispec marks every field as nullable."""
    is_open = any(
        isinstance(validator, validate.Range) and not validator.min_inclusive for validator in field.validators
    )
    return {"exclusiveMinimum": ret.pop("minimum")} if is_open and "minimum" in ret else {}


def _nullable_enum(self: OpenAPIConverter, field: fields.Field[Any], ret: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Null beside an enum, not within it, where clients would make a value of it."""
    if None not in ret.get("enum", ()):
        return {}
    values = [value for value in ret.pop("enum") if value is not None]
    del ret["type"]
    # A member that is null alone has no type in most languages.
    return {"anyOf": [{"type": "string", **({"enum": values} if values else {})}, _NULL]}


def _null_default(self: OpenAPIConverter, field: fields.Field[Any], ret: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Leave out a default of null: generators send it, or do not compile it. Absent means the same."""
    if ret.get("default", ...) is None:
        del ret["default"]
    return {}


def _reference(self: OpenAPIConverter, field: fields.Field[Any], ret: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A reference to the component of this field, if the field is a component."""
    enum = _enum_of(field)
    if enum is not None:
        name = _COMPONENT_NAMES.get(enum, enum.__name__)
        component: dict[str, Any] = {"type": "string", "enum": [value.value for value in enum]}
    elif isinstance(field, JsonObject):
        name, component = "JsonObject", {"type": "object", "additionalProperties": {}}
    else:
        return {}
    if name not in self.spec.components.schemas:
        self.spec.components.schema(name, component)
    said: dict[str, Any] = {key: ret[key] for key in ("description", "default") if key in ret}
    ret.clear()
    reference: dict[str, Any] = {"$ref": f"{SCHEMAS}{name}"}
    return {"anyOf": [reference, _NULL], **said} if field.allow_none else {**reference, **said}


def _description(self: OpenAPIConverter, field: fields.Field[Any], ret: dict[str, Any], **_: Any) -> dict[str, Any]:
    """The shared description of a member of a body or an answer that has no description of its own.

    A bare reference stays bare: the component has a description, and generators make another type of a reference with
    text beside it.
    """
    is_member = isinstance(field.parent, Schema) and not isinstance(field.parent, Query)
    description = FIELD_DESCRIPTIONS.get(field.data_key or field.name or "")
    if not is_member or description is None or "description" in ret or ret.keys() == {"$ref"}:
        return {}
    return {"description": description}


def _enum_of(field: fields.Field[Any]) -> type[StrEnum] | None:
    """The enum whose values the field has, all of them."""
    if isinstance(field, Choice):
        return field.enum if len(field.values) == len(field.enum) else None
    choices = next(
        (set(validator.choices) for validator in field.validators if isinstance(validator, validate.OneOf)), None
    )
    return next((enum for enum in _COMPONENT_NAMES if choices == {value.value for value in enum}), None)
