"""Backfills over HTTP: a dry run, the start, its progress, pause, cancel, and what is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.harness import SHELL, Api

RANGE = {"dag_id": "etl", "from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-05T00:00:00Z"}
NOOP = {"a": {"type": "noop"}}


def test_a_backfill_runs_its_range_and_tells_how_far_it_has_come(api: Api) -> None:
    api.save(tasks=NOOP, schedule="@daily")
    created = api.post("/backfills", {**RANGE, "dag_run_conf": {"x": 1}, "max_active_runs": 2})
    assert (created["completed_at"], created["is_paused"], created["dag_run_conf"]) == (None, False, {"x": 1})
    assert (created["progress"]["slots_total"], created["progress"]["slots_done"]) == (5, 0)
    api.engine.run_until_idle()
    ended = api.get(f"/backfills/{created['id']}")
    assert ended["completed_at"] is not None
    assert (ended["progress"]["slots_done"], ended["progress"]["runs_success"]) == (5, 5)
    runs = api.get(f"/backfills/{created['id']}/dagRuns?order_by=-logical_date&limit=2")
    assert runs["total_entries"] == 5
    assert [run["dag_run_id"] for run in runs["dag_runs"]] == [
        "backfill__2026-01-05T00:00:00+00:00",
        "backfill__2026-01-04T00:00:00+00:00",
    ]
    one = runs["dag_runs"][0]
    assert (one["run_type"], one["triggered_by"], one["triggering_user_name"]) == ("backfill", "backfill", "admin")
    assert (one["data_interval_start"], one["data_interval_end"]) == ("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z")
    assert api.get("/dags/etl/dagRuns?run_type=backfill")["total_entries"] == 5
    assert api.get("/backfills?dag_id=etl") == {"backfills": [ended], "total_entries": 1}


def test_a_backfill_says_where_it_stands(api: Api) -> None:
    api.save(tasks={"a": SHELL}, schedule="@daily")
    path = f"/backfills/{api.post('/backfills', {**RANGE, 'max_active_runs': 1})['id']}"

    def stands() -> tuple[str, str | None]:
        backfill = api.get(path)
        assert api.get("/backfills?dag_id=etl")["backfills"] == [backfill]
        return backfill["state"], backfill["message"]

    assert stands() == ("running", None)
    api.patch("/dags/etl", {"is_paused": True})
    assert stands() == ("waiting", "waits, because dag 'etl' is paused; unpause the DAG to go on")
    api.patch("/dags/etl", {"is_paused": False})
    api.put(f"{path}/pause", {})
    assert stands() == ("waiting", None)
    api.put(f"{path}/unpause", {})
    api.engine.run_until_idle()
    assert stands() == ("running", None)
    assert api.put(f"{path}/cancel", {})["state"] == "cancelled"
    api.patch("/dags/etl", {"is_paused": True})
    assert stands() == ("cancelled", None)


def test_a_backfill_of_the_first_days_makes_every_run(api: Api) -> None:
    api.save(tasks=NOOP, schedule="@daily")
    created = api.post("/backfills", {**RANGE, "from_date": "1990-01-01", "to_date": "1990-01-03"})
    api.engine.run_until_idle()
    ended = api.get(f"/backfills/{created['id']}")
    assert (ended["state"], ended["progress"]["runs_success"]) == ("finished", 3)


@pytest.mark.parametrize(("is_latest", "tasks"), [(False, ["a"]), (True, ["a", "b"])])
def test_runs_that_exist_are_run_again_with_the_version_asked_for(api: Api, is_latest: bool, tasks: list[str]) -> None:
    api.save(tasks=NOOP, schedule="@daily")
    api.post("/backfills", RANGE)
    api.engine.run_until_idle()
    api.put("/dags/etl", {"tasks": {**NOOP, "b": {"type": "noop"}}, "schedule": "@daily"})
    again = {"reprocess_behavior": "completed", "run_on_latest_version": is_latest}
    ended = api.post("/backfills", {**RANGE, **again})
    api.engine.run_until_idle()
    assert api.get(f"/backfills/{ended['id']}")["progress"]["runs_success"] == 5
    path = "/dags/etl/dagRuns/backfill__2026-01-03T00:00:00+00:00/taskInstances"
    found = {one["task_id"]: one["state"] for one in api.get(path)["task_instances"]}
    assert found == dict.fromkeys(tasks, "success")


def test_a_backfill_tells_when_it_will_be_over(sqlite_api: Api) -> None:
    sqlite_api.save(tasks={"a": SHELL}, schedule="@daily")
    key = sqlite_api.post("/backfills", {**RANGE, "max_active_runs": 1})["id"]
    path = f"/backfills/{key}"

    def estimate() -> Any:
        return sqlite_api.get(path)["progress"]["estimated_completion_at"]

    sqlite_api.engine.run_until_idle()
    assert estimate() is None, "no run has ended, so nobody knows"
    sqlite_api.engine.finish("a", run_id="backfill__2026-01-01T00:00:00+00:00")
    assert datetime.fromisoformat(estimate()) > datetime.now(UTC)
    sqlite_api.request("PUT", f"{path}/pause")
    assert estimate() is None
    sqlite_api.request("PUT", f"{path}/cancel")
    assert estimate() is None
    assert sqlite_api.get("/backfills?dag_id=etl")["backfills"] == [sqlite_api.get(path)]


@pytest.mark.parametrize(
    ("more", "days"),
    [
        pytest.param({}, [1, 2, 4, 5], id="what has no run"),
        pytest.param({"run_backwards": True}, [5, 4, 2, 1], id="backwards"),
        pytest.param({"reprocess_behavior": "failed"}, [1, 2, 3, 4, 5], id="failed ones again"),
    ],
)
def test_a_dry_run_tells_the_runs_and_makes_none(sqlite_api: Api, more: dict[str, Any], days: list[int]) -> None:
    sqlite_api.save(schedule="@daily")
    run_id = sqlite_api.trigger(logical_date="2026-01-03T00:00:00Z")
    sqlite_api.patch(f"/dags/etl/dagRuns/{run_id}", {"state": "failed"})
    dry = sqlite_api.post("/backfills/dry_run", {**RANGE, **more})
    assert [row["logical_date"] for row in dry["backfills"]] == [f"2026-01-0{day}T00:00:00Z" for day in days]
    assert dry["total_entries"] == len(days)
    assert sqlite_api.get("/backfills?dag_id=etl")["total_entries"] == 0


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_backfill_is_paused_and_cancelled(sqlite_api: Api, method: str) -> None:
    sqlite_api.save(tasks={"a": SHELL}, schedule="@daily")
    key = sqlite_api.post("/backfills", RANGE)["id"]
    sqlite_api.engine.run_until_idle()

    def send(verb: str) -> Any:
        return sqlite_api.request(method, f"/backfills/{key}/{verb}")

    assert send("pause").json["is_paused"] is True
    assert send("pause").json["is_paused"] is True
    assert send("unpause").json["is_paused"] is False
    cancelled = send("cancel").json
    assert cancelled["completed_at"] is not None
    assert cancelled["progress"]["runs_running"] == 5
    for verb in ("pause", "unpause", "cancel"):
        assert (send(verb).status, send(verb).json["detail"]["message"]) == (409, f"backfill {key} has ended")


def test_a_second_backfill_of_a_dag_waits_for_the_first(sqlite_api: Api) -> None:
    sqlite_api.save(schedule="@daily")
    sqlite_api.save("other", schedule="@daily")
    sqlite_api.post("/backfills", RANGE)
    assert "etl" in sqlite_api.post("/backfills", RANGE, 409)["detail"]["message"]
    sqlite_api.post("/backfills", {**RANGE, "dag_id": "other"})


def test_what_is_unknown_is_not_found(sqlite_api: Api) -> None:
    sqlite_api.post("/backfills", RANGE, 404)
    sqlite_api.post("/backfills/dry_run", RANGE, 404)
    sqlite_api.get("/backfills?dag_id=etl", 404)
    for path in ("/backfills/1", "/backfills/1/dagRuns", "/backfills/x", "/backfills/-1", f"/backfills/{2**31}"):
        sqlite_api.get(path, 404)
    for verb in ("pause", "unpause", "cancel"):
        for key in (1, 10**30):
            for method in ("PUT", "POST"):
                assert sqlite_api.request(method, f"/backfills/{key}/{verb}").status == 404


@pytest.mark.parametrize(
    ("dag", "body", "pointer"),
    [
        pytest.param({}, {"to_date": "2025-01-01"}, "/to_date", id="end before start"),
        pytest.param(
            {}, {"from_date": "9998-01-01", "to_date": "9999-12-31T23:59:59Z"}, "/from_date", id="all in the future"
        ),
        pytest.param({}, {"from_date": "0000-01-01"}, "/from_date", id="year 0"),
        pytest.param({"schedule": "@hourly"}, {"from_date": "1990-01-01"}, "/to_date", id="too long a range"),
        pytest.param({}, {"from_date": "1989-12-30", "to_date": "1990-01-03"}, "/from_date", id="before all schedules"),
        pytest.param({"schedule": None}, {}, "/dag_id", id="no schedule"),
        pytest.param({"schedule": {"at": ["2026-01-01"]}}, {}, "/dag_id", id="no intervals"),
        pytest.param({}, {"max_active_runs": 0}, "/max_active_runs", id="no run at one time"),
        pytest.param({}, {"max_failed_runs": 0}, "/max_failed_runs", id="paused before it begins"),
        pytest.param({}, {"from_date": "9999-12-31T23:59:59Z", "to_date": "9999-12-31T23:59:59Z"}, "/from_date",
                     id="year 9999"),
        pytest.param({}, {"max_active_runs": True}, "/max_active_runs", id="a boolean is no number"),
        pytest.param({}, {"reprocess_behavior": "all"}, "/reprocess_behavior", id="unknown behaviour"),
        pytest.param({}, {"run_backwards": "yes"}, "/run_backwards", id="text is no boolean"),
        pytest.param({}, {"dag_run_conf": {"rows": "x"}}, "/dag_run_conf/rows", id="conf does not fit"),
        pytest.param({}, {"dag_run_conf": []}, "/dag_run_conf", id="conf is a list"),
        pytest.param({}, {"surprise": 1}, "/surprise", id="unknown member"),
        pytest.param({"past": True}, {"run_backwards": True, "reprocess_behavior": "failed"}, "/run_backwards",
                     id="backwards against depends_on_past"),
        pytest.param({"past": True}, {}, "/reprocess_behavior", id="depends_on_past leaves no gaps"),
    ],
)  # fmt: skip
def test_a_backfill_that_cannot_be_is_refused_by_place(
    sqlite_api: Api, dag: dict[str, Any], body: dict[str, Any], pointer: str
) -> None:
    params = {"type": "object", "properties": {"rows": {"type": "integer"}}}
    fields = {"schedule": "@daily", "params": params, **dag}
    tasks = {"a": {"type": "noop", "depends_on_past": fields.pop("past", False)}}
    sqlite_api.save(tasks=tasks, **fields)
    for path in ("/backfills", "/backfills/dry_run"):
        problem = sqlite_api.post(path, {**RANGE, **body}, 422)
        assert pointer in [error["pointer"] for error in problem["errors"]]
    assert sqlite_api.get("/backfills?dag_id=etl")["total_entries"] == 0


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"to_date": "2025-01-01"}, id="end before start"),
        pytest.param({"from_date": "2099-01-01", "to_date": "2099-01-02"}, id="all in the future"),
        pytest.param({"from_date": "2026-01-01T01:00:00Z", "to_date": "2026-01-01T02:00:00Z"}, id="nothing to make"),
        pytest.param({"dag_run_conf": {"rows": "x"}}, id="conf does not fit"),
        pytest.param({"dag_id": "unscheduled"}, id="no schedule"),
    ],
)
def test_why_a_backfill_cannot_be_is_told_in_a_sentence_and_by_place(sqlite_api: Api, body: dict[str, Any]) -> None:
    params = {"type": "object", "properties": {"rows": {"type": "integer"}}}
    sqlite_api.save(tasks=NOOP, schedule="@daily", params=params)
    sqlite_api.save("unscheduled")
    problem = sqlite_api.post("/backfills", {**RANGE, **body}, 422)
    assert isinstance(problem["detail"], str)
    assert problem["detail"] == "; ".join(f"{each['pointer']}: {each['message']}" for each in problem["errors"])
    malformed = sqlite_api.post("/backfills", {**RANGE, "from_date": "soon"}, 422)
    assert malformed["detail"][0]["loc"] == ["body", "from_date"]


def test_a_preview_of_nothing_is_empty(sqlite_api: Api) -> None:
    sqlite_api.save(tasks=NOOP, schedule="@daily")
    body = {**RANGE, "from_date": "2026-01-01T01:00:00Z", "to_date": "2026-01-01T02:00:00Z"}
    plan = sqlite_api.post("/backfills/dry_run", body)
    assert (plan["backfills"], plan["total_entries"]) == ([], 0)


def test_a_list_without_a_dag_is_of_all(sqlite_api: Api) -> None:
    assert sqlite_api.get("/backfills") == {"backfills": [], "total_entries": 0}


def test_a_dag_can_be_deleted_with_its_backfills(api: Api) -> None:
    api.save(tasks=NOOP, schedule="@daily")
    key = api.post("/backfills", RANGE)["id"]
    api.engine.run_until_idle()
    api.delete("/dags/etl")
    api.get(f"/backfills/{key}", 404)
