"""XComs: the outputs of tasks."""

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response
from marshmallow import fields

from mainspring_api.answers import answer
from mainspring_api.context import Context, context
from mainspring_api.fields import Answer, Instant, JsonValue, MapIndex, list_arguments, list_query
from mainspring_api.operations import Resource
from mainspring_api.permissions import Over
from mainspring_store.questions import xcoms as questions
from mainspring_store.tokens import Role

__all__ = ["blueprint"]

blueprint = Resource("xcoms", "XComs: the outputs of tasks")


class XCom(Answer):
    """One output, without its value."""

    key = fields.String()
    timestamp = Instant()
    logical_date = Instant(allow_none=True)
    run_after = Instant()
    map_index = fields.Integer()
    task_id = fields.String()
    task_display_name = fields.String()
    dag_id = fields.String()
    dag_display_name = fields.String()
    run_id = fields.String()


class XComWithValue(XCom):
    """One output."""

    value = JsonValue(allow_none=True, metadata={"description": "Any JSON; its text when `stringify` was asked for"})


class XComCollection(Answer):
    """A page of outputs."""

    xcom_entries = fields.List(fields.Nested(XCom))
    total_entries = fields.Integer()


class XComQuery(MapIndex):
    deserialize = fields.Boolean(
        load_default=False, metadata={"description": "Without effect: values are plain JSON always"}
    )
    stringify = fields.Boolean(load_default=False)


XComList = list_arguments("XComList", questions.XCOMS)


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/<task_id>/xcomEntries",
    "get_xcom_entries",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=XComCollection,
    query=XComList,
    errors=(400,),
)
def get_xcom_entries(query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str) -> Response:
    """List outputs; each id may be `~`, which means all."""
    here = context()
    wanted = [None if each == "~" else each for each in (dag_id, dag_run_id, task_id)]
    listed = questions.list_xcoms(
        here.database, list_query(query), dag_id=wanted[0], run_id=wanted[1], task_id=wanted[2]
    )
    return answer({"xcom_entries": [_xcom(here, row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/<task_id>/xcomEntries/<xcom_key>",
    "get_xcom_entry",
    role=Role.VIEWER,
    answer=XComWithValue,
    query=XComQuery,
    errors=(404,),
)
def get_xcom_entry(query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str, xcom_key: str) -> Response:
    """One output with its value."""
    here = context()
    row = questions.get_xcom(here.database, dag_id, dag_run_id, task_id, xcom_key, map_index=query["map_index"])
    value = row["value"] if query["stringify"] else orjson.Fragment(row["value"])
    return answer({**_xcom(here, row), "value": value})


def _xcom(here: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    task = here.versions.definition(row["dag_version_id"]).tasks.get(row["task_id"])
    return {
        "key": row["key"],
        "timestamp": row["timestamp"],
        "logical_date": row["logical_date"],
        "run_after": row["run_after"],
        "map_index": row["map_index"],
        "task_id": row["task_id"],
        "task_display_name": (task and task.display_name) or row["task_id"],
        "dag_id": row["dag_id"],
        "dag_display_name": row["display_name"],
        "run_id": row["run_id"],
    }
