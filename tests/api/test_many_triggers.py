"""Many runs in one request, and what became of a request by its key."""

from typing import Any

import pytest

from mainspring.errors import StoreUnavailable
from mainspring_api.resources.interventions import many_triggers
from mainspring_store.access.roles import Grant, Role
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api

TRIGGER = "/dags/~/dagRuns/trigger"
STATES = "/dags/~/dagRuns/states"


def entries(count: int, **more: Any) -> dict[str, Any]:
    return {"dag_runs": [{"dag_id": "etl", "dag_run_id": f"r{number}", **more} for number in range(count)]}


def statuses(answered: Any) -> list[int]:
    return [each["status"] for each in answered["dag_runs"]]


def test_a_hundred_runs_are_made_in_one_request(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    answered = api.post(TRIGGER, entries(100))
    assert statuses(answered) == [200] * 100
    assert [each["dag_run"]["dag_run_id"] for each in answered["dag_runs"]] == [f"r{n}" for n in range(100)]
    assert api.get("/dags/etl/dagRuns")["total_entries"] == 100


def test_each_key_makes_one_run(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    body = {"dag_runs": [{"conf": {"n": number}, "idempotency_key": f"k{number}"} for number in range(3)]}
    first = api.post("/dags/etl/dagRuns/trigger", body)
    body["dag_runs"].append({"conf": {"n": 3}, "idempotency_key": "k3"})
    second = api.post("/dags/etl/dagRuns/trigger", body)
    assert [each["is_replayed"] for each in second["dag_runs"]] == [True, True, True, False]
    made = [each["dag_run"]["dag_run_id"] for each in second["dag_runs"]]
    assert made[:3] == [each["dag_run"]["dag_run_id"] for each in first["dag_runs"]]
    assert api.get("/dags/etl/dagRuns")["total_entries"] == 4


def test_a_key_in_two_entries_makes_one_run_and_belongs_to_the_first(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    same, other = {"conf": {"n": 1}, "idempotency_key": "k"}, {"conf": {"n": 2}, "idempotency_key": "k"}
    answered = api.post("/dags/etl/dagRuns/trigger", {"dag_runs": [same, same, other]})
    assert statuses(answered) == [200, 200, 422]
    assert answered["dag_runs"][2]["problem"]["errors"][0]["code"] == "idempotency_key_reused"
    assert api.get("/dags/etl/dagRuns")["total_entries"] == 1


def test_an_entry_that_is_refused_leaves_the_others(api: Api) -> None:
    api.save("etl", {"a": SHELL}, params={"type": "object", "properties": {"n": {"type": "integer"}}})
    api.trigger(run_id="taken")
    asked = [
        {"dag_id": "etl", "dag_run_id": "taken"},
        {"dag_id": "nothing"},
        {"dag_id": "etl", "conf": {"n": "many"}},
        {},
        {"dag_id": "etl", "dag_run_id": "free"},
    ]
    answered = api.post(TRIGGER, {"dag_runs": asked})
    assert statuses(answered) == [409, 404, 400, 400, 200]
    assert [each["problem"] is None for each in answered["dag_runs"]] == [False, False, False, False, True]
    assert api.get("/dags/etl/dagRuns")["total_entries"] == 2


def test_a_database_that_is_away_ends_the_request(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    sqlite_api.save("etl", {"a": SHELL})
    tried = []

    def unreachable(*_: object) -> None:
        tried.append(1)
        raise StoreUnavailable("the database cannot be used now")

    monkeypatch.setattr(many_triggers, "_start", unreachable)
    answered = sqlite_api.request("POST", TRIGGER, json=entries(100))
    assert (answered.status, len(tried)) == (503, 1)
    assert "Retry-After" in answered.headers


def test_a_caller_starts_runs_of_granted_dags_alone(api: Api) -> None:
    for dag_id in ("etl", "other"):
        api.save(dag_id, {"a": SHELL})
    token = api.token_of(Role.VIEWER)
    api.post(TRIGGER, entries(1), 403, token=token)
    granted = api.token_of(None, grants=[Grant(pattern="etl", role=Role.OPERATOR)])
    body = {"dag_runs": [{"dag_id": "etl"}, {"dag_id": "other"}]}
    assert statuses(api.post(TRIGGER, body, token=granted)) == [200, 404]


def test_each_run_counts_as_a_write(open_api: OpenApi) -> None:
    with open_api("sqlite", writes_per_second_max=1.0) as api:
        api.save("etl", {"a": SHELL})
        answered = api.post(TRIGGER, entries(30))
        assert set(statuses(answered)) == {200, 429}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/dag_runs"),
        ({"dag_runs": []}, "/dag_runs"),
        ({"dag_runs": [{}] * 101}, "/dag_runs"),
        ({"dag_runs": [{"confs": {}}]}, "/dag_runs/0/confs"),
        ({"dag_runs": [{}, {"idempotency_key": "a b"}]}, "/dag_runs/1/idempotency_key"),
        ({"dag_runs": [{"conf": [1]}]}, "/dag_runs/0/conf"),
    ],
)
def test_a_wrong_body_makes_no_run(sqlite_api: Api, body: object, pointer: str) -> None:
    sqlite_api.save("etl", {"a": SHELL})
    refused = sqlite_api.post("/dags/etl/dagRuns/trigger", body, 422)
    assert refused["errors"][0]["pointer"] == pointer
    assert sqlite_api.get("/dags/etl/dagRuns")["total_entries"] == 0


def test_a_bulk_trigger_may_have_a_key_of_its_own(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    body = {"dag_runs": [{"idempotency_key": "k1"}, {}]}
    answers = [
        api.request("POST", "/dags/etl/dagRuns/trigger", json=body, headers={"Idempotency-Key": "all"})
        for _ in range(2)
    ]
    assert answers[0].body == answers[1].body
    assert api.get("/dags/etl/dagRuns")["total_entries"] == 2


def test_states_of_many_runs_come_in_the_order_of_the_body(api: Api) -> None:
    for dag_id in ("etl", "other"):
        api.save(dag_id, {"a": SHELL})
        api.trigger(dag_id, "r1")
    api.patch("/dags/etl/dagRuns/r1", {"state": "failed"})
    names = [("other", "r1"), ("etl", "r1"), ("etl", "r2"), ("none", "r1"), ("etl", "r1")]
    body = {"dag_runs": [{"dag_id": dag_id, "dag_run_id": run_id} for dag_id, run_id in names]}
    answered = api.post(STATES, body)["dag_runs"]
    assert [(each["dag_id"], each["dag_run_id"]) for each in answered] == names
    assert [each["state"] for each in answered] == ["queued", "failed", None, None, "failed"]
    assert [each["exit_code"] for each in answered] == [4, 3, None, None, 3]
    assert [each["is_finished"] for each in answered] == [False, True, False, False, True]
    granted = api.token_of(None, grants=[Grant(pattern="other", role=Role.VIEWER)])
    seen = api.post(STATES, body, token=granted)["dag_runs"]
    assert [each["state"] for each in seen] == ["queued", None, None, None, None]


def test_states_are_of_a_thousand_runs_at_most(sqlite_api: Api) -> None:
    name = {"dag_id": "etl", "dag_run_id": "r"}
    assert len(sqlite_api.post(STATES, {"dag_runs": [name] * 1_000})["dag_runs"]) == 1_000
    sqlite_api.post(STATES, {"dag_runs": [name] * 1_001}, 422)
    sqlite_api.post("/dags/etl/dagRuns/states", {"dag_runs": []}, 422)


def test_a_key_tells_what_became_of_its_request(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    api.get("/idempotencyKeys?key=k1", 404)
    made = api.post("/dags/etl/dagRuns", {}, headers={"Idempotency-Key": "k1"})
    kept = api.get("/idempotencyKeys?key=k1")
    assert (kept["status"], kept["body"]) == (200, made)
    api.post("/dags/etl/dagRuns/trigger", {"dag_runs": [{"idempotency_key": "k/2"}]})
    assert api.get("/idempotencyKeys?key=k/2")["body"]["dag_id"] == "etl"


def test_a_key_is_told_to_its_owner_alone(sqlite_api: Api) -> None:
    sqlite_api.save("etl", {"a": SHELL})
    sqlite_api.post("/dags/etl/dagRuns", {}, headers={"Idempotency-Key": "k1"})
    sqlite_api.get("/idempotencyKeys?key=k1", 404, token=sqlite_api.token_of(Role.ADMIN))


def test_a_secret_is_not_told_by_a_key(sqlite_api: Api) -> None:
    sqlite_api.post("/tokens", {"name": "t", "role": "viewer"}, 201, headers={"Idempotency-Key": "k1"})
    kept = sqlite_api.get("/idempotencyKeys?key=k1")
    assert (kept["status"], kept["body"]) == (201, None)


@pytest.mark.parametrize("query", ["", "key=", "key=a%20b", "key=" + "x" * 256])
def test_a_key_that_cannot_be_is_refused(sqlite_api: Api, query: str) -> None:
    sqlite_api.get(f"/idempotencyKeys?{query}", 422)
