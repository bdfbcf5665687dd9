"""The services behind the API, under the name that Airflow has for them: jobs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields

from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Choice, Instant, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_api.resources.service.monitor import HEARTBEAT_AGE_MAX
from mainspring_store.access.roles import Role
from mainspring_store.queries import services as questions
from mainspring_store.queries.services import ServiceState

__all__ = ["blueprint"]

blueprint = Resource("jobs", "Services: those behind the API, also those that are gone")

_TYPES = {"scheduler": "SchedulerJob", "execution": "ExecutionApi"}
"""Kind of service -> Airflow's name."""
_ID_BITS = 53
"""Of what JSON readers keep exactly."""


class Job(Answer):
    """One start of a service."""

    id = fields.Integer(metadata={"description": "Number made from `incarnation`"})
    incarnation = fields.String(metadata={"description": "Identifier of this start of the service"})
    dag_id = fields.String(allow_none=True, metadata={"description": "Always null: a service works for all DAGs"})
    dag_display_name = fields.String(
        allow_none=True, metadata={"description": "Always null: a service works for all DAGs"}
    )
    state = Choice(ServiceState, allow_none=True, metadata={"description": "State of the service"})
    job_type = fields.String(allow_none=True, metadata={"description": "Kind of the service"})
    start_date = Instant(allow_none=True, metadata={"description": "Start of the service"})
    end_date = Instant(allow_none=True, metadata={"description": "Orderly end of the service; null = none"})
    latest_heartbeat = Instant(allow_none=True, metadata={"description": "Instant of the latest heartbeat"})
    executor_class = fields.String(allow_none=True, metadata={"description": "Always null"})
    hostname = fields.String(allow_none=True)
    unixname = fields.String(metadata={"description": "Always empty"})
    pid = fields.Integer()


class JobCollection(Answer):
    """A page of services."""

    jobs = fields.List(fields.Nested(Job))
    total_entries = fields.Integer()


JobList = list_arguments(
    "JobList",
    questions.SERVICES,
    is_alive=fields.Boolean(load_default=None),
    job_state=fields.String(load_default=None, metadata={"description": "One that no service has finds none"}),
    job_type=fields.String(load_default=None),
)


@blueprint.operation("GET", "/jobs", "get_jobs", role=Role.VIEWER, answer=JobCollection, query=JobList, errors=(400,))
def get_jobs(query: Mapping[str, Any]) -> Response:
    """List the starts of schedulers and execution APIs."""
    states = {state for state in ServiceState if query["job_state"] in (None, state)}
    if query["is_alive"] is not None:
        alive = {ServiceState.RUNNING}
        states &= alive if query["is_alive"] else set(ServiceState) - alive
    kinds = {name: kind for kind, name in _TYPES.items()}
    listed = questions.list_services(
        context().database,
        list_query(query),
        since=datetime.now(UTC) - HEARTBEAT_AGE_MAX,
        kind=None if query["job_type"] is None else kinds.get(query["job_type"], query["job_type"]),
        states=states,
    )
    return list_answer(query, {"jobs": [_job(row) for row in listed.rows], "total_entries": listed.total})


def _job(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": UUID(row["incarnation"]).int >> (128 - _ID_BITS),
        "incarnation": row["incarnation"],
        "dag_id": None,
        "dag_display_name": None,
        "state": row["state"],
        "job_type": _TYPES.get(row["kind"], row["kind"]),
        "start_date": row["started_at"],
        "end_date": row["stopped_at"],
        "latest_heartbeat": row["heartbeat_at"],
        "executor_class": None,
        "hostname": row["hostname"],
        "unixname": "",
        "pid": row["pid"],
    }
