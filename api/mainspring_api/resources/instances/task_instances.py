"""Task instances: how the tasks of a run stand."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Response, request
from marshmallow import fields

from mainspring.errors import NotFound, Problem
from mainspring.large_values import filled, opened, shown
from mainspring.states import ATTEMPT_LIVE, TaskState
from mainspring_api.http.answers import answer
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import (
    Answer,
    Choice,
    Instant,
    JsonObject,
    list_arguments,
    list_body,
    list_query,
    list_query_of_body,
)
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over
from mainspring_api.http.problems import BadRequest, require_all
from mainspring_api.resources.instances.instance_fields import InstanceFields, instance_fields, rendered_map_index
from mainspring_store.access.roles import Role
from mainspring_store.queries import task_instances as questions
from mainspring_store.queries.listing import CURSOR_TOTAL_MAX, Listed
from mainspring_store.queries.runs import run_version

__all__ = ["TaskInstanceCollection", "blueprint", "instance_body", "instance_uuid", "instances_answer"]

blueprint = Resource("task_instances", "Task instances: how each task of a run stands")

_UUID_BASE = 0x6D61696E_7370_8000_8000_000000000000
"""Version 8 (custom), RFC variant; the rest of the low 62 bits is the key."""


class TaskInstance(InstanceFields):
    """One task in one run."""

    id = fields.UUID(metadata={"description": "Identifier of the task instance"})
    logical_date = Instant(allow_none=True)
    run_after = Instant()
    state = Choice(TaskState, allow_none=True, metadata={"description": "State of the task instance"})
    try_number = fields.Integer(metadata={"description": "Number of the latest try, from 1; 0 = none yet"})
    still_running = fields.Boolean(
        metadata={"description": "Whether code of a try that has ended could not be stopped and still runs"}
    )
    next_try_at = Instant(
        allow_none=True, metadata={"description": "Instant at which a retry or a timer is due; null = none"}
    )
    late_since = Instant(
        allow_none=True, metadata={"description": "Instant at which the instance missed a deadline; null = not late"}
    )
    waits_for = JsonObject(
        allow_none=True,
        metadata={"description": "Event that a deferred instance waits for, by `kind`; null = not deferred"},
    )
    note = fields.String(allow_none=True)
    rendered_map_index = fields.String(
        allow_none=True,
        metadata={"description": "Key of a mapped instance, otherwise `map_index` as text; null = not mapped"},
    )
    rendered_fields = JsonObject(
        metadata={
            "description": "What the latest try works on: the fields of the task with their expressions evaluated. A"
            " secret stands by its name. Empty = not known: in a list, before the first try, and for a task that waits"
            " or calls a DAG"
        }
    )
    trigger = JsonObject(allow_none=True, metadata={"description": "Always null"})
    triggerer_job = JsonObject(allow_none=True, metadata={"description": "Always null"})


class TaskInstanceCollection(Answer):
    """A page of task instances."""

    task_instances = fields.List(fields.Nested(TaskInstance))
    total_entries = fields.Integer(metadata={"description": "Exact by offset; by cursor at most `total_entries_limit`"})
    total_entries_limit = fields.Integer(allow_none=True)
    next_cursor = fields.String(allow_none=True)
    previous_cursor = fields.String(allow_none=True)


InstanceList = list_arguments("TaskInstanceList", questions.INSTANCES, has_cursor=True)
InstanceListBody = list_body("TaskInstancesBatchBody", questions.INSTANCES_BATCH)


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances",
    "get_task_instances",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=TaskInstanceCollection,
    query=InstanceList,
    errors=(400, 404),
)
def get_task_instances(query: Mapping[str, Any], dag_id: str, dag_run_id: str) -> Response:
    """List the task instances of a run; `~` for dag_run_id, or for both ids, means all."""
    if dag_id == "~" and dag_run_id != "~":
        message = "with `~` for dag_id, dag_run_id must be `~` too"
        raise BadRequest([Problem(pointer="/dag_id", message=message)])
    ctx = context()
    cursor = request.args.get("cursor")
    listed = questions.list_task_instances(
        ctx.database,
        list_query(query, cursor=cursor),
        dag_id=None if dag_id == "~" else dag_id,
        run_id=None if dag_run_id == "~" else dag_run_id,
        task_ids=_tasks_of_group(ctx, query.get("task_group_id"), dag_id, dag_run_id),
    )
    return list_answer(query, _page(ctx, listed, has_cursor=cursor is not None))


def _tasks_of_group(ctx: Context, group_id: str | None, dag_id: str, run_id: str) -> Sequence[str] | None:
    """The tasks of a group, by the version of the run, or by the current version for all runs; None = all tasks."""
    if group_id is None:
        return None
    if dag_id == "~":
        message = "with `~` for dag_id, there is no DAG whose group task_group_id could name"
        raise BadRequest([Problem(pointer="/task_group_id", message=message, hint="name the DAG in the path")])
    if run_id == "~":
        definition = ctx.versions.current(dag_id).definition
    else:
        definition = ctx.versions.definition(run_version(ctx.database, dag_id, run_id))
    group = definition.flat.groups.get(group_id)
    if group is None:
        raise NotFound(f"Task group {group_id} was not found in dag '{dag_id}'")
    return group.task_ids


@blueprint.operation(
    "POST",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/list",
    "get_task_instances_batch",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=TaskInstanceCollection,
    body=InstanceListBody,
    errors=(400,),
)
def get_task_instances_batch(body: Mapping[str, Any], dag_id: str, dag_run_id: str) -> Response:
    """List task instances as a body says; both ids are `~`."""
    require_all(dag_id=dag_id, dag_run_id=dag_run_id)
    ctx = context()
    query = list_query_of_body(body)
    listed = questions.list_task_instances(
        ctx.database, query, dag_id=None, run_id=None, listing=questions.INSTANCES_BATCH
    )
    return answer(_page(ctx, listed))


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/<task_id>",
    "get_task_instance",
    role=Role.VIEWER,
    answer=TaskInstance,
    errors=(404,),
)
def get_task_instance(dag_id: str, dag_run_id: str, task_id: str) -> Response:
    """One task instance. The path of a mapped instance holds the map index."""
    ctx = context()
    return answer(_detailed(ctx, questions.get_task_instance(ctx.database, dag_id, dag_run_id, task_id)))


MappedList = list_arguments("MappedInstanceList", questions.INSTANCES, without={"task_id"})


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/<task_id>/listMapped",
    "get_mapped_task_instances",
    role=Role.VIEWER,
    answer=TaskInstanceCollection,
    query=MappedList,
    errors=(400, 404),
)
def get_mapped_task_instances(query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str) -> Response:
    """List the instances of one mapped task; empty until its items are known."""
    ctx = context()
    of_group = _tasks_of_group(ctx, query.get("task_group_id"), dag_id, dag_run_id)
    if of_group is not None and task_id not in of_group:
        return list_answer(query, _page(ctx, Listed(rows=[], total=0)))
    listed = questions.list_mapped_instances(ctx.database, list_query(query), dag_id, dag_run_id, task_id)
    if not listed.total:
        task = ctx.versions.definition(run_version(ctx.database, dag_id, dag_run_id)).tasks.get(task_id)
        if task is not None and not task.is_mapped:
            raise NotFound(f"Task id {task_id} is not mapped")
    return list_answer(query, _page(ctx, listed))


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/<task_id>/<int(signed=True):map_index>",
    "get_mapped_task_instance",
    role=Role.VIEWER,
    answer=TaskInstance,
    errors=(404,),
)
def get_mapped_task_instance(dag_id: str, dag_run_id: str, task_id: str, map_index: int) -> Response:
    """One instance of a mapped task; -1 names the instance of an unmapped task."""
    ctx = context()
    row = questions.get_task_instance(ctx.database, dag_id, dag_run_id, task_id, map_index=map_index)
    return answer(_detailed(ctx, row))


def _detailed(ctx: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    """A `TaskInstance` with its inputs."""
    inputs = row["payload"]
    if inputs is None and row["try_state"] is not None:
        task = ctx.versions.definition(row["dag_version_id"]).tasks.get(row["task_id"])
        # An attempt without a payload of its own got the payload of the definition, unless no executor got the attempt.
        inputs = task.payload.source if task is not None and task.payload.is_constant else None
    payload, values = opened(inputs or {})
    return {**instance_body(ctx, row), "rendered_fields": shown(filled(payload, values))}


def instances_answer(ctx: Context, ids: Sequence[int]) -> Response:
    """All given instances as a single page, by run, task and map index."""
    rows = questions.instances_by_id(ctx.database, ids)
    return answer(_page(ctx, Listed(rows=rows, total=len(rows))))


def _page(ctx: Context, listed: Listed, *, has_cursor: bool = False) -> dict[str, Any]:
    """A `TaskInstanceCollection`."""
    return {
        "task_instances": [instance_body(ctx, row) for row in listed.rows],
        "total_entries": listed.total,
        "total_entries_limit": CURSOR_TOTAL_MAX if has_cursor else None,
        "next_cursor": listed.next_cursor,
        "previous_cursor": listed.previous_cursor,
    }


def instance_uuid(key: int) -> UUID:
    """The id that the API shows for a task instance: a UUID computed from the key, because Airflow's clients require a
    UUID."""
    return UUID(int=_UUID_BASE | key)


def instance_body(ctx: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    try_is_over = row["try_state"] is not None and row["try_state"] not in ATTEMPT_LIVE
    return {
        **instance_fields(ctx, row),
        "id": instance_uuid(row["id"]),
        "logical_date": row["logical_date"],
        "run_after": row["run_after"],
        "state": row["state"],
        "try_number": row["try_number"],
        "still_running": try_is_over and row["stopped_at"] is None,
        "next_try_at": row["not_before"],
        "waits_for": row["waits_for"],
        "executor": row["try_executor"] or row["executor"],
        "late_since": row["late_since"],
        "note": row["note"],
        "rendered_map_index": rendered_map_index(row["map_index"], row["map_key"]),
        "rendered_fields": {},
        "trigger": None,
        "triggerer_job": None,
    }
