"""Answers whose rest is sent later, without a thread for each.

A view returns the begin of its answer and a `HeldAnswer`. The server's loop keeps the connection, and the held answer
sends through its `Channel`. A server without such a loop keeps the thread of the request as a loop of one connection.
"""

from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Protocol

from flask import Response, request

from mainspring_api.http.connection import CONNECTION

__all__ = ["Channel", "HeldAnswer", "Loop", "hold"]


class Loop(Protocol):
    """A thread that sends to connections. Hashable."""

    def call(self, action: Callable[[], None]) -> None:
        """Run an action in the loop, soon, in the order of the calls. For all threads."""
        ...


class Channel(Protocol):
    """The way to the client of a held answer. For the thread of the loop."""

    @property
    def loop(self) -> Loop: ...

    @property
    def unsent_bytes(self) -> int:
        """Bytes that the client has yet to take."""
        ...

    def send(self, data: bytes) -> None:
        """Never waits: what the client does not take is kept in memory."""
        ...

    def end(self) -> None:
        """End the answer; the connection may have another request. Calls `HeldAnswer.cancel`."""
        ...

    def wake_at(self, at: float) -> None:
        """Call `HeldAnswer.on_time` at this monotonic time. A later call replaces the time."""
        ...

    def work(self, make: Callable[[], bytes]) -> None:
        """Run `make` in a thread of the server; then send its result and end the answer."""
        ...


class HeldAnswer(Protocol):
    """The rest of an answer. The loop calls all methods."""

    def begin(self, channel: Channel) -> None:
        """The begin of the answer is sent."""
        ...

    def on_time(self) -> None:
        """The time of `Channel.wake_at` has come."""
        ...

    def cancel(self) -> None:
        """The answer is over: sent, or its client has left. Idempotent; may come before `begin`, from any thread."""
        ...


def hold(rest: HeldAnswer, *, mimetype: str, first: Iterable[bytes] = ()) -> Response:
    """Answer with `first`, made in the thread of the request, and then with what `rest` sends."""
    if request.method == "HEAD":
        rest.cancel()
        return Response(mimetype=mimetype)
    connection = request.environ.get(CONNECTION)
    holder = _Holder(rest)
    pieces = holder.in_this_thread() if connection is None else holder.in_the_loop_of(connection)
    response = Response(_chained(first, pieces), mimetype=mimetype)
    response.call_on_close(holder.close)
    return response


def _chained(first: Iterable[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    yield from first
    yield from rest


class _Holder:
    """Cancels the held answer unless a loop takes it over."""

    def __init__(self, rest: HeldAnswer) -> None:
        self._held = rest
        self._is_taken_over = False

    def in_the_loop_of(self, connection: Any) -> Iterator[bytes]:
        self._is_taken_over = True
        connection.hold(self._held)
        yield from ()

    def in_this_thread(self) -> Iterator[bytes]:
        return _ThreadChannel(self._held).pieces()

    def close(self) -> None:
        if not self._is_taken_over:
            self._held.cancel()


class _ThreadChannel:
    """A loop for a single connection, in the thread of its request."""

    def __init__(self, rest: HeldAnswer) -> None:
        self._held = rest
        self._actions: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._data = bytearray()
        self._wake_at = float("inf")
        self._is_over = False

    @property
    def loop(self) -> Loop:
        return self

    def call(self, action: Callable[[], None]) -> None:
        self._actions.put(action)

    @property
    def unsent_bytes(self) -> int:
        return len(self._data)

    def send(self, data: bytes) -> None:
        self._data += data

    def end(self) -> None:
        self._is_over = True
        self._held.cancel()

    def wake_at(self, at: float) -> None:
        self._wake_at = at

    def work(self, make: Callable[[], bytes]) -> None:
        self.send(make())
        self.end()

    def pieces(self) -> Iterator[bytes]:
        self._held.begin(self)
        while True:
            if self._data:
                data, self._data = bytes(self._data), bytearray()
                yield data
            if self._is_over:
                return
            try:
                action = self._actions.get(timeout=min(max(0.0, self._wake_at - monotonic()), 3600.0))
            except Empty:
                self._held.on_time()
            else:
                action()
