"""`Idempotency-Key`: once is once, whatever is lost on the way."""

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from mainspring.errors import StoreUnavailable
from mainspring.failpoints import VARIABLE
from mainspring_api.http.idempotency import HEADER, REPLAYED
from mainspring_store.access.idempotency import KEPT_FOR
from mainspring_store.access.roles import Role
from mainspring_store.database.transactions import WRITE_WAIT_SECONDS_MAX
from mainspring_store.queries.audit import list_events
from mainspring_store.queries.listing import ListQuery
from mainspring_store.tables import dag, dag_run, idempotency_key
from tests.acceptance.server import descendants, is_running, until
from tests.api.harness import Answer, Api
from tests.api.server import serve

RUNS = "/dags/etl/dagRuns"
DEADLINE_SECONDS = 60.0


def post(api: Api, key: str = "k1", path: str = RUNS, body: Mapping[str, Any] | None = None, **options: Any) -> Answer:
    return api.request("POST", path, headers={HEADER: key}, json=body or {}, **options)


def runs(api: Api) -> int:
    with api.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(dag_run)) or 0


def test_the_same_request_again_is_answered_the_same_without_a_second_run(api: Api) -> None:
    api.save()
    first, second, third = (post(api, body={"note": "n"}) for _ in range(3))
    assert [each.status for each in (first, second, third)] == [200, 200, 200]
    assert first.body == second.body == third.body
    assert second.headers[REPLAYED] == "true"
    assert REPLAYED not in first.headers
    assert (second.media_type, runs(api)) == ("application/json", 1)
    assert [each["event"] for each in list_events(api.database, ListQuery()).rows] == ["put_dag", "trigger_dag_run"]


def test_the_answer_stays_what_it_was_when_the_run_goes_on(api: Api) -> None:
    api.save()
    first = post(api)
    api.patch(f"{RUNS}/{first.json['dag_run_id']}", {"state": "failed"})
    assert post(api).json["state"] == "queued"


def test_another_key_is_another_run(api: Api) -> None:
    api.save()
    assert post(api, "k1").json["dag_run_id"] != post(api, "k2").json["dag_run_id"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(RUNS, {"note": "another"}, id="another body"),
        pytest.param("/dags/other/dagRuns", {"note": "n"}, id="another DAG"),
        pytest.param("/variables", {"key": "k", "value": "v"}, id="another operation"),
    ],
)
def test_a_key_used_for_another_request_is_refused(api: Api, path: str, body: Mapping[str, Any]) -> None:
    api.save()
    api.save("other")
    post(api, body={"note": "n"})
    answer = post(api, path=path, body=body)
    assert (answer.status, answer.json["errors"][0]["code"]) == (422, "idempotency_key_reused")
    assert (answer.json["errors"][0]["location"], answer.json["errors"][0]["pointer"]) == ("header", HEADER)
    assert runs(api) == 1


def test_a_key_is_its_callers_own(api: Api) -> None:
    api.save()
    first = post(api)
    other = post(api, token=api.token_of(Role.OPERATOR))
    assert (other.status, other.headers.get(REPLAYED)) == (200, None)
    assert other.json["dag_run_id"] != first.json["dag_run_id"]


def test_what_failed_may_be_tried_again_with_its_key(api: Api) -> None:
    assert post(api).status == 404
    api.save()
    assert post(api, body={"conf": 5}).status == 422
    assert post(api).status == 200
    assert runs(api) == 1


def test_a_run_of_a_given_id_is_replayed_rather_than_in_conflict_with_itself(api: Api) -> None:
    api.save()
    assert [post(api, body={"dag_run_id": "r1"}).status for _ in range(2)] == [200, 200]
    assert post(api, "k2", body={"dag_run_id": "r1"}).status == 409


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        pytest.param("/variables", {"key": "region", "value": "eu"}, 201, id="variable"),
        pytest.param("/pools", {"name": "warehouse", "slots": 3}, 201, id="pool"),
        pytest.param("/dags/etl/clearTaskInstances", {"dag_run_id": "r1", "dry_run": False}, 200, id="clear"),
        pytest.param("/dags/etl/dagRuns/r1/clear", {"dry_run": False}, 200, id="clear of a run"),
    ],
)
def test_every_post_takes_a_key(api: Api, path: str, body: Mapping[str, Any], status: int) -> None:
    api.save()
    api.trigger(run_id="r1")
    first, again = post(api, path=path, body=body), post(api, path=path, body=body)
    assert (first.status, again.status, again.headers.get(REPLAYED)) == (status, status, "true")
    assert first.body == again.body


def test_a_post_that_writes_nothing_is_simply_done_again(sqlite_api: Api) -> None:
    sqlite_api.save()
    sqlite_api.trigger(run_id="r1")
    body = {"dag_run_id": "r1", "dry_run": True}
    answers = [post(sqlite_api, path="/dags/etl/clearTaskInstances", body=body) for _ in range(2)]
    assert [(each.status, each.headers.get(REPLAYED)) for each in answers] == [(200, None), (200, None)]


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "ü"], ids=["empty", "space", "long", "not ASCII"])
def test_a_key_that_cannot_be_is_refused(sqlite_api: Api, key: str) -> None:
    sqlite_api.save()
    answer = post(sqlite_api, key)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, HEADER)
    assert runs(sqlite_api) == 0


