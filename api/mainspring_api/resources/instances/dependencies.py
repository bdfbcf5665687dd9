"""Why a task instance does not run yet."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Response, g
from marshmallow import fields

from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, MapIndex
from mainspring_api.http.operations import Resource
from mainspring_store.access.roles import Role
from mainspring_store.queries.explain import unmet_dependencies
from mainspring_store.queries.runs import run_version

__all__ = ["blueprint"]

blueprint = Resource("dependencies", "Why a task instance does not run yet", tag="task_instances")

_INSTANCE = "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/<task_id>"


class TaskDependency(Answer):
    """A cause for the wait of a task instance."""

    name = fields.String(metadata={"description": "Kind of the condition that is not met"})
    reason = fields.String(metadata={"description": "Condition in a sentence"})


class TaskDependencyCollection(Answer):
    """All of them; empty for an instance without a wait, and after its start."""

    dependencies = fields.List(fields.Nested(TaskDependency))


@blueprint.operation(
    "GET",
    f"{_INSTANCE}/dependencies",
    "get_task_instance_dependencies",
    role=Role.VIEWER,
    answer=TaskDependencyCollection,
    query=MapIndex,
    errors=(404,),
)
def get_task_instance_dependencies(query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str) -> Response:
    """Present causes for the wait of a task instance."""
    return _answer(dag_id, dag_run_id, task_id, query["map_index"])


@blueprint.operation(
    "GET",
    f"{_INSTANCE}/<int(signed=True):map_index>/dependencies",
    "get_task_instance_dependencies_by_map_index",
    role=Role.VIEWER,
    answer=TaskDependencyCollection,
    errors=(404,),
)
def get_task_instance_dependencies_by_map_index(dag_id: str, dag_run_id: str, task_id: str, map_index: int) -> Response:
    """Present causes for the wait of an instance of a mapped task."""
    return _answer(dag_id, dag_run_id, task_id, map_index)


def _answer(dag_id: str, run_id: str, task_id: str, map_index: int) -> Response:
    ctx = context()
    unmet = unmet_dependencies(
        ctx.database,
        ctx.versions.definition(run_version(ctx.database, dag_id, run_id)),
        dag_id,
        run_id,
        task_id,
        map_index=map_index,
        seen=g.user.seen,
        now=datetime.now(UTC),
    )
    return answer({"dependencies": [{"name": name, "reason": reason} for name, reason in unmet]})
