"""A run that has not ended takes another version of its DAG."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import fields, validate

from mainspring_api.http.answers import answer
from mainspring_api.http.audit import audit_detail
from mainspring_api.http.context import context
from mainspring_api.http.fields import Body, Flag
from mainspring_api.http.operations import Resource
from mainspring_api.resources.runs.dag_runs import DagRun, run_body
from mainspring_store.access.roles import Role
from mainspring_store.interventions import change_run_version
from mainspring_store.queries import runs as questions

__all__ = ["blueprint"]

blueprint = Resource("version_changes", "Another version for a run that has not ended", tag="clearing")


class RunVersionBody(Body):
    """The version that a run goes on with."""

    version_number = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=1, max=2**31 - 1),
        metadata={"description": "Number of the saved version"},
    )
    restart_running = Flag(
        load_default=False,
        metadata={"description": "True = stop tasks that are under way; those that the version has start again"},
    )


@blueprint.operation(
    "POST",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/version",
    "change_dag_run_version",
    role=Role.OPERATOR,
    answer=DagRun,
    body=RunVersionBody,
    errors=(404, 409),
)
def change_dag_run_version(body: Mapping[str, Any], dag_id: str, dag_run_id: str) -> Response:
    """Let a queued or running run go on with another saved version.

    Finished task instances stay as they are; added tasks get instances, and those of removed tasks become `removed`.
    What has not begun follows the new version. While a task is under way the answer is 409, unless `restart_running`.
    It is 409 too when a task with a finished instance became mapped, or stopped being mapped.
    Time limits and deadlines that count already keep their instants. A run that has the version stays as it is.
    """
    ctx = context()
    audit_detail(version_number=body["version_number"])
    has_changed = change_run_version(
        ctx.database,
        ctx.versions,
        dag_id,
        dag_run_id,
        body["version_number"],
        restarts=body["restart_running"],
        now=datetime.now(UTC),
    )
    if has_changed:
        ctx.notifier.notify()
    return answer(run_body(questions.get_run(ctx.database, dag_id, dag_run_id)))
