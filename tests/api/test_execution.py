"""The execution API over HTTP: who may call it, what each call does, and what it does with nonsense."""

import base64
import re
import secrets
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import openapi_spec_validator
import pytest
from flask import Flask
from sqlalchemy import select, update

from mainspring.errors import StoreUnavailable
from mainspring.traces import span_of_attempt
from mainspring_api.execution import ExecutionSettings, close_execution_app, create_execution_app
from mainspring_api.execution.bodies import ATTEMPT_ID
from mainspring_api.execution.document import execution_document
from mainspring_api.execution.heartbeats import Heartbeat
from mainspring_executors.contract import Capabilities
from mainspring_store.database.key_ring import KeyRing, key_file
from mainspring_store.resources.heartbeats import latest_heartbeats
from mainspring_store.resources.secrets import put_secret
from mainspring_store.scheduling import worker_protocol as remote
from mainspring_store.tables import task_log, task_try
from tests.scheduler.engine import Engine

from .conftest import OpenApi
from .harness import Api

WORKER = "the token of all workers"
ANOTHER = "the token that comes after it"
OF_GPU = "g" * 64
OF_DEFAULT = "d" * 64
REMOTE = Capabilities(hard_cancel=True, isolates_crash=True, survives_scheduler_restart=True)
SECRET = "hunter2-and-more"
ABOUT = {
    "incarnation": "6f1c1d1e-0000-4000-8000-000000000000",
    "hostname": "worker-1",
    "pid": 7,
    "version": "1.2.3",
    "queue": "default",
    "is_stopped": False,
}


class Execution:
    """A client of one execution API, with a scheduler beside it that has dispatched task `a`."""

    def __init__(self, api: Api, home: Path) -> None:
        self.key_ring = KeyRing(key_file(home))
        put_secret(api.database, self.key_ring, "token", SECRET, now=datetime.now(UTC))
        self.engine = Engine(api.database, capabilities=REMOTE, key_ring=self.key_ring)
        self.engine.trigger(self.engine.save("etl", {"a": {"env": {"TOKEN": {"secret": "token"}}}}))
        self.engine.run_until_idle()
        self.attempt_id = self.engine.attempt("a").attempt_id
        self.token = secrets.token_urlsafe(32)
        self.app = self.served()

    def served(self, **more: Any) -> Flask:
        """An execution API over the database; more: settings."""
        return create_execution_app(
            ExecutionSettings(
                database_url=self.engine.database.engine.url.render_as_string(hide_password=False),
                worker_tokens=[WORKER, ANOTHER, f"gpu:{OF_GPU}", f"default:{OF_DEFAULT}"],
                key_ring=self.key_ring,
                version="1.2.3",
                **more,
            )
        )

    def another(self) -> str:
        """The id of a second attempt that waits for a worker."""
        self.engine.trigger(self.engine.save("other", {"b": {}}), "r2")
        self.engine.run_until_idle()
        return self.engine.attempt("b", "r2").attempt_id

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        worker: str | None = WORKER,
        key: str | None = None,
        raw: bytes = b"",
    ) -> tuple[int, Any]:
        """Status and decoded answer. key: of the worker; None = it is of the release before, and has none."""
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {worker}"} if worker is not None else {}
        headers |= {"Attempt-Token": self.token if token is None else token}
        headers |= {"Worker-Key": key} if key is not None else {}
        sent: Any = {"data": raw} if body is None else {"json": body}
        response = self.app.test_client().post(f"/execution/v1{path}", headers=headers, **sent)
        check_documented(f"/execution/v1{path}", response.status_code, response.get_json())
        return response.status_code, response.get_json()

    def call(self, name: str, body: Any, **options: Any) -> tuple[int, Any]:
        return self.post(f"/attempts/{self.attempt_id}/{name}", body, **options)

    def claim(self, **options: Any) -> tuple[int, Any]:
        return self.call("claim", {"hostname": "worker-1"}, **options)

    def stored_log(self) -> bytes:
        with self.engine.database.read() as connection:
            return b"".join(connection.scalars(select(task_log.c.data).order_by(task_log.c.offset)))

    def heartbeat(
        self, *attempt_ids: str, worker: str = WORKER, key: str | None = None, **about: Any
    ) -> tuple[int, Any]:
        body = {"worker": {**ABOUT, **about}, "attempts": list(attempt_ids)}
        return self.post("/beat", body, worker=worker, key=key)


