"""Following the event feed: one iterator over as many connections as the feed takes."""

import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import httpx

from .errors import ApiError, parse_problem
from .models.event import Event

PAUSE_SECONDS_MIN = 0.5
PAUSE_SECONDS_MAX = 30.0
STEADY_SECONDS = 10.0
"""A connection that lasted this long shows that the server is well: the pauses begin anew."""
SILENCE_SECONDS_MAX = 35.0
"""The server sends a comment every 15 seconds. A connection that is silent for longer is dead."""
_CONNECT_SECONDS = 10.0
_PATH = "/api/v2/events"
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of a server, or of a proxy before it, that may do better later."""


def follow_events(
    client: httpx.Client,
    *,
    after: str | None,
    dag_ids: Sequence[str],
    types: Sequence[str],
    give_up_seconds: float | None,
) -> Iterator[Event]:
    """See `Client.events`. An event of a kind that this client does not know is left out."""
    for event in follow_json(client, after=after, dag_ids=dag_ids, types=types, give_up_seconds=give_up_seconds):
        try:
            known = Event.from_dict(event)
        except (KeyError, ValueError, TypeError, AttributeError):
            continue
        yield known


def follow_json(
    client: httpx.Client,
    *,
    after: str | None,
    dag_ids: Sequence[str],
    types: Sequence[str],
    give_up_seconds: float | None,
) -> Iterator[dict[str, Any]]:
    """As `follow_events`, with each event as the JSON of the server: `id`, `event` and `data`."""
    position, failures, heard_at = after, 0, time.monotonic()

    def heard_pieces(response: httpx.Response) -> Iterator[bytes]:
        nonlocal heard_at
        for piece in response.iter_bytes():
            yield piece
            # The silence begins when the reader has used the piece: its own time is no silence of the server.
            heard_at = time.monotonic()

    while True:
        failure: httpx.HTTPError | ApiError | None = None
        position_before = position
        try:
            with _connected(client, position, dag_ids, types) as response:
                connected_at = heard_at = time.monotonic()
                # A stream without a position begins now: its cursor says where, also when no event comes.
                position = position or response.headers.get("Mainspring-Cursor")
                for event in _events(_lines(heard_pieces(response))):
                    failures, position = 0, event["id"]
                    yield event
                heard_at = time.monotonic()
                if heard_at - connected_at >= STEADY_SECONDS:
                    failures = 0
        except httpx.HTTPError as exc:
            failure = exc
        except ApiError as exc:
            if exc.status_code not in _LATER:
                raise
            failure = exc
        if failure is not None and give_up_seconds is not None and time.monotonic() - heard_at >= give_up_seconds:
            raise failure
        if position != position_before:
            continue  # the server ends each stream in time, and the next one goes on
        time.sleep(_pause(failures))
        failures += 1


@contextmanager
def _connected(
    client: httpx.Client, position: str | None, dag_ids: Sequence[str], types: Sequence[str]
) -> Iterator[httpx.Response]:
    """A stream of the server behind a position.

    Raises:
        ApiError: The server refuses.
    """
    parameters = [("dag_id", dag_id) for dag_id in dag_ids] + [("types", str(kind)) for kind in types]
    if position is not None:
        parameters.append(("after", position))
    with client.stream(
        "GET",
        _PATH,
        params=httpx.QueryParams(parameters),
        headers={"Accept": "text/event-stream", "Cache-Control": "no-store"},
        timeout=httpx.Timeout(SILENCE_SECONDS_MAX, connect=_CONNECT_SECONDS),
    ) as response:
        if response.status_code != HTTPStatus.OK:
            response.read()
            raise ApiError(HTTPStatus(response.status_code), parse_problem(response), response.content)
        yield response


def _lines(pieces: Iterator[bytes]) -> Iterator[str]:
    """The lines of a stream, without an incomplete last line.

    `httpx.Response.iter_lines` also ends a line at characters that a name may contain, such as U+2028.
    """
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode(errors="replace")


def _events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """The events of a stream. An event that is incomplete or cannot be read is left out."""
    members: dict[str, str] = {}
    for line in lines:
        if not line:
            event = _event(members)
            members = {}
            if event is not None:
                yield event
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            members[name] = value.removeprefix(" ")


def _event(members: dict[str, str]) -> dict[str, Any] | None:
    try:
        return {"id": members["id"], "event": members["event"], "data": json.loads(members["data"])}
    except (KeyError, ValueError):
        return None


def _pause(failures: int) -> float:
    """Seconds before the next connection: exponential backoff with jitter of one half."""
    seconds = min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_MIN * 2.0 ** min(failures, 10))
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311
