"""Approvals: questions of tasks that people answer."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Response, g
from marshmallow import fields, validate

from mainspring.errors import InvalidInput, Problem
from mainspring.waits import defaults_of
from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Body, Instant, JsonObject, Query, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over
from mainspring_api.resources.instances.instance_fields import rendered_map_index
from mainspring_store.access.roles import Role
from mainspring_store.queries import approvals as questions
from mainspring_store.resources.approvals import Reply, answer_approval

__all__ = ["blueprint"]

blueprint = Resource("approvals", "Approvals: tasks that wait until somebody has answered")


class Approval(Answer):
    """A task instance that waits for an answer."""

    dag_id = fields.String()
    dag_display_name = fields.String()
    dag_run_id = fields.String()
    task_id = fields.String()
    map_index = fields.Integer()
    rendered_map_index = fields.String(
        allow_none=True, metadata={"description": "Key of a mapped instance, otherwise `map_index`; null = not mapped"}
    )
    message = fields.String(metadata={"description": "Question to answer"})
    choices = fields.List(
        fields.String(), metadata={"description": "Possible answers; `reject` fails the task, all others succeed"}
    )
    multiple = fields.Boolean(metadata={"description": "Whether an answer may name several choices"})
    params = JsonObject(
        allow_none=True, metadata={"description": "JSON Schema of the values of an answer; null = no values"}
    )
    assigned = JsonObject(
        allow_none=True,
        metadata={"description": "`users` and `roles` that may answer; null = each operator of the DAG"},
    )
    default = fields.String(
        allow_none=True, metadata={"description": "First choice taken at the timeout; null = the task fails"}
    )
    defaults = fields.List(
        fields.String(),
        allow_none=True,
        metadata={"description": "Choices taken at the timeout; null = none"},
    )
    requested_at = Instant(metadata={"description": "Start of the wait"})
    give_up_at = Instant(allow_none=True, metadata={"description": "Instant of the timeout; null = none"})


class ApprovalCollection(Answer):
    """A page of approvals."""

    approvals = fields.List(fields.Nested(Approval))
    total_entries = fields.Integer()


class ApprovalAnswer(Answer):
    """An answer as it was recorded; the task ends at once, with the answer as its outputs."""

    choice = fields.String(metadata={"description": "Choice that was made, of several the first"})
    choices = fields.List(fields.String(), metadata={"description": "Choices that were made"})
    values = JsonObject(metadata={"description": "Values of the answer, with the defaults of the params"})
    by = fields.String(metadata={"description": "Name of the user or token that answered"})
    note = fields.String(allow_none=True)
    at = Instant(metadata={"description": "Instant of the answer"})


class ApprovalAnswerBody(Body):
    """The answer of a user."""

    choice = fields.String(
        metadata={"description": "One of the approval's choices. Either `choice` or `choices` is required."}
    )
    choices = fields.List(
        fields.String(),
        validate=validate.Length(min=1, max=20),
        metadata={"description": "Several of its choices, where it has `multiple`"},
    )
    values = JsonObject(
        load_default=dict,
        metadata={"description": "Values that fit the approval's `params`. A rejection needs none, and keeps none."},
    )
    note = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=1000))


class ApprovalAnswerQuery(Query):
    map_index = fields.Integer(load_default=-1, validate=validate.Range(min=-1, max=2**31 - 1))


ApprovalList = list_arguments("ApprovalList", questions.APPROVALS)


@blueprint.operation(
    "GET",
    "/approvals",
    "get_approvals",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=ApprovalCollection,
    query=ApprovalList,
    errors=(400,),
)
def get_approvals(query: Mapping[str, Any]) -> Response:
    """List the approvals that can be answered now, the oldest first."""
    listed = questions.list_open_approvals(context().database, list_query(query), now=datetime.now(UTC))
    return list_answer(query, {"approvals": [_approval(row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation(
    "POST",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/<task_id>/approval",
    "answer_approval",
    role=Role.OPERATOR,
    answer=ApprovalAnswer,
    body=ApprovalAnswerBody,
    query=ApprovalAnswerQuery,
    errors=(404, 409),
)
def post_answer(
    body: Mapping[str, Any], query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str
) -> Response:
    """Answer an approval. The first answer counts; a second one is a conflict."""
    ctx = context()
    recorded = answer_approval(
        ctx.database,
        dag_id,
        dag_run_id,
        task_id,
        map_index=query["map_index"],
        reply=_reply(body),
        by=g.user,
        now=datetime.now(UTC),
    )
    ctx.notifier.notify()
    return answer(recorded)


def _reply(body: Mapping[str, Any]) -> Reply:
    if ("choice" in body) == ("choices" in body):
        message = "send either choice or choices"
        raise InvalidInput([Problem(pointer="/choice", message=message, hint="for example {choice: approve}")])
    is_single = "choice" in body
    return Reply(
        choices=[body["choice"]] if is_single else body["choices"],
        values=body["values"],
        note=body["note"] or None,
        choices_at="/choice" if is_single else "/choices",
    )


def _approval(row: Mapping[str, Any]) -> dict[str, Any]:
    waits_for = row["waits_for"]
    return {
        "dag_id": row["dag_id"],
        "dag_display_name": row["display_name"],
        "dag_run_id": row["run_id"],
        "task_id": row["task_id"],
        "map_index": row["map_index"],
        "rendered_map_index": rendered_map_index(row["map_index"], row["map_key"]),
        **{name: waits_for[name] for name in ("message", "choices")},
        "multiple": waits_for.get("multiple", False),
        **{name: waits_for.get(name) for name in ("params", "assigned")},
        "default": defaults[0] if (defaults := defaults_of(waits_for["default"])) else None,
        "defaults": defaults,
        "requested_at": row["start_date"],
        "give_up_at": waits_for["give_up_at"],
    }
