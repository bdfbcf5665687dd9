"""Many runs in one request: listed, changed, deleted, cleared."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from mainspring.errors import Problem
from mainspring_api.http.answers import answer
from mainspring_api.http.bulk import BulkAnswer, BulkBody, EachActions, chosen, run_each
from mainspring_api.http.context import context
from mainspring_api.http.fields import Instant, list_body, list_query_of_body
from mainspring_api.http.operations import Resource
from mainspring_api.http.permissions import Over, require_role_on
from mainspring_api.http.problems import BadRequest, require_all
from mainspring_api.resources.instances.task_instances import instances_answer
from mainspring_api.resources.interventions.clearing import ClearRunBody, clear_whole_run
from mainspring_api.resources.runs.dag_runs import DagRunCollection, RunPatch, change_run, runs_body
from mainspring_store.access.roles import Role
from mainspring_store.queries import runs as questions
from mainspring_store.queries.listing import Listed
from mainspring_store.resources.removals import delete_run

__all__ = ["blueprint"]

blueprint = Resource("many_runs", "Many runs in one request", tag="dag_runs")

RUNS_MAX = 100


class BulkRun(RunPatch):
    """A run in a bulk update."""

    dag_run_id = fields.String(required=True)
    dag_id = fields.String(
        load_default=None,
        allow_none=True,
        metadata={"description": "Identifier of the DAG; absent = the DAG of the path"},
    )


class ClearRunsBody(ClearRunBody):
    """Which runs to clear, and how."""

    dag_runs = fields.List(
        fields.Nested(BulkRun),
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=RUNS_MAX),
        metadata={"description": "Runs to clear"},
    )
    partition_key = fields.String(
        load_default=None, allow_none=True, metadata={"description": "Null only: no DAG is partitioned"}
    )
    partition_date_start = Instant(
        load_default=None, allow_none=True, metadata={"description": "Null only: no DAG is partitioned"}
    )
    partition_date_end = Instant(
        load_default=None, allow_none=True, metadata={"description": "Null only: no DAG is partitioned"}
    )

    @validates_schema
    def _named(self, body: Mapping[str, Any], **_: Any) -> None:
        if any(body[name] is not None for name in ("partition_key", "partition_date_start", "partition_date_end")):
            raise ValidationError("no run has a partition; name the runs by dag_runs", "partition_key")
        if not body["dag_runs"]:
            raise ValidationError("must name a run at least", "dag_runs")


RunListBody = list_body("DagRunsBatchBody", questions.RUNS_BATCH)


@blueprint.operation(
    "POST",
    "/dags/<dag_id>/dagRuns/list",
    "get_list_dag_runs_batch",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=DagRunCollection,
    body=RunListBody,
    errors=(400,),
)
def get_list_dag_runs_batch(body: Mapping[str, Any], dag_id: str) -> Response:
    """List runs of all DAGs as a body says; dag_id is `~`."""
    require_all(dag_id=dag_id)
    query = list_query_of_body(body)
    listed = questions.list_runs(context().database, query, dag_id=None, listing=questions.RUNS_BATCH)
    return answer(runs_body(listed, None))


@blueprint.operation(
    "PATCH", "/dags/<dag_id>/dagRuns", "bulk_dag_runs", role=Role.OPERATOR, answer=BulkAnswer, body=BulkBody
)
def bulk_dag_runs(body: Mapping[str, Any], dag_id: str) -> Response:
    """Change and delete runs, one by one; with `~` for dag_id each entity names its DAG."""
    ctx = context()

    def resolve(entity: Any) -> Mapping[str, Any]:
        return _resolved({"dag_run_id": entity} if isinstance(entity, str) else entity, dag_id)

    def update(run: Mapping[str, Any], mask: Sequence[str]) -> list[str]:
        # Null says nothing here; an empty note removes the stored note.
        members = {name: value for name, value in run.items() if value is not None}
        change_run(ctx, run["dag_id"], run["dag_run_id"], chosen(members, mask))
        return [_label(run)]

    def delete(run: Mapping[str, Any]) -> list[str]:
        delete_run(ctx.database, run["dag_id"], run["dag_run_id"], now=datetime.now(UTC))
        ctx.notifier.notify()
        return [_label(run)]

    actions = EachActions(
        what="runs",
        entity=BulkRun(),
        resolve=resolve,
        find=lambda run: questions.run_key(ctx.database, run["dag_id"], run["dag_run_id"]),
        update=update,
        delete=delete,
    )
    return run_each(body, actions)


@blueprint.operation(
    "POST",
    "/dags/<dag_id>/clearDagRuns",
    "clear_dag_runs",
    role=Role.OPERATOR,
    answer={
        "anyOf": [
            {"$ref": "#/components/schemas/TaskInstanceCollection"},
            {"$ref": "#/components/schemas/DagRunCollection"},
        ]
    },
    body=ClearRunsBody,
    errors=(400, 404),
)
def clear_dag_runs(body: Mapping[str, Any], dag_id: str) -> Response:
    """Clear runs, one after the other. Answers them, or with `dry_run` the task instances that would be cleared."""
    ctx = context()
    for run in body["dag_runs"]:
        _check_same_dag(run, dag_id)
    resolved = [_resolved(run, dag_id) for run in body["dag_runs"]]
    named = list(dict.fromkeys((run["dag_id"], run["dag_run_id"]) for run in resolved))
    for run_dag_id, run_id in named:
        questions.run_key(ctx.database, run_dag_id, run_id)
    ids = [
        instance_id for run_dag_id, run_id in named for instance_id in clear_whole_run(ctx, run_dag_id, run_id, body)
    ]
    if body["dry_run"]:
        return instances_answer(ctx, ids)
    rows = [questions.get_run(ctx.database, run_dag_id, run_id) for run_dag_id, run_id in named]
    return answer(runs_body(Listed(rows=rows, total=len(rows)), None))


def _check_same_dag(run: Mapping[str, Any], dag_id: str) -> None:
    if dag_id != "~" and run["dag_id"] not in (None, dag_id):
        message = f"run '{run['dag_run_id']}' names the DAG '{run['dag_id']}', the path another one; write `~` there"
        raise BadRequest([Problem(pointer="/dag_runs", message=message)])


def _resolved(run: Mapping[str, Any], dag_id: str) -> Mapping[str, Any]:
    """With the DAG's id, which may be another than the path's. Raises BadRequest when it is open, and as
    `require_role_on`."""
    resolved = {**run, "dag_id": run.get("dag_id") or dag_id}
    if "~" in (resolved["dag_id"], resolved["dag_run_id"]):
        message = f"with `~` in the path the dag_id of run '{resolved['dag_run_id']}' must stand in its entity"
        raise BadRequest([Problem(pointer="/dag_id", message=message)])
    require_role_on(resolved["dag_id"], Role.OPERATOR)
    return resolved


def _label(run: Mapping[str, Any]) -> str:
    return f"{run['dag_id']}.{run['dag_run_id']}"
