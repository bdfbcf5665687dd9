"""The iterator of the Python client over the event feed, against scripted servers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack

import httpx
import pytest

from mainspring_client import ApiError, AuthenticatedClient, event_stream
from mainspring_client.models import Event

Answer = httpx.Response | httpx.HTTPError


def event(number: int, kind: str = "run", data: str = '{"state":"queued"}') -> bytes:
    return f"id: {number:016x}\nevent: {kind}\ndata: {data}\n\n".encode()


def answer(*pieces: bytes, cut_off: bool = False, cursor: int = 1) -> httpx.Response:
    def content() -> Iterator[bytes]:
        yield from pieces
        if cut_off:
            raise httpx.ReadError("cut off")

    headers = {"Content-Type": "text/event-stream", "Mainspring-Cursor": f"{cursor:016x}"}
    return httpx.Response(200, headers=headers, content=content())


class Server:
    """Gives scripted answers and keeps the requests."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = iter(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        scripted = next(self._answers)
        if isinstance(scripted, httpx.HTTPError):
            raise scripted
        return scripted

    @property
    def positions(self) -> list[str | None]:
        return [request.url.params.get("after") for request in self.requests]


class Awaited:
    """An asynchronous iterator, as a blocking one."""

    def __init__(self, events: AsyncIterator[Event]) -> None:
        self._events = events
        self._loop = asyncio.new_event_loop()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        return self._loop.run_until_complete(anext(self._events))

    def close(self) -> None:
        if not self._loop.is_closed():
            self._loop.run_until_complete(self._events.aclose())  # type: ignore[attr-defined]
            # As asyncio.run does: httpx leaves a generator of its own to the loop.
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