def check_documented(path: str, status: int, answer: Any) -> None:
    """The answer to a POST is one that the document tells of. Paths that no route matches are exempt."""
    content = execution_document()
    for template, item in content["paths"].items():
        if re.fullmatch(template.replace("{attempt_id}", ATTEMPT_ID), path) and "post" in item:
            described = item["post"]["responses"][str(status)]
            if "$ref" in described:
                described = content["components"]["responses"][described["$ref"].rpartition("/")[2]]
            schema = described["content"]["application/json"]["schema"]
            jsonschema_rs.validate({**schema, "components": content["components"]}, answer)


@pytest.fixture(params=["sqlite", "postgresql"])
def execution(request: pytest.FixtureRequest, open_api: OpenApi, tmp_path: Path) -> Iterator[Execution]:
    with open_api(request.param) as api:
        execution = Execution(api, tmp_path)
        yield execution
        close_execution_app(execution.app)
        execution.engine.close()


def end(**fields: Any) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()
    return {"at": at, "outcome": "success", "outputs": {"rows": 3}, "log_bytes": 0, "log": [], **fields}


def chunk(offset: int, data: bytes) -> dict[str, Any]:
    return {"offset": offset, "data": base64.b64encode(data).decode()}


@pytest.mark.parametrize("token", [None, "", "wrong", WORKER + "x"], ids=["none", "empty", "wrong", "longer"])
def test_nobody_without_the_workers_token_gets_in(execution: Execution, token: str | None) -> None:
    for path in ("/beat", "/attempts/x/claim", f"/attempts/{execution.attempt_id}/finish", "/nowhere"):
        status, answer = execution.post(path, {}, worker=token)
        assert status == 401
        assert "MAINSPRING_WORKER_TOKEN" in answer["detail"]


def test_while_tokens_are_changed_both_let_a_worker_in(execution: Execution) -> None:
    assert [execution.post("/beat", {}, worker=token)[0] for token in (WORKER, ANOTHER)] == [422, 422]


def test_a_request_of_a_wait_may_take_no_longer_than_its_wait(execution: Execution) -> None:
    waiting = {"type": "wait", "http": {"url": "https://example.test"}, "timeout": "30s", "execution_timeout": "1h"}
    execution.engine.trigger(execution.engine.save("patient", {"w": waiting}), "r2")
    execution.engine.run_until_idle()
    attempt_id = execution.engine.attempt("w", "r2").attempt_id
    _, answer = execution.post(f"/attempts/{attempt_id}/claim", {"hostname": "worker-1"})
    assert 0 < answer["attempt"]["timeout_seconds"] <= 30


def test_a_claim_answers_the_whole_work_order_and_only_it_tells_secrets(execution: Execution) -> None:
    status, answer = execution.claim()
    assert (status, answer["lease_seconds"]) == (200, 30.0)
    order = answer["attempt"]
    assert order["attempt_id"] == execution.attempt_id
    assert (order["dag_id"], order["task_id"], order["task_type"], order["try_number"]) == ("etl", "a", "shell", 1)
    assert order["payload"]["env"] == {"TOKEN": {"secret": "token"}}
    assert order["secrets"] == {"token": SECRET}
    assert "traceparent" not in order["context"]
    others = [
        execution.heartbeat(execution.attempt_id),
        execution.call("log", chunk(0, b"x")),
        execution.call("finish", end()),
        execution.call("finish", end(), token="t" * 40),
        execution.claim(token="t" * 40),
    ]
    assert SECRET not in str(others)


def test_an_order_opens_the_secrets_of_the_definition_and_never_those_of_a_stored_payload(execution: Execution) -> None:
    with execution.engine.database.write() as connection:
        payload = {"env": {"TOKEN": "text", "OTHER": {"secret": "token"}}}
        connection.execute(
            update(task_try).where(task_try.c.attempt_id == execution.attempt_id).values(payload=payload)
        )
    status, answer = execution.claim()
    assert (status, answer["attempt"]["secrets"]) == (200, {})
    assert SECRET not in str(answer)


def test_the_order_of_a_waits_request_opens_the_secrets_of_its_headers(execution: Execution) -> None:
    http = {"url": "https://x.test/${{ ds }}", "headers": {"Authorization": {"secret": "token"}}}
    execution.engine.trigger(execution.engine.save("waiting", {"w": {"type": "wait", "http": http}}), "r2")
    execution.engine.run_until_idle()
    execution.attempt_id = execution.engine.attempt("w", "r2").attempt_id
    order = execution.claim()[1]["attempt"]
    assert order["secrets"] == {"token": SECRET}
    assert order["payload"]["headers"] == {"Authorization": {"secret": "token"}}


