"""The OpenAPI 3.1 document, generated from the operations.

Serving needs none of this: the document is built when it is asked for.
"""

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
from flask import Flask
from flask_smorest import Api

from mainspring.definition import json_schema
from mainspring_api.document.openapi_3_0 import rendered_as_3_0
from mainspring_api.document.openapi_choices import with_choices
from mainspring_api.document.openapi_examples import add_examples
from mainspring_api.document.openapi_plugin import SCHEMAS, Plugin
from mainspring_api.document.parameter_descriptions import describe_parameters
from mainspring_api.execution.document import execution_document
from mainspring_api.http.operations import Resource
from mainspring_api.http.problems import TITLES, ProblemSchema

__all__ = ["build_document", "write_documents"]

_DESCRIPTION = """\
Define DAGs as data, run them, see how they went. A superset of Airflow 3's `/api/v2`: operations that Airflow has keep
its names, codes and fields, so its clients work unchanged.

Every request but those to `/`, `/monitor/health`, `/ready`, `/version`, `/docs`, `/openapi.json`, `/problems`,
`/uiConfig`, `/auth/token`, `/auth/token/exchange`, `/auth/oidc` and `/auth/session` carries `Authorization: Bearer
<token>`. A browser may carry the cookie of `/auth/session` instead; its requests that change something then need
`X-Mainspring-Page: 1` and an `Origin` of this server.
"""


@lru_cache(maxsize=1)
def build_document(blueprints: tuple[Resource, ...]) -> dict[str, Any]:
    """The OpenAPI document of the blueprints, as JSON-like data. The caller must not change it: it is kept and
    shared."""
    app = Flask("document", static_folder=None)
    api = _Api(
        app,
        spec_kwargs={
            "title": "Mainspring",
            "version": version("mainspring"),
            "openapi_version": "3.1.0",
            "marshmallow_plugin": Plugin(),
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
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    # Through JSON once: apispec keeps status codes as integers, which are text in the document.
    content: dict[str, Any] = orjson.loads(orjson.dumps(api.spec.to_dict(), option=orjson.OPT_NON_STR_KEYS))
    _add_idempotency_key(content)
    for path in _TRIGGERS:
        content["paths"][path]["post"]["parameters"].append(_TRACEPARENT)
    describe_parameters(content["paths"])
    _add_headers(content)
    content["servers"] = [{"url": "/", "description": "The server that gives this document"}]
    tags = {blueprint.tag for blueprint in blueprints}
    content["tags"] = [tag for tag in content["tags"] if tag["name"] in tags]
    add_examples(content["components"]["schemas"])
    rendered: dict[str, Any] = with_choices(content)
    return rendered


def write_documents(folder: Path, blueprints: tuple[Resource, ...], *, with_3_0: bool = False) -> None:
    """Write `mainspring.json` and `execution.json` into a folder; with_3_0: `mainspring-3.0.json` too."""
    document = build_document(blueprints)
    documents = {"mainspring": document, "execution": execution_document()}
    if with_3_0:
        documents["mainspring-3.0"] = rendered_as_3_0(document)
    for name, content in documents.items():
        encoded = orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        (folder / f"{name}.json").write_bytes(encoded)


def _add_idempotency_key(content: dict[str, Any]) -> None:
    """Every POST with a credential takes the header."""
    for item in content["paths"].values():
        if "security" not in item.get("post", {"security": []}):
            item["post"].setdefault("parameters", []).append(_IDEMPOTENCY_KEY)


def _add_headers(content: dict[str, Any]) -> None:
    """Headers of answers: the cursor on what reads with a credential, links on lists, the limit on what writes."""
    content["components"]["headers"] = {name.replace("-", ""): header for name, header in _HEADERS.items()}
    content["components"]["responses"]["TooManyRequests"]["headers"] = _header_refs("Retry-After", *_LIMIT)
    for item in content["paths"].values():
        for method, operation in item.items():
            if not isinstance(operation, dict) or "security" in operation:
                continue
            if method != "get":
                names = list(_LIMIT)
            else:
                names = [
                    "Mainspring-Cursor",
                    *(["Link"] if _is_list(operation, content["components"]["schemas"]) else []),
                ]
            for status, response in operation["responses"].items():
                if status.startswith("2"):
                    response["headers"] = {**response.get("headers", {}), **_header_refs(*names)}
    content["paths"]["/api/v2/events"]["get"]["parameters"].append(_LAST_EVENT_ID)


def _is_list(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> bool:
    """Whether the answer is a page of a list."""
    parameters = {parameter.get("name") for parameter in operation.get("parameters", ())}
    schema = operation["responses"]["200"].get("content", {}).get("application/json", {}).get("schema", {})
    members = schemas.get(schema.get("$ref", "").rpartition("/")[2], {}).get("properties", {})
    return {"limit", "offset"} <= parameters and "total_entries" in members


def _header_refs(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name.replace('-', '')}"} for name in names}


_HEADERS: Mapping[str, Any] = {
    "Mainspring-Cursor": {
        "schema": {"type": "string"},
        "description": "`after` for `GET /api/v2/events`: the answer holds the effects of all events up to here",
    },
    "Link": {
        "schema": {"type": "string"},
        "description": "Addresses of the pages `first`, `prev`, `next` and `last`, as RFC 8288 writes them; by cursor "
        "`prev` and `next`. A page that does not exist is left out",
    },
    "RateLimit-Policy": {
        "schema": {"type": "string"},
        "description": 'Limit of the caller, such as `"writes";q=2000;w=10`: `q` requests in `w` seconds',
    },
    "RateLimit": {
        "schema": {"type": "string"},
        "description": 'Requests that the caller has at least, such as `"writes";r=1990`; in an answer 429 with `t`, '
        "the seconds until there is one",
    },
    "Retry-After": {"schema": {"type": "string"}, "description": "Seconds to wait before the next request"},
}
_LIMIT = ("RateLimit-Policy", "RateLimit")
_LAST_EVENT_ID: Mapping[str, Any] = {
    "name": "Last-Event-ID",
    "in": "header",
    "schema": {"type": "string"},
    "description": "Id of the last event of a stream that was cut off; `after` wins over it",
}
_IDEMPOTENCY_KEY: Mapping[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "Sent again with its key within 24 hours, a request has its effect once and is answered the same, "
    "with the header `Idempotency-Replayed: true`",
}

_TRIGGERS = ("/api/v2/dags/{dag_id}/dagRuns", "/api/v2/dags/{dag_id}/dagRuns/trigger")
_TRACEPARENT: Mapping[str, Any] = {
    "name": "traceparent",
    "in": "header",
    "schema": {"type": "string", "maxLength": 255},
    "description": "Span of the caller, as W3C Trace Context writes it. The run continues its trace, and tasks get "
    "`TRACEPARENT`; a value that is not valid is ignored",
}


def _definition_schemas() -> dict[str, Any]:
    """`Definition` and its parts, by name."""
    definition = json_schema(refs=SCHEMAS)
    definition.pop("$schema")
    return {**definition.pop("$defs"), "Definition": definition}


class _Api(Api):  # type: ignore[misc]  # flask-smorest has no types
    """Leaves out the responses, headers and schemas that flask-smorest brings along."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_responses(self) -> None: ...

    def _register_etag_headers(self) -> None: ...

    def _register_pagination_header(self) -> None: ...
