"""Waiting for the end of a run, over HTTP."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from time import monotonic
from typing import Any

import orjson
from flask import Response, g
from marshmallow import fields, validate

from mainspring.states import RUN_FINISHED, RunState
from mainspring_api.http.answers import NDJSON, dump, wants_ndjson
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import Answer, Choice, JsonObject, Query
from mainspring_api.http.operations import Resource
from mainspring_api.http.run_watcher import POLL_SECONDS
from mainspring_store.access.roles import Role
from mainspring_store.queries import runs as questions

__all__ = ["blueprint"]

blueprint = Resource("run_waits", "Wait for the end of a run", tag="dag_runs")

KEEP_ALIVE_SECONDS = 15.0
"""Seconds between two bytes on a waiting connection, so that no proxy closes the connection."""


class WaitResult(Answer):
    """How a run stands at the end of a wait."""

    state = Choice(
        RunState,
        allow_none=True,
        metadata={"description": "State of the run; null = the run was deleted during the wait"},
    )
    state_reason = fields.String(
        allow_none=True, metadata={"description": "Code of the cause of the state; null = none"}
    )
    message = fields.String(allow_none=True, metadata={"description": "Cause of the state in a sentence; null = none"})
    outputs = JsonObject(
        allow_none=True, metadata={"description": "Outputs that the DAG declares; null until the run has succeeded"}
    )
    results = JsonObject(
        metadata={"description": "Output `return_value` by task id, for the requested tasks; a list for a mapped task"}
    )


class WaitQuery(Query):
    interval = fields.Float(
        required=True,
        validate=validate.Range(min=0, min_inclusive=False, max=3600),
        metadata={"description": "Seconds between two lines of a stream"},
    )
    timeout = fields.Float(
        load_default=None,
        validate=validate.Range(min=0),
        metadata={"description": "Seconds after which the present state is the answer"},
    )
    result = fields.List(fields.String(), load_default=list, validate=validate.Length(max=100))


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/wait",
    "wait_dag_run_until_finished",
    role=Role.VIEWER,
    answer=WaitResult,
    query=WaitQuery,
    errors=(404,),
    other_media={
        NDJSON: {"schema": {"type": "string", "description": "One WaitResult a line; the last has all members"}}
    },
)
def wait_dag_run(query: Mapping[str, Any], dag_id: str, dag_run_id: str) -> Response:
    """Wait until a run has ended.

    Answers one JSON object at the end. With `Accept: application/x-ndjson` it sends the state at each interval, one
    object a line. While it waits, white space is sent now and then to keep the connection alive.
    """
    ctx = context()
    key, state = questions.run_key(ctx.database, dag_id, dag_run_id)
    limit = ctx.settings.wait_seconds_max
    deadline = monotonic() + min(limit, limit if query["timeout"] is None else query["timeout"])
    principal_id = g.user.id
    ctx.wait_slots.take(principal_id)
    is_stream = wants_ndjson()
    lines = _wait(
        ctx,
        key,
        state,
        deadline=deadline,
        interval=max(query["interval"], POLL_SECONDS) if is_stream else KEEP_ALIVE_SECONDS,
        sign_of_life=_state_line if is_stream else _white_space,
        result=partial(_wait_result, ctx, key, dag_id, dag_run_id, query["result"]),
    )
    response = Response(lines, mimetype=NDJSON if is_stream else "application/json")
    response.call_on_close(partial(ctx.wait_slots.give_back, principal_id))
    return response


def _wait(
    ctx: Context,
    key: int,
    state: RunState,
    *,
    deadline: float,
    interval: float,
    sign_of_life: Callable[[RunState], bytes],
    result: Callable[[RunState | None], dict[str, Any]],
) -> Iterator[bytes]:
    """A sign of life now and after each interval until the run has ended, then the result."""
    now: RunState | None = state
    with ctx.watcher.watch(key, state):
        while now is not None and now not in RUN_FINISHED and not ctx.watcher.is_closed:
            seconds_left = deadline - monotonic()
            if seconds_left <= 0:
                break
            yield sign_of_life(now)
            now = ctx.watcher.await_end(key, min(interval, seconds_left))
    yield dump(result(now)) + b"\n"


def _state_line(state: RunState) -> bytes:
    return dump({"state": state}) + b"\n"


def _white_space(_: RunState) -> bytes:
    return b" "


def _wait_result(
    ctx: Context, key: int, dag_id: str, run_id: str, task_ids: list[str], state: RunState | None
) -> dict[str, Any]:
    if state is None:
        message = f"run '{run_id}' was deleted"
        return {"state": None, "state_reason": None, "message": message, "outputs": None, "results": {}}
    run = questions.get_run(ctx.database, dag_id, run_id)
    outputs = questions.task_results(ctx.database, key, task_ids) if task_ids else {}
    return {
        "state": run["state"],
        "state_reason": run["state_reason"],
        "message": run["message"],
        "outputs": run["outputs"],
        "results": {task_id: orjson.Fragment(outputs[task_id]) if task_id in outputs else None for task_id in task_ids},
    }
