"""XComs: the outputs of tasks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Response
from marshmallow import fields, validate

from mainspring.errors import InvalidInput, Problem
from mainspring.large_values import KINDS, LargeValue
from mainspring_api.http.answers import answer, no_content
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import Answer, Body, Instant, JsonValue, MapIndex, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.owners import current_owner
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over
from mainspring_api.resources.instances.instance_fields import rendered_map_index
from mainspring_store.access.roles import Role
from mainspring_store.queries import xcoms as questions
from mainspring_store.queries.large_values import ValueMissing, read_value
from mainspring_store.queries.task_instances import get_task_instance
from mainspring_store.resources.xcoms import create_xcom, delete_xcom, update_xcom

__all__ = ["blueprint"]

blueprint = Resource("xcoms", "XComs: the outputs of tasks")


class LargeValueFields(Answer):
    """An output that is kept by reference."""

    bytes = fields.Integer(metadata={"description": "Size of the value as JSON, in bytes", "example": 5242880})
    sha256 = fields.String(metadata={"description": "SHA-256 (hex) of the value as JSON"})
    kind = fields.String(validate=validate.OneOf(KINDS), metadata={"description": "JSON type of the value"})
    excerpt = fields.String(metadata={"description": "The first characters of the value as JSON"})


class XCom(Answer):
    """One output, without its value."""

    key = fields.String(metadata={"description": "Name of the output"})
    timestamp = Instant(metadata={"description": "Instant at which the output was stored"})
    logical_date = Instant(allow_none=True)
    run_after = Instant()
    map_index = fields.Integer()
    rendered_map_index = fields.String(
        allow_none=True, metadata={"description": "Key of a mapped instance, otherwise `map_index`; null = not mapped"}
    )
    task_id = fields.String()
    task_display_name = fields.String()
    dag_id = fields.String()
    dag_display_name = fields.String()
    run_id = fields.String()
    large_value = fields.Nested(
        LargeValueFields,
        allow_none=True,
        metadata={"description": "Size and digest of a value that is kept by reference; null for any other value"},
    )


class XComWithValue(XCom):
    """One output."""

    value = JsonValue(
        allow_none=True, metadata={"description": "JSON value; text when the client asked for `stringify`"}
    )


class XComCollection(Answer):
    """A page of outputs."""

    xcom_entries = fields.List(fields.Nested(XCom))
    total_entries = fields.Integer()


class XComQuery(MapIndex):
    deserialize = fields.Boolean(
        load_default=False, metadata={"description": "Without effect: values are plain JSON always"}
    )
    stringify = fields.Boolean(load_default=False)


class XComUpdateBody(Body):
    """An output's new value."""

    value = JsonValue(required=True, allow_none=True, metadata={"description": "JSON value"})
    map_index = fields.Integer(load_default=-1, strict=True, validate=validate.Range(min=-1, max=2**31 - 1))


class XComCreateBody(XComUpdateBody):
    """An output to be created."""

    key = fields.String(
        required=True,
        validate=validate.Regexp(r"[^\x00-\x1f/]{1,250}\Z"),
        metadata={"description": "Name of the output"},
    )


VALUE_BYTES_MAX = 256 * 1024
"""As for what a task reports without a reference."""
_ENTRIES = "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/<task_id>/xcomEntries"
XComList = list_arguments("XComList", questions.XCOMS)


