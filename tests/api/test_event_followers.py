"""Clients that follow the feed through cuts: they end with exactly the log."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

import pytest

from mainspring_api.http import event_feed
from mainspring_client import AuthenticatedClient, event_stream
from mainspring_store.queries.events import events_after
from tests.api.conftest import OpenApi
from tests.api.cutting_proxy import cutting_proxy
from tests.api.harness import Api
from tests.api.server import Server, serve
from tests.scheduler.engine import Engine

START = "0" * 16
NOOP = {"type": "noop"}
TASKS = {"a": NOOP, "b": {**NOOP, "depends_on": ["a"]}, "c": {**NOOP, "depends_on": ["a"]}}
RUNS = 60


@pytest.fixture(params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, open_api: OpenApi) -> Iterator[tuple[Api, Server]]:
    """Two processes."""
    with open_api(request.param) as api:
        api.save("etl", TASKS)
        with serve(api, processes=2, waits_max=64) as server:
            yield api, server


def change(api: Api, engines: list[Engine]) -> None:
    """Runs are triggered while the schedulers run them; a pool is saved last."""
    is_triggered = threading.Event()

    def trigger() -> None:
        for number in range(RUNS):
            api.trigger(run_id=f"r{number}")
        is_triggered.set()

    def schedule(engine: Engine) -> None:
        while True:
            is_last = is_triggered.is_set()
            engine.clock.instant = datetime.now(UTC)
            engine.run_until_idle()
            if is_last:
                return

    with ThreadPoolExecutor(1 + len(engines)) as pool:
        for work in [pool.submit(trigger), *(pool.submit(schedule, engine) for engine in engines)]:
            work.result()
    for engine in engines:
        engine.clock.instant = datetime.now(UTC) + timedelta(seconds=5)
        engine.run_until_idle()
    api.post("/pools", {"name": "the_end", "slots": 1}, 201)


def test_a_client_that_is_cut_off_50_times_ends_with_exactly_the_log(
    served: tuple[Api, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    api, server = served
    monkeypatch.setattr(event_stream, "PAUSE_SECONDS_MIN", 0.01)
    engines = [api.engine] if api.database.is_sqlite else [api.engine, Engine(api.database, incarnation="second")]
    with cutting_proxy(server.port, seed=7) as proxy, ThreadPoolExecutor(1) as pool:
        changes = pool.submit(change, api, engines)
        client = AuthenticatedClient(base_url=f"http://127.0.0.1:{proxy.port}", token=api.token)
        with client:
            events = client.events(after=START, give_up_seconds=30)
            seen = [*takewhile(lambda event: event.data.to_dict().get("pool") != "the_end", events)]
            events.close()  # type: ignore[attr-defined]
        changes.result()
    for engine in engines[1:]:
        engine.close()
    assert proxy.cuts == 50
    log = events_after(api.database, 0, 1 << 62, 10_000)[:-1]
    assert [int(event.id, 16) for event in seen] == [stored.id for stored in log]
    of_runs: defaultdict[str, list[int]] = defaultdict(list)
    states: dict[str, Any] = {}
    for event in seen:
        data = event.data.to_dict()
        if event.event in ("run", "task"):
            of_runs[data["dag_run_id"]].append(data["seq"])
        if event.event == "run":
            states[data["dag_run_id"]] = data["state"]
    assert set(states.values()) == {"success"}
    assert len(of_runs) == RUNS
    assert all(numbers == list(range(len(numbers))) for numbers in of_runs.values()), "in order per run, without gaps"


def test_the_feed_forgets_events_by_itself_and_tells_who_was_behind(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.save("etl", TASKS)
    api.trigger(run_id="r1")
    api.delete("/dags/etl/dagRuns/r1")
    behind = api.get(f"/events?after={START}&wait=10", headers={"Accept": "application/json"})["events"][0]["id"]
    feed = api.app.extensions["mainspring"].feed
    monkeypatch.setattr(event_feed, "_PRUNE_SECONDS", 0.0)
    monkeypatch.setattr(feed, "_kept", timedelta(seconds=-1))
    # A turn of the thread of the feed.
    feed.catch_up()
    feed.catch_up()
    page = api.get(f"/events?after={behind}", headers={"Accept": "application/json"})
    assert [event["event"] for event in page["events"]] == ["reset"]
    assert events_after(api.database, 0, 1 << 62, 100) == []
