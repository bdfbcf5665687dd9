"""The answer of a trigger that waits for the end of its run."""

from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic
from typing import Any
from urllib.parse import quote

import orjson
from flask import Response, g
from marshmallow import fields, validate

from mainspring.errors import NotFound
from mainspring.states import RUN_FINISHED, RunState
from mainspring_api.http.context import Context, application_context
from mainspring_api.http.held_answers import hold
from mainspring_api.http.idempotency import REPLAYED
from mainspring_api.http.operations import JSON
from mainspring_api.http.places import TooManyWaits
from mainspring_api.resources.runs.run_waits import KEEP_ALIVE_SECONDS, RunWait, white_space
from mainspring_store.queries import runs as questions

__all__ = ["WAIT_SECONDS", "awaited", "awaited_stop", "location_of_run"]

WAIT_SECONDS = fields.Float(
    load_default=0.0,
    validate=validate.Range(min=0),
    metadata={"description": "Seconds to wait for the end of the run; 0 = answer at once. A setting bounds the wait"},
)
RETRY_SECONDS = 1
"""When a client may ask for an unfinished run again."""

Show = Callable[[Mapping[str, Any]], bytes]
"""From a row of `questions.get_run` to the body of an answer."""


def location_of_run(dag_id: str, run_id: str) -> str:
    """The path of a run."""
    return f"/api/v2/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}"


def awaited(response: Response, seconds: float, *, show: Show) -> Response:
    """Make the answer of a trigger from `response`, which holds the run as it was made.

    seconds: duration of the wait; 0 = no wait. Where no place for a wait is free, the present state is the answer.

    Raises:
        NotFound: The run of a replayed answer was deleted.
    """
    run = orjson.loads(response.get_data())
    answered = awaited_stop(response, seconds, show=show, until_stopped=False)
    answered.headers["Location"] = location_of_run(run["dag_id"], run["dag_run_id"])
    return answered


def awaited_stop(response: Response, seconds: float, *, show: Show, until_stopped: bool = True) -> Response:
    """Make the answer of a change of a run from `response`, which holds the run as the change left it.

    until_stopped: wait until the run has ended and no process of it is left; False = only until its end. The others as
        in `awaited`.
    """
    if not seconds:
        return response
    body = response.get_data()
    run = orjson.loads(body)
    names = run["dag_id"], run["dag_run_id"]
    answered = _waiting(application_context(), body, names, seconds, show, until_stopped=until_stopped)
    if REPLAYED in response.headers:
        answered.headers[REPLAYED] = response.headers[REPLAYED]
    return answered


def _waiting(
    ctx: Context, body: bytes, run: tuple[str, str], seconds: float, show: Show, *, until_stopped: bool
) -> Response:
    key, state = questions.run_key(ctx.database, *run)
    result = partial(_present_body, ctx, run, body, show)
    is_over = state in RUN_FINISHED and not (until_stopped and questions.stopping_runs(ctx.database, [key]))
    if is_over or ctx.watcher.is_closed or not _takes_place(ctx):
        answered = Response(result(state), mimetype=JSON)
    else:
        waiting = RunWait(
            ctx,
            key,
            state,
            ends_at=monotonic() + min(seconds, ctx.settings.wait_seconds_max),
            interval=KEEP_ALIVE_SECONDS,
            sign_of_life=white_space,
            result=result,
            principal_id=g.user.id,
            until_stopped=until_stopped,
        )
        answered = hold(waiting, mimetype=JSON)
    if not is_over:
        # The head of a held answer goes out before the end of the run is known.
        answered.headers["Retry-After"] = str(RETRY_SECONDS)
    return answered


def _takes_place(ctx: Context) -> bool:
    try:
        ctx.wait_places.take(g.user.id)
    except TooManyWaits:
        return False
    return True


def _present_body(ctx: Context, run: tuple[str, str], body: bytes, show: Show, _: RunState | None) -> bytes:
    """The run as it is; as it was made, when it was deleted during the wait."""
    try:
        return show(questions.get_run(ctx.database, *run))
    except NotFound:
        return body
