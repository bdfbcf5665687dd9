"""Bundles: DAGs that remember the folder they come from, and DAGs that the folder no longer has."""

from typing import Any

import pytest

from mainspring_store.access.roles import Grant, Role
from tests.api.harness import Api

NOOP = {"type": "noop"}


def body(*dag_ids: str, **more: Any) -> dict[str, Any]:
    definitions = [{"definition": {"dag_id": dag_id, "tasks": {"a": NOOP}}} for dag_id in dag_ids]
    return {"definitions": definitions, "bundle_name": "team", **more}


def prune(api: Api, *kept: str, status: int = 200, token: str = "", **more: Any) -> Any:
    return api.post("/dags/prune", {"bundle_name": "team", "kept": list(kept), **more}, status, token=token)


def names(api: Api, query: str = "") -> list[str]:
    return [dag["dag_id"] for dag in api.get(f"/dags?{query}")["dags"]]


def test_a_dag_remembers_the_bundle_that_applied_it(api: Api) -> None:
    api.save("alone")
    api.put("/dags", body("a", "b"))
    api.put("/dags/c?bundle_name=other", {"tasks": {"a": NOOP}}, 201)
    found = {dag["dag_id"]: dag["bundle_name"] for dag in api.get("/dags")["dags"]}
    assert found == {"alone": None, "a": "team", "b": "team", "c": "other"}
    assert names(api, "bundle_name=team") == ["a", "b"]
    # A save that names no bundle, such as that of an editor, leaves the DAG where it is.
    assert api.put("/dags/a", {"tasks": {"b": NOOP}})["bundle_name"] == "team"
    # A DAG of no bundle is adopted, also without a change of its definition.
    saved = api.put("/dags", {**body(), "definitions": [{"definition": {"dag_id": "a", "tasks": {"b": NOOP}}}]})
    assert saved["dags"][0]["action"] == "unchanged"
    alone = api.get("/dags/alone/definition")
    planned = api.post("/dags/plan", {"definitions": [{"definition": alone}], "bundle_name": "team"})["dags"][0]
    assert (planned["action"], planned["summary"], planned["bundle_name"]) == ("change", "bundle: none -> team", None)
    saved = api.put("/dags", {"definitions": [{"definition": alone}], "bundle_name": "team"})
    assert [(dag["action"], dag["version_number"]) for dag in saved["dags"]] == [("change", 1)]
    assert api.get("/dags/alone")["bundle_name"] == "team"


def test_a_dag_of_another_bundle_must_be_taken_over(api: Api) -> None:
    api.put("/dags", body("a"))
    other = {**body("new", "a"), "bundle_name": "other"}
    for refused in (
        api.put("/dags", other, 422),
        api.post("/dags/plan", other, 422),
    ):
        (fault,) = refused["errors"]
        assert (fault["code"], fault["pointer"]) == ("other_bundle", "/definitions/1")
        assert "'team'" in fault["message"]
    refused = api.put("/dags/a?bundle_name=other", {"tasks": {"b": NOOP}}, 422)
    assert refused["errors"][0]["code"] == "other_bundle"
    api.get("/dags/new", 404)
    api.put("/dags", {**other, "take_over": True})
    assert names(api, "bundle_name=other") == ["a", "new"]
    # The plan of one bundle saves nothing into another.
    token = api.post("/dags/plan", body("b"))["plan_token"]
    api.put("/dags", {**body("b"), "bundle_name": "third", "plan_token": token}, 422)
    api.put("/dags", body("b", plan_token=token))


def test_a_prune_pauses_what_the_bundle_no_longer_has(api: Api) -> None:
    api.put("/dags", body("a", "b", "c"))
    api.save("alone", schedule="@daily")
    api.put("/dags/b", {"tasks": {"a": NOOP}, "schedule": "@daily"})
    api.trigger("b", "r1")
    assert prune(api, "a", "c", dry_run=True)["dag_ids"] == ["b"]
    assert api.get("/dags/b")["is_stale"] is False
    assert prune(api, "a", "c") == {"bundle_name": "team", "dag_ids": ["b"], "stale_dag_ids": []}
    assert prune(api, "a", "c") == {"bundle_name": "team", "dag_ids": [], "stale_dag_ids": ["b"]}
    stale = api.get("/dags/b")
    assert (stale["is_stale"], stale["is_paused"], stale["next_dagrun_run_after"]) == (True, True, None)
    assert (names(api), names(api, "exclude_stale=false")) == (["a", "alone", "c"], ["a", "alone", "b", "c"])
    assert [dag["dag_id"] for dag in api.get("/dagOverview")["dags"]] == ["a", "alone", "c"]
    assert api.get("/search?q=b&kinds=dag")["hits"] == []
    # What it had stays; a new run is refused, also of a parent DAG.
    assert api.get("/dags/b/dagRuns/r1")["dag_id"] == "b"
    assert "stale" in api.post("/dags/b/dagRuns", {}, 404)["detail"]
    # Unpaused it has no schedule.
    api.patch("/dags/b", {"is_paused": False})
    api.engine.step()
    assert api.get("/dags/b")["next_dagrun_run_after"] is None


