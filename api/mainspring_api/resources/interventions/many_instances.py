"""Many task instances in one request: changed and deleted; and the deletion of one."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import fields, validate

from mainspring.errors import Problem
from mainspring_api.http.answers import answer
from mainspring_api.http.bulk import BulkAnswer, BulkBody, EachActions, run_each
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import MapIndex
from mainspring_api.http.operations import Resource
from mainspring_api.http.permissions import require_role_on
from mainspring_api.http.problems import BadRequest
from mainspring_api.resources.interventions.marking import InstancePatch, change_instances, masked
from mainspring_store.access.roles import Role
from mainspring_store.queries.task_instances import instance_ids, instances_by_id
from mainspring_store.resources.removals import delete_instances

__all__ = ["blueprint"]

blueprint = Resource("many_instances", "Many task instances in one request", tag="task_instances")


class BulkInstance(InstancePatch):
    """A task instance in a bulk request."""

    task_id = fields.String(required=True)
    map_index = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(min=-1, max=2**31 - 1),
        metadata={"description": "Absent = all instances of the task"},
    )
    dag_id = fields.String(load_default=None, allow_none=True, metadata={"description": "Absent = that of the path"})
    dag_run_id = fields.String(load_default=None, allow_none=True)


@blueprint.operation(
    "PATCH",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances",
    "bulk_task_instances",
    role=Role.OPERATOR,
    answer=BulkAnswer,
    body=BulkBody,
)
def bulk_task_instances(body: Mapping[str, Any], dag_id: str, dag_run_id: str) -> Response:
    """Mark and delete task instances, one by one; with `~` for an id each entity names it."""
    ctx = context()

    def resolve(entity: Any) -> Mapping[str, Any]:
        named = {"task_id": entity} if isinstance(entity, str) else entity
        return _resolved(named, dag_id, dag_run_id)

    def update(named: Mapping[str, Any], mask: Sequence[str]) -> list[str]:
        change_instances(
            ctx, named["dag_id"], named["dag_run_id"], named["task_id"], named["map_index"], masked(named, mask)
        )
        return _labels(ctx, _ids(ctx, named))

    def delete(named: Mapping[str, Any]) -> list[str]:
        ids = _ids(ctx, named)
        labels = _labels(ctx, ids)
        delete_instances(ctx.database, ids, now=datetime.now(UTC))
        return labels

    actions = EachActions(
        what="task instances",
        entity=BulkInstance(),
        resolve=resolve,
        find=lambda named: _ids(ctx, named),
        update=update,
        delete=delete,
    )
    return run_each(body, actions)


@blueprint.operation(
    "DELETE",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/<task_id>",
    "delete_task_instance",
    role=Role.OPERATOR,
    answer={"description": "Always null"},
    query=MapIndex,
    errors=(404, 409),
)
def delete_task_instance(query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str) -> Response:
    """Delete a task instance with its tries, logs and outputs. Refused while its run has not ended."""
    ctx = context()
    ids = instance_ids(ctx.database, dag_id, dag_run_id, task_id, map_index=query["map_index"])
    delete_instances(ctx.database, ids, now=datetime.now(UTC))
    return answer(None)


def _ids(ctx: Context, named: Mapping[str, Any]) -> list[int]:
    return instance_ids(
        ctx.database, named["dag_id"], named["dag_run_id"], named["task_id"], map_index=named["map_index"]
    )


def _resolved(named: Mapping[str, Any], dag_id: str, run_id: str) -> Mapping[str, Any]:
    """With the ids of its DAG and run, which may differ from the path. Raises BadRequest when one is open, and as
    `require_role_on`."""
    resolved = {
        "map_index": None,
        **named,
        "dag_id": named.get("dag_id") or dag_id,
        "dag_run_id": named.get("dag_run_id") or run_id,
    }
    if "~" in (resolved["dag_id"], resolved["dag_run_id"]):
        message = f"with `~` in the path dag_id and dag_run_id of task '{named['task_id']}' must stand in its entity"
        raise BadRequest([Problem(pointer="/dag_id", message=message)])
    require_role_on(resolved["dag_id"], Role.OPERATOR)
    return resolved


def _labels(ctx: Context, ids: Sequence[int]) -> list[str]:
    """The names of the instances in the response."""
    rows = instances_by_id(ctx.database, ids)
    return [f"{row['dag_id']}.{row['run_id']}.{row['task_id']}[{row['map_index']}]" for row in rows]
