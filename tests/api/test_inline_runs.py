"""Runs of definitions that are sent with the run and not saved."""

from typing import Any

import pytest

from mainspring_store.access.roles import Grant, Role
from tests.api.harness import SHELL, Api

NOOP = {"type": "noop"}
ONCE = {"dag_id": "once", "tasks": {"a": SHELL}, "schedule": "@daily", "tags": ["t"]}


def run(api: Api, definition: Any = ONCE, status: int = 200, *, token: str = "", **more: Any) -> Any:
    return api.post("/dagRuns", {"definition": definition, **more}, status, token=token)


def end(api: Api, run_id: str, dag_id: str = "once") -> None:
    api.engine.run_until_idle()
    api.engine.finish("a", run_id=run_id)
    assert api.get(f"/dags/{dag_id}/dagRuns/{run_id}")["state"] == "success"


def test_a_definition_runs_without_being_saved(api: Api) -> None:
    made = run(api, dag_run_id="r1")
    (version,) = made["dag_versions"]
    assert (made["dag_id"], version["version_number"], version["is_inline"]) == ("once", 1, True)
    end(api, "r1")
    # The DAG is hidden, has no schedule and no version to run by name.
    assert api.get("/dags")["dags"] == []
    assert api.get("/dagOverview")["dags"] == []
    hidden = api.get("/dags/once")
    assert (hidden["is_stale"], hidden["is_paused"], hidden["next_dagrun_run_after"]) == (True, False, None)
    assert api.get("/dags/once/dagVersions")["total_entries"] == 0
    assert api.get("/dags/once/dagVersions?include_inline=true")["total_entries"] == 1
    assert "not saved" in api.post("/dags/once/dagRuns", {}, 404)["detail"]
    assert api.get("/dags/once/definition?version_number=1")["schedule"]


def test_all_of_it_goes_with_the_last_run(api: Api) -> None:
    run(api, dag_run_id="r1")
    run(api, dag_run_id="r2")
    assert api.get("/dags/once/dagVersions?include_inline=true")["total_entries"] == 2
    api.delete("/dags/once/dagRuns/r1")
    versions = api.get("/dags/once/dagVersions?include_inline=true")["dag_versions"]
    assert [version["version_number"] for version in versions] == [2]
    api.delete("/dags/once/dagRuns/r2")
    api.get("/dags/once", 404)


