"""The workers of the `rq` executor, from their heartbeats."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from flask import Response
from marshmallow import fields

from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Choice, Instant, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_store.access.roles import Role
from mainspring_store.queries import workers as questions

__all__ = ["blueprint"]

blueprint = Resource("workers", "Workers: they carry attempts out on other machines")

HEARD_WITHIN = timedelta(days=1)


class WorkerStatus(StrEnum):
    """Whether a worker lives."""

    ALIVE = "alive"
    SILENT = "silent"
    """Not heard of for a whole lease: what it carried is lost."""
    STOPPED = "stopped"
    """It ended orderly."""


class CarriedAttempt(Answer):
    """A try that a worker carries out."""

    attempt_id = fields.String(metadata={"description": "Identifier of the attempt"})
    dag_id = fields.String()
    dag_run_id = fields.String()
    task_id = fields.String()
    map_index = fields.Integer()
    try_number = fields.Integer()


class Worker(Answer):
    """One start of a worker process."""

    worker_id = fields.String(metadata={"description": "Random identifier of this start of the worker"})
    hostname = fields.String()
    pid = fields.Integer()
    version = fields.String(metadata={"description": "Version of Mainspring that the worker runs"})
    queues = fields.List(fields.String(), metadata={"description": "Queues that the worker takes attempts from"})
    token_id = fields.UUID(
        allow_none=True, metadata={"description": "Identifier of the worker's token; null = the token of all queues"}
    )
    token_name = fields.String(
        allow_none=True, metadata={"description": "Name of the worker's token; null = the token of all queues"}
    )
    status = Choice(WorkerStatus)
    started_at = Instant(metadata={"description": "Start of the worker"})
    latest_heartbeat = Instant(metadata={"description": "Instant of the latest heartbeat"})
    stopped_at = Instant(allow_none=True, metadata={"description": "Orderly end of the worker; null = none"})
    refusals = fields.Integer(
        metadata={"description": "Starts that its machine had no room for, since the worker's start"}
    )
    refused_for = fields.String(
        allow_none=True, metadata={"description": "Why tasks cannot start on its machine at present; null = they can"}
    )
    attempts = fields.List(
        fields.Nested(CarriedAttempt), metadata={"description": "Attempts of the worker, as of the latest heartbeat"}
    )


class WorkerCollection(Answer):
    """A page of workers."""

    workers = fields.List(fields.Nested(Worker))
    total_entries = fields.Integer()


WorkerList = list_arguments("WorkerList", questions.WORKERS)


@blueprint.operation(
    "GET", "/workers", "get_workers", role=Role.VIEWER, answer=WorkerCollection, query=WorkerList, errors=(400,)
)
def get_workers(query: Mapping[str, Any]) -> Response:
    """List the workers that were heard of within a day, the latest first."""
    now = datetime.now(UTC)
    listed = questions.list_workers(context().database, list_query(query), since=now - HEARD_WITHIN)
    return list_answer(query, {"workers": [_worker(row, now) for row in listed.rows], "total_entries": listed.total})


def _worker(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "worker_id": row["incarnation"],
        "hostname": row["hostname"],
        "pid": row["pid"],
        "version": row["version"],
        "queues": [row["details"]["queue"]],
        # Rows of workers with the token of all queues have neither.
        "token_id": row["details"].get("token_id"),
        "token_name": row["details"].get("token_name"),
        "status": _status(row, now),
        "started_at": row["started_at"],
        "latest_heartbeat": row["heartbeat_at"],
        "stopped_at": row["stopped_at"],
        # Rows of workers without a refusal have neither.
        "refusals": row["details"].get("refusals", 0),
        "refused_for": row["details"].get("refused_for"),
        "attempts": [_carried(attempt) for attempt in row["attempts"]],
    }


def _carried(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "attempt_id": row["attempt_id"],
        "dag_id": row["dag_id"],
        "dag_run_id": row["run_id"],
        "task_id": row["task_id"],
        "map_index": row["map_index"],
        "try_number": row["try_number"],
    }


def _status(row: Mapping[str, Any], now: datetime) -> WorkerStatus:
    if row["stopped_at"] is not None:
        return WorkerStatus.STOPPED
    lease = timedelta(seconds=row["details"]["lease_seconds"])
    return WorkerStatus.ALIVE if row["heartbeat_at"] > now - lease else WorkerStatus.SILENT
