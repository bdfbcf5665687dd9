"""Approvals in the words of Airflow: details of what a human in the loop is asked and has answered.

Airflow spells the two options of an approval `Approve` and `Reject`; our choices of these meanings are shown and taken
in its spelling. Other choices are options as they are.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Response, g
from marshmallow import fields, validate

from mainspring.errors import InvalidInput, Problem
from mainspring.instants import parse_instant
from mainspring.states import StateReason
from mainspring.waits import APPROVE, CHOICES, REJECT, defaults_of
from mainspring_api.http.answers import answer
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import Answer, Body, Instant, JsonObject, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over
from mainspring_api.http.problems import BadRequest
from mainspring_api.resources.instances.task_instances import TaskInstance, instance_body
from mainspring_store.access.roles import Role
from mainspring_store.queries import approvals as questions
from mainspring_store.resources.approvals import Reply, answer_approval

__all__ = ["blueprint"]

blueprint = Resource("hitl_details", "Approvals as Airflow has them", tag="approvals")

_ANSWER = ("choice", "choices", "values", "by", "at")
"""Outputs of an approval that contain its answer. One that an earlier release ended has no `choices` and `values`."""
_SPELLED = {APPROVE: "Approve", REJECT: "Reject"}


class HitlUser(Answer):
    """Who has answered."""

    id = fields.String(metadata={"description": "Name of the user or token"})
    name = fields.String(metadata={"description": "The same as `id`"})


class HitlDetail(Answer):
    """What an approval asks, and its answer."""

    task_instance = fields.Nested(TaskInstance)
    subject = fields.String(metadata={"description": "Question to answer"})
    body = fields.String(allow_none=True, metadata={"description": "Always null"})
    options = fields.List(fields.String(), metadata={"description": "Possible answers"})
    defaults = fields.List(
        fields.String(), allow_none=True, metadata={"description": "Answer taken at the timeout; null = the task fails"}
    )
    multiple = fields.Boolean(metadata={"description": "Whether an answer may name several options"})
    params = JsonObject(
        metadata={"description": "Name -> {value, schema, description} of each value that an answer gives"}
    )
    assigned_users = fields.List(
        fields.Nested(HitlUser), metadata={"description": "Users who may answer; empty = each user with the role"}
    )
    created_at = Instant(metadata={"description": "Start of the wait"})
    response_received = fields.Boolean(metadata={"description": "Whether an answer is recorded"})
    responded_by_user = fields.Nested(
        HitlUser,
        allow_none=True,
        metadata={"description": "User or token that answered; null = no answer, or the default"},
    )
    responded_at = Instant(allow_none=True, metadata={"description": "Instant of the answer; null = none yet"})
    chosen_options = fields.List(
        fields.String(), allow_none=True, metadata={"description": "Options of the answer; null = none yet"}
    )
    params_input = JsonObject(metadata={"description": "Values of the answer; empty = none"})


class HitlDetailCollection(Answer):
    """A page of such details."""

    hitl_details = fields.List(fields.Nested(HitlDetail))
    total_entries = fields.Integer()


class HitlAnswerBody(Body):
    """An answer."""

    chosen_options = fields.List(
        fields.String(),
        required=True,
        validate=validate.Length(min=1, max=100),
        metadata={"description": "One option, or several where the approval has `multiple`"},
    )
    params_input = JsonObject(
        load_default=dict, allow_none=True, metadata={"description": "Values that fit the params of the approval"}
    )


class HitlAnswer(Answer):
    """An answer as it was recorded."""

    responded_by = fields.Nested(HitlUser)
    responded_at = Instant(metadata={"description": "Instant of the answer"})
    chosen_options = fields.List(fields.String(), metadata={"description": "Options of the answer"})
    params_input = JsonObject(metadata={"description": "Values of the answer, with the defaults of the params"})


HitlDetailList = list_arguments(
    "HitlDetailList",
    questions.STARTED_APPROVALS,
    response_received=fields.Boolean(load_default=None, allow_none=True),
)


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/hitlDetails",
    "get_hitl_details",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=HitlDetailCollection,
    query=HitlDetailList,
    errors=(400,),
)
def get_hitl_details(query: Mapping[str, Any], dag_id: str, dag_run_id: str) -> Response:
    """List the approvals of a run that have begun; `~` for an id means all."""
    ctx = context()
    listed = questions.list_started_approvals(
        ctx.database,
        list_query(query),
        dag_id=None if dag_id == "~" else dag_id,
        run_id=None if dag_run_id == "~" else dag_run_id,
        is_answered=query["response_received"],
        now=datetime.now(UTC),
    )
    return list_answer(
        query, {"hitl_details": [_detail(ctx, row) for row in listed.rows], "total_entries": listed.total}
    )


_ONE = "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/<task_id>/<int(signed=True):map_index>/hitlDetails"


@blueprint.operation("GET", _ONE, "get_hitl_detail", role=Role.VIEWER, answer=HitlDetail, errors=(404,))
def get_hitl_detail(dag_id: str, dag_run_id: str, task_id: str, map_index: int) -> Response:
    """One approval that has begun; map index -1 = its task is not mapped."""
    ctx = context()
    return answer(
        _detail(ctx, questions.get_started_approval(ctx.database, dag_id, dag_run_id, task_id, map_index=map_index))
    )


@blueprint.operation(
    "PATCH",
    _ONE,
    "update_hitl_detail",
    role=Role.OPERATOR,
    answer=HitlAnswer,
    body=HitlAnswerBody,
    errors=(400, 404, 409),
)
def update_hitl_detail(body: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str, map_index: int) -> Response:
    """Answer an approval. The first answer counts; a second one is a conflict."""
    ctx = context()
    row = questions.get_started_approval(ctx.database, dag_id, dag_run_id, task_id, map_index=map_index)
    choices = _asked(ctx, row)["choices"]
    reply = Reply(
        choices=_chosen(body["chosen_options"], choices),
        values=body["params_input"] or {},
        choices_at="/chosen_options",
        values_at="/params_input",
    )
    try:
        recorded = answer_approval(
            ctx.database,
            dag_id,
            dag_run_id,
            task_id,
            map_index=map_index,
            reply=reply,
            by=g.user,
            now=datetime.now(UTC),
        )
    except InvalidInput as exc:
        raise BadRequest(exc.problems) from exc
    ctx.notifier.notify()
    content = {
        "responded_by": _user(recorded["by"]),
        "responded_at": recorded["at"],
        "chosen_options": body["chosen_options"],
        "params_input": recorded["values"],
    }
    return answer(content)


def _chosen(options: Sequence[str], choices: Sequence[str]) -> list[str]:
    """The choices that options mean. Raises BadRequest for an unknown option."""
    by_option = {_option(choice, choices): choice for choice in choices}
    for position, option in enumerate(options):
        if option not in by_option:
            message = f"there is no option '{option[:100]}'; allowed are {', '.join(by_option)}"
            raise BadRequest([Problem(pointer=f"/chosen_options/{position}", message=message, code="unknown_choice")])
    return [by_option[option] for option in options]


def _option(choice: str, choices: Sequence[str]) -> str:
    """A choice in Airflow's spelling, where that is not another of the choices."""
    spelled = _SPELLED.get(choice, choice)
    return choice if spelled in choices else spelled