def test_it_is_never_the_current_version_of_a_dag(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    other = {"dag_id": "etl", "tasks": {"a": SHELL, "b": NOOP}, "schedule": "@daily"}
    made = run(api, other, dag_run_id="r1")
    assert made["dag_versions"][0]["version_number"] == 2
    dag = api.get("/dags/etl/details")
    assert (dag["is_stale"], dag["timetable_summary"], dag["latest_dag_version"]["version_number"]) == (False, None, 1)
    assert api.post("/dags/etl/dagRuns", {"dag_run_id": "r2"})["dag_versions"][0]["version_number"] == 1
    api.post("/dags/etl/dagRuns", {"version_number": 2}, 409)
    api.post("/dags/etl/dagRuns/r2/clear", {"version_number": 2}, 409)
    # A number is used once, also when its version is gone.
    api.delete("/dags/etl/dagRuns/r1")
    api.get("/dags/etl/dagVersions/2", 404)
    saved = api.put("/dags/etl", {"tasks": {"c": NOOP}})
    assert saved["latest_dag_version"]["version_number"] == 3
    api.get("/dags/etl")


def test_a_run_that_changes_to_a_saved_version_leaves_none_behind(api: Api) -> None:
    api.save("etl", {"a": SHELL})
    run(api, {"dag_id": "etl", "tasks": {"a": NOOP}}, dag_run_id="r1")
    api.engine.run_until_idle()
    cleared = api.post("/dags/etl/dagRuns/r1/clear", {"version_number": 1, "dry_run": False})
    assert cleared["dag_versions"][0]["version_number"] == 1
    api.get("/dags/etl/dagVersions/2", 404)
    api.get("/dags/etl")


def test_the_run_of_an_unsaved_definition_can_be_cleared(api: Api) -> None:
    run(api, dag_run_id="r1")
    end(api, "r1")
    assert api.post("/dags/once/dagRuns/r1/clear", {"dry_run": False})["state"] == "queued"
    assert api.post("/dags/once/dagRuns/r1/clear", {"run_on_latest_version": True}, 404)
    end(api, "r1")


def test_a_save_makes_a_dag_of_it(api: Api) -> None:
    run(api, dag_run_id="r1")
    saved = api.put("/dags/once", {**ONCE, "is_paused_upon_creation": True}, 201, headers={"If-None-Match": "*"})
    assert (saved["is_stale"], saved["is_paused"], saved["latest_dag_version"]["version_number"]) == (False, True, 2)
    assert [dag["dag_id"] for dag in api.get("/dags?tags=t")["dags"]] == ["once"]
    api.delete("/dags/once/dagRuns/r1")
    assert api.get("/dags/once/details")["latest_dag_version"]["version_number"] == 2


def test_a_dag_without_a_saved_version_is_changed_by_its_own_tag(api: Api) -> None:
    run(api, dag_run_id="r1")
    end(api, "r1")
    tag = {"If-Match": api.request("GET", "/dags/once").headers["ETag"]}
    assert api.patch("/dags/once", {"is_paused": True}, headers=tag)["is_paused"]
    api.patch("/dags/once", {"is_paused": False}, 412, headers=tag)
    api.put("/dags/once", ONCE, 412, headers=tag)
    api.delete("/dags/once", 412, headers=tag)
    tag = {"If-Match": api.request("GET", "/dags/once").headers["ETag"]}
    api.put("/dags/once", ONCE, 201, headers=tag)
    run(api, {**ONCE, "dag_id": "twice"}, dag_run_id="r2")
    end(api, "r2", "twice")
    api.delete("/dags/twice", headers={"If-Match": api.request("GET", "/dags/twice").headers["ETag"]})
    api.get("/dags/twice", 404)


def test_what_ran_well_can_be_saved_by_its_number(api: Api) -> None:
    run(api, dag_run_id="r1")
    saved = api.post("/dags/once/dagVersions/1/restore", {"message": "as tried"})
    assert (saved["is_stale"], saved["latest_dag_version"]["is_inline"]) == (False, False)
    assert api.get("/dags/once/dagVersions")["dag_versions"][0]["message"] == "as tried"


def test_the_caller_must_be_author_of_the_dag(api: Api) -> None:
    operator = api.token_of(None, grants=[Grant(pattern="once", role=Role.OPERATOR)])
    run(api, status=403, token=operator)
    author = api.token_of(None, grants=[Grant(pattern="mi*", role=Role.AUTHOR)])
    run(api, status=404, token=author)
    run(api, {**ONCE, "dag_id": "mine"}, token=author)
    # It reaches no further than a saved definition.
    call = {"dag_id": "mine", "tasks": {"a": {"type": "dag", "dag_id": "foreign"}}}
    assert run(api, call, status=422, token=author)["errors"][0]["code"] == "not_allowed"


def test_nothing_stays_of_a_run_that_is_refused(api: Api) -> None:
    run(api, dag_run_id="r1")
    run(api, dag_run_id="r1", status=409)
    assert api.get("/dags/once/dagVersions?include_inline=true")["total_entries"] == 1
    rows = {"type": "object", "properties": {"rows": {"type": "integer"}}, "required": ["rows"]}
    run(api, {**ONCE, "dag_id": "new", "params": rows}, conf={"rows": "x"}, status=400)
    faulty = run(api, {"dag_id": "new", "tasks": {"a": {"type": "noop", "pool": "none"}}}, status=422)
    assert faulty["errors"][0]["code"] == "unknown_pool"
    api.get("/dags/new", 404)


def test_text_is_kept_with_its_comments_and_params_hold(api: Api) -> None:
    text = "# tried\nparams: {type: object, properties: {rows: {default: 1}}}\ntasks: {a: {type: noop}}\n"
    made = api.post("/dagRuns", {"dag_id": "text", "text": text, "conf": {"rows": 2}})
    assert made["params"] == {"rows": 2}
    sent = api.request("GET", "/dags/text/definition?form=sent&version_number=1")
    assert sent.body == text.encode()


def test_a_request_that_is_repeated_with_its_key_makes_one_run(api: Api) -> None:
    headers = {"Idempotency-Key": "k1"}
    first, second = (api.post("/dagRuns", {"definition": ONCE}, headers=headers)["dag_run_id"] for _ in range(2))
    assert first == second
    assert api.get("/dags/once/dagRuns")["total_entries"] == 1


def test_a_deleted_dag_takes_all_its_versions_along(api: Api) -> None:
    run(api, dag_run_id="r1")
    api.delete("/dags/once")
    api.get("/dags/once", 404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"definition": ONCE, "text": "tasks: {}"},
        {"definition": []},
        {"definition": {"tasks": {"a": NOOP}}},
        {"definition": {"dag_id": "a/b", "tasks": {"a": NOOP}}},
        {"definition": ONCE, "dag_id": "other"},
        {"definition": ONCE, "version_number": 1},
        {"definition": ONCE, "conf": 1},
        {"text": "tasks: [", "dag_id": "x"},
        {"text": "x: 1", "dag_id": "x", "media_type": "text/html"},
        {"definition": ONCE, "unknown": 1},
    ],
)
def test_a_body_that_cannot_be_is_refused(sqlite_api: Api, body: Any) -> None:
    sqlite_api.post("/dagRuns", body, 422)