def test_a_save_makes_a_stale_dag_current_again(api: Api) -> None:
    definition = {"dag_id": "b", "tasks": {"a": NOOP}, "schedule": "@daily"}
    api.put("/dags", {"definitions": [{"definition": definition}], "bundle_name": "team"})
    prune(api, "x", force=True)
    again = {"definitions": [{"definition": definition}], "bundle_name": "team"}
    planned = api.post("/dags/plan", again)["dags"][0]
    assert (planned["action"], planned["summary"]) == ("change", "no longer stale")
    assert api.put("/dags", again)["dags"][0]["action"] == "change"
    dag = api.get("/dags/b/details")
    assert (dag["is_stale"], dag["is_paused"], dag["latest_dag_version"]["version_number"]) == (False, True, 1)
    api.patch("/dags/b", {"is_paused": False})
    api.trigger("b")
    api.engine.step()
    assert api.get("/dags/b")["next_dagrun_run_after"] is not None


def test_a_child_dag_that_is_stale_is_no_longer_there(api: Api) -> None:
    api.put("/dags", body("child", "kept"))
    api.save("parent", {"call": {"type": "dag", "dag_id": "child"}})
    prune(api, "kept")
    run_id = api.trigger("parent")
    api.engine.run_until_idle()
    assert api.get(f"/dags/parent/dagRuns/{run_id}")["state"] == "failed"


def test_a_prune_of_more_than_half_must_be_forced(api: Api) -> None:
    api.put("/dags", body("a", "b", "c"))
    refused = prune(api, "a", status=409)
    assert "2 of the 3 DAGs" in refused["detail"]["message"]
    assert names(api) == ["a", "b", "c"]
    assert prune(api, "a", force=True)["dag_ids"] == ["b", "c"]
    # Stale DAGs no longer count: a bundle of one loses none here.
    assert prune(api, "a")["dag_ids"] == []


def test_a_prune_needs_the_rights_on_each_dag_before_the_first_is_changed(api: Api) -> None:
    api.put("/dags", body("mine1", "mine2", "mine3", "seen"))
    grants = [Grant(pattern="mine*", role=Role.AUTHOR), Grant(pattern="seen", role=Role.VIEWER)]
    author = api.token_of(None, grants=grants)
    prune(api, "mine1", "mine2", status=403, token=author)
    assert names(api) == ["mine1", "mine2", "mine3", "seen"]
    # DAGs that the caller may not see are neither touched nor told.
    unseeing = api.token_of(None, grants=grants[:1])
    assert prune(api, "mine1", "mine2", token=unseeing)["dag_ids"] == ["mine3"]
    assert names(api) == ["mine1", "mine2", "seen"]


@pytest.mark.parametrize(
    "content",
    [
        {"kept": ["a"]},
        {"bundle_name": "team"},
        {"bundle_name": "team", "kept": []},
        {"bundle_name": "team", "kept": [1]},
        {"bundle_name": "te am", "kept": ["a"]},
        {"bundle_name": "", "kept": ["a"]},
        {"bundle_name": "x" * 251, "kept": ["a"]},
        {"bundle_name": None, "kept": ["a"]},
        {"bundle_name": "team\n", "kept": ["a"]},
        {"bundle_name": "team", "kept": ["a"], "force": "yes"},
        {"bundle_name": "team", "kept": ["a"] * 10_001},
        {"bundle_name": "team", "kept": ["a"], "delete": True},
    ],
)
def test_a_prune_that_cannot_be_is_refused(sqlite_api: Api, content: Any) -> None:
    sqlite_api.post("/dags/prune", content, 422)


@pytest.mark.parametrize("name", ["te am", "x" * 251, "../x", "a%00"])
def test_a_bundle_is_named_as_a_dag_is(sqlite_api: Api, name: str) -> None:
    sqlite_api.put(f"/dags/a?bundle_name={name}", {"tasks": {"a": NOOP}}, 422)
    sqlite_api.put("/dags", {**body("a"), "bundle_name": name}, 422)
