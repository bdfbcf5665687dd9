"""Following the event feed: one iterator over as many connections as the feed takes."""

import json
import random
import time
from asyncio import sleep
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import httpx

from .errors import ApiError, error_of, parse_problem
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
        known = _known(event)
        if known is not None:
            yield known


async def follow_events_async(
    client: httpx.AsyncClient,
    *,
    after: str | None,
    dag_ids: Sequence[str],
    types: Sequence[str],
    give_up_seconds: float | None,
) -> AsyncIterator[Event]:
    """As `follow_events`, without blocking."""
    course = _Course(after, dag_ids, types, give_up_seconds)
    while True:
        with course.connection():
            async with client.stream("GET", _PATH, **course.request_options()) as response:
                if response.status_code != HTTPStatus.OK:
                    await response.aread()
                decoder = course.begin(response)
                async for piece in response.aiter_bytes():
                    for event in decoder.events(piece):
                        course.note(event)
                        known = _known(event)
                        if known is not None:
                            yield known
                    course.hear()
        pause = course.pause()
        if pause is not None:
            await sleep(pause)


def follow_json(
    client: httpx.Client,
    *,
    after: str | None,
    dag_ids: Sequence[str],
    types: Sequence[str],
    give_up_seconds: float | None,
) -> Iterator[dict[str, Any]]:
    """As `follow_events`, with each event as the JSON of the server: `id`, `event` and `data`."""
    course = _Course(after, dag_ids, types, give_up_seconds)
    while True:
        with course.connection(), client.stream("GET", _PATH, **course.request_options()) as response:
            if response.status_code != HTTPStatus.OK:
                response.read()
            decoder = course.begin(response)
            for piece in response.iter_bytes():
                for event in decoder.events(piece):
                    course.note(event)
                    yield event
                course.hear()
        pause = course.pause()
        if pause is not None:
            time.sleep(pause)


class _Course:
    """Where a follower stands, and how long it goes on without an answer."""

    def __init__(
        self, after: str | None, dag_ids: Sequence[str], types: Sequence[str], give_up_seconds: float | None
    ) -> None:
        self._position = self._position_before = after
        self._filters = [("dag_id", dag_id) for dag_id in dag_ids] + [("types", str(kind)) for kind in types]
        self._give_up_seconds = give_up_seconds
        self._failures = 0
        self._heard_at = time.monotonic()
        self._connected_at: float | None = None

    def request_options(self) -> dict[str, Any]:
        """Of a stream behind the position."""
        place = [] if self._position is None else [("after", self._position)]
        return {
            "params": httpx.QueryParams([*self._filters, *place]),
            "headers": {"Accept": "text/event-stream", "Cache-Control": "no-store"},
            "timeout": httpx.Timeout(SILENCE_SECONDS_MAX, connect=_CONNECT_SECONDS),
        }

    @contextmanager
    def connection(self) -> Iterator[None]:
        """Around one connection.

        Raises:
            ApiError: The server refuses, or was unable to answer for `give_up_seconds`.
            httpx.HTTPError: The server was unreachable for `give_up_seconds`.
        """
        self._position_before, self._connected_at = self._position, None
        try:
            yield
            self.hear()
            if self._connected_at is not None and self._heard_at - self._connected_at >= STEADY_SECONDS:
                self._failures = 0
        except httpx.HTTPError:
            if self._is_silent():
                raise
        except ApiError as exc:
            if exc.status_code not in _LATER or self._is_silent():
                raise

    def begin(self, response: httpx.Response) -> "_Decoder":
        """The decoder of a stream. Raises ApiError when the server refuses; the body must be read then."""
        if response.status_code != HTTPStatus.OK:
            raise error_of(HTTPStatus(response.status_code), parse_problem(response), response.content)
        self._connected_at = self._heard_at = time.monotonic()
        # A stream without a position begins now: its cursor says where, also when no event comes.
        self._position = self._position or response.headers.get("Mainspring-Cursor")
        return _Decoder()

    def note(self, event: Mapping[str, Any]) -> None:
        """An event has come, and is about to be given to the reader."""
        self._failures, self._position = 0, event["id"]

    def hear(self) -> None:
        """The silence begins when the reader has used a piece: its own time is no silence of the server."""
        self._heard_at = time.monotonic()

    def pause(self) -> float | None:
        """Seconds before the next connection; None = at once: the server ends each stream in time, and the next one
        goes on."""
        if self._position != self._position_before:
            return None
        seconds = _pause(self._failures)
        self._failures += 1
        return seconds

    def _is_silent(self) -> bool:
        """Whether the server has said nothing for too long."""
        return self._give_up_seconds is not None and time.monotonic() - self._heard_at >= self._give_up_seconds


class _Decoder:
    """Makes events of the pieces of a stream. What is incomplete or cannot be read is left out.

    `httpx.Response.iter_lines` also ends a line at characters that a name may contain, such as U+2028.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._members: dict[str, str] = {}

    def events(self, piece: bytes) -> Iterator[dict[str, Any]]:
        """The events that end with this piece."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for raw in lines:
            line = raw.removesuffix(b"\r").decode(errors="replace")
            if not line:
                event = _event(self._members)
                self._members = {}
                if event is not None:
                    yield event
            elif not line.startswith(":"):
                name, _, value = line.partition(":")
                self._members[name] = value.removeprefix(" ")


def _known(event: dict[str, Any]) -> Event | None:
    try:
        return Event.from_dict(event)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def _event(members: dict[str, str]) -> dict[str, Any] | None:
    try:
        return {"id": members["id"], "event": members["event"], "data": json.loads(members["data"])}
    except (KeyError, ValueError):
        return None


def _pause(failures: int) -> float:
    """Seconds before the next connection: exponential backoff with jitter of one half."""
    seconds = min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_MIN * 2.0 ** min(failures, 10))
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311