def test_the_order_carries_the_span_of_its_try_where_traces_are_exported(execution: Execution) -> None:
    version = execution.engine.save("traced", {"a": {}})
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    execution.engine.trigger(version, "r2", traceparent=given)
    execution.engine.run_until_idle()
    attempt_id = execution.engine.attempt("a", "r2").attempt_id
    for exports, span in ((False, "b7ad6b7169203331"), (True, span_of_attempt(attempt_id))):
        close_execution_app(execution.app)
        execution.app = execution.served(exports_traces=exports)
        context = execution.post(f"/attempts/{attempt_id}/claim", {"hostname": "worker-1"})[1]["attempt"]["context"]
        assert context["traceparent"] == f"00-0af7651916cd43dd8448eb211c80319c-{span}-01"


def test_an_attempt_is_claimed_once_but_the_claim_can_be_repeated(execution: Execution) -> None:
    first = execution.claim()
    assert execution.claim(token="t" * 40)[0] == 409
    assert execution.claim() == first
    execution.engine.run_until_idle()
    assert execution.claim() == first
    assert execution.engine.states() == {"a": "running"}
    assert [one.state for one in execution.engine.events() if one.task_id == "a"] == ["queued", "running"]


def test_an_unknown_attempt_is_not_to_be_had(execution: Execution) -> None:
    assert execution.post(f"/attempts/{'0' * 32}/claim", {"hostname": "w"})[0] == 409
    assert execution.post("/attempts/not-an-id/claim", {"hostname": "w"})[0] == 404


def test_only_the_holder_reports(execution: Execution) -> None:
    execution.claim()
    assert execution.call("log", chunk(0, b"x"), token="t" * 40)[0] == 409
    assert execution.call("finish", end(), token="t" * 40)[0] == 409
    execution.engine.run_until_idle()
    assert execution.engine.states() == {"a": "running"}


def test_a_finish_can_be_repeated_before_and_after_it_was_applied(execution: Execution) -> None:
    execution.claim()
    for _ in range(2):
        assert execution.call("finish", end(log_bytes=6, log=[chunk(0, b"hello\n")]))[0] == 200
    execution.engine.run_until_idle()
    assert execution.call("finish", end(outcome="failed", reason="exit_code"))[0] == 200
    execution.engine.run_until_idle()
    assert execution.engine.states() == {"a": "success"}


def test_a_finish_claims_what_comes_next_by_the_same_call(execution: Execution) -> None:
    execution.claim()
    other = execution.another()
    claim_request = {"attempt_id": other, "token": "n" * 40, "hostname": "worker-1"}
    status, answer = execution.call("finish", end(next=claim_request))
    assert (status, answer["next"]["lease_seconds"]) == (200, 30.0)
    assert (answer["next"]["attempt"]["attempt_id"], answer["next"]["attempt"]["dag_id"]) == (other, "other")
    assert execution.call("finish", end(next=claim_request)) == (status, answer)
    assert execution.post(f"/attempts/{other}/claim", {"hostname": "w"}, token="t" * 40)[0] == 409
    execution.engine.run_until_idle()
    assert execution.engine.states() == {"a": "success"}
    assert execution.engine.states("r2") == {"b": "running"}


def claim_fields(attempt_id: str, token: str, **fields: Any) -> dict[str, Any]:
    return {"attempt_id": attempt_id, "token": token, "hostname": "worker-1", **fields}


def test_ends_are_exchanged_for_claims_ahead(execution: Execution) -> None:
    execution.claim()
    other = execution.another()
    body = {
        "ends": [end(attempt_id=execution.attempt_id, token=execution.token, log=[chunk(0, b"hello\n")], log_bytes=6)],
        "bids": [claim_fields(other, "n" * 40), claim_fields("f" * 32, "n" * 40)],
    }
    for _ in range(2):  # the first answer was lost
        status, answer = execution.post("/exchange", body)
        assert (status, [claim["attempt"]["attempt_id"] for claim in answer["claimed"]]) == (200, [other])
        assert answer["claimed"][0]["lease_seconds"] == 30.0
    assert execution.post(f"/attempts/{other}/claim", {"hostname": "w"}, token="t" * 40)[0] == 409
    execution.engine.run_until_idle()
    assert execution.stored_log() == b"hello\n"
    assert execution.engine.states() == {"a": "success"}
    assert execution.engine.states("r2") == {"b": "queued"}
    start = {"at": datetime.now(UTC).isoformat(), "hostname": "worker-1"}
    assert execution.post(f"/attempts/{other}/start", start, token="t" * 40)[0] == 409
    assert execution.post(f"/attempts/{other}/start", start, token="n" * 40) == (200, {})
    assert execution.post(f"/attempts/{other}/release", {}, token="n" * 40)[0] == 409
    execution.engine.run_until_idle()
    assert execution.engine.states("r2") == {"b": "running"}


