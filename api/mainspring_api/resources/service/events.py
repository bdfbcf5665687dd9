"""The event feed: changes of runs and tasks, in order, without delay."""

from collections.abc import Mapping
from typing import Any

from flask import Response, g, request
from marshmallow import Schema, fields, validate

from mainspring.errors import Problem
from mainspring.events import EventKind, format_event_id, parse_event_id
from mainspring_api.http.context import Context, context
from mainspring_api.http.event_answers import EventStream, EventWait
from mainspring_api.http.event_formats import EventFilter, as_json, as_stream, feed_events, reset_event
from mainspring_api.http.fields import Answer, Choice, Instant, Query
from mainspring_api.http.held_answers import hold
from mainspring_api.http.middleware import credential_in_use
from mainspring_api.http.operations import Resource
from mainspring_api.http.permissions import Over, require_role_on
from mainspring_api.http.problems import BadCursor
from mainspring_store.access.roles import Role
from mainspring_store.queries.events import events_of_run

__all__ = ["blueprint"]

blueprint = Resource("events", "Events: what has changed, in order, as it happens")

STREAM = "text/event-stream"
WAIT_SECONDS_MAX = 60
PAGE_MAX = 1000
_PAGES_MAX = 20
"""Pages of the log that one request looks through for an event that its filter admits."""
_KINDS = [kind.value for kind in EventKind if kind is not EventKind.RESET]


class EventData(Schema):
    """What has changed. Members that do not belong to the kind of the event are missing."""

    at = Instant(metadata={"description": "Instant of the change"})
    dag_id = fields.String()
    dag_run_id = fields.String()
    task_id = fields.String()
    map_index = fields.Integer()
    try_number = fields.Integer(allow_none=True)
    state = fields.String(metadata={"description": "The new state; `deleted` where the subject is gone"})
    state_reason = fields.String(
        allow_none=True, metadata={"description": "Code of the cause of the state; null = none"}
    )
    seq = fields.Integer(
        metadata={"description": "Number of the change in its run: 0 = the creation, then from 1 without gaps"}
    )
    run_after = Instant(metadata={"description": "The earliest start that a user gave to a run, in `changed`"})
    priority = fields.Integer(metadata={"description": "The priority that a user gave to a run, in `changed`"})
    version_number = fields.Integer(metadata={"description": "Version of the saved DAG"})
    backfill_id = fields.Integer(metadata={"description": "Identifier of the backfill"})
    pool = fields.String(metadata={"description": "Name of the pool"})
    choice = fields.String(metadata={"description": "The answer to the approval"})
    signal = fields.String(metadata={"description": "Name of the signal", "example": "paid"})
    worker_id = fields.String(metadata={"description": "Identifier of the worker"})
    hostname = fields.String(metadata={"description": "Host of the worker"})
    queue = fields.String(metadata={"description": "Queue of the worker"})
    reason = fields.String(metadata={"description": "Why everything must be read again: `too_old` or `too_slow`"})


class Event(Answer):
    """A change."""

    id = fields.String(metadata={"description": "Position of the event in the feed; `after` continues behind it"})
    event = Choice(EventKind, metadata={"description": "Kind of the event"})
    data = fields.Nested(EventData)


class EventCollection(Answer):
    """Some events, oldest first."""

    events = fields.List(fields.Nested(Event), metadata={"description": "Events behind `after`"})
    cursor = fields.String(metadata={"description": "`after` for the following events"})


class RunEventQuery(Query):
    after = fields.String(load_default=None, metadata={"description": "Id of an event: only events behind it"})
    limit = fields.Integer(
        load_default=PAGE_MAX,
        validate=validate.Range(min=1, max=PAGE_MAX),
        metadata={"description": "Most events of a page"},
    )


class EventQuery(Query):
    after = fields.String(
        load_default=None,
        metadata={
            "description": "Id of an event, or a `Mainspring-Cursor`: only events behind it. "
            "Without it, and without the header `Last-Event-ID`, only events from now on"
        },
    )
    wait = fields.Float(
        load_default=0.0,
        validate=validate.Range(min=0, max=WAIT_SECONDS_MAX),
        metadata={"description": "Seconds to wait for the first event; for JSON answers alone"},
    )
    dag_id = fields.List(
        fields.String(),
        load_default=list,
        validate=validate.Length(max=100),
        metadata={"description": "Only events of these DAGs"},
    )
    types = fields.List(
        fields.String(validate=validate.OneOf(_KINDS)),
        load_default=list,
        metadata={"description": "Only these kinds of events; `many` and `reset` always come"},
    )


