"""Explanations: why a run, a task instance or a schedule does not go on, for people and for programs."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, g
from marshmallow import fields

from mainspring.blockers import BlockCode, Blocker, Explanation, Holder
from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Choice, Instant, MapIndex, Query
from mainspring_api.http.operations import Resource
from mainspring_store.access.roles import Role
from mainspring_store.queries.explain import explain_instance, explain_run, explain_schedule
from mainspring_store.queries.runs import run_version

__all__ = ["blueprint"]

blueprint = Resource("explanations", "Explanations: why something waits, and what held a schedule up")

_RUN = "/dags/<dag_id>/dagRuns/<dag_run_id>"
PAST_SHOWN = timedelta(days=7)
PAST_MAX = timedelta(days=90)


class LimitHolder(Answer):
    """A run or a task instance that holds a place of a limit."""

    dag_id = fields.String()
    dag_run_id = fields.String()
    task_id = fields.String(allow_none=True, metadata={"description": "Task; null = the run holds the place"})
    map_index = fields.Integer(allow_none=True, metadata={"description": "As in task instances; null = a run"})


class WaitBlocker(Answer):
    """One cause of a wait."""

    code = Choice(BlockCode, metadata={"description": "Code of the cause, for programs"})
    text = fields.String(metadata={"description": "Cause in a sentence"})
    since = Instant(allow_none=True, metadata={"description": "Instant since which the cause holds; null = unknown"})
    ids = fields.List(
        fields.String(), metadata={"description": "Names of the things that the cause is about, such as upstream tasks"}
    )
    holders = fields.List(
        fields.Nested(LimitHolder), metadata={"description": "Holders of the limit that the caller may see, at most 20"}
    )
    holders_total = fields.Integer(metadata={"description": "Number of all holders of the limit"})
    holders_hidden = fields.Integer(metadata={"description": "Number of holders that the caller may not see"})
    position = fields.Integer(
        allow_none=True, metadata={"description": "Place in the queue for the limit, from 1; null = no queue"}
    )


class SatisfiedCause(Answer):
    """A cause that does not hold."""

    code = Choice(BlockCode, metadata={"description": "Code of the cause that does not hold"})
    text = fields.String(metadata={"description": "Fact in a sentence"})


class WaitExplanation(Answer):
    """Why something is in its state."""

    state = fields.String(
        metadata={
            "description": "State of the run or the task instance. Of a schedule: `waiting`, `due`, `paused`, `ended`, "
            "`error` or `unscheduled`"
        }
    )
    earliest_start = Instant(
        allow_none=True,
        metadata={"description": "Instant before which time alone forbids the start; null = time forbids nothing"},
    )
    blockers = fields.List(
        fields.Nested(WaitBlocker), metadata={"description": "Present causes of the wait; empty = nothing waits"}
    )
    satisfied = fields.List(fields.Nested(SatisfiedCause), metadata={"description": "Checked causes that do not hold"})


class InstanceExplanation(WaitExplanation):
    """Why a task instance of a run waits."""

    task_id = fields.String()
    map_index = fields.Integer()


class RunExplanation(WaitExplanation):
    """Why a run waits, and the tasks in it."""

    instances = fields.List(
        fields.Nested(InstanceExplanation),
        metadata={
            "description": "Waiting task instances of a running run, at most 20; those that wait for more than their "
            "upstream tasks come first"
        },
    )
    waiting_total = fields.Integer(metadata={"description": "Number of all waiting task instances"})


class PastSlots(Query):
    """How far back an explanation looks."""

    after = Instant(
        load_default=None,
        metadata={
            "description": "Missed times of the schedule later than this are explained; absent = those of the last 7 "
            "days. Times more than 90 days ago are left out"
        },
    )


@blueprint.operation(
    "GET",
    f"{_RUN}/taskInstances/<task_id>/explain",
    "explain_task_instance",
    role=Role.VIEWER,
    answer=WaitExplanation,
    query=MapIndex,
    errors=(404,),
)
def explain_task_instance(query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str) -> Response:
    """Why a task instance does not run, with the causes that keep its whole run."""
    ctx = context()
    explanation = explain_instance(
        ctx.database,
        ctx.versions.definition(run_version(ctx.database, dag_id, dag_run_id)),
        dag_id,
        dag_run_id,
        task_id,
        map_index=query["map_index"],
        seen=g.user.seen,
        now=datetime.now(UTC),
    )
    return answer(_body(explanation))


@blueprint.operation(
    "GET", f"{_RUN}/explain", "explain_dag_run", role=Role.VIEWER, answer=RunExplanation, errors=(404,)
)
def explain_dag_run(dag_id: str, dag_run_id: str) -> Response:
    """Why a run does not go on: the causes for the whole run, and those of its waiting tasks."""
    ctx = context()
    definition = ctx.versions.definition(run_version(ctx.database, dag_id, dag_run_id))
    explanation = explain_run(ctx.database, definition, dag_id, dag_run_id, seen=g.user.seen, now=datetime.now(UTC))
    instances = [
        {"task_id": task_id, "map_index": map_index, **_body(of_instance)}
        for task_id, map_index, of_instance in explanation.instances
    ]
    return answer({**_body(explanation.run), "instances": instances, "waiting_total": explanation.waiting_total})


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/explain",
    "explain_dag",
    role=Role.VIEWER,
    answer=WaitExplanation,
    query=PastSlots,
    errors=(404,),
)
def explain_dag(query: Mapping[str, Any], dag_id: str) -> Response:
    """Why the schedule of a DAG makes no run now, and why it made none at times of the past."""
    ctx, now = context(), datetime.now(UTC)
    after = query["after"] or now - PAST_SHOWN
    explanation = explain_schedule(
        ctx.database,
        ctx.versions.current(dag_id).definition,
        dag_id,
        after=max(after, now - PAST_MAX),
        seen=g.user.seen,
        now=now,
    )
    return answer(_body(explanation))


def _body(explanation: Explanation) -> dict[str, Any]:
    return {
        "state": explanation.state,
        "earliest_start": explanation.earliest_start,
        "blockers": [_blocker(blocker) for blocker in explanation.blockers],
        "satisfied": [{"code": cause.code, "text": cause.text} for cause in explanation.satisfied],
    }


def _blocker(blocker: Blocker) -> dict[str, Any]:
    return {
        "code": blocker.code,
        "text": blocker.text,
        "since": blocker.since,
        "ids": blocker.ids,
        "holders": [_holder(holder) for holder in blocker.holders],
        "holders_total": blocker.holders_total,
        "holders_hidden": blocker.holders_hidden,
        "position": blocker.position,
    }


def _holder(holder: Holder) -> dict[str, Any]:
    return {
        "dag_id": holder.dag_id,
        "dag_run_id": holder.dag_run_id,
        "task_id": holder.task_id,
        "map_index": holder.map_index,
    }
