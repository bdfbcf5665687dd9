"""Reading logs that lie outside the database: the same answers, and 503 with a code while the store is away."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mainspring.errors import LogStoreUnavailable
from mainspring_store import Database
from mainspring_store.database.log_stores import CachedLogStore, open_log_store
from mainspring_store.resources import heartbeats
from mainspring_store.resources.log_moving import move_log
from mainspring_store.resources.log_packing import next_log_to_pack, pack_log
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api
from tests.api.test_log_lines import FAILED, Log

READS = ("/lines", "/lines?from=3", "/lines?tail=2", "/search?q=connection", "/marks", "?full_content=true")


@pytest.fixture
def api(open_api: OpenApi, tmp_path: Path) -> Iterator[Api]:
    with open_api("sqlite", log_store=str(tmp_path / "logs")) as api:
        api.save("etl", {"a": SHELL})
        yield api


def read_all(api: Api, log: Log) -> list[Any]:
    answers = [api.get(f"{log.path}{tail}") for tail in READS]
    text = api.request("GET", log.path, headers={"Accept": "text/plain"})
    return [*answers, text.body]


def database_of(api: Api) -> Database:
    """That of the application, which knows the store."""
    database: Database = api.app.extensions["mainspring"].database
    return database


def move(api: Api) -> None:
    database = database_of(api)
    attempt_id = next_log_to_pack(database, ended_before=datetime.now(UTC) + timedelta(minutes=1))
    store = database.log_store
    assert attempt_id is not None
    assert store is not None
    assert pack_log(database, attempt_id) is not None
    assert move_log(database, store, attempt_id)
    # As in another process, which has read nothing yet.
    database.log_store = open_log_store(str(store._store._folder))  # type: ignore[attr-defined]
    api.app.extensions["mainspring"].log_indexes._kept.clear()


def test_a_moved_log_has_the_same_answers(api: Api) -> None:
    log = Log(api, "r1")
    log.write(FAILED, b"an unfinished line")
    log.finish()
    before = read_all(api, log)
    assert b"connection refused" in before[-1]
    move(api)
    assert read_all(api, log) == before


def test_an_outage_answers_503_and_nothing_else_suffers(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(api, "r1")
    log.write(FAILED)
    log.finish()
    move(api)
    store = database_of(api).log_store
    assert isinstance(store, CachedLogStore)

    def away(*_: object) -> bytes:
        raise LogStoreUnavailable("/secret/place: away")

    monkeypatch.setattr(store._store, "get", away)
    for tail in (*READS[:2], *READS[3:4], *READS[5:], ""):
        answer = api.request("GET", f"{log.path}{tail}", headers={"Accept": "text/plain"} if not tail else {})
        assert (answer.status, answer.json["code"]) == (503, "log_store_unavailable"), tail
        assert "/secret/place" not in answer.body.decode()
        assert int(answer.headers["Retry-After"]) > 0
    assert api.get(f"{log.path}/marks")["errors"], "the index is in the database"
    assert api.get("/dags/etl/dagRuns/r1/taskInstances/a")["try_number"] == 1
    text = api.request("GET", "/dags/etl/dagRuns/r1/logs").body.decode()
    assert "(this log lies in a store that cannot be used now)" in text
    assert "/secret/place" not in text


WELL, AWAY = {"log_store": "healthy"}, {"log_store": "unhealthy", "log_store_cause": "unavailable"}


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        pytest.param([], (None, None, 0), id="no scheduler"),
        pytest.param([{}], (None, None, 0), id="no store"),
        pytest.param([WELL], ("healthy", None, 0), id="well"),
        pytest.param([WELL, {**AWAY, "logs_failing": 3}, {}], ("unhealthy", "unavailable", 3), id="the worst counts"),
        pytest.param([{"log_store": "unhealthy"}], ("unhealthy", None, 0), id="a scheduler of before"),
    ],
)
def test_health_and_metrics_show_the_store_as_schedulers_see_it(
    sqlite_api: Api, seen: list[dict[str, Any]], told: tuple[str | None, str | None, int]
) -> None:
    for number, details in enumerate(seen):
        heartbeats.register_service(
            sqlite_api.database,
            incarnation=f"s{number}",
            kind="scheduler",
            hostname="h",
            pid=number,
            version="1",
            details=details,
            now=datetime.now(UTC),
        )
    health = sqlite_api.get("/monitor/health")["log_store"]
    assert (health["status"], health["cause"], health["logs_failing"]) == told
    figures = sqlite_api.request("GET", "/metrics").body.decode()
    for number, details in enumerate(seen):
        is_shown = f'mainspring_log_store_healthy{{scheduler="h:{number}"}} {int(details == WELL)}\n' in figures
        assert is_shown == ("log_store" in details)
        assert f'mainspring_logs_failing{{scheduler="h:{number}"}} {details.get("logs_failing", 0)}\n' in figures
