"""The OpenAPI 3.1 document, generated from the operations.

Serving needs none of this: the document is built when it is asked for. Where apispec's own output would lose something
(enums repeated at every use, a 3.0 habit here and there), the converter below says it better.
"""

from functools import lru_cache
from importlib.metadata import version
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask
from flask_smorest import Api
from marshmallow import fields

from mainspring_api.app import BLUEPRINTS
from mainspring_api.fields import Choice

__all__ = ["document"]

_DESCRIPTION = """\
Define DAGs as data, run them, see how they went. A superset of Airflow 3's `/api/v2`: operations that Airflow has keep
its names, codes and fields, so its clients work unchanged.

Every request but those to `/monitor/health` and `/version` carries `Authorization: Bearer <token>`.
"""


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The document of this API, as JSON-like data. Not to be changed by the caller."""
    app = Flask("document", static_folder=None)
    api = Api(
        app,
        spec_kwargs={
            "title": "Mainspring",
            "version": version("mainspring"),
            "openapi_version": "3.1.0",
            "marshmallow_plugin": _Plugin(),
            "info": {"description": _DESCRIPTION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
            "security": [{"bearer": []}],
        },
    )
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    api.spec.components.schema("Definition", _DEFINITION)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    content: dict[str, Any] = api.spec.to_dict()
    return content


_DEFINITION = {
    "type": "object",
    "description": "A DAG definition; docs/definition.md tells its fields",
    "properties": {
        "dag_id": {"type": "string", "description": "May be left out where the path names it"},
        "tasks": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": True}},
    },
    "required": ["tasks"],
    "additionalProperties": True,
}


class _Converter(OpenAPIConverter):
    """Shows each enum once, as a component of its own name."""

    def init_attribute_functions(self) -> None:
        super().init_attribute_functions()  # type: ignore[no-untyped-call]
        self.add_attribute_function(_enum_reference)  # type: ignore[no-untyped-call]


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


def _enum_reference(self: OpenAPIConverter, field: fields.Field[Any], ret: dict[str, Any], **_: Any) -> dict[str, Any]:
    if not isinstance(field, Choice) or len(field.values) < len(field.enum):
        return {}
    name = field.enum.__name__
    components = self.spec.components
    if name not in components.schemas:
        components.schema(name, {"type": "string", "enum": [value.value for value in field.enum]})
    ret.clear()
    reference: dict[str, Any] = {"$ref": f"#/components/schemas/{name}"}
    return {"anyOf": [reference, {"type": "null"}]} if field.allow_none else reference