def test_an_end_of_what_is_not_held_is_dropped_from_an_exchange(execution: Execution) -> None:
    ends = [end(attempt_id=execution.attempt_id, token="t" * 40), end(attempt_id="f" * 32, token="t" * 40)]
    assert execution.post("/exchange", {"ends": ends, "bids": []}) == (200, {"claimed": []})
    execution.engine.run_until_idle()
    assert execution.engine.states() == {"a": "queued"}


def test_what_is_claimed_ahead_is_released_or_starts_with_its_end(execution: Execution) -> None:
    ahead = {"ends": [], "bids": [claim_fields(execution.attempt_id, execution.token)]}
    assert execution.post("/exchange", ahead)[0] == 200
    assert execution.call("release", {}, token="t" * 40)[0] == 409
    assert execution.call("release", {}) == (200, {})
    assert execution.post("/exchange", ahead)[0] == 200
    start = {"at": datetime.now(UTC).isoformat(), "hostname": "worker-1"}
    assert execution.call("finish", end(started={"at": "never"}))[0] == 422
    assert execution.call("finish", end(started=start))[0] == 200
    execution.engine.run_until_idle()
    assert execution.engine.states() == {"a": "success"}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"ends": {}}, id="no list of ends"),
        pytest.param({"ends": [1]}, id="an end that is no object"),
        pytest.param({"bids": None}, id="no list of bids"),
        pytest.param({"bids": [{"attempt_id": "x", "token": "n" * 40, "hostname": "w"}]}, id="no id"),
        pytest.param({"bids": [claim_fields("e" * 32, "short")]}, id="a token that can be guessed"),
        pytest.param({"bids": [claim_fields("e" * 32, "n" * 40)] * 2}, id="one twice"),
        pytest.param({"bids": [claim_fields(f"{number:032x}", "n" * 40) for number in range(17)]}, id="too many"),
        pytest.param({"ends": [end(attempt_id="e" * 32)]}, id="an end without its token"),
        pytest.param({"ends": [end(attempt_id="e" * 32, token="n" * 40, outcome="x")]}, id="no outcome"),
        pytest.param({"ends": [end(token="n" * 40)]}, id="an end of nothing"),
    ],
)
def test_an_exchange_with_one_wrong_part_is_refused_whole(execution: Execution, change: dict[str, Any]) -> None:
    execution.claim()
    body = {"ends": [end(attempt_id=execution.attempt_id, token=execution.token)], "bids": []}
    for name, items in change.items():
        changed = [*body[name], *items] if isinstance(items, list) else items
        assert execution.post("/exchange", {**body, name: changed})[0] == 422
    execution.engine.run_until_idle()
    assert execution.engine.states() == {"a": "running"}


def test_a_finish_whose_next_is_not_to_be_had_is_taken_all_the_same(execution: Execution) -> None:
    execution.claim()
    claim_request = {"attempt_id": execution.attempt_id, "token": "n" * 40, "hostname": "worker-1"}
    assert execution.call("finish", end(next=claim_request)) == (200, {"next": None})
    execution.engine.run_until_idle()
    assert execution.engine.states() == {"a": "success"}


def test_who_does_not_hold_an_attempt_claims_nothing_with_its_end(execution: Execution) -> None:
    claim_request = {"attempt_id": execution.attempt_id, "token": "n" * 40, "hostname": "worker-1"}
    assert execution.call("finish", end(next=claim_request))[0] == 409
    assert execution.claim()[0] == 200


