"""Pools over HTTP."""

from typing import Any
from urllib.parse import quote

import pytest

from mainspring_store.access.roles import Role
from tests.api.harness import SHELL, Api


def make(api: Api, slots: int = 4, name: str = "db", **more: Any) -> Any:
    return api.post("/pools", {"name": name, "slots": slots, **more}, 201)


def test_a_pool_is_created_changed_listed_and_deleted(api: Api) -> None:
    assert make(api, description="connections") == {
        "name": "db",
        "slots": 4,
        "description": "connections",
        "include_deferred": False,
        "occupied_slots": 0,
        "running_slots": 0,
        "queued_slots": 0,
        "scheduled_slots": 0,
        "deferred_slots": 0,
        "open_slots": 4,
        "team_name": None,
    }
    assert api.patch("/pools/db", {"pool": "db", "slots": -1})["open_slots"] == -1
    changed = api.patch("/pools/db", {"slots": 7, "description": None, "include_deferred": None})
    assert (changed["slots"], changed["description"], changed["include_deferred"]) == (7, None, False)
    listed = api.get("/pools")
    assert ([one["name"] for one in listed["pools"]], listed["total_entries"]) == (["db", "default_pool"], 2)
    assert api.get("/pools?pool_name_pattern=DEF")["total_entries"] == 1
    assert [one["name"] for one in api.get("/pools?order_by=-slots")["pools"]] == ["default_pool", "db"]
    api.delete("/pools/db")
    api.get("/pools/db", 404)
    api.delete("/pools/db", 404)
    api.patch("/pools/db", {"slots": 1}, 404)


def test_slots_are_told_by_what_holds_them(api: Api) -> None:
    make(api, 5)
    task = {**SHELL, "pool": "db", "pool_slots": 2}
    api.save("etl", {"a": task, "b": task, "c": task, "d": {**task, "depends_on": ["a"]}})
    run_id = api.trigger()
    api.engine.run_until_idle()
    api.engine.start("a", run_id)
    api.engine.run_until_idle()
    pool = api.get("/pools/db")
    told = {name: pool[f"{name}_slots"] for name in ("occupied", "running", "queued", "scheduled", "open", "deferred")}
    assert told == {"occupied": 4, "running": 2, "queued": 2, "scheduled": 2, "open": 1, "deferred": 0}
    assert api.get("/pools")["pools"][0] == pool
    assert api.patch("/pools/db", {"slots": 1})["open_slots"] == 0


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"name": "db"}, id="without slots"),
        pytest.param({"slots": 1}, id="without name"),
        pytest.param({"name": "d\x1fb", "slots": 1}, id="control character in the name"),
        pytest.param({"name": "db\n", "slots": 1}, id="line break in the name"),
        pytest.param({"name": "", "slots": 1}, id="empty name"),
        pytest.param({"name": "x" * 251, "slots": 1}, id="long name"),
        pytest.param({"name": "db", "slots": -2}, id="too few slots"),
        pytest.param({"name": "db", "slots": 2**31}, id="too many slots"),
        pytest.param({"name": "db", "slots": "3"}, id="slots as text"),
        pytest.param({"name": "db", "slots": 1, "include_deferred": "yes"}, id="flag as text"),
        pytest.param({"name": "db", "slots": 1, "team_name": "us"}, id="team"),
        pytest.param({"name": "db", "slots": 1, "surprise": 1}, id="unknown member"),
    ],
)
def test_a_wrong_pool_is_refused(sqlite_api: Api, body: Any) -> None:
    sqlite_api.post("/pools", body, 422)
    assert sqlite_api.get("/pools")["total_entries"] == 1


@pytest.mark.parametrize("name", ["my pool", "größe/β", "a|b%_~", "x" * 250])
def test_a_pool_may_have_any_name_that_airflow_knows(api: Api, name: str) -> None:
    made = make(api, 2, name)
    path = f"/pools/{quote(name, safe='')}"
    assert api.get(path) == made
    api.save(tasks={"a": {**SHELL, "pool": name}})
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    assert api.get(path)["queued_slots"] == 1
    listed = api.get(f"/dags/etl/dagRuns/r1/taskInstances?pool={quote(name)}")
    assert [one["pool"] for one in listed["task_instances"]] == [name]
    assert api.patch(path, {"pool": name, "slots": 3})["slots"] == 3
    api.delete(path, 409)
    api.delete(path.replace("pools/", "pools/no"), 404)