@blueprint.operation(
    "GET",
    "/events",
    "get_events",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=EventCollection,
    query=EventQuery,
    errors=(400, 404),
    other_media={STREAM: {"schema": {"type": "string", "description": "Server-sent events, see docs/events.md"}}},
)
def get_events(query: Mapping[str, Any]) -> Response:
    """Follow what changes.

    With `Accept: text/event-stream` a stream of server-sent events, otherwise one page of events. A page without events
    is answered after `wait` seconds. A client sees the events of the DAGs that it may see.
    """
    ctx = context()
    event_filter = _filter(query)
    cursor = _position(query["after"] or request.headers.get("Last-Event-ID"))
    is_stream = _wants_stream()
    if not is_stream or cursor is None or cursor >= ctx.feed.position():
        ctx.feed.catch_up()
    start = ctx.feed.position() if cursor is None else cursor
    is_lost = cursor is not None and not ctx.feed.may_follow(cursor)
    if is_stream:
        return _stream(ctx, event_filter, start, is_lost)
    if is_lost:
        position = ctx.feed.position()
        return _json(as_json([reset_event(position, "too_old")], position))
    return _page(ctx, event_filter, start, query["wait"])


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/events",
    "get_dag_run_events",
    role=Role.VIEWER,
    answer=EventCollection,
    query=RunEventQuery,
    errors=(400, 404),
)
def get_dag_run_events(query: Mapping[str, Any], dag_id: str, dag_run_id: str) -> Response:
    """The history of a run, oldest first."""
    start = _position(query["after"]) or 0
    stored = events_of_run(context().database, dag_id, dag_run_id, start, query["limit"])
    return _json(as_json(feed_events(stored), stored[-1].id if stored else start))


def _stream(ctx: Context, event_filter: EventFilter, start: int, is_lost: bool) -> Response:
    position = ctx.feed.position() if is_lost else start
    credential, authenticate = credential_in_use()
    stream = EventStream(
        ctx.feed, ctx.stream_places, event_filter, position=position, credential=credential, authenticate=authenticate
    )
    first = [as_stream([reset_event(position, "too_old")])] if is_lost else stream.old_events()
    response = hold(stream, mimetype=STREAM, first=first)
    g.cursor = format_event_id(position)
    response.headers["X-Accel-Buffering"] = "no"  # nginx would keep events back
    return response


def _page(ctx: Context, event_filter: EventFilter, start: int, wait: float) -> Response:
    for _ in range(_PAGES_MAX):
        events, position = ctx.feed.page(start)
        admitted = [event for event in events if event_filter.admits(event)]
        if admitted or not wait:
            return _json(as_json(admitted, position))
        if position == start:
            break
        start = position
    else:
        return _json(as_json([], start))
    credential, authenticate = credential_in_use()
    waiting = EventWait(
        ctx.feed,
        ctx.wait_places,
        event_filter,
        position=start,
        credential=credential,
        authenticate=authenticate,
        seconds=wait,
    )
    return hold(waiting, mimetype="application/json")


def _filter(query: Mapping[str, Any]) -> EventFilter:
    for dag_id in query["dag_id"]:
        require_role_on(dag_id, Role.VIEWER)
    kinds = frozenset(EventKind(kind) for kind in query["types"])
    return EventFilter.of(g.user, frozenset(query["dag_id"]) or None, kinds or None)


def _position(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_event_id(text)
    except ValueError as exc:
        raise BadCursor([Problem(pointer="/after", message=str(exc))]) from exc


def _wants_stream() -> bool:
    # Not for `*/*`: a client that was made from the document would wait for the end of a stream.
    return STREAM in request.accept_mimetypes.values()


def _json(text: bytes) -> Response:
    return Response(text, mimetype="application/json")
