"""What one worker can do at the execution API to other workers, to other queues and to the scheduler: nothing."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from mainspring_api.execution import close_execution_app
from mainspring_api.execution.credentials import KEPT_SECONDS, incarnation_of
from mainspring_store.access.worker_tokens import add_worker_token
from mainspring_store.resources import heartbeats as services
from mainspring_store.tables import service, task_try

from .conftest import OpenApi
from .harness import Api
from .test_execution import OF_DEFAULT, OF_GPU, SECRET, WORKER, Execution, chunk, end

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
KEY = "k" * 40
ANOTHER_KEY = "o" * 40
GPU = "mw_" + "g" * 43
DEFAULT = "mw_" + "d" * 43


@pytest.fixture(params=["sqlite", "postgresql"])
def execution(request: pytest.FixtureRequest, open_api: OpenApi, tmp_path: Path) -> Iterator[Execution]:
    """With a token for the queue `gpu` and one for `default`, where its attempt waits."""
    with open_api(request.param) as api:
        for token, queue in ((GPU, "gpu"), (DEFAULT, "default")):
            add_worker_token(api.database, token, name=f"of {queue}", queue=queue, now=SINCE, expires_at=None)
        execution = Execution(api, tmp_path)
        yield execution
        close_execution_app(execution.app)
        execution.engine.close()


def leased_until(execution: Execution) -> datetime:
    with execution.engine.database.read() as connection:
        expires_at: datetime = connection.scalar(
            select(task_try.c.lease_expires_at).where(task_try.c.attempt_id == execution.attempt_id)
        )
        return expires_at


def until(condition: Callable[[], bool], what: str, *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_a_worker_cannot_beat_as_a_scheduler_or_an_execution_api(execution: Execution) -> None:
    database, now = execution.engine.database, datetime.now(UTC)
    for kind in ("scheduler", "execution"):
        incarnation = str(uuid4())
        services.register_service(
            database, incarnation=incarnation, kind=kind, hostname="h", pid=1, version="1", details={"x": 1}, now=now
        )
        status, answer = execution.heartbeat(incarnation=incarnation, is_stopped=True)
        assert status == 403, answer
        with database.read() as connection:
            row = connection.execute(select(service).where(service.c.incarnation == incarnation)).one()
        assert (row.kind, row.stopped_at, row.details, row.heartbeat_at) == (kind, None, {"x": 1}, now)
    assert len(services.latest_heartbeats(database, kind="execution", since=now - timedelta(minutes=1))) == 2


def test_a_worker_cannot_beat_as_another_worker(execution: Execution) -> None:
    database = execution.engine.database
    assert execution.heartbeat(key=KEY)[0] == 200
    # A worker of the release before has no key, and names its incarnation; the answer to `GET /workers` shows it.
    assert execution.heartbeat(incarnation=incarnation_of(KEY), is_stopped=True)[0] == 422
    assert execution.heartbeat(incarnation=incarnation_of(KEY), key=ANOTHER_KEY, is_stopped=True)[0] == 200
    with database.read() as connection:
        rows = {row.incarnation: row.stopped_at for row in connection.execute(select(service))}
    assert rows[incarnation_of(KEY)] is None
    assert rows[incarnation_of(ANOTHER_KEY)] is not None


@pytest.mark.parametrize("thief", [ANOTHER_KEY, None], ids=["another", "of the release before"])
def test_a_beat_renews_what_its_worker_claimed_alone(execution: Execution, thief: str | None) -> None:
    assert execution.claim(key=KEY)[0] == 200
    before = leased_until(execution)
    _, answer = execution.heartbeat(execution.attempt_id, key=thief)
    assert answer["stop"] == [execution.attempt_id]
    assert leased_until(execution) == before
    shown = {row["queue"]: row["attempts"] for _, row in services.latest_heartbeats(
        execution.engine.database, kind="worker", since=SINCE)}  # fmt: skip
    assert shown == {"default": []}
    _, answer = execution.heartbeat(execution.attempt_id, key=KEY)
    assert answer["stop"] == []
    assert leased_until(execution) > before


def test_a_worker_of_the_release_before_renews_what_it_claimed(execution: Execution) -> None:
    assert execution.claim()[0] == 200
    before = leased_until(execution)
    assert execution.heartbeat(execution.attempt_id)[1]["stop"] == []
    assert leased_until(execution) > before
    assert execution.heartbeat(execution.attempt_id, key=KEY)[1]["stop"] == [execution.attempt_id]


def test_what_is_released_belongs_to_no_worker(execution: Execution) -> None:
    claim_request = {
        "attempt_id": execution.attempt_id,
        "token": execution.token,
        "hostname": "worker-1",
        "queue": "default",
    }
    _, answer = execution.post("/exchange", {"ends": [], "bids": [claim_request]}, key=KEY)
    assert len(answer["claimed"]) == 1
    assert execution.call("release", {}, key=KEY)[0] == 200
    assert execution.claim(key=ANOTHER_KEY)[0] == 200
    assert execution.heartbeat(execution.attempt_id, key=KEY)[1]["stop"] == [execution.attempt_id]
    assert execution.heartbeat(execution.attempt_id, key=ANOTHER_KEY)[1]["stop"] == []


@pytest.mark.parametrize(
    ("gpu", "default"), [pytest.param(GPU, DEFAULT, id="stored"), pytest.param(OF_GPU, OF_DEFAULT, id="settings")]
)
def test_a_token_of_one_queue_opens_no_attempt_of_another(execution: Execution, gpu: str, default: str) -> None:
    mine = execution.another()
    claim_request = {"attempt_id": execution.attempt_id, "token": execution.token, "hostname": "worker-1"}
    # A worker says which queue it listens to; what its token is bound to counts.
    for told in ({}, {"queue": "default"}, {"queue": "gpu"}):
        status, answer = execution.call("claim", {"hostname": "worker-1", **told}, worker=gpu)
        assert status == 409
        assert SECRET not in str(answer)
        _, answer = execution.post("/exchange", {"ends": [], "bids": [{**claim_request, **told}]}, worker=gpu)
        assert answer == {"claimed": []}
    assert execution.post(f"/attempts/{mine}/claim", {"hostname": "w"})[0] == 200
    status, answer = execution.post(f"/attempts/{mine}/finish", end(next=claim_request), worker=gpu)
    assert answer == {"next": None}
    for name, body in (("log", chunk(0, b"x")), ("finish", end()), ("release", {})):
        assert execution.call(name, body, worker=gpu)[0] == 409
    status, answer = execution.claim(worker=default)
    assert (status, answer["attempt"]["secrets"]) == (200, {"token": SECRET})


def test_a_stray_attempt_is_refused_to_a_worker_of_another_queue_and_logged(
    execution: Execution, caplog: pytest.LogCaptureFixture
) -> None:
    """Its id was put into the wrong queue of Redis. The worker has the token of all queues."""
    assert execution.call("claim", {"hostname": "worker-1", "queue": "gpu"})[0] == 409
    assert f"attempt={execution.attempt_id} queue=default worker_queue=gpu" in caplog.text
    caplog.clear()
    assert execution.call("claim", {"hostname": "worker-1", "queue": "default"})[0] == 200
    assert execution.call("claim", {"hostname": "worker-1", "queue": "default"}, token="t" * 40)[0] == 409
    assert "of another queue" not in caplog.text


@pytest.mark.parametrize("gpu", [GPU, OF_GPU], ids=["stored", "settings"])
def test_a_worker_of_another_queue_than_its_token_is_told_so(execution: Execution, gpu: str) -> None:
    status, answer = execution.heartbeat(worker=gpu, queue="default", key=KEY)
    assert status == 403
    assert answer["detail"] == "this token is for workers of queue 'gpu', not of 'default'"
    assert execution.heartbeat(worker=gpu, queue="gpu", key=KEY)[0] == 200
    assert execution.heartbeat(worker=WORKER, queue="anything", key=ANOTHER_KEY)[0] == 200


INSTANTS = [
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "1969-12-31T23:59:59+00:00",
    "3000-01-01T00:00:00Z",
]


@pytest.mark.parametrize("at", INSTANTS)
def test_instants_at_the_ends_of_time_are_refused(execution: Execution, at: str) -> None:
    execution.claim()
    assert execution.call("start", {"at": at, "hostname": "w"})[0] == 422
    assert execution.call("finish", end(at=at))[0] == 422
    assert execution.call("finish", end(started={"at": at, "hostname": "w"}))[0] == 422
    ended = {"attempt_id": execution.attempt_id, "token": execution.token, **end(at=at)}
    assert execution.post("/exchange", {"ends": [ended], "bids": []})[0] == 422


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"outcome": "skipped", "reason": "branch"}, id="what a branch decides"),
        pytest.param({"outcome": "skipped", "reason": "trigger_rule"}, id="what a trigger rule decides"),
        pytest.param({"outcome": "skipped", "reason": "cancelled"}, id="what a cancel prevents"),
        pytest.param({"outcome": "failed", "reason": "marked"}, id="what a user says"),
        pytest.param({"outputs": {"x": "y" * 600_000}}, id="outputs beyond every host's bound"),
        pytest.param({"log_bytes": 2**31 - 1}, id="more log than is kept"),
        pytest.param({"log": [chunk(2**30, b"x")]}, id="a piece beyond the end of every log"),
    ],
)
def test_no_worker_reports_what_no_host_does(execution: Execution, fields: dict[str, Any]) -> None:
    execution.claim()
    assert execution.call("finish", end(**fields))[0] == 422


def test_a_host_name_with_a_nul_is_refused(execution: Execution) -> None:
    answer = execution.app.test_client().get(
        "/execution/v1/workers/a%00b", headers={"Authorization": f"Bearer {WORKER}"}
    )
    assert answer.status_code == 422


class TestTokens:
    """Made, shown and revoked over the API."""

    @pytest.fixture
    def served(self, open_api: OpenApi, tmp_path: Path) -> Iterator[tuple[Api, Execution]]:
        with open_api("sqlite") as api:
            execution = Execution(api, tmp_path)
            yield api, execution
            close_execution_app(execution.app)
            execution.engine.close()

    def test_a_token_of_a_queue_is_made_used_shown_and_revoked(self, served: tuple[Api, Execution]) -> None:
        api, execution = served
        made = api.post("/tokens", {"name": "cards", "queue": "gpu"}, 201)
        assert (made["kind"], made["queue"], made["role"], made["grants"]) == ("worker", "gpu", None, [])
        assert execution.heartbeat(worker=made["token"], queue="gpu", key=KEY)[0] == 200
        [worker] = api.get("/workers")["workers"]
        assert (worker["token_id"], worker["token_name"]) == (made["id"], "cards")
        [listed] = [each for each in api.get("/tokens")["tokens"] if each["name"] == "cards"]
        assert listed["last_used_at"] is not None
        api.delete(f"/tokens/{made['id']}")
        until(lambda: execution.heartbeat(worker=made["token"], queue="gpu", key=KEY)[0] == 401, "the end of the token",
              seconds=KEPT_SECONDS + 5)  # fmt: skip

    def test_a_token_stops_at_its_time(self, served: tuple[Api, Execution]) -> None:
        api, execution = served
        expires_at = datetime.now(UTC) + timedelta(seconds=1)
        body = {"name": "cards", "queue": "gpu", "expires_at": expires_at.isoformat()}
        token = api.post("/tokens", body, 201)["token"]
        until(lambda: datetime.now(UTC) > expires_at, "its time")
        assert execution.heartbeat(worker=token, queue="gpu", key=KEY)[0] == 401

    def test_a_token_of_a_queue_opens_nothing_else(self, served: tuple[Api, Execution]) -> None:
        api, execution = served
        token = api.post("/tokens", {"name": "cards", "queue": "gpu"}, 201)["token"]
        assert api.request("GET", "/me", token=token).json["detail"] == "Invalid token"
        plain = api.post("/tokens", {"name": "all", "role": "admin"}, 201)["token"]
        assert execution.heartbeat(worker=plain, key=KEY)[0] == 401

    def test_only_administrators_make_them_and_they_have_no_role(self, served: tuple[Api, Execution]) -> None:
        api, _ = served
        for role in ("viewer", "operator", "author"):
            token = api.post("/tokens", {"name": role, "role": role}, 201)["token"]
            assert api.request("POST", "/tokens", json={"name": "x", "queue": "gpu"}, token=token).status == 403
        for more in ({"role": "viewer"}, {"grants": [{"pattern": "*", "role": "viewer"}]}, {"username": "x"}):
            assert api.request("POST", "/tokens", json={"name": "x", "queue": "gpu", **more}).status == 422
        for queue in ("", "a b", "x" * 251, "a\n"):
            assert api.request("POST", "/tokens", json={"name": "x", "queue": queue}).status == 422

    def test_strangers_do_not_load_the_database(
        self, served: tuple[Api, Execution], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from mainspring_api.execution import credentials

        _, execution = served
        reads: list[None] = []
        real = credentials.valid_worker_tokens

        def counted(*arguments: Any, **options: Any) -> Any:
            reads.append(None)
            return real(*arguments, **options)

        monkeypatch.setattr(credentials, "valid_worker_tokens", counted)
        began = time.monotonic()
        for number in range(100):
            assert execution.heartbeat(worker=f"mw_{number}")[0] == 401
        assert len(reads) <= (time.monotonic() - began) / 0.2 + 1
