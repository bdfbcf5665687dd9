"""The event feed over HTTP, in this process: pages, long polls, streams, filters and grants."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection

from mainspring.events import EventKind
from mainspring_api.http import event_feed
from mainspring_api.http.event_answers import UNSENT_BYTES_MAX, EventStream
from mainspring_api.http.event_formats import BURST_MAX, Bursts, EventFilter, feed_events
from mainspring_store.access.roles import Grant, Role
from mainspring_store.access.tokens import add_token
from mainspring_store.queries.events import StoredEvent
from mainspring_store.resources.events import prune_events
from mainspring_store.state.events import write_event
from mainspring_store.tables import pool
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api

STREAM = {"Accept": "text/event-stream"}
JSON = {"Accept": "application/json"}
START = "0" * 16


def events(api: Api, query: str = "", **options: Any) -> list[tuple[str, Any]]:
    page = api.get(f"/events?after={START}{query}", headers=JSON, **options)
    return [(event["event"], event["data"]) for event in page["events"]]


@contextmanager
def stream(api: Api, query: str = "", **headers: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of an open stream."""
    sent = {"Authorization": f"Bearer {api.token}", **STREAM, **headers}
    response = api.app.test_client().get(f"/api/v2/events{query}", headers=sent, buffered=False)
    assert (response.status_code, response.mimetype) == (200, "text/event-stream")
    try:
        yield read_stream(iter(response.response))
    finally:
        response.close()


