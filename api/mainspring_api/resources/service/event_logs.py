"""The audit log, under the name that Airflow has for it: event logs."""

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response
from marshmallow import fields

from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Choice, Instant, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_store.access.audit import Outcome
from mainspring_store.access.roles import Role
from mainspring_store.queries import audit as questions

__all__ = ["blueprint"]

blueprint = Resource("event_logs", "The audit log: who did what, and who was refused")


class EventLog(Answer):
    """An action of a user, or a refused action."""

    event_log_id = fields.Integer(metadata={"description": "Number of the entry"})
    when = Instant(metadata={"description": "Instant of the event"})
    event = fields.String(metadata={"description": "Operation, by its id in this document"})
    outcome = Choice(Outcome)
    owner = fields.String(allow_none=True, metadata={"description": "Name of the user or token; null = unknown"})
    dag_id = fields.String(allow_none=True)
    dag_display_name = fields.String(allow_none=True, metadata={"description": "The same as `dag_id`"})
    run_id = fields.String(allow_none=True)
    task_id = fields.String(allow_none=True)
    task_display_name = fields.String(allow_none=True, metadata={"description": "The same as `task_id`"})
    map_index = fields.Integer(allow_none=True)
    try_number = fields.Integer(allow_none=True)
    logical_date = Instant(allow_none=True, metadata={"description": "Always null"})
    extra = fields.String(allow_none=True, metadata={"description": "Further facts, as the text of a JSON object"})


class EventLogCollection(Answer):
    """A page of the audit log."""

    event_logs = fields.List(fields.Nested(EventLog))
    total_entries = fields.Integer()


EventLogList = list_arguments("EventLogList", questions.EVENTS)


@blueprint.operation(
    "GET",
    "/eventLogs",
    "get_event_logs",
    role=Role.ADMIN,
    answer=EventLogCollection,
    query=EventLogList,
    errors=(400,),
)
def get_event_logs(query: Mapping[str, Any]) -> Response:
    """List what was done."""
    listed = questions.list_events(context().database, list_query(query))
    return list_answer(query, {"event_logs": [_event(row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation(
    "GET",
    "/eventLogs/<int(max=2147483647):event_log_id>",
    "get_event_log",
    role=Role.ADMIN,
    answer=EventLog,
    errors=(404,),
)
def get_event_log(event_log_id: int) -> Response:
    """One entry of the audit log."""
    return answer(_event(questions.get_event(context().database, event_log_id)))


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    copied = ("event", "outcome", "owner", "dag_id", "run_id", "task_id", "map_index", "try_number")
    return {
        **{name: row[name] for name in copied},
        "event_log_id": row["id"],
        "when": row["at"],
        # The entry outlives its subject, so the entry shows ids instead of names.
        "dag_display_name": row["dag_id"],
        "task_display_name": row["task_id"],
        "logical_date": None,
        "extra": orjson.dumps(row["extra"]).decode(),
    }
