"""Large outputs over HTTP: what workers send and fetch, and what clients read."""

import base64
from hashlib import sha256
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select

from mainspring.large_values import PIECE_BYTES, VALUE_BYTES_MAX, VALUES_BYTES_MAX
from mainspring_store.tables import large_value_piece
from tests.scheduler.test_large_values import finish

from .harness import Api
from .test_execution import Execution, end, execution

__all__ = ["execution"]

TEXT = orjson.dumps("x" * (PIECE_BYTES + 500))
CHAIN: dict[str, Any] = {"a": {}, "b": {"depends_on": ["a"], "env": {"X": "${{ tasks.a.outputs.big }}"}}}


def described(text: bytes = TEXT, **fields: Any) -> dict[str, Any]:
    value = {
        "name": "big", "bytes": len(text), "sha256": sha256(text).hexdigest(), "kind": "string", "excerpt": '"xxx',
    }  # fmt: skip
    return {**value, **fields}


def piece(position: int, text: bytes = TEXT) -> dict[str, Any]:
    data = text[position * PIECE_BYTES : (position + 1) * PIECE_BYTES]
    return {"value": described(text), "position": position, "data": base64.b64encode(data).decode()}


@pytest.fixture
def chain(execution: Execution) -> Execution:
    """An execution API whose attempt is task `a` of a chain, claimed."""
    execution.engine.trigger(execution.engine.save("chain", CHAIN), "r9")
    execution.engine.run_until_idle()
    execution.attempt_id = execution.engine.attempt("a", "r9").attempt_id
    assert execution.claim()[0] == 200
    return execution


def send_all(chain: Execution) -> None:
    for position in (0, 1):
        assert chain.call("value", piece(position)) == (200, {})


def test_a_value_goes_in_pieces_from_one_worker_to_the_next(chain: Execution) -> None:
    send_all(chain)
    assert chain.call("finish", end(outputs={"rows": 3}, large=[described()]))[0] == 200
    chain.engine.run_until_idle()
    chain.attempt_id = chain.engine.attempt("b", "r9").attempt_id
    chain.token = "n" * 40
    status, answer = chain.call("claim", {"hostname": "worker-1", "takes_values": True})
    assert status == 200
    payload = answer["attempt"]["payload"]
    assert payload["$payload"]["env"] == {"X": None}
    value = payload["$values"]["/env/X"]
    fetched = b""
    for position in (0, 1):
        status, body = chain.call("input", {"value_id": value["id"], "position": position})
        assert status == 200
        fetched += base64.b64decode(body["data"])
    assert fetched == TEXT
    assert chain.call("input", {"value_id": value["id"], "position": 2})[0] == 410
    assert chain.call("input", {"value_id": value["id"], "position": 0}, token="t" * 40)[0] == 409
    assert chain.call("input", {"value_id": "0" * 32, "position": 0})[0] == 410


def test_a_worker_that_cannot_fetch_values_gets_no_attempt_that_needs_any(chain: Execution) -> None:
    send_all(chain)
    chain.call("finish", end(large=[described()]))
    chain.engine.run_until_idle()
    chain.attempt_id = chain.engine.attempt("b", "r9").attempt_id
    assert chain.claim(token="o" * 40)[0] == 409
    bid = {"attempt_id": chain.attempt_id, "token": "p" * 40, "hostname": "worker-1"}
    assert chain.post("/exchange", {"ends": [], "bids": [bid]}) == (200, {"claimed": []})
    chain.engine.run_until_idle()
    assert chain.engine.states("r9") == {"a": "success", "b": "queued"}
    assert chain.call("claim", {"hostname": "worker-2", "takes_values": True}, token="q" * 40)[0] == 200


def test_a_piece_that_is_sent_twice_is_kept_once(chain: Execution) -> None:
    for position in (0, 0, 1, 0):
        assert chain.call("value", piece(position))[0] == 200
    with chain.engine.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(large_value_piece)) == 2