def _detail(ctx: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    question = _asked(ctx, row)
    choices = question["choices"]
    defaults = defaults_of(question["default"])
    recorded = _answer(row)
    return {
        "task_instance": instance_body(ctx, row),
        "subject": question["message"],
        "body": None,
        "options": [_option(choice, choices) for choice in choices],
        "defaults": None if defaults is None else [_option(choice, choices) for choice in defaults],
        "multiple": bool(question.get("multiple")),
        "params": _params(question.get("params") or {}),
        "assigned_users": [_user(name) for name in (question.get("assigned") or {}).get("users", ())],
        "created_at": row["start_date"],
        "response_received": recorded is not None,
        "responded_by_user": None if recorded is None or recorded["by"] is None else _user(recorded["by"]),
        "responded_at": None if recorded is None else recorded["at"],
        "chosen_options": None if recorded is None else [_option(name, choices) for name in recorded["choices"]],
        "params_input": {} if recorded is None else recorded["values"],
    }


def _asked(ctx: Context, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of an approval: rendered values during the wait, and the values of the definition afterwards."""
    if row["waits_for"] is not None:
        waits_for: Mapping[str, Any] = row["waits_for"]
        return waits_for
    definition = ctx.versions.definition(row["dag_version_id"])
    task: Mapping[str, Any] = definition.flat.tasks.get(row["task_id"], {})
    choices = task.get("choices")
    return {
        "message": str(task.get("message", "")),
        "choices": choices if isinstance(choices, list) else list(CHOICES),
        **{name: task.get(name) for name in ("default", "multiple", "params", "assigned")},
    }


def _params(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Airflow's shape: each top-level property with its default and schema."""
    return {
        name: {
            "value": part.get("default") if isinstance(part, Mapping) else None,
            "schema": part,
            "description": part.get("description") if isinstance(part, Mapping) else None,
        }
        for name, part in schema.get("properties", {}).items()
    }


def _answer(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """`choices`, `values`, `by` and `at` of an answer; `None` = there is none."""
    waiting = (row["waits_for"] or {}).get("answer")
    if waiting is not None:
        return {"choices": [waiting["choice"]], "values": {}, **waiting, "at": parse_instant(waiting["at"])}
    if row["answer_choice"] is not None:
        given = {key: orjson.loads(text) for key in _ANSWER if (text := row[f"answer_{key}"]) is not None}
        return {"choices": [given["choice"]], "values": {}, **given, "at": parse_instant(given["at"])}
    if row["state_reason"] == StateReason.APPROVAL_REJECTED:
        return {"choices": [REJECT], "values": {}, "by": None, "at": row["end_date"]}
    return None


def _user(name: str) -> dict[str, str]:
    return {"id": name, "name": name}