def unblocked(response: httpx.Response) -> httpx.Response:
    """The response with a body that is read without blocking."""

    async def content() -> AsyncIterator[bytes]:
        for piece in response.stream:  # type: ignore[union-attr]
            yield piece

    return httpx.Response(response.status_code, headers=response.headers, content=content())


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the iterator would have slept."""
    slept: list[float] = []
    sleep_by(monkeypatch, slept.append)
    return slept


def sleep_by(monkeypatch: pytest.MonkeyPatch, sleep: Callable[[float], object]) -> None:
    async def sleep_async(seconds: float) -> None:
        sleep(seconds)

    monkeypatch.setattr(event_stream.time, "sleep", sleep)
    monkeypatch.setattr(event_stream, "sleep", sleep_async)


Follow = Callable[..., tuple[Server, Iterator[Event]]]


@pytest.fixture(params=["blocking", "async"])
def follow(request: pytest.FixtureRequest) -> Iterator[Follow]:
    with ExitStack() as stack:

        def start(*answers: Answer, **options: object) -> tuple[Server, Iterator[Event]]:
            server = Server(answers)
            if request.param == "blocking":
                transport = httpx.MockTransport(server)
                client = AuthenticatedClient(base_url="http://server", token="t", httpx_args={"transport": transport})
                return server, client.events(**options)  # type: ignore[arg-type]
            transport = httpx.MockTransport(lambda sent: unblocked(server(sent)))
            client = AuthenticatedClient(base_url="http://server", token="t", httpx_args={"transport": transport})
            awaited = Awaited(client.aevents(**options))  # type: ignore[arg-type]
            stack.callback(awaited.close)
            return server, awaited

        yield start


def test_each_connection_continues_behind_the_last_event(follow: Follow, pauses: list[float]) -> None:
    server, events = follow(
        answer(event(5), event(6)),
        answer(event(7), b"id: 0000000000000008\nevent: run\nda", cut_off=True),
        answer(b":\n\n", event(8)),
    )
    assert [next(events).id[-1] for _ in range(4)] == ["5", "6", "7", "8"]
    assert server.positions == [None, f"{6:016x}", f"{7:016x}"]
    assert pauses == [], "a server that sends events is well"
    assert server.requests[0].headers["Accept"] == "text/event-stream"
    assert server.requests[0].headers["Authorization"] == "Bearer t"


def test_a_stream_without_events_is_resumed_where_it_began(follow: Follow, pauses: list[float]) -> None:
    server, events = follow(answer(b":\n\n", cursor=9, cut_off=True), answer(event(10)))
    next(events)
    assert server.positions == [None, f"{9:016x}"]


def test_filters_are_sent_with_each_connection(follow: Follow, pauses: list[float]) -> None:
    server, events = follow(
        answer(event(5)), answer(event(6)), after=f"{3:016x}", dag_ids=["a", "b"], types=["run", "task"]
    )
    next(events), next(events)
    for request in server.requests:
        assert request.url.params.get_list("dag_id") == ["a", "b"]
        assert request.url.params.get_list("types") == ["run", "task"]


def test_a_reset_is_told_and_the_iterator_goes_on(follow: Follow, pauses: list[float]) -> None:
    _, events = follow(answer(event(50, "reset", '{"reason":"too_old"}'), event(51)), after=f"{3:016x}")
    reset = next(events)
    assert (reset.event, reset.data.reason) == ("reset", "too_old")
    assert next(events).event == "run"


def test_a_kind_of_a_newer_server_is_left_out(follow: Follow, pauses: list[float]) -> None:
    _, events = follow(answer(event(5, "comet"), b"data: {\n\n", event(6)))
    assert next(events).id == f"{6:016x}"


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
def test_only_a_line_feed_ends_a_line(follow: Follow, pauses: list[float], separator: str) -> None:
    data = f'{{"state":"queued","dag_run_id":"a{separator}b"}}'
    pieces = [bytes([byte]) for byte in event(5, data=data).replace(b"\n", b"\r\n")]
    _, events = follow(answer(*pieces, event(6)))
    first = next(events)
    assert (first.id[-1], first.data.dag_run_id) == ("5", f"a{separator}b")
    assert next(events).id[-1] == "6"


def test_pauses_grow_until_an_event_comes(follow: Follow, pauses: list[float]) -> None:
    down: list[Answer] = [httpx.ConnectError("refused"), httpx.Response(503), httpx.Response(502, text="<html>")]
    _, events = follow(*down, *down, *down, answer(event(5)), *down, answer(event(6)))
    next(events)
    assert len(pauses) == 9
    for number, seconds in enumerate(pauses):
        longest = min(30.0, 0.5 * 2**number)
        assert longest / 2 <= seconds <= longest
    next(events)
    assert pauses[9] <= 0.5, "the pauses begin anew"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_ends_the_iterator(follow: Follow, pauses: list[float], status: int) -> None:
    _, events = follow(httpx.Response(status, json={"detail": "no"}))
    with pytest.raises(ApiError) as refused:
        next(events)
    assert refused.value.status_code == status
    assert pauses == []


def test_a_limit_ends_the_iterator_when_the_server_stays_away(follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(event_stream.time, "monotonic", lambda: clock[0])
    sleep_by(monkeypatch, lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    server, events = follow(answer(event(5)), *[httpx.ConnectError("refused")] * 100, give_up_seconds=60.0)
    next(events)
    with pytest.raises(httpx.ConnectError):
        next(events)
    assert 60 <= clock[0] < 95
    assert len(server.requests) < 15


@pytest.mark.parametrize("sign", [b":\n\n", event(5)], ids=["comment", "event"])
def test_only_time_since_the_last_byte_is_silence(
    follow: Follow, monkeypatch: pytest.MonkeyPatch, pauses: list[float], sign: bytes
) -> None:
    clock = [0.0]
    monkeypatch.setattr(event_stream.time, "monotonic", lambda: clock[0])

    def content() -> Iterator[bytes]:
        for _ in range(5):
            clock[0] += 15.0
            yield sign
        raise httpx.ReadError("cut off")

    long = httpx.Response(200, headers={"Mainspring-Cursor": f"{1:016x}"}, content=content())
    server, events = follow(long, answer(event(6)), give_up_seconds=60.0)
    assert next(each for each in events if each.id == f"{6:016x}")
    assert len(server.requests) == 2


def test_the_time_of_the_reader_is_no_silence(
    follow: Follow, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    clock = [0.0]
    monkeypatch.setattr(event_stream.time, "monotonic", lambda: clock[0])
    _, events = follow(answer(event(5), cut_off=True), answer(event(6)), give_up_seconds=60.0)
    next(events)
    clock[0] += 61.0
    assert next(events).id == f"{6:016x}"


def test_the_reader_may_stop_at_any_event(follow: Follow, pauses: list[float]) -> None:
    server, events = follow(answer(event(5), event(6)))
    for each in events:
        assert each.id == f"{5:016x}"
        break
    events.close()  # type: ignore[attr-defined]
    assert len(server.requests) == 1
