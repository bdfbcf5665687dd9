"""A call that waits for the end of a run, against a scripted server and a clock that the tests move."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mainspring_client import ApiError, AuthenticatedClient, awaited, run_and_wait, run_and_wait_async
from mainspring_client.models import DagRun

Answer = tuple[int, dict[str, Any]] | httpx.HTTPError
"""Status and body, or no answer."""
LOST = httpx.ReadError("cut off")
NULLS = (
    *("bundle_version", "concurrency_key", "data_interval_end", "data_interval_start", "duration", "end_date"),
    *("last_scheduling_decision", "late_since", "logical_date", "message", "note", "outputs", "partition_date"),
    *("partition_key", "queued_at", "start_date", "state_reason", "triggered_by", "triggering_user_name"),
)


def run(state: str) -> Answer:
    facts = {"dag_id": "etl", "dag_run_id": "one", "dag_display_name": "etl", "run_type": "manual", "state": state}
    rest = {
        "conf": {},
        "params": {},
        "run_after": "2026-01-01T00:00:00Z",
        "is_paused": False,
        "is_merged": False,
        "priority": 0,
        "keep": False,
        "sources": [],
        "tasks_failed": 0,
        "dag_versions": [],
    }
    body = {**dict.fromkeys(NULLS), **facts, **rest, "is_finished": state in ("success", "failed")}
    return 200, body


def waited(state: str) -> Answer:
    nulls = dict.fromkeys(("state_reason", "message", "exit_code", "outputs"))
    rest = {"is_finished": state == "success", "failed_tasks": [], "failed_tasks_total": 0, "results": {}}
    return 200, {**nulls, **rest, "state": state}


def refusal(status: int, code: str) -> Answer:
    texts = {"type": "about:blank", "title": code, "detail": code, "request_id": "r"}
    return status, {**texts, "status": status, "code": code}


class Server:
    """Gives scripted answers, each after some seconds, and keeps the requests."""

    def __init__(self, *answers: tuple[str, float, Answer]) -> None:
        """answers: expected last part of the path, seconds until the answer, the answer."""
        self.now = 0.0
        self.slept: list[float] = []
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        expected, seconds, answer = self._answers.pop(0)
        assert request.url.path.rpartition("/")[2] == expected
        self.now += seconds
        if isinstance(answer, httpx.HTTPError):
            raise answer
        status, body = answer
        return httpx.Response(status, json=body)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


Play = Callable[..., tuple[Server, DagRun]]


@pytest.fixture(params=["blocking", "async"])
def play(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Run the call against scripted answers."""

    def call(*answers: tuple[str, float, Answer], **options: Any) -> tuple[Server, DagRun]:
        server = Server(*answers)
        monkeypatch.setattr(awaited.time, "monotonic", lambda: server.now)
        monkeypatch.setattr(awaited.time, "sleep", server.sleep)
        monkeypatch.setattr(awaited, "sleep", server.sleep_async)
        client = AuthenticatedClient(
            base_url="http://server", token="t", httpx_args={"transport": httpx.MockTransport(server)}
        )
        if request.param == "blocking":
            return server, run_and_wait("etl", client=client, **options)
        return server, asyncio.run(run_and_wait_async("etl", client=client, **options))

    return call


TRIGGERED = ("dagRuns", 55.0, run("running"))


def test_the_time_inside_a_wait_is_no_silence(play: Play) -> None:
    down = [("wait", 0.1, httpx.ConnectError("refused"))] * 8
    _, end = play(
        TRIGGERED, ("wait", 54.0, LOST), *down, ("wait", 1.0, waited("success")), ("one", 0.0, run("success"))
    )
    assert end.is_finished


def test_a_server_that_stays_away_ends_the_call(play: Play) -> None:
    with pytest.raises(httpx.ConnectError):
        play(TRIGGERED, *[("wait", 0.1, httpx.ConnectError("refused"))] * 99)


REFUSALS = [
    pytest.param(refusal(503, "too_many_waits"), id="no place"),
    pytest.param(refusal(429, "too_many_requests"), id="too often"),
]


@pytest.mark.parametrize("refused", REFUSALS)
def test_a_refused_wait_asks_for_the_run_and_pauses(play: Play, refused: Answer) -> None:
    steps = [("wait", 0.1, refused), ("one", 0.1, run("running"))] * 99
    server, end = play(TRIGGERED, *steps, ("wait", 0.1, refused), ("one", 0.1, run("success")))
    assert end.is_finished
    assert min(server.slept[1:-1]) >= 0.5, "the server is spared"


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(refusal(409, "idempotency_key_in_use"), id="key in use"),
        pytest.param(refusal(429, "too_many_requests"), id="too often"),
    ],
)
def test_a_refused_trigger_that_may_pass_is_no_silence(play: Play, refused: Answer) -> None:
    _, end = play(("dagRuns", 1.0, LOST), *[("dagRuns", 1.0, refused)] * 30, ("dagRuns", 1.0, run("success")))
    assert end.is_finished


@pytest.mark.parametrize("refused", REFUSALS)
def test_a_trigger_that_is_refused_until_the_timeout_ends_with_the_refusal(play: Play, refused: Answer) -> None:
    with pytest.raises(ApiError, match=str(refused[0])):
        play(("dagRuns", 1.0, LOST), *[("dagRuns", 1.0, refused)] * 99, timeout=30.0)


def test_an_answer_that_is_lost_at_the_timeout_is_asked_for_again(play: Play) -> None:
    in_use = refusal(409, "idempotency_key_in_use")
    _, start = play(("dagRuns", 31.0, LOST), ("dagRuns", 1.0, in_use), ("dagRuns", 1.0, run("running")), timeout=30.0)
    assert not start.is_finished


def test_a_run_is_given_as_it_is_after_the_timeout(play: Play) -> None:
    refused = refusal(429, "too_many_requests")
    _, end = play(("dagRuns", 1.0, run("running")), ("wait", 29.0, refused), ("one", 1.0, refused), timeout=30.0)
    assert not end.is_finished


def test_another_refusal_of_a_wait_ends_the_call(play: Play) -> None:
    with pytest.raises(ApiError, match="404"):
        play(TRIGGERED, ("wait", 0.1, refusal(404, "not_found")))


def test_a_caller_hands_its_trace_on(play: Play) -> None:
    span = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    server, _ = play(("dagRuns", 1, run("success")), traceparent=span)
    assert server.requests[0].headers["traceparent"] == span
    server, _ = play(("dagRuns", 1, run("success")))
    assert "traceparent" not in server.requests[0].headers