def read_stream(pieces: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    text = b""
    for piece in pieces:
        text += piece
        *blocks, text = text.split(b"\n\n")
        for block in blocks:
            members = dict(line.split(b": ", 1) for line in block.split(b"\n") if not line.startswith(b":"))
            if members:
                yield {
                    "id": members[b"id"].decode(),
                    "event": members[b"event"].decode(),
                    "data": orjson.loads(members[b"data"]),
                }


def test_each_kind_of_change_is_an_event(api: Api) -> None:
    api.save("etl", {"a": SHELL, "ok": {"type": "approval", "message": "Go?", "depends_on": ["a"]}})
    api.patch("/dags/etl", {"is_paused": False})
    api.post("/pools", {"name": "db", "slots": 2}, 201)
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    api.engine.finish("a", run_id="r1")
    api.post("/dags/etl/dagRuns/r1/taskInstances/ok/approval", {"choice": "approve"})
    api.engine.run_until_idle()
    api.delete("/dags/etl/dagRuns/r1")
    api.delete("/pools/db")
    api.delete("/dags/etl")
    seen = [(kind, data["state"]) for kind, data in events(api)]
    assert seen == [
        ("dag", "saved"),
        ("dag", "unpaused"),
        ("pool", "saved"),
        # The events of the run went with the run.
        ("run", "deleted"),
        ("pool", "deleted"),
        ("dag", "deleted"),
    ]


def test_the_history_of_a_run_has_every_change_in_order(api: Api) -> None:
    api.save("etl", {"a": SHELL, "ok": {"type": "approval", "message": "Go?", "depends_on": ["a"]}})
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    api.engine.finish("a", run_id="r1")
    history = api.get("/dags/etl/dagRuns/r1/events")
    assert [
        (e["event"], e["data"].get("task_id"), e["data"]["state"], e["data"].get("seq")) for e in history["events"]
    ] == [
        ("run", None, "queued", 0),
        ("run", None, "running", 1),
        ("task", "a", "queued", 2),
        ("task", "a", "running", 3),
        ("task", "a", "success", 4),
        ("task", "ok", "deferred", 5),
        ("approval", "ok", "waiting", None),
    ]
    assert history["cursor"] == history["events"][-1]["id"]
    third = history["events"][2]["id"]
    rest = api.get(f"/dags/etl/dagRuns/r1/events?after={third}&limit=2")
    assert rest["events"] == history["events"][3:5]
    assert [kind for kind, _ in events(api, "&types=task&types=approval")] == [*["task"] * 4, "approval"]
    api.get("/dags/etl/dagRuns/none/events", 404)


def test_a_snapshot_joins_the_feed_without_a_gap(api: Api) -> None:
    api.save()
    answer = api.request("GET", "/dags")
    cursor = answer.headers["Mainspring-Cursor"]
    api.trigger(run_id="r1")
    page = api.get(f"/events?after={cursor}&wait=10", headers=JSON)
    states = [event["data"] for event in page["events"] if event["event"] == "run"]
    assert [(data["dag_run_id"], data["state"], data["seq"]) for data in states] == [("r1", "queued", 0)]
    assert page["cursor"] >= page["events"][-1]["id"]


def test_a_long_poll_waits_for_the_first_event_that_fits(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    api.save("other", {"a": SHELL})
    cursor = api.request("GET", "/dags").headers["Mainspring-Cursor"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.get, f"/events?after={cursor}&wait=30&dag_id=etl&types=run", headers=JSON)
        api.trigger("other", run_id="x")
        api.trigger("etl", run_id="y")
        page = waiting.result(30)
    assert [event["data"]["dag_run_id"] for event in page["events"]] == ["y"]


def test_a_long_poll_without_events_ends_with_a_cursor(sqlite_api: Api) -> None:
    page = sqlite_api.get("/events?wait=0.05", headers=JSON)
    assert page["events"] == []
    assert sqlite_api.get(f"/events?after={page['cursor']}&wait=0.05", headers=JSON)["cursor"] == page["cursor"]


def test_a_stream_resumes_behind_the_last_event(api: Api) -> None:
    api.save()
    with stream(api, f"?after={START}") as follow:
        saved = next(follow)
        api.trigger(run_id="r1")
        queued = next(follow)
    assert [(event["event"], event["data"]["state"]) for event in (saved, queued)] == [
        ("dag", "saved"),
        ("run", "queued"),
    ]
    api.trigger(run_id="r2")
    with stream(api, **{"Last-Event-ID": saved["id"]}) as follow:
        assert next(follow) == queued
        assert next(follow)["data"]["dag_run_id"] == "r2"


def test_a_reader_sees_only_what_it_may_see(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    api.save("secret", {"a": SHELL})
    api.post("/pools", {"name": "db", "slots": 2}, 201)
    token = "ms_granted"
    grants = [Grant(pattern="etl", role=Role.VIEWER)]
    add_token(api.database, token, name="granted", role=None, grants=grants, now=datetime.now(UTC))
    assert [data["dag_id"] for _, data in events(api, token=token)] == ["etl"]
    api.get("/events?dag_id=secret", 404, headers=JSON, token=token)
    api.get("/events?dag_id=absent", 404, headers=JSON, token=token)
    api.get("/dags/secret/dagRuns/r/events", 404, token=token)


@pytest.mark.parametrize("after", ["x", "1", "g" * 16, "0" * 17, "f" * 16, "-00000000000001a"])
def test_a_malformed_cursor_is_refused(sqlite_api: Api, after: str) -> None:
    answer = sqlite_api.request("GET", f"/events?after={after}", headers=JSON)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, "after")


@pytest.mark.parametrize("query", ["types=no", "types=reset", "wait=-1", "wait=61", "wait=x"])
def test_parameters_are_checked(sqlite_api: Api, query: str) -> None:
    sqlite_api.get(f"/events?{query}", 422, headers=JSON)


def test_a_cursor_that_was_never_given_out_gets_a_reset(api: Api) -> None:
    api.save()
    page = api.get("/events?after=00000000ffffffff", headers=JSON)
    assert [(event["event"], event["data"]) for event in page["events"]] == [("reset", {"reason": "too_old"})]
    with stream(api, "?after=00000000ffffffff") as follow:
        assert next(follow)["event"] == "reset"
        api.trigger(run_id="r1")
        assert next(follow)["data"]["dag_run_id"] == "r1"


def test_a_cursor_older_than_what_is_kept_gets_a_reset(api: Api) -> None:
    api.save()
    api.trigger(run_id="r1")
    first = api.get(f"/events?after={START}", headers=JSON)["events"][0]
    prune_events(api.database, before=datetime.now(UTC) + timedelta(seconds=1))
    page = api.get(f"/events?after={first['id']}", headers=JSON)
    assert [event["event"] for event in page["events"]] == ["reset"]
    assert api.get(f"/events?after={page['cursor']}", headers=JSON)["events"] == []
    assert len(api.get("/dags/etl/dagRuns/r1/events")["events"]) == 1, "the history of a run stays"


def test_streams_beyond_the_bound_are_refused(open_api: OpenApi) -> None:
    with open_api("sqlite", streams_max=2, streams_per_principal_max=1) as api, stream(api):
        headers = {"Authorization": f"Bearer {api.token}", **STREAM}
        refused = api.app.test_client().get("/api/v2/events", headers=headers)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert api.app.extensions["mainspring"].stream_places.count == 0


class SlowChannel:
    """A client that takes nothing."""

    def __init__(self) -> None:
        self.sent = b""
        self.is_over = False
        self.unsent_bytes = 0

    @property
    def loop(self) -> "SlowChannel":
        return self

    def call(self, action: Callable[[], None]) -> None:
        action()

    def send(self, data: bytes) -> None:
        self.sent += data
        self.unsent_bytes += len(data)

    def wake_at(self, at: float) -> None: ...

    def end(self) -> None:
        self.is_over = True

    def work(self, make: Callable[[], bytes]) -> None: ...


def test_a_slow_reader_is_dropped(sqlite_api: Api) -> None:
    ctx = sqlite_api.app.extensions["mainspring"]
    principal = ctx.authenticator.authenticate(f"Bearer {sqlite_api.token}")
    channel = SlowChannel()
    stream = EventStream(
        ctx.feed,
        ctx.stream_places,
        EventFilter.of(principal, None, None),
        position=ctx.feed.position(),
        credential="",
        authenticate=lambda: principal,
    )
    stream.begin(channel)
    for number in range(1000):
        if channel.is_over:
            break
        stream.deliver(b"x" * 1000, number)
    assert channel.is_over
    assert channel.unsent_bytes < UNSENT_BYTES_MAX + 2000
    assert channel.sent.endswith(b'event: reset\ndata: {"reason":"too_slow"}\n\n')
    stream.cancel()


def test_a_run_that_changes_too_often_becomes_many() -> None:
    def change(number: int, run_key: int, second: int) -> StoredEvent:
        at = datetime.fromtimestamp(second, UTC)
        return StoredEvent(number, "task", at, "etl", run_key, "r", "a", -1, 1, "success", None, 1, {"extra": 1})

    bursts = Bursts()
    first = bursts.join([change(n, 1, 100) for n in range(1, BURST_MAX + 1)])
    assert [event.kind for event in first] == [EventKind.TASK] * BURST_MAX
    more = bursts.join([change(300, 1, 100), change(301, 2, 100), change(302, 1, 100), change(303, 2, 100)])
    assert [(event.id, event.kind) for event in more] == [
        (301, EventKind.TASK),
        (302, EventKind.MANY),
        (303, EventKind.TASK),
    ]
    (joined,) = feed_events([more[1]])
    assert joined.data == b'{"at":"1970-01-01T00:01:40Z","dag_id":"etl","dag_run_id":"r"}'
    assert [event.kind for event in bursts.join([change(400, 1, 101)])] == [EventKind.TASK]


def test_events_that_a_foreign_transaction_keeps_back_are_in_metrics_and_health(
    open_api: OpenApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feed, "LAG_SECONDS_MAX", 0.0)
    with open_api("postgresql") as api, stream(api):
        assert api.get("/monitor/health")["event_feed"] == {"status": "healthy", "lag_seconds": 0}
        with api.database.engine.connect() as foreign:
            create_pool(foreign, "late")
            api.post("/pools", {"name": "db", "slots": 2}, 201)
            api.get("/events", headers=JSON)
            health = api.get("/monitor/health")["event_feed"]
            figures = api.request("GET", "/metrics").body.decode()
        assert health["status"] == "unhealthy"
        lag = float(figures.partition("\nmainspring_event_feed_lag_seconds ")[2].splitlines()[0])
        assert 0 < health["lag_seconds"] < lag
        assert '\nmainspring_open_answers{kind="stream"} 1\n' in figures


def create_pool(connection: Connection, name: str) -> None:
    """A change of a transaction that stays open."""
    connection.execute(pool.insert(), {"name": name, "slots": 1})
    write_event(connection, EventKind.POOL, "saved", data={"pool": name})
