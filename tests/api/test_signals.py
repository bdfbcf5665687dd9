"""Signals over HTTP."""

from typing import Any

import pytest

from mainspring_store.access.roles import Role
from tests.api.harness import SHELL, Api

PAY: dict[str, Any] = {
    "pay": {"type": "wait", "signal": "paid", "timeout": "1h"},
    "after": {**SHELL, "depends_on": ["pay"]},
}


@pytest.fixture
def path(api: Api) -> str:
    """Of the signals of a run that waits."""
    api.save("etl", PAY)
    run_id = api.trigger("etl", "r1")
    api.engine.run_until_idle()
    return f"/dags/etl/dagRuns/{run_id}/signals"


def test_a_signal_ends_the_wait_with_its_value(api: Api, path: str) -> None:
    sent = api.post(f"{path}/paid", {"value": {"amount": 120}}, 201)
    assert (sent["name"], sent["value"], sent["sent_by"], sent["taken_by"]) == ("paid", {"amount": 120}, "admin", None)
    api.engine.run_until_idle()
    instance = api.get("/dags/etl/dagRuns/r1/taskInstances/pay")
    assert (instance["state"], instance["waits_for"]) == ("success", None)
    outputs = "/dags/etl/dagRuns/r1/taskInstances/pay/xcomEntries"
    assert [api.get(f"{outputs}/{name}")["value"] for name in ("value", "by")] == [{"amount": 120}, "admin"]
    listed = api.get(path)
    assert listed["total_entries"] == 1
    taken = listed["signals"][0]
    assert (taken["signal_id"], taken["taken_by"], taken["taken_by_map_index"]) == (sent["signal_id"], "pay", -1)
    assert taken["taken_at"] is not None


def test_a_repeated_request_with_a_key_sends_one_signal(api: Api, path: str) -> None:
    key = {"Idempotency-Key": "payment-7"}
    first, again = (api.post(f"{path}/paid", {"value": 1}, 201, headers=key) for _ in range(2))
    assert first["signal_id"] == again["signal_id"]
    assert api.get(path)["total_entries"] == 1


def test_signals_are_listed_by_name_and_page(api: Api, path: str) -> None:
    for value in range(3):
        api.post(f"{path}/paid", {"value": value}, 201)
    assert [row["value"] for row in api.get(f"{path}?limit=2&order_by=-signal_id")["signals"]] == [2, 1]
    assert api.get(f"{path}?name=other")["signals"] == []
    api.get("/dags/etl/dagRuns/r2/signals", 404)


def test_what_no_task_waits_for_names_the_near_signal(api: Api, path: str) -> None:
    refused = api.post(f"{path}/payed", {}, 404)
    assert "did you mean 'paid'?" in str(refused)
    api.post("/dags/etl/dagRuns/r2/signals/paid", {}, 404)


def test_an_ended_run_takes_no_signal(api: Api, path: str) -> None:
    api.patch("/dags/etl/dagRuns/r1", {"state": "failed"})
    assert "clear a task first" in api.post(f"{path}/paid", {}, 409)["detail"]["message"]


@pytest.mark.parametrize(
    ("body", "pointer"), [({"value": "x" * 65_535}, "/value"), ({"values": 1}, "/values")], ids=["large", "unknown"]
)
def test_bad_bodies_are_refused(api: Api, path: str, body: dict[str, Any], pointer: str) -> None:
    assert api.post(f"{path}/paid", body, 422)["errors"][0]["pointer"] == pointer
    assert api.get(path)["total_entries"] == 0


def test_who_may_only_look_may_not_send(api: Api, path: str) -> None:
    viewer = api.token_of(Role.VIEWER)
    api.post(f"{path}/paid", {}, 403, token=viewer)
    assert api.get(path, token=viewer)["total_entries"] == 0


def test_the_feed_and_the_audit_log_have_the_signal(api: Api, path: str) -> None:
    api.post(f"{path}/paid", {"value": "not for the feed"}, 201)
    [event] = [one for one in api.get("/events?after=0000000000000000")["events"] if one["event"] == "signal"]
    assert (event["data"]["state"], event["data"]["signal"], event["data"]["dag_run_id"]) == ("received", "paid", "r1")
    assert "not for the feed" not in str(event)
    [log] = api.get("/eventLogs?event=send_signal")["event_logs"]
    assert (log["owner"], log["dag_id"], log["run_id"]) == ("admin", "etl", "r1")
    assert "not for the feed" not in str(log)


@pytest.mark.parametrize(
    ("wait", "pointer"),
    [
        ({"signal": "a b"}, "/tasks/pay/signal"),
        ({"signal": "${{ params.x }}"}, "/tasks/pay/signal"),
        ({"signal": "paid", "for": "1s"}, "/tasks/pay"),
        ({"signal": "paid", "interval": "5s"}, "/tasks/pay/interval"),
    ],
)
def test_bad_waits_are_refused_at_save(api: Api, wait: dict[str, Any], pointer: str) -> None:
    document = {"dag_id": "bad", "tasks": {"pay": {"type": "wait", **wait}}}
    assert api.put("/dags/bad", document, 422)["errors"][0]["pointer"].startswith(pointer)