@pytest.mark.parametrize(
    "claim_request",
    [
        pytest.param("x", id="no object"),
        pytest.param({"attempt_id": "x", "token": "n" * 40, "hostname": "w"}, id="no id"),
        pytest.param({"attempt_id": "0" * 32, "token": "short", "hostname": "w"}, id="a token that can be guessed"),
        pytest.param({"attempt_id": "0" * 32, "token": "n" * 40}, id="no host name"),
    ],
)
def test_an_end_with_a_wrong_wish_for_more_is_refused_whole(execution: Execution, claim_request: Any) -> None:
    execution.claim()
    assert execution.call("finish", end(next=claim_request))[0] == 422
    execution.engine.run_until_idle()
    assert execution.engine.states() == {"a": "running"}


@pytest.mark.parametrize("call", ["claim", "log", "finish", "exchange"])
def test_nothing_is_acknowledged_before_it_is_stored(
    execution: Execution, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def break_at(place: str) -> None:
        if place == f"execution.{call}.before-commit":
            raise StoreUnavailable("the connection broke")

    ended = end(log_bytes=6, attempt_id=execution.attempt_id, token=execution.token)
    bodies: dict[str, Any] = {
        "claim": {"hostname": "w"},
        "log": chunk(0, b"hello\n"),
        "finish": end(log_bytes=6),
        "exchange": {"ends": [ended], "bids": []},
    }
    path = "/exchange" if call == "exchange" else f"/attempts/{execution.attempt_id}/{call}"
    if call != "claim":
        execution.claim()
    with monkeypatch.context() as patch:
        patch.setattr(remote, "failpoint", break_at)
        assert execution.post(path, bodies[call])[0] == 503
    execution.engine.run_until_idle()
    assert execution.engine.states() == {"a": "queued" if call == "claim" else "running"}
    assert execution.stored_log() == b""
    assert execution.post(path, bodies[call])[0] == 200


def test_a_piece_of_log_that_is_sent_twice_is_kept_once(execution: Execution) -> None:
    execution.claim()
    for offset, data in ((0, b"one\n"), (0, b"one\n"), (4, b"two\n")):
        assert execution.call("log", chunk(offset, data))[0] == 200
    last = [chunk(4, b"two\n"), chunk(8, b"three\n")]
    for _ in range(2):
        assert execution.call("finish", end(log_bytes=14, log=last))[0] == 200
    assert execution.stored_log() == b"one\ntwo\nthree\n"


def test_a_beat_renews_tells_what_to_stop_and_shows_the_worker(execution: Execution) -> None:
    execution.claim()
    told = {"stop": ["f" * 32], "lease_seconds": 30.0, "takes_claims_ahead": True}
    assert execution.heartbeat(execution.attempt_id, "f" * 32) == (200, told)
    ((_, details),) = latest_heartbeats(
        execution.engine.database, kind="worker", since=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert details == {
        "queue": "default",
        "attempts": [execution.attempt_id],
        "lease_seconds": 30,
    }
    execution.heartbeat(is_stopped=True)
    assert not latest_heartbeats(execution.engine.database, kind="worker", since=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("refusals", "stored"),
    [
        pytest.param(None, {}, id="a worker of the release before"),
        pytest.param({"count": 0, "cause": None}, {}, id="none"),
        pytest.param(
            {"count": 3, "cause": "No space left on device"},
            {"refusals": 3, "refused_for": "No space left on device"},
            id="a full disk",
        ),
        pytest.param({"count": 3}, {"refusals": 3}, id="over"),
        pytest.param(
            {"count": 1, "cause": "call 0900 123"}, {"refusals": 1, "refused_for": "no room"}, id="words of its own"
        ),
    ],
)
def test_a_beat_says_what_the_machine_of_the_worker_had_no_room_for(
    execution: Execution, refusals: Any, stored: dict[str, Any]
) -> None:
    assert execution.heartbeat(refusals=refusals)[0] == 200
    since = datetime(2026, 1, 1, tzinfo=UTC)
    ((_, details),) = latest_heartbeats(execution.engine.database, kind="worker", since=since)
    assert {name: details[name] for name in ("refusals", "refused_for") if name in details} == stored


@pytest.mark.parametrize(
    "refusals",
    [
        pytest.param("full", id="text"),
        pytest.param({}, id="no count"),
        pytest.param({"count": -1, "cause": None}, id="negative"),
        pytest.param({"count": True, "cause": None}, id="a flag"),
        pytest.param({"count": 2**40, "cause": None}, id="beyond every count"),
        pytest.param({"count": 1, "cause": 7}, id="a number as cause"),
        pytest.param({"count": 1, "cause": "x" * 201}, id="a long cause"),
    ],
)
def test_refusals_that_no_worker_sends_are_refused(execution: Execution, refusals: Any) -> None:
    assert execution.heartbeat(refusals=refusals)[0] == 422


NONSENSE = {
    "nothing": b"",
    "a list": b"[]",
    "null": b"null",
    "half": b"{",
    "no UTF-8": b"\xff\xfe",
    "deep": b"[" * 100_000,
    "NUL": b'{"hostname": "a\\u0000b", "attempts": ["\\u0000"]}',
    "a lone surrogate": b'{"hostname": "\\ud800"}',
    "wrong types": b'{"hostname": 1, "attempts": [1], "offset": -1, "at": "never"}',
    "a worker without a name": b'{"attempts": [], "worker": {}}',
    "no base64": b'{"offset": 0, "data": "%%%"}',
    "a huge number": b'{"offset": 99999999999999999999, "data": ""}',
    "no offset of the instant": b'{"at": "2026-01-01", "outcome": "success", "log_bytes": 0}',
    "no outcome": b'{"at": "2026-01-01T00:00:00Z", "outcome": ["x"], "log_bytes": 0}',
}


@pytest.mark.parametrize("name", ["claim", "start", "log", "finish", "exchange", "beat"])
def test_nonsense_is_refused_and_never_a_fault_of_ours(execution: Execution, name: str) -> None:
    path = f"/{name}" if name in ("beat", "exchange") else f"/attempts/{execution.attempt_id}/{name}"
    for what, raw in NONSENSE.items():
        status, answer = execution.post(path, raw=raw)
        assert 400 <= status < 500, (what, answer)
        assert answer["detail"]


def test_outputs_too_deep_to_keep_are_refused(execution: Execution) -> None:
    execution.claim()
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    assert execution.call("finish", end(outputs={"deep": deep}))[0] == 422


def test_a_claim_needs_a_token_that_can_be_a_secret(execution: Execution) -> None:
    for token in ("", "short", "x" * 500):
        status, answer = execution.claim(token=token)
        assert status == 422
        assert "Attempt-Token" in answer["detail"]


def test_a_body_beyond_the_limit_is_refused(execution: Execution) -> None:
    assert execution.call("log", None, raw=b" " * (2 * 1024 * 1024 + 1))[0] == 413


def test_the_document_is_valid_and_tells_of_every_route(execution: Execution) -> None:
    content = execution_document()
    openapi_spec_validator.validate(content)
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in execution.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    told = {(path, method) for path, item in content["paths"].items() for method in item if method != "parameters"}
    assert told == served


def test_a_worker_that_speaks_another_version_is_told_so(execution: Execution) -> None:
    client = execution.app.test_client()
    answer = client.post("/execution/v2/beat", headers={"Authorization": f"Bearer {WORKER}"}, json={})
    assert answer.status_code == 426
    assert answer.get_json()["detail"].startswith("this server speaks version 1 of the execution API")
    assert client.post("/execution/v2/beat", json={}).status_code == 401


def test_how_many_workers_of_a_machine_live_is_told_to_workers(execution: Execution) -> None:
    def alive(hostname: str) -> Any:
        headers = {"Authorization": f"Bearer {WORKER}"}
        return execution.app.test_client().get(f"/execution/v1/workers/{hostname}", headers=headers).get_json()

    assert alive("worker-1") == {"alive": 0}
    execution.heartbeat()
    assert (alive("worker-1"), alive("worker-2")) == ({"alive": 1}, {"alive": 0})
    execution.heartbeat(is_stopped=True)
    assert alive("worker-1") == {"alive": 0}


def test_an_execution_api_that_answers_no_worker_in_time_does_not_beat(
    open_api: OpenApi,
) -> None:
    """Its process lives and its database is well; what cannot be renewed by it must not be taken for lost."""
    asked, is_served = threading.Semaphore(0), threading.Event()

    def front_door() -> bool:
        asked.release()
        return is_served.is_set()

    with open_api("sqlite") as api:
        heart = Heartbeat(api.database, version="1.2.3", lease=timedelta(seconds=0.2), is_served=front_door)
        heart.start()
        started = datetime.now(UTC)
        for _ in range(3):
            assert asked.acquire(timeout=30)
        assert not latest_heartbeats(api.database, kind="execution", since=started)
        is_served.set()
        for _ in range(3):
            assert asked.acquire(timeout=30)
        assert latest_heartbeats(api.database, kind="execution", since=started)
        heart.stop()
