"""Waiting for the end of a run, over HTTP."""

from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic
from typing import Any

from flask import Response, g
from marshmallow import fields, validate

from mainspring.states import RUN_FINISHED, RunState
from mainspring_api.http.answers import NDJSON, dump, wants_ndjson
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import Query
from mainspring_api.http.held_answers import Channel, hold
from mainspring_api.http.operations import Resource
from mainspring_api.resources.runs.run_results import WaitResult, wait_result
from mainspring_store.access.roles import Role
from mainspring_store.queries import runs as questions

__all__ = ["KEEP_ALIVE_SECONDS", "RunWait", "blueprint", "white_space"]

blueprint = Resource("run_waits", "Wait for the end of a run", tag="dag_runs")

INTERVAL_SECONDS_MIN = 0.05
KEEP_ALIVE_SECONDS = 15.0
"""Seconds between two bytes on a waiting connection, so that no proxy closes the connection."""


class WaitQuery(Query):
    interval = fields.Float(
        load_default=1.0,
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
    is_stream = wants_ndjson()

    def result(state: RunState | None) -> bytes:
        return dump(wait_result(ctx, key, dag_id, dag_run_id, query["result"], state)) + b"\n"

    mimetype = NDJSON if is_stream else "application/json"
    seconds = min(limit, limit if query["timeout"] is None else query["timeout"])
    if state in RUN_FINISHED or not seconds or ctx.watcher.is_closed:
        return Response(result(state), mimetype=mimetype)
    ctx.wait_places.take(g.user.id)
    waiting = RunWait(
        ctx,
        key,
        state,
        ends_at=monotonic() + seconds,
        interval=max(query["interval"], INTERVAL_SECONDS_MIN) if is_stream else KEEP_ALIVE_SECONDS,
        sign_of_life=_state_line if is_stream else white_space,
        result=result,
        principal_id=g.user.id,
    )
    return hold(waiting, mimetype=mimetype)


class RunWait:
    """A sign of life now and after each interval until the run has ended, then the result.

    until_stopped: wait also until no process of the run is left.
    """

    def __init__(
        self,
        ctx: Context,
        key: int,
        state: RunState,
        *,
        ends_at: float,
        interval: float,
        sign_of_life: Callable[[RunState], bytes],
        result: Callable[[RunState | None], bytes],
        principal_id: str,
        until_stopped: bool = False,
    ) -> None:
        self._ctx = ctx
        self._key = key
        self._state = state
        self._ends_at = ends_at
        self._interval = interval
        self._sign_of_life = sign_of_life
        self._result = result
        self._principal_id = principal_id
        self._until_stopped = until_stopped
        self._channel: Channel | None = None
        self._is_ending = False
        self._is_over = False

    def begin(self, channel: Channel) -> None:
        self._channel = channel
        self._ctx.watcher.watch(self._key, self._state, self._on_end, until_stopped=self._until_stopped)
        self._go_on()

    def on_time(self) -> None:
        if monotonic() >= self._ends_at or self._ctx.watcher.is_closed:
            self._end(self._state)
        else:
            self._state = self._ctx.watcher.state_of(self._key, self._state)
            self._go_on()

    def cancel(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._channel is not None:
            self._ctx.watcher.leave(self._key, self._on_end)
        self._ctx.wait_places.give_back(self._principal_id)

    def _go_on(self) -> None:
        assert self._channel is not None
        self._channel.send(self._sign_of_life(self._state))
        self._channel.wake_at(min(monotonic() + self._interval, self._ends_at))

    def _on_end(self, state: RunState | None) -> None:
        assert self._channel is not None
        self._channel.loop.call(partial(self._end, state))

    def _end(self, state: RunState | None) -> None:
        assert self._channel is not None
        if not self._is_ending and not self._is_over:
            self._is_ending = True
            self._channel.wake_at(float("inf"))
            self._channel.work(partial(self._result, state))


def _state_line(state: RunState) -> bytes:
    return dump({"state": state}) + b"\n"


def white_space(_: RunState) -> bytes:
    """A sign of life before JSON."""
    return b" "
