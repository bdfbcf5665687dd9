"""Runs over HTTP: trigger, look, cancel, wait."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from urllib.parse import quote

import pytest
from sqlalchemy import select

from mainspring_store.tables import dag_run
from tests.api.harness import SHELL, Api

PARAMS = {
    "type": "object",
    "properties": {"rows": {"type": "integer", "default": 3}, "name": {"type": "string"}},
    "additionalProperties": False,
}


def test_a_trigger_answers_the_queued_run(api: Api) -> None:
    api.save(params=PARAMS)
    before = datetime.now(UTC)
    run = api.post("/dags/etl/dagRuns", {"logical_date": None, "conf": {"name": "x"}, "note": "by hand"})
    assert (run["state"], run["run_type"], run["triggered_by"]) == ("queued", "manual", "rest_api")
    assert (run["conf"], run["params"]) == ({"name": "x"}, {"name": "x", "rows": 3})
    assert (run["note"], run["triggering_user_name"]) == ("by hand", "admin")
    assert (run["logical_date"], run["data_interval_start"], run["start_date"]) == (None, None, None)
    assert before <= datetime.fromisoformat(run["run_after"]) <= datetime.now(UTC)
    assert [version["version_number"] for version in run["dag_versions"]] == [1]
    assert re.fullmatch(r"manual__[0-9T:.+-]{26,}_[0-9a-f]{8}", run["dag_run_id"])
    assert api.get(f"/dags/etl/dagRuns/{run['dag_run_id']}") == run


def test_a_trigger_takes_over_the_trace_of_its_caller_and_no_other_text(api: Api) -> None:
    api.save()
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for name, text in (("given", given), ("odd", f"{given}-x"), ("long", "0" * 5_000)):
        api.post("/dags/etl/dagRuns", {"dag_run_id": name}, headers={"traceparent": text})
    body = {"dag_runs": [{"dag_run_id": "many"}]}
    api.post("/dags/etl/dagRuns/trigger", body, headers={"traceparent": given})
    with api.database.read() as connection:
        rows = {row.run_id: row.traceparent for row in connection.execute(select(dag_run))}
    assert rows["given"] == rows["many"] == given
    begun = re.compile(r"00-[0-9a-f]{32}-0{16}-01")
    assert all(begun.fullmatch(rows[name]) for name in ("odd", "long"))
    assert rows["odd"] != rows["long"]


def test_a_trigger_needs_no_body(sqlite_api: Api) -> None:
    sqlite_api.save()
    answer = sqlite_api.request("POST", "/dags/etl/dagRuns")
    assert (answer.status, answer.json["conf"]) == (200, {})


def test_triggers_at_one_moment_make_as_many_runs(api: Api) -> None:
    api.save()
    together = Barrier(8)

    def trigger(_: int) -> str:
        together.wait(10)
        return api.trigger()

    with ThreadPoolExecutor(8) as pool:
        run_ids = set(pool.map(trigger, range(8)))
    assert len(run_ids) == 8
    assert api.get("/dags/etl/dagRuns")["total_entries"] == 8


def test_a_run_keeps_the_version_it_was_made_from(api: Api) -> None:
    api.save()
    run_id = api.trigger()
    api.put("/dags/etl", {"tasks": {"other": SHELL}})
    assert api.get(f"/dags/etl/dagRuns/{run_id}")["dag_versions"][0]["version_number"] == 1
    instances = api.get(f"/dags/etl/dagRuns/{run_id}/taskInstances")["task_instances"]
    assert [one["task_id"] for one in instances] == ["a", "b"]
    newer = api.trigger()
    assert api.get(f"/dags/etl/dagRuns/{newer}")["dag_versions"][0]["version_number"] == 2


def test_a_referer_means_that_the_page_triggered_it(sqlite_api: Api) -> None:
    sqlite_api.save()
    run = sqlite_api.post("/dags/etl/dagRuns", {}, headers={"Referer": "http://localhost/dags/etl"})
    assert run["triggered_by"] == "ui"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        pytest.param({"conf": []}, "/conf", id="conf is a list"),
        pytest.param({"surprise": 1}, "/surprise", id="unknown member"),
        pytest.param({"dag_run_id": 5}, "/dag_run_id", id="run id is a number"),
        pytest.param({"logical_date": "soon"}, "/logical_date", id="no instant"),
        pytest.param({"logical_date": 1700000000}, "/logical_date", id="instant as a number"),
        pytest.param({"run_after": "0001-01-01T00:00:00+14:00"}, "/run_after", id="before the first instant"),
        pytest.param({"run_after": "2026-01-01T00:00:00+26:00"}, "/run_after", id="offset out of range"),
        pytest.param({"data_interval_start": "2026-01-01"}, "/data_interval_start", id="one end of an interval"),
        pytest.param(
            {"logical_date": "2026-01-01", "data_interval_start": "2026-01-02", "data_interval_end": "2026-01-01"},
            "/data_interval_end",
            id="interval backwards",
        ),
        pytest.param({"partition_key": "x"}, "/partition_key", id="partition"),
    ],
)
def test_a_trigger_that_does_not_validate_is_refused_by_place(sqlite_api: Api, body: object, pointer: str) -> None:
    sqlite_api.save(params=PARAMS)
    problem = sqlite_api.post("/dags/etl/dagRuns", body, 422)
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert ["body", *pointer.split("/")[1:]] in [item["loc"] for item in problem["detail"]]
    assert sqlite_api.get("/dags/etl/dagRuns")["total_entries"] == 0


@pytest.mark.parametrize(
    ("conf", "pointer"),
    [
        pytest.param({"rows": "many"}, "/conf/rows", id="another type"),
        pytest.param({"extra": 1}, "/conf", id="forbidden by the schema"),
    ],
)
def test_a_conf_that_does_not_fit_the_params_is_a_bad_request(sqlite_api: Api, conf: object, pointer: str) -> None:
    sqlite_api.save(params=PARAMS)
    problem = sqlite_api.post("/dags/etl/dagRuns", {"conf": conf}, 400)
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, "params_mismatch")]
    assert pointer in problem["detail"]
    assert sqlite_api.get("/dags/etl/dagRuns")["total_entries"] == 0


def test_the_note_of_a_trigger_may_be_long_and_that_of_a_change_may_not(sqlite_api: Api) -> None:
    sqlite_api.save()
    run = sqlite_api.post("/dags/etl/dagRuns", {"note": "x" * 100_000})
    assert len(sqlite_api.get(f"/dags/etl/dagRuns/{run['dag_run_id']}")["note"]) == 100_000
    sqlite_api.patch(f"/dags/etl/dagRuns/{run['dag_run_id']}", {"note": "x" * 1001}, 422)


@pytest.mark.parametrize(
    "run_id", ["a/b", "a..b", "..", "", "white space", "ümlaut", "x" * 251, "scheduled__x", "backfill__x", "a\nb"]
)
def test_a_run_id_that_is_none_is_a_bad_request(sqlite_api: Api, run_id: str) -> None:
    sqlite_api.save()
    sqlite_api.post("/dags/etl/dagRuns", {"dag_run_id": run_id}, 400)
    assert sqlite_api.get("/dags/etl/dagRuns")["total_entries"] == 0


@pytest.mark.parametrize("run_id", ["r", "manual__x", "a~b:c+d-e_f.g", "x" * 250])
def test_a_chosen_run_id_is_kept(sqlite_api: Api, run_id: str) -> None:
    sqlite_api.save()
    assert sqlite_api.trigger(run_id=run_id) == run_id
    assert sqlite_api.get(f"/dags/etl/dagRuns/{quote(run_id, safe='')}")["dag_run_id"] == run_id


def test_a_second_run_of_one_id_or_logical_date_is_a_conflict(api: Api) -> None:
    api.save()
    api.save("other")
    api.trigger(run_id="r1", logical_date="2026-01-01T00:00:00Z")
    same_id = api.post("/dags/etl/dagRuns", {"dag_run_id": "r1"}, 409)
    same_date = api.post("/dags/etl/dagRuns", {"dag_run_id": "r2", "logical_date": "2026-01-01T01:00:00+01:00"}, 409)
    assert "'r1'" in same_id["detail"]["message"]
    assert "2026-01-01" in same_date["detail"]["message"]
    assert set(same_id["detail"]) == {"reason", "message"}
    api.trigger("other", run_id="r1", logical_date="2026-01-01T00:00:00Z")
    assert api.get("/dags/etl/dagRuns")["total_entries"] == 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({"logical_date": "2026-01-01T00:00:00"}, ["01-01", "01-01", "01-01"], id="no zone is UTC"),
        pytest.param(
            {
                "logical_date": "2026-01-01T02:00:00.000000+0200",
                "data_interval_start": "2026-01-02",
                "data_interval_end": "2026-01-03",
            },
            ["01-01", "01-02", "01-03"],
            id="all given",
        ),
        pytest.param(
            {"data_interval_start": "2026-01-02", "data_interval_end": "2026-01-03"},
            [None, None, None],
            id="interval without a logical date is dropped",
        ),
    ],
)
def test_dates_of_a_trigger(sqlite_api: Api, body: dict[str, str], expected: list[str | None]) -> None:
    sqlite_api.save()
    run = sqlite_api.post("/dags/etl/dagRuns", body)
    got = [run[name] for name in ("logical_date", "data_interval_start", "data_interval_end")]
    assert got == [day and f"2026-{day}T00:00:00Z" for day in expected]


def test_a_run_tells_how_it_went(api: Api) -> None:
    api.save(outputs={"total": "${{ tasks.a.outputs.n }}"})
    run_id = api.trigger()
    api.engine.run_until_idle()
    assert api.get(f"/dags/etl/dagRuns/{run_id}")["state"] == "running"
    api.engine.finish("a", run_id=run_id, outputs={"n": 5})
    api.engine.finish("b", run_id=run_id)
    run = api.get(f"/dags/etl/dagRuns/{run_id}")
    assert (run["state"], run["outputs"], run["state_reason"]) == ("success", {"total": 5}, None)
    seconds = datetime.fromisoformat(run["end_date"]) - datetime.fromisoformat(run["start_date"])
    assert run["duration"] == seconds.total_seconds()


def test_a_cancel_ends_the_run_and_says_who(api: Api) -> None:
    api.save()
    run_id = api.trigger()
    api.engine.run_until_idle()
    run = api.patch(f"/dags/etl/dagRuns/{run_id}", {"state": "failed", "note": "not needed"})
    assert (run["state"], run["state_reason"], run["note"]) == ("failed", "cancelled", "not needed")
    assert "admin" in run["message"]
    instances = api.get(f"/dags/etl/dagRuns/{run_id}/taskInstances")["task_instances"]
    assert {one["task_id"]: one["state"] for one in instances} == {"a": "failed", "b": "skipped"}
    again = api.patch(f"/dags/etl/dagRuns/{run_id}", {"state": "failed"})
    assert again["end_date"] == run["end_date"]


def test_a_run_can_be_marked_and_queued_again(api: Api) -> None:
    api.save()
    run_id = api.trigger()
    api.engine.run_until_idle()
    path = f"/dags/etl/dagRuns/{run_id}"
    marked = api.patch(path, {"state": "success"})
    assert (marked["state"], marked["state_reason"]) == ("success", "marked")
    assert "admin" in marked["message"]
    instances = api.get(f"{path}/taskInstances")["task_instances"]
    assert {one["task_id"]: one["state"] for one in instances} == {"a": "success", "b": "skipped"}
    assert api.patch(path, {"state": "failed"})["state_reason"] == "marked"
    assert api.patch(path, {"state": "queued"})["state"] == "queued"
    api.engine.run_until_idle()
    # The mark prevented `b` from running, so the run that goes on runs it.
    assert api.get(path)["state"] == "running"


def test_queueing_a_run_that_has_not_ended_changes_nothing(api: Api) -> None:
    api.save()
    run_id = api.trigger()
    api.engine.run_until_idle()
    assert api.patch(f"/dags/etl/dagRuns/{run_id}", {"state": "queued"})["state"] == "running"


@pytest.mark.parametrize("state", ["running", "cancelled", "", 1])
def test_other_states_cannot_be_set(sqlite_api: Api, state: object) -> None:
    sqlite_api.save()
    run_id = sqlite_api.trigger()
    sqlite_api.patch(f"/dags/etl/dagRuns/{run_id}", {"state": state}, 422)


def test_a_mask_narrows_what_is_applied(sqlite_api: Api) -> None:
    sqlite_api.save()
    run_id = sqlite_api.trigger()
    run = sqlite_api.patch(
        f"/dags/etl/dagRuns/{run_id}?update_mask=note&update_mask=no_such", {"state": "failed", "note": "later"}
    )
    assert (run["state"], run["note"]) == ("queued", "later")


@pytest.mark.parametrize("note", ["", None])
def test_an_empty_note_removes_the_note(sqlite_api: Api, note: str | None) -> None:
    sqlite_api.save()
    run_id = sqlite_api.trigger(note="old")
    assert sqlite_api.patch(f"/dags/etl/dagRuns/{run_id}", {"note": note})["note"] is None


def test_unknown_runs_are_not_found(sqlite_api: Api) -> None:
    sqlite_api.save()
    sqlite_api.get("/dags/etl/dagRuns/none", 404)
    sqlite_api.get("/dags/~/dagRuns/none", 404)
    sqlite_api.patch("/dags/etl/dagRuns/none", {"note": "x"}, 404)
    sqlite_api.patch("/dags/etl/dagRuns/none", {"state": "failed"}, 404)
    sqlite_api.get("/dags/etl/dagRuns/none/wait?interval=1", 404)
    sqlite_api.get("/dags/etl/dagRuns/none/taskInstances", 404)


def test_a_run_is_kept_for_ever_and_let_go_again(api: Api) -> None:
    api.save()
    run_id = api.trigger()
    path = f"/dags/etl/dagRuns/{run_id}"
    assert api.get(path)["keep"] is False
    assert api.patch(path, {"keep": True})["keep"] is True
    assert api.patch(path, {"note": "x"})["keep"] is True
    assert api.patch(f"{path}?update_mask=keep", {"keep": False, "note": "y"})["keep"] is False
    assert api.get(path)["note"] == "x"
    assert api.request("PATCH", path, json={"keep": "often"}).status == 422