def test_a_pool_that_exists_is_not_created_again(api: Api) -> None:
    make(api)
    assert "already exist" in api.post("/pools", {"name": "db", "slots": 9}, 409)["detail"]["message"]
    assert api.get("/pools/db")["slots"] == 4


def test_only_what_the_mask_names_is_changed(sqlite_api: Api) -> None:
    make(sqlite_api, description="old")
    changed = sqlite_api.patch("/pools/db?update_mask=slots&update_mask=nonsense", {"slots": 9, "description": "new"})
    assert (changed["slots"], changed["description"]) == (9, "old")


def test_a_pool_is_not_renamed(sqlite_api: Api) -> None:
    make(sqlite_api)
    sqlite_api.patch("/pools/db", {"pool": "other", "slots": 1}, 400)


def test_the_default_pool_can_be_resized_and_nothing_else(sqlite_api: Api) -> None:
    assert sqlite_api.patch("/pools/default_pool", {"slots": 3})["slots"] == 3
    sqlite_api.patch("/pools/default_pool", {"slots": 3, "description": "x"}, 400)
    sqlite_api.patch("/pools/default_pool?update_mask=slots", {"slots": 4, "description": "x"})
    sqlite_api.delete("/pools/default_pool", 400)


def test_a_dag_names_existing_pools_only_and_keeps_them_from_being_deleted(api: Api) -> None:
    tasks = {"a": {**SHELL, "pool": "db"}}
    refused = api.put("/dags/etl", {"tasks": tasks}, 422)
    assert refused["errors"][0]["pointer"] == "/tasks/a/pool"
    assert refused["errors"][0]["code"] == "unknown_pool"
    assert api.post("/dags/validate", {"dag_id": "etl", "tasks": tasks}, 422)["errors"] == refused["errors"]
    make(api)
    api.put("/dags/etl", {"tasks": tasks}, 201)
    assert "dag 'etl'" in api.delete("/pools/db", 409)["detail"]["message"]
    api.delete("/dags/etl")
    api.delete("/pools/db")


def test_a_group_names_existing_pools_only_and_keeps_them_from_being_deleted(api: Api) -> None:
    group = {"default_args": {"pool": "db"}, "tasks": {"a": SHELL, "b": {**SHELL, "pool": "other"}}}
    refused = api.put("/dags/etl", {"groups": {"g": group}}, 422)["errors"]
    assert {each["pointer"] for each in refused} == {"/groups/g/default_args/pool", "/groups/g/tasks/b/pool"}
    for name in ("db", "other"):
        make(api, name=name)
    api.put("/dags/etl", {"groups": {"g": group}}, 201)
    for name in ("db", "other"):
        assert "dag 'etl'" in api.delete(f"/pools/{name}", 409)["detail"]["message"]


def test_a_larger_pool_is_used_at_once(sqlite_api: Api) -> None:
    make(sqlite_api, 0)
    sqlite_api.save("etl", {"a": {**SHELL, "pool": "db"}})
    run_id = sqlite_api.trigger()
    sqlite_api.engine.run_until_idle()
    assert sqlite_api.engine.states(run_id) == {"a": "scheduled"}
    sqlite_api.patch("/pools/db", {"slots": 1})
    sqlite_api.engine.run_until_idle()
    assert sqlite_api.engine.states(run_id) == {"a": "queued"}


def bulk(api: Api, *actions: Any) -> Any:
    return api.patch("/pools", {"actions": list(actions)})


def test_many_pools_are_written_at_once(api: Api) -> None:
    made = bulk(
        api,
        {"action": "create", "entities": [{"name": "a", "slots": 1}, {"name": "b", "slots": 2}]},
        {"action": "update", "entities": [{"name": "a", "slots": 5, "description": "x"}], "update_mask": ["slots"]},
        {"action": "delete", "entities": ["b"]},
    )
    assert made == {
        "create": {"success": ["a", "b"], "errors": []},
        "update": {"success": ["a"], "errors": []},
        "delete": {"success": ["b"], "errors": []},
    }
    found = api.get("/pools/a")
    assert (found["slots"], found["description"]) == (5, None)


