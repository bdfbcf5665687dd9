"""Concurrency keys over HTTP: what a trigger is told, and what runs show."""

import json

import pytest

from tests.api.harness import SHELL, Api

RUNS = "/dags/etl/dagRuns"


def save(api: Api, **rule: object) -> None:
    api.save("etl", {"a": SHELL}, concurrency={"key": "${{ params.customer }}", **rule})


def test_a_run_shows_its_key(api: Api) -> None:
    save(api)
    assert api.post(RUNS, {"dag_run_id": "r1", "conf": {"customer": 7}})["concurrency_key"] == "7"
    api.save("plain")
    assert api.post("/dags/plain/dagRuns", {})["concurrency_key"] is None


def test_a_run_that_is_run_again_with_another_conf_gets_its_key(api: Api) -> None:
    save(api)
    api.post(RUNS, {"dag_run_id": "r1", "conf": {"customer": 7}})
    api.patch(f"{RUNS}/r1", {"state": "failed"})
    assert api.post(f"{RUNS}/r1/clear", {"dry_run": False, "conf": {"customer": 8}})["concurrency_key"] == "8"
    api.patch(f"{RUNS}/r1", {"state": "failed"})
    answer = api.request("POST", f"{RUNS}/r1/clear", json={"dry_run": False, "conf": {}})
    assert (answer.status, answer.json["errors"][0]["code"]) == (400, "concurrency_key_invalid")


def test_a_taken_key_is_a_conflict_that_names_the_holder(api: Api) -> None:
    save(api, strategy="reject")
    api.post(RUNS, {"dag_run_id": "r1", "conf": {"customer": "ann"}})
    answer = api.request("POST", RUNS, json={"dag_run_id": "r2", "conf": {"customer": "ann"}})
    assert (answer.status, answer.json["code"]) == (409, "concurrency_key_taken")
    assert "'r1' (queued)" in answer.json["detail"]["message"]
    assert [run["dag_run_id"] for run in api.get(RUNS)["dag_runs"]] == ["r1"]


def test_a_run_is_paused_and_resumed(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    api.trigger(run_id="r1")
    assert api.get(f"{RUNS}/r1")["is_paused"] is False
    assert api.patch(f"{RUNS}/r1", {"is_paused": True})["is_paused"] is True
    api.engine.run_until_idle()
    assert api.get(f"{RUNS}/r1")["state"] == "queued"
    api.patch(f"{RUNS}/r1", {"is_paused": False})
    api.engine.run_until_idle()
    api.engine.finish("a")
    assert api.get(f"{RUNS}/r1")["state"] == "success"
    answer = api.request("PATCH", f"{RUNS}/r1", json={"is_paused": True})
    assert (answer.status, answer.json["code"]) == (409, "conflict")


@pytest.mark.parametrize("conf", [pytest.param({}, id="absent"), pytest.param({"customer": "x" * 1025}, id="too long")])
def test_a_key_that_cannot_be_is_a_bad_request(api: Api, conf: dict[str, str]) -> None:
    save(api)
    answer = api.request("POST", RUNS, json={"conf": conf})
    assert answer.status == 400
    (fault,) = answer.json["errors"]
    assert (fault["code"], fault["pointer"]) == ("concurrency_key_invalid", "/conf")
    assert fault["hint"] is not None
    assert api.get(RUNS)["total_entries"] == 0


def test_a_queued_run_is_delayed(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    api.trigger(run_id="r1")
    assert api.patch(f"{RUNS}/r1", {"run_after": "2099-01-01T01:00:00+01:00"})["run_after"] == "2099-01-01T00:00:00Z"
    api.engine.run_until_idle()
    assert api.get(f"{RUNS}/r1")["state"] == "queued"
    events = api.get(f"{RUNS}/r1/events")["events"]
    assert [event["data"]["state"] for event in events] == ["queued", "changed"]
    assert events[1]["data"]["run_after"] == "2099-01-01T00:00:00Z"
    bad = api.request("PATCH", f"{RUNS}/r1", json={"run_after": "soon"})
    assert (bad.status, bad.json["errors"][0]["pointer"]) == (422, "/run_after")
    api.patch(f"{RUNS}/r1", {"run_after": "2000-01-01T00:00:00Z", "priority": 3})
    entry = api.get("/eventLogs?event=patch_dag_run&order_by=-event_log_id")["event_logs"][0]
    assert {"run_after", "priority"} <= json.loads(entry["extra"]).keys()
    api.engine.run_until_idle()
    answer = api.request("PATCH", f"{RUNS}/r1", json={"run_after": "2099-01-01T00:00:00Z"})
    assert (answer.status, answer.json["code"]) == (409, "conflict")


def test_a_run_has_a_priority(api: Api) -> None:
    api.save("etl", {"a": SHELL}, priority=5)
    assert api.post(RUNS, {"dag_run_id": "r1"})["priority"] == 5
    assert api.post(RUNS, {"dag_run_id": "r2", "priority": -3})["priority"] == -3
    assert api.patch(f"{RUNS}/r1", {"priority": 100})["priority"] == 100
    assert api.get(f"{RUNS}/r1/events")["events"][1]["data"]["priority"] == 100
    [instance] = api.get(f"{RUNS}/r1/taskInstances")["task_instances"]
    assert instance["priority_weight"] == 1
    for bad in (101, 1.5, "high"):
        answer = api.request("PATCH", f"{RUNS}/r1", json={"priority": bad})
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/priority")
        assert api.request("POST", RUNS, json={"priority": bad}).status == 422
    answer = api.request("PUT", "/dags/bad", json={"dag_id": "bad", "priority": 101, "tasks": {"a": SHELL}})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/priority")


def test_triggers_of_a_debounce_key_answer_with_the_run_that_they_join(api: Api) -> None:
    rule = {"key": "${{ params.customer }}", "for": "1h", "max_wait": "2h"}
    api.save("etl", {"a": SHELL}, debounce=rule)
    trigger = {"dag_run_id": "r1", "conf": {"customer": "ann", "n": 1}}
    assert api.post(RUNS, trigger)["is_merged"] is False
    second = {"conf": {"customer": "ann", "n": 2}}
    joined = [api.request("POST", RUNS, json=second, headers={"Idempotency-Key": "second"}) for _ in range(2)]
    assert [(one.status, one.json["dag_run_id"], one.json["is_merged"]) for one in joined] == [(200, "r1", True)] * 2
    assert joined[0].json == joined[1].json
    assert [event["data"]["state"] for event in api.get(f"{RUNS}/r1/events")["events"]] == ["queued", "changed"]
    dated = api.post(RUNS, {**second, "logical_date": "2026-01-01T00:00:00Z"})
    assert (dated["is_merged"], dated["dag_run_id"] == "r1") == (False, False)
    many = api.post(f"{RUNS}/trigger", {"dag_runs": [{"conf": {"customer": "ann", "n": 3}}]})["dag_runs"]
    assert many[0]["dag_run"]["is_merged"] is True
    assert api.get(f"{RUNS}/r1")["conf"]["n"] == 3
    bad = api.request("POST", RUNS, json={"conf": {}})
    assert (bad.status, bad.json["errors"][0]["code"]) == (400, "debounce_key_invalid")