@blueprint.operation(
    "GET",
    _ENTRIES,
    "get_xcom_entries",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=XComCollection,
    query=XComList,
    errors=(400,),
)
def get_xcom_entries(query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str) -> Response:
    """List outputs; each id may be `~`, which means all."""
    ctx = context()
    ids = [None if part == "~" else part for part in (dag_id, dag_run_id, task_id)]
    listed = questions.list_xcoms(ctx.database, list_query(query), dag_id=ids[0], run_id=ids[1], task_id=ids[2])
    return list_answer(query, {"xcom_entries": [_xcom(ctx, row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation(
    "GET",
    f"{_ENTRIES}/<xcom_key>",
    "get_xcom_entry",
    role=Role.VIEWER,
    answer=XComWithValue,
    query=XComQuery,
    errors=(404,),
)
def get_xcom_entry(query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str, xcom_key: str) -> Response:
    """One output with its whole value, which has up to 16 MiB as JSON."""
    ctx = context()
    row = questions.get_xcom(ctx.database, dag_id, dag_run_id, task_id, xcom_key, map_index=query["map_index"])
    text = _whole(ctx, row)
    value = text.decode() if query["stringify"] else orjson.Fragment(text)
    return answer({**_xcom(ctx, row), "value": value})


def _whole(ctx: Context, row: Mapping[str, Any]) -> bytes:
    """The JSON text of the value."""
    reference = _reference(row)
    if reference is None:
        return str(row["value"]).encode()
    try:
        return read_value(ctx.database, reference)
    except ValueMissing as exc:
        raise questions.xcom_not_found(row["key"]) from exc


def _reference(row: Mapping[str, Any]) -> LargeValue | None:
    return None if row["reference"] is None else LargeValue.stored(orjson.loads(row["reference"]), row["large_id"])


@blueprint.operation(
    "POST", _ENTRIES, "create_xcom_entry", role=Role.OPERATOR, answer=XComWithValue, status=201, body=XComCreateBody,
    errors=(404, 409),
)  # fmt: skip
def create_xcom_entry(body: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str) -> Response:
    """Give a task instance an output from outside."""
    ctx, key, map_index = context(), body["key"], body["map_index"]
    instance = get_task_instance(ctx.database, dag_id, dag_run_id, task_id, map_index=map_index)
    current_owner().check_stored()
    create_xcom(ctx.database, instance["id"], key, _text(body["value"]), now=datetime.now(UTC))
    return answer(_entry(ctx, dag_id, dag_run_id, task_id, key, map_index), 201)


@blueprint.operation(
    "PATCH",
    f"{_ENTRIES}/<xcom_key>",
    "update_xcom_entry",
    role=Role.OPERATOR,
    answer=XComWithValue,
    body=XComUpdateBody,
    errors=(404,),
)
def update_xcom_entry(body: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str, xcom_key: str) -> Response:
    """Correct an output. Values evaluated earlier stay unchanged."""
    ctx, map_index = context(), body["map_index"]
    instance = get_task_instance(ctx.database, dag_id, dag_run_id, task_id, map_index=map_index)
    current_owner().check_stored()
    update_xcom(ctx.database, instance["id"], xcom_key, _text(body["value"]), now=datetime.now(UTC))
    return answer(_entry(ctx, dag_id, dag_run_id, task_id, xcom_key, map_index))


@blueprint.operation(
    "DELETE",
    f"{_ENTRIES}/<xcom_key>",
    "delete_xcom_entry",
    role=Role.OPERATOR,
    answer=None,
    status=204,
    query=MapIndex,
    errors=(404,),
)
def delete_xcom_entry(query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str, xcom_key: str) -> Response:
    """Delete an output."""
    ctx = context()
    instance = get_task_instance(ctx.database, dag_id, dag_run_id, task_id, map_index=query["map_index"])
    delete_xcom(ctx.database, instance["id"], xcom_key)
    return no_content()


def _entry(ctx: Context, dag_id: str, run_id: str, task_id: str, key: str, map_index: int) -> dict[str, Any]:
    row = questions.get_xcom(ctx.database, dag_id, run_id, task_id, key, map_index=map_index)
    return {**_xcom(ctx, row), "value": orjson.Fragment(row["value"])}


def _text(value: Any) -> str:
    encoded = orjson.dumps(value)
    if len(encoded) > VALUE_BYTES_MAX:
        message = f"the value has {len(encoded)} bytes as JSON; at most {VALUE_BYTES_MAX} are allowed"
        raise InvalidInput([Problem(pointer="/value", message=message, code="too_large")])
    return encoded.decode()


def _xcom(ctx: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    task = ctx.versions.definition(row["dag_version_id"]).tasks.get(row["task_id"])
    reference = _reference(row)
    return {
        "key": row["key"],
        "timestamp": row["timestamp"],
        "logical_date": row["logical_date"],
        "run_after": row["run_after"],
        "map_index": row["map_index"],
        "rendered_map_index": rendered_map_index(row["map_index"], row["map_key"]),
        "task_id": row["task_id"],
        "task_display_name": (task and task.display_name) or row["task_id"],
        "dag_id": row["dag_id"],
        "dag_display_name": row["display_name"],
        "run_id": row["run_id"],
        "large_value": None if reference is None else _described(reference),
    }


def _described(reference: LargeValue) -> dict[str, Any]:
    return {
        "bytes": reference.bytes,
        "sha256": reference.sha256,
        "kind": reference.kind,
        "excerpt": reference.excerpt,
    }