@pytest.mark.parametrize(
    ("on_existence", "success", "status", "slots"),
    [
        ("fail", [], 409, {"a": 1}),
        ("skip", ["c"], None, {"a": 1, "c": 3}),
        ("overwrite", ["a", "c"], None, {"a": 9, "c": 3}),
    ],
)
def test_pools_that_exist_are_left_overwritten_or_fail_their_whole_action(
    api: Api, on_existence: str, success: list[str], status: int | None, slots: dict[str, int]
) -> None:
    make(api, 1, "a")
    entities = [{"name": "a", "slots": 9}, {"name": "c", "slots": 3}]
    made = bulk(api, {"action": "create", "entities": entities, "action_on_existence": on_existence})
    assert made["create"]["success"] == success
    assert [error["status_code"] for error in made["create"]["errors"]] == ([status] if status else [])
    assert made["delete"] is None
    found = {one["name"]: one["slots"] for one in api.get("/pools")["pools"]}
    assert found == {**slots, "default_pool": 128}


def test_an_overwritten_pool_keeps_what_is_not_given(api: Api) -> None:
    api.post("/pools", {"name": "a", "slots": 1, "description": "kept", "include_deferred": True}, 201)
    action = {"action": "create", "action_on_existence": "overwrite", "entities": [{"name": "a", "slots": 2}]}
    bulk(api, action)
    found = api.get("/pools/a")
    assert (found["slots"], found["description"], found["include_deferred"]) == (2, "kept", True)
    bulk(api, {**action, "entities": [{"name": "a", "slots": 2, "description": None, "include_deferred": False}]})
    found = api.get("/pools/a")
    assert (found["description"], found["include_deferred"]) == (None, False)


def test_pools_that_do_not_exist_are_left_out_or_fail_their_whole_action(api: Api) -> None:
    make(api, 1, "a")
    change = {"action": "update", "entities": [{"name": "a", "slots": 2}, {"name": "x", "slots": 2}]}
    assert bulk(api, change)["update"]["errors"][0]["status_code"] == 404
    assert api.get("/pools/a")["slots"] == 1
    assert bulk(api, {**change, "action_on_non_existence": "skip"})["update"]["success"] == ["a"]
    removal = {"action": "delete", "entities": ["x", {"name": "a"}, "default_pool"]}
    assert bulk(api, {**removal, "action_on_non_existence": "skip"})["delete"]["errors"][0]["status_code"] == 409
    assert api.get("/pools")["total_entries"] == 2


@pytest.mark.parametrize(
    ("action", "pointer"),
    [
        ({"action": "create", "entities": [{"name": "a", "slots": 1}, {"name": "b"}]}, "/actions/0/entities/1/slots"),
        ({"action": "update", "entities": [{"slots": 1}]}, "/actions/0/entities/0/name"),
        ({"action": "delete", "entities": [3]}, "/actions/0/entities/0"),
        ({"action": "explode", "entities": []}, "/actions/0/action"),
        ({"action": "create", "entities": [], "action_on_existence": "maybe"}, "/actions/0/action_on_existence"),
    ],
)
def test_a_bulk_request_with_a_wrong_part_does_nothing(sqlite_api: Api, action: Any, pointer: str) -> None:
    refused = sqlite_api.patch("/pools", {"actions": [action]}, 422)
    assert refused["errors"][0]["pointer"] == pointer
    assert sqlite_api.get("/pools")["total_entries"] == 1


def test_viewers_see_pools_and_authors_write_them(sqlite_api: Api) -> None:
    viewer, author = sqlite_api.token_of(Role.VIEWER), sqlite_api.token_of(Role.AUTHOR)
    sqlite_api.get("/pools", token=viewer)
    sqlite_api.post("/pools", {"name": "db", "slots": 1}, 403, token=viewer)
    sqlite_api.post("/pools", {"name": "db", "slots": 1}, 201, token=author)