def test_only_the_holder_sends_values(chain: Execution) -> None:
    assert chain.call("value", piece(0), token="t" * 40)[0] == 409
    with chain.engine.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(large_value_piece)) == 0


@pytest.mark.parametrize("sent", [(), (1,), (0,)], ids=["none", "the last", "the first"])
def test_an_end_without_all_pieces_is_refused(chain: Execution, sent: tuple[int, ...]) -> None:
    for position in sent:
        chain.call("value", piece(position))
    status, answer = chain.call("finish", end(large=[described()]))
    assert status == 422
    assert "'big' are missing" in answer["detail"]
    chain.engine.run_until_idle()
    assert chain.engine.states("r9")["a"] == "running"
    send_all(chain)
    assert chain.call("finish", end(large=[described()]))[0] == 200


def test_an_end_with_another_digest_than_was_sent_is_refused(chain: Execution) -> None:
    send_all(chain)
    assert chain.call("finish", end(large=[described(sha256="0" * 64)]))[0] == 422


@pytest.mark.parametrize(
    "body",
    [
        {**piece(0), "position": 2},
        {**piece(0), "data": "AAAA"},
        {**piece(0), "data": "?"},
        {**piece(0), "value": described(bytes=VALUE_BYTES_MAX + 1)},
        {**piece(0), "value": described(bytes=0)},
        {**piece(0), "value": described(kind="number")},
        {**piece(0), "value": described(sha256="x")},
        {**piece(0), "value": described(name="")},
        {**piece(0), "value": described(excerpt="x" * 101)},
        {"value": None},
    ],
    ids=["position", "length", "base64", "bytes", "no bytes", "kind", "digest", "name", "excerpt", "nothing"],
)
def test_nonsense_is_no_piece(chain: Execution, body: Any) -> None:
    assert chain.call("value", body)[0] == 422


def test_large_outputs_of_an_end_are_bounded_and_named_once(chain: Execution) -> None:
    halves = [described(name=name, bytes=VALUE_BYTES_MAX) for name in ("x", "y", "z")]
    for large in (
        halves,
        [described(), described()],
        [described(name="rows")],
        [described(name=str(n)) for n in range(65)],
    ):
        assert chain.call("finish", end(large=large))[0] == 422
    assert VALUES_BYTES_MAX == 2 * VALUE_BYTES_MAX


def entry(api: Api, query: str = "") -> Any:
    return api.get(f"/dags/etl/dagRuns/r1/taskInstances/a/xcomEntries/big{query}")


def test_clients_read_the_whole_value_and_lists_tell_its_size(api: Api) -> None:
    engine = api.engine
    engine.trigger(engine.save("etl", CHAIN))
    engine.run_until_idle()
    text = "é" * 1_000_000
    large = finish(engine, "a", text, outputs={"rows": 3})
    assert entry(api)["value"] == text
    assert entry(api, "?stringify=true")["value"] == orjson.dumps(text).decode()
    about = {"bytes": large.bytes, "sha256": large.sha256, "kind": "string", "excerpt": large.excerpt}
    assert entry(api)["large_value"] == about
    listed = api.get("/dags/etl/dagRuns/r1/taskInstances/a/xcomEntries")["xcom_entries"]
    assert {row["key"]: row["large_value"] for row in listed} == {"big": about, "rows": None}
    fields = api.get("/dags/etl/dagRuns/r1/taskInstances/b")["rendered_fields"]
    assert fields["env"]["X"]["large_value"]["bytes"] == large.bytes


def test_a_client_replaces_a_large_value_by_a_small_one(api: Api) -> None:
    engine = api.engine
    engine.trigger(engine.save("etl", CHAIN))
    engine.run_until_idle()
    finish(engine, "a", "x" * 2_000)
    path = "/dags/etl/dagRuns/r1/taskInstances/a/xcomEntries/big"
    changed = api.patch(path, {"value": "small"})
    assert (changed["value"], changed["large_value"]) == ("small", None)
    assert entry(api)["value"] == "small"
