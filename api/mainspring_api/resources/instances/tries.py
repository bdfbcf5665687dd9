"""Tries: the result of each try of a task, including tries before a clear."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import fields

from mainspring.errors import NotFound
from mainspring.states import ATTEMPT_LIVE, AttemptState, TaskState
from mainspring_api.http.answers import answer
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import Answer, Choice, JsonObject, MapIndex
from mainspring_api.http.operations import Register, Resource
from mainspring_api.resources.instances.instance_fields import InstanceFields, instance_fields
from mainspring_store.access.roles import Role
from mainspring_store.queries.tries import list_tries

__all__ = ["blueprint"]

blueprint = Resource("tries", "Tries: what each attempt at a task did")

_INSTANCE = "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/<task_id>"
_ITEM = f"{_INSTANCE}/<int(signed=True):map_index>"
_FAILED = frozenset({AttemptState.CANCELLED, AttemptState.INTERRUPTED, AttemptState.LOST})
"""States of attempts that Airflow's clients see as failed."""


class TaskTry(InstanceFields):
    """One try of a task instance."""

    try_number = fields.Integer(metadata={"description": "Number of the try, from 1 over all generations"})
    generation = fields.Integer(
        metadata={"description": "Number of the generation, from 1; each clear or mark begins the next"}
    )
    state = Choice(
        TaskState, allow_none=True, metadata={"description": "State of the try in the words of task instances"}
    )
    attempt_state = Choice(AttemptState, metadata={"description": "State of the attempt, finer than `state`"})
    still_running = fields.Boolean(
        metadata={"description": "Whether the try has ended and its code has not stopped yet"}
    )
    outputs = JsonObject(
        allow_none=True,
        metadata={
            "description": "Outputs of a try of a task with `repeat`, a large output as its reference; null = none, "
            "more than 4 KiB as JSON, or a task without `repeat`"
        },
    )


class TaskTryCollection(Answer):
    """All tries of a task instance, oldest first."""

    task_instances = fields.List(fields.Nested(TaskTry), metadata={"description": "Tries, oldest first"})
    total_entries = fields.Integer(metadata={"description": "Number of tries"})


def _operation(rule: str, operation_id: str, schema: type[Answer], *, is_item: bool) -> Register:
    return blueprint.operation(
        "GET",
        (_ITEM if is_item else _INSTANCE) + rule,
        operation_id,
        role=Role.VIEWER,
        answer=schema,
        query=None if is_item else MapIndex,
        errors=(404,),
    )


@_operation("/tries", "get_task_instance_tries", TaskTryCollection, is_item=False)
def get_task_instance_tries(query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str) -> Response:
    """Every try of a task instance. A task that no executor carried out has none."""
    return _tries(dag_id, dag_run_id, task_id, query["map_index"])


@_operation("/tries", "get_mapped_task_instance_tries", TaskTryCollection, is_item=True)
def get_mapped_task_instance_tries(dag_id: str, dag_run_id: str, task_id: str, map_index: int) -> Response:
    """Every try of one instance of a mapped task."""
    return _tries(dag_id, dag_run_id, task_id, map_index)


@_operation("/tries/<int:task_try_number>", "get_task_instance_try_details", TaskTry, is_item=False)
def get_task_instance_try_details(
    query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str, task_try_number: int
) -> Response:
    """One try of a task instance."""
    return _try(dag_id, dag_run_id, task_id, query["map_index"], task_try_number)


@_operation("/tries/<int:task_try_number>", "get_mapped_task_instance_try_details", TaskTry, is_item=True)
def get_mapped_task_instance_try_details(
    dag_id: str, dag_run_id: str, task_id: str, map_index: int, task_try_number: int
) -> Response:
    """A try of an instance of a mapped task."""
    return _try(dag_id, dag_run_id, task_id, map_index, task_try_number)


def _tries(dag_id: str, run_id: str, task_id: str, map_index: int) -> Response:
    ctx = context()
    rows = list_tries(ctx.database, dag_id, run_id, task_id, map_index=map_index)
    return answer({"task_instances": [_body(ctx, row) for row in rows], "total_entries": len(rows)})


def _try(dag_id: str, run_id: str, task_id: str, map_index: int, try_number: int) -> Response:
    ctx = context()
    for row in list_tries(ctx.database, dag_id, run_id, task_id, map_index=map_index):
        if row["try_number"] == try_number:
            return answer(_body(ctx, row))
    raise NotFound(f"task '{task_id}' of run '{run_id}' has no try {try_number}")


def _body(ctx: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **instance_fields(ctx, row),
        "try_number": row["try_number"],
        "generation": row["generation"],
        "state": TaskState.FAILED if row["state"] in _FAILED else row["state"],
        "attempt_state": row["state"],
        "still_running": row["state"] not in ATTEMPT_LIVE and row["stopped_at"] is None,
        "outputs": row["outputs"],
    }