def test_a_key_is_forgotten_after_a_day(api: Api) -> None:
    api.save()
    first = post(api)
    post(api, "old")
    with api.database.write() as connection:
        connection.execute(
            update(idempotency_key).values(created_at=datetime.now(UTC) - KEPT_FOR - timedelta(seconds=1))
        )
    assert post(api).json["dag_run_id"] != first.json["dag_run_id"]
    with api.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(idempotency_key)) == 1


def test_the_database_holds_no_key(sqlite_api: Api) -> None:
    sqlite_api.save()
    post(sqlite_api, "kanarienvogel-4711")
    stored = b"".join(path.read_bytes() for path in sqlite_api.database.sqlite_path.parent.glob("mainspring.db*"))
    assert b"idempotency_key" in stored
    assert b"kanarienvogel-4711" not in stored


def test_when_the_answer_cannot_be_kept_there_is_no_run(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    api.save()
    with monkeypatch.context() as patched:
        patched.setattr("mainspring_api.http.idempotency.store_response", fail)
        assert post(api).status == 503
    assert runs(api) == 0
    assert post(api).status == 200


def test_a_request_that_is_under_way_is_told_to_come_again(api: Api) -> None:
    api.save()
    keys = api.app.extensions["mainspring"].keys_in_use
    with ThreadPoolExecutor(1) as pool:
        with api.database.write() as connection:
            # The first request waits for this transaction.
            connection.execute(select(dag.c.dag_id).with_for_update())
            first = pool.submit(post, api)
            until(lambda: len(keys) == 1, "the first request is at work")
            second = post(api)
        assert first.result(30).status == 200
    assert (second.status, second.json["code"]) == (409, "idempotency_key_in_use")
    assert second.headers["Retry-After"] == "1"
    assert post(api).headers[REPLAYED] == "true"
    assert runs(api) == 1


def test_a_key_in_flight_at_two_servers_has_its_effect_once(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is halted just before its commit; the second says in seconds that it cannot know, and does nothing."""
    api.save()
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    (tmp_path / "api.trigger.before-commit").write_text("stop")
    request = _raw_request(api, "k1")
    with serve(api) as one, serve(api) as other, ThreadPoolExecutor(1) as pool:
        first = pool.submit(_send, one.port, request, reads=True)
        until(lambda: any(tmp_path.glob("api.trigger.before-commit.*")), "the first is halted")
        try:
            # On SQLite nobody else can write meanwhile, so all that is known is that it takes too long.
            begun = time.monotonic()
            second = _send(other.port, request, reads=True)
            waited_seconds = time.monotonic() - begun
        finally:
            (halted,) = tmp_path.glob("api.trigger.before-commit.*")
            os.kill(int(halted.suffix[1:]), signal.SIGCONT)
        assert first.result(30) == 200
        assert second == (503 if api.database.is_sqlite else 409)
        assert waited_seconds < 2 * WRITE_WAIT_SECONDS_MAX
        assert [_send(server.port, request, reads=True) for server in (one, other)] == [200, 200]
    assert runs(api) == 1
    assert [each["event"] for each in list_events(api.database, ListQuery()).rows] == ["put_dag", "trigger_dag_run"]


def test_a_hundred_retries_of_twenty_clients_make_one_run(api: Api) -> None:
    """Replies are thrown away, and the serving process is killed in the middle."""
    api.save()
    request = _raw_request(api, "k1")
    statuses: list[int] = []
    with serve(api, processes=2) as server:
        worker = _a_worker(server.process.pid)
        dice = random.Random(4711)
        reads = [dice.random() < 0.5 for _ in range(100)]

        def client(number: int) -> None:
            for turn in range(5):
                if number == 0 and turn == 2:
                    server.kill(worker)
                status = _send(server.port, request, reads=reads[number * 5 + turn])
                statuses.append(status)

        threads = [threading.Thread(target=client, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_SECONDS)
        until(lambda: not is_running(worker), "the end of the killed process")
        until(lambda: _send(server.port, request, reads=True) == 200, "the answer is there")
    assert len(statuses) == 100
    # 0 = the reply was not read, or the connection broke with the process.
    assert set(statuses) <= {0, 200, 409, 503}
    assert runs(api) == 1
    assert post(api).headers[REPLAYED] == "true"


def _raw_request(api: Api, key: str) -> bytes:
    lines = [
        f"POST /api/v2{RUNS} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {api.token}",
        f"{HEADER}: {key}",
        "Content-Type: application/json",
        "Content-Length: 2",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", "{}"]).encode()


def _send(port: int, request: bytes, *, reads: bool) -> int:
    """The status, 0 when no reply was read."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(request)
            if not reads:
                return 0
            head = connection.makefile("rb").readline().split()
            return int(head[1]) if len(head) > 1 else 0
    except ConnectionError:
        return 0


def _a_worker(master: int) -> int:
    until(lambda: len(descendants(master)) >= 2, "two processes serve")
    return descendants(master)[0]
