"""The OpenAPI 3.1 document, generated from the operations.

Serving needs none of this: the document is built when it is asked for. Where apispec's own output would lose something
(enums repeated at every use, a 3.0 habit here and there), the converter below says it better.
"""

import sys
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask
from flask_smorest import Api
from marshmallow import fields

from mainspring.definition import json_schema
from mainspring.states import RunState, RunType, TaskState
from mainspring_api.app import BLUEPRINTS
from mainspring_api.fields import Choice
from mainspring_api.problems import TITLES, ProblemSchema

__all__ = ["document", "write_document"]

_DESCRIPTION = """\
Define DAGs as data, run them, see how they went. A superset of Airflow 3's `/api/v2`: operations that Airflow has keep
its names, codes and fields, so its clients work unchanged.

Every request but those to `/monitor/health` and `/version` carries `Authorization: Bearer <token>`.
"""


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The document of this API, as JSON-like data. Not to be changed by the caller."""
    app = Flask("document", static_folder=None)
    api = _Api(
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
    for title in TITLES.values():
        problem = {"description": title, "content": {"application/json": {"schema": ProblemSchema}}}
        api.spec.components.response(title.replace(" ", ""), problem, lazy=True)
    for name, schema in _definition_schemas().items():
        api.spec.components.schema(name, schema)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    # Through JSON once: apispec keeps status codes as integers, which are text in the document.
    content: dict[str, Any] = orjson.loads(orjson.dumps(api.spec.to_dict(), option=orjson.OPT_NON_STR_KEYS))
    return content


def write_document(path: Path) -> None:
    """Write the document to a file."""
    path.write_bytes(orjson.dumps(document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _definition_schemas() -> dict[str, Any]:
    """`Definition` and one schema for each type of task, by name."""
    definition = json_schema(refs=_SCHEMAS)
    definition.pop("$schema")
    return {**definition.pop("$defs"), "Definition": definition}


_SCHEMAS = "#/components/schemas/"


class _Api(Api):  # type: ignore[misc]  # flask-smorest has no types
    """Leaves out the responses, headers and schemas that flask-smorest brings along."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_responses(self) -> None: ...

    def _register_etag_headers(self) -> None: ...

    def _register_pagination_header(self) -> None: ...


class _Converter(OpenAPIConverter):
    """Shows each enum once, as a component of its own name."""

    def init_attribute_functions(self) -> None:
        super().init_attribute_functions()  # type: ignore[no-untyped-call]
        self.add_attribute_function(_enum_reference)  # type: ignore[no-untyped-call]


_COMPONENT_NAMES: Mapping[type[StrEnum], str] = {
    RunState: "DagRunState",
    RunType: "DagRunType",
    TaskState: "TaskInstanceState",
}
"""Airflow's names; an enum of our own keeps its own."""


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


def _enum_reference(self: OpenAPIConverter, field: fields.Field[Any], ret: dict[str, Any], **_: Any) -> dict[str, Any]:
    if not isinstance(field, Choice) or len(field.values) < len(field.enum):
        return {}
    name = _COMPONENT_NAMES.get(field.enum, field.enum.__name__)
    components = self.spec.components
    if name not in components.schemas:
        components.schema(name, {"type": "string", "enum": [value.value for value in field.enum]})
    ret.clear()
    reference: dict[str, Any] = {"$ref": f"{_SCHEMAS}{name}"}
    return {"anyOf": [reference, {"type": "null"}]} if field.allow_none else reference


if __name__ == "__main__":
    write_document(Path(sys.argv[1]))
