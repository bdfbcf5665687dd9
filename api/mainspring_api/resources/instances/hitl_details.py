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

from mainspring.errors import Problem
from mainspring.instants import parse_instant
from mainspring.states import StateReason
from mainspring.waits import APPROVE, CHOICES, REJECT
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
from mainspring_store.resources.approvals import answer_approval

__all__ = ["blueprint"]

blueprint = Resource("hitl_details", "Approvals as Airflow has them", tag="approvals")

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
    multiple = fields.Boolean(metadata={"description": "Always false: an answer is one option"})
    params = JsonObject()
    assigned_users = fields.List(
        fields.Nested(HitlUser), metadata={"description": "Always empty: every user with the role may answer"}
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
    params_input = JsonObject()


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
        metadata={"description": "List with one option"},
    )
    params_input = JsonObject(
        load_default=dict, allow_none=True, metadata={"description": "Empty object: an approval has no params"}
    )


class HitlAnswer(Answer):
    """An answer as it was recorded."""

    responded_by = fields.Nested(HitlUser)
    responded_at = Instant(metadata={"description": "Instant of the answer"})
    chosen_options = fields.List(fields.String(), metadata={"description": "Options of the answer"})
    params_input = JsonObject()


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
    choice = _choice(body, _asked(ctx, row)["choices"])
    recorded = answer_approval(
        ctx.database,
        dag_id,
        dag_run_id,
        task_id,
        map_index=map_index,
        choice=choice,
        by=g.user.name,
        note=None,
        now=datetime.now(UTC),
    )
    ctx.notifier.notify()
    content = {
        "responded_by": _user(recorded["by"]),
        "responded_at": recorded["at"],
        "chosen_options": body["chosen_options"],
        "params_input": {},
    }
    return answer(content)


def _choice(body: Mapping[str, Any], choices: Sequence[str]) -> str:
    """Which of the choices a body means. Raises BadRequest when it means none, or several."""
    if body["params_input"]:
        raise BadRequest([Problem(pointer="/params_input", message="an approval has no params; leave it out")])
    if len(body["chosen_options"]) > 1:
        raise BadRequest([Problem(pointer="/chosen_options", message="an approval takes a single option")])
    [option] = body["chosen_options"]
    by_option = {_option(choice, choices): choice for choice in choices}
    if option not in by_option:
        message = f"there is no option '{option[:100]}'; allowed are {', '.join(by_option)}"
        raise BadRequest([Problem(pointer="/chosen_options/0", message=message, code="unknown_choice")])
    return by_option[option]


def _option(choice: str, choices: Sequence[str]) -> str:
    """A choice in Airflow's spelling, where that is not another of the choices."""
    spelled = _SPELLED.get(choice, choice)
    return choice if spelled in choices else spelled


def _detail(ctx: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    question = _asked(ctx, row)
    choices = question["choices"]
    recorded = _answer(row)
    return {
        "task_instance": instance_body(ctx, row),
        "subject": question["message"],
        "body": None,
        "options": [_option(choice, choices) for choice in choices],
        "defaults": None if question["default"] is None else [_option(question["default"], choices)],
        "multiple": False,
        "params": {},
        "assigned_users": [],
        "created_at": row["start_date"],
        "response_received": recorded is not None,
        "responded_by_user": None if recorded is None or recorded["by"] is None else _user(recorded["by"]),
        "responded_at": None if recorded is None else recorded["at"],
        "chosen_options": None if recorded is None else [_option(recorded["choice"], choices)],
        "params_input": {},
    }


def _asked(ctx: Context, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """`message`, `choices` and `default`: rendered values during the wait, and the values of the definition
    afterwards."""
    if row["waits_for"] is not None:
        waits_for: Mapping[str, Any] = row["waits_for"]
        return waits_for
    definition = ctx.versions.definition(row["dag_version_id"])
    task: Mapping[str, Any] = definition.flat.tasks.get(row["task_id"], {})
    choices = task.get("choices")
    return {
        "message": str(task.get("message", "")),
        "choices": choices if isinstance(choices, list) else list(CHOICES),
        "default": task.get("default"),
    }


def _answer(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """`choice`, `by` and `at` of an answer; `None` = there is none."""
    waiting = (row["waits_for"] or {}).get("answer")
    if waiting is not None:
        return {**waiting, "at": parse_instant(waiting["at"])}
    if row["answer_choice"] is not None:
        choice, by, at = (orjson.loads(row[f"answer_{key}"]) for key in ("choice", "by", "at"))
        return {"choice": choice, "by": by, "at": parse_instant(at)}
    if row["state_reason"] == StateReason.APPROVAL_REJECTED:
        return {"choice": REJECT, "by": None, "at": row["end_date"]}
    return None


def _user(name: str) -> dict[str, str]:
    return {"id": name, "name": name}
