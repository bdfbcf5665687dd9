"""Mark: task instances get a result from the user."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response, g
from marshmallow import ValidationError, fields, validate

from mainspring.errors import Conflict
from mainspring.states import TaskState
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import Body, Flag, UpdateMask
from mainspring_api.http.operations import Register, Resource
from mainspring_api.resources.instances.task_instances import TaskInstanceCollection, instances_answer
from mainspring_api.resources.interventions.clearing import require_logical_date
from mainspring_store.access.roles import Role
from mainspring_store.interventions import Mark, RunSelection, TaskSelection, mark, preview_mark, set_instance_notes
from mainspring_store.queries.task_instances import instance_ids

__all__ = ["InstancePatch", "blueprint", "change_instances", "masked"]

blueprint = Resource("marking", "Mark: say what became of a task")

_INSTANCE = "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/<task_id>"
_ITEM = f"{_INSTANCE}/<int(signed=True):map_index>"
_MARKS = (TaskState.SUCCESS, TaskState.FAILED, TaskState.SKIPPED)


class NewState(fields.String):
    """success, failed or skipped, in any letter case."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> TaskState:
        text = super()._deserialize(value, attr, data, **kwargs).lower()
        if text not in _MARKS:
            raise ValidationError(f"{text!r:.60} cannot be marked; use one of: {', '.join(_MARKS)}")
        return TaskState(text)


def _included(description: str) -> fields.Boolean:
    return Flag(load_default=False, metadata={"description": description})


class InstancePatch(Body):
    """Changes of a task instance."""

    new_state = NewState(metadata={"description": "Target state: `success`, `failed` or `skipped`, in any letter case"})
    note = fields.String(allow_none=True, validate=validate.Length(max=1000))
    include_upstream = _included("Mark all tasks upstream too")
    include_downstream = _included("Mark all tasks downstream too")
    include_past = _included("Mark the task also in runs with an earlier logical date")
    include_future = _included("Mark the task also in runs with a later logical date")


class PatchQuery(UpdateMask):
    map_index = fields.Integer(
        load_default=None,
        validate=validate.Range(min=-1, max=2**31 - 1),
        metadata={"description": "Absent = all instances of the task, if it is mapped"},
    )


def _operation(suffix: str, operation_id: str, *, is_item: bool) -> Register:
    return blueprint.operation(
        "PATCH",
        (_ITEM if is_item else _INSTANCE) + suffix,
        operation_id,
        role=Role.OPERATOR,
        answer=TaskInstanceCollection,
        body=InstancePatch,
        query=UpdateMask if is_item else PatchQuery,
        errors=(400, 404, 409),
    )


@_operation("", "patch_task_instance", is_item=False)
def patch_task_instance(
    body: Mapping[str, Any], query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str
) -> Response:
    """Mark a task success, failed or skipped, or change its note. Answers the instances that changed.

    What it runs is stopped. What its result had kept from running downstream is decided again.
    """
    return _patch(body, query, dag_id, dag_run_id, task_id, query["map_index"])


@_operation("", "patch_task_instance_by_map_index", is_item=True)
def patch_task_instance_by_map_index(
    body: Mapping[str, Any], query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str, map_index: int
) -> Response:
    """As `patch_task_instance`, for one instance of a mapped task."""
    return _patch(body, query, dag_id, dag_run_id, task_id, map_index)


@_operation("/dry_run", "patch_task_instance_dry_run", is_item=False)
def patch_task_instance_dry_run(
    body: Mapping[str, Any], query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str
) -> Response:
    """The instances that `patch_task_instance` would mark now; without `new_state` those that are named."""
    return _preview(body, query, dag_id, dag_run_id, task_id, query["map_index"])


@_operation("/dry_run", "patch_task_instance_dry_run_by_map_index", is_item=True)
def patch_task_instance_dry_run_by_map_index(
    body: Mapping[str, Any], query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str, map_index: int
) -> Response:
    """The instances that `patch_task_instance_by_map_index` would mark now."""
    return _preview(body, query, dag_id, dag_run_id, task_id, map_index)


def _patch(
    body: Mapping[str, Any], query: Mapping[str, Any], dag_id: str, run_id: str, task_id: str, map_index: int | None
) -> Response:
    ctx = context()
    ids = change_instances(ctx, dag_id, run_id, task_id, map_index, masked(body, query["update_mask"]))
    return instances_answer(ctx, ids)


def change_instances(
    ctx: Context, dag_id: str, run_id: str, task_id: str, map_index: int | None, changes: Mapping[str, Any]
) -> Sequence[int]:
    """Apply the present members of an `InstancePatch` to a task's instances, or to a single instance; ids of those that
    changed.

    Raises:
        NotFound: There is none.
        Conflict: They are in that state already.
    """
    now = datetime.now(UTC)
    named = instance_ids(ctx.database, dag_id, run_id, task_id, map_index=map_index)
    if "new_state" not in changes:
        if "note" in changes:
            set_instance_notes(ctx.database, named, changes["note"], now=now)
        return named
    request = _mark(ctx, changes, dag_id, run_id, task_id, map_index)
    ids: Sequence[int] = mark(ctx.database, ctx.versions, dag_id, request, by=g.user.name, now=now)
    if not ids:
        raise Conflict(f"task '{task_id}' of run '{run_id}' is {request.state} already")
    ctx.notifier.notify()
    return ids


def _preview(
    body: Mapping[str, Any], query: Mapping[str, Any], dag_id: str, run_id: str, task_id: str, map_index: int | None
) -> Response:
    ctx = context()
    named = instance_ids(ctx.database, dag_id, run_id, task_id, map_index=map_index)
    changes = masked(body, query["update_mask"])
    if "new_state" not in changes:
        return instances_answer(ctx, named)
    request = _mark(ctx, changes, dag_id, run_id, task_id, map_index)
    ids: Sequence[int] = preview_mark(ctx.database, ctx.versions, dag_id, request)
    return instances_answer(ctx, ids)


def masked(body: Mapping[str, Any], mask: Sequence[str]) -> Mapping[str, Any]:
    """The body without what the mask leaves out. How far a mark reaches is no field to be masked, and a note of null is
    none unless the mask names it."""
    return {
        name: value
        for name, value in body.items()
        if name.startswith("include_") or (name in mask if mask else (name, value) != ("note", None))
    }


def _mark(
    ctx: Context, changes: Mapping[str, Any], dag_id: str, run_id: str, task_id: str, map_index: int | None
) -> Mark:
    if changes["include_past"] or changes["include_future"]:
        require_logical_date(ctx, dag_id, run_id)
    note = changes["note"] or "" if "note" in changes else None
    return Mark(
        state=changes["new_state"],
        runs=RunSelection(
            run_id=run_id, include_past=changes["include_past"], include_future=changes["include_future"]
        ),
        tasks=TaskSelection(
            task_ids=[task_id if map_index is None else (task_id, map_index)],
            include_upstream=changes["include_upstream"],
            include_downstream=changes["include_downstream"],
        ),
        note=note,
    )
