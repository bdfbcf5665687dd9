"""Many runs and task instances in one request: listed by a body, changed, deleted, cleared."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from mainspring_store.access.roles import Grant, Role
from mainspring_store.access.tokens import add_token
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api

RUNS, INSTANCES = "/dags/~/dagRuns/list", "/dags/~/dagRuns/~/taskInstances/list"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def listed(request: pytest.FixtureRequest, open_api: OpenApi) -> Iterator[Api]:
    """Of `one` the runs r1 (failed) and r2, of `two` r1; only read."""
    with open_api(request.param) as api:
        for dag_id in ("one", "two"):
            api.save(dag_id, {"a": {**SHELL, "queue": dag_id}, "b": SHELL})
        api.trigger("one", "r1", logical_date="2026-01-01T00:00:00Z", conf={"region": "eu"})
        api.trigger("one", "r2", logical_date="2026-01-02T00:00:00Z")
        api.trigger("two", "r1")
        api.patch("/dags/one/dagRuns/r1", {"state": "failed"})
        yield api


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param({}, ["one.r1", "one.r2", "two.r1"], id="all"),
        pytest.param({"dag_ids": ["one"], "states": None}, ["one.r1", "one.r2"], id="dag ids"),
        pytest.param({"dag_ids": [], "states": []}, ["one.r1", "one.r2", "two.r1"], id="empty lists"),
        pytest.param({"states": [None]}, [], id="no state"),
        pytest.param({"end_date_gt": "2020-01-01T00:00:00Z"}, ["one.r1"], id="ended"),
        pytest.param({"start_date_lt": "2100-01-01T00:00:00+01:00"}, [], id="started"),
        pytest.param({"states": ["failed", None]}, ["one.r1"], id="states"),
        pytest.param({"logical_date_gt": "2026-01-01T00:00:00Z"}, ["one.r2"], id="range"),
        pytest.param({"conf_contains": "eu"}, ["one.r1"], id="conf"),
        pytest.param({"order_by": "-id", "page_limit": 1, "page_offset": 1}, ["one.r2"], id="page"),
    ],
)
def test_runs_are_listed_as_a_body_says(listed: Api, body: dict[str, Any], found: list[str]) -> None:
    answer = listed.post(RUNS, body)
    assert [f"{run['dag_id']}.{run['dag_run_id']}" for run in answer["dag_runs"]] == found
    assert answer["total_entries"] == (3 if "page_limit" in body else len(found))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param({"dag_ids": ["two"]}, ["two.r1.a", "two.r1.b"], id="dag ids"),
        pytest.param({"dag_run_ids": ["r1"], "task_ids": ["a"]}, ["one.r1.a", "two.r1.a"], id="run and task ids"),
        pytest.param({"state": ["skipped"]}, ["one.r1.a", "one.r1.b"], id="state"),
        pytest.param({"state": ["restarting", None]}, [], id="states that there are none of"),
        pytest.param({"task_ids": ["a"], "queue": [], "state": []}, ["one.r1.a", "one.r2.a", "two.r1.a"], id="empty"),
        pytest.param({"end_date_gt": "2020-01-01"}, ["one.r1.a", "one.r1.b"], id="ended"),
        pytest.param({"queue": ["two"], "pool": ["default_pool"]}, ["two.r1.a"], id="queue and pool"),
        pytest.param({"run_after_lt": "2020-01-01T00:00:00Z"}, [], id="range"),
    ],
)
def test_instances_are_listed_as_a_body_says(listed: Api, body: dict[str, Any], found: list[str]) -> None:
    answer = listed.post(INSTANCES, body)
    rows = [f"{row['dag_id']}.{row['dag_run_id']}.{row['task_id']}" for row in answer["task_instances"]]
    assert (rows, answer["total_entries"]) == (found, len(found))


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/dags/one/dagRuns/list", {}, 422),
        ("/dags/~/dagRuns/r1/taskInstances/list", {}, 422),
        (RUNS, {"colour": "red"}, 422),
        (RUNS, {"states": ["asleep"]}, 422),
        (RUNS, {"page_limit": -1}, 422),
        (RUNS, {"order_by": "colour"}, 400),
    ],
)
def test_a_wrong_list_body_is_refused(listed: Api, path: str, body: dict[str, Any], status: int) -> None:
    listed.post(path, body, status)


def test_runs_are_changed_and_deleted_one_by_one(api: Api) -> None:
    api.save("one")
    api.save("two")
    for dag_id, run_id in (("one", "r1"), ("one", "r2"), ("two", "r1")):
        api.trigger(dag_id, run_id)
    update = {
        "action": "update",
        "entities": [{"dag_run_id": "r1", "state": "failed", "note": "n"}, {"dag_id": "two", "dag_run_id": "r1"}],
        "update_mask": ["state"],
    }
    done = api.patch("/dags/one/dagRuns", {"actions": [update]})
    assert done == {"create": None, "update": {"success": ["one.r1", "two.r1"], "errors": []}, "delete": None}
    assert [api.get("/dags/one/dagRuns/r1")[name] for name in ("state", "note")] == ["failed", None]
    remove = {"action": "delete", "entities": ["r1", "gone"], "action_on_non_existence": "skip"}
    assert api.patch("/dags/one/dagRuns", {"actions": [remove]})["delete"] == {"success": ["one.r1"], "errors": []}
    assert [run["dag_run_id"] for run in api.get("/dags/one/dagRuns")["dag_runs"]] == ["r2"]


@pytest.mark.parametrize(
    ("action", "status"),
    [
        pytest.param({"action": "create", "entities": [{"dag_run_id": "r9"}]}, 405, id="create"),
        pytest.param(
            {"action": "delete", "entities": [{"dag_id": "one", "dag_run_id": "r9"}, "r1"]}, 404, id="unknown"
        ),
        pytest.param({"action": "delete", "entities": ["r1"]}, 400, id="no dag"),
        pytest.param({"action": "delete", "entities": [{"dag_id": "one", "dag_run_id": "r1"}]}, 409, id="running"),
    ],
)
def test_what_fails_in_bulk_is_told_and_changes_nothing(api: Api, action: dict[str, Any], status: int) -> None:
    api.save("one")
    api.trigger("one", "r1")
    api.engine.run_until_idle()
    done = api.patch("/dags/~/dagRuns", {"actions": [action]})[action["action"]]
    assert done["success"] == []
    assert status in {error["status_code"] for error in done["errors"]}
    assert api.get("/dags/one/dagRuns")["total_entries"] == 1


def test_runs_are_cleared_together_and_previewed_by_default(api: Api) -> None:
    api.save("one")
    for run_id in ("r1", "r2", "r3"):
        api.trigger("one", run_id)
        api.patch(f"/dags/one/dagRuns/{run_id}", {"state": "failed"})
    named = [{"dag_run_id": "r1"}, {"dag_run_id": "r2", "dag_id": "one"}]
    preview = api.post("/dags/one/clearDagRuns", {"dag_runs": named})
    assert [(row["dag_run_id"], row["task_id"]) for row in preview["task_instances"]] == [
        ("r1", "a"),
        ("r1", "b"),
        ("r2", "a"),
        ("r2", "b"),
    ]
    assert api.get("/dags/one/dagRuns/r1")["state"] == "failed"
    cleared = api.post("/dags/one/clearDagRuns", {"dag_runs": named, "dry_run": False, "note": "again"})
    assert [(run["dag_run_id"], run["state"], run["note"]) for run in cleared["dag_runs"]] == [
        ("r1", "queued", "again"),
        ("r2", "queued", "again"),
    ]
    assert api.get("/dags/one/dagRuns/r3")["state"] == "failed"
    api.post("/dags/one/clearDagRuns", {"dag_runs": [{"dag_run_id": "gone"}, *named], "dry_run": False}, 404)
    twice = api.post("/dags/~/clearDagRuns", {"dag_runs": [{"dag_run_id": "r3", "dag_id": "one"}] * 2})
    assert [row["task_id"] for row in twice["task_instances"]] == ["a", "b"]
    api.post("/dags/~/clearDagRuns", {"dag_runs": [{"dag_run_id": "r1"}]}, 400)
    api.save("two")
    api.trigger("two", "r1")
    api.post("/dags/two/clearDagRuns", {"dag_runs": named}, 400)
    api.post("/dags/one/clearDagRuns", {}, 422)
    api.post("/dags/one/clearDagRuns", {"partition_key": "x"}, 422)


def test_instances_are_marked_and_deleted_one_by_one(api: Api) -> None:
    api.save("one")
    api.trigger("one", "r1")
    path = "/dags/one/dagRuns/r1/taskInstances"
    mark = {"action": "update", "entities": [{"task_id": "a", "new_state": "success", "include_downstream": True}]}
    assert api.patch(path, {"actions": [mark]})["update"] == {"success": ["one.r1.a[-1]"], "errors": []}
    assert {row["task_id"]: row["state"] for row in api.get(path)["task_instances"]} == {"a": "success", "b": "success"}
    remove = {"action": "delete", "entities": [{"task_id": "b", "map_index": -1, "dag_id": "one", "dag_run_id": "r1"}]}
    unfinished = api.patch("/dags/~/dagRuns/~/taskInstances", {"actions": [remove]})["delete"]
    assert [error["status_code"] for error in unfinished["errors"]] == [409]
    api.engine.run_until_idle()
    assert api.patch("/dags/~/dagRuns/~/taskInstances", {"actions": [remove]})["delete"]["success"] == ["one.r1.b[-1]"]
    open_ids = api.patch("/dags/~/dagRuns/~/taskInstances", {"actions": [{**remove, "entities": ["a"]}]})["delete"]
    assert [error["status_code"] for error in open_ids["errors"]] == [400]


def test_each_item_of_a_mapped_task_is_named_in_the_answer(api: Api) -> None:
    api.save("one", {"m": {**SHELL, "expand": {"item": [1, 2]}}})
    api.trigger("one", "r1")
    api.engine.run_until_idle()
    path = "/dags/one/dagRuns/r1/taskInstances"
    mark = {"action": "update", "entities": [{"task_id": "m", "new_state": "failed"}]}
    done = api.patch(path, {"actions": [mark, {**mark, "entities": ["m"]}]})["update"]
    assert done["success"] == ["one.r1.m[0]", "one.r1.m[1]"]
    assert [error["status_code"] for error in done["errors"]] == [400], "a name does not say what to change"
    api.engine.run_until_idle()
    remove = {"action": "delete", "entities": ["m"]}
    assert api.patch(path, {"actions": [remove]})["delete"]["success"] == ["one.r1.m[0]", "one.r1.m[1]"]


def test_a_note_of_null_in_bulk_leaves_the_note(api: Api) -> None:
    api.save("one")
    api.trigger("one", "r1", note="kept")
    api.patch("/dags/one/dagRuns/r1/taskInstances/a", {"note": "kept too"})
    run = {"action": "update", "entities": [{"dag_run_id": "r1", "state": "failed", "note": None}]}
    done = api.patch("/dags/one/dagRuns", {"actions": [run, {**run, "entities": ["r1"]}]})["update"]
    assert (done["success"], [error["status_code"] for error in done["errors"]]) == (["one.r1"], [400])
    instance = {"action": "update", "entities": [{"task_id": "a", "new_state": "success", "note": None}]}
    api.patch("/dags/one/dagRuns/r1/taskInstances", {"actions": [instance]})
    assert api.get("/dags/one/dagRuns/r1")["note"] == "kept"
    found = api.get("/dags/one/dagRuns/r1/taskInstances/a")
    assert (found["state"], found["note"]) == ("success", "kept too")


def test_a_run_goes_on_without_an_instance_that_was_deleted_from_it(api: Api) -> None:
    api.save("one", {"a": SHELL, "b": {**SHELL, "depends_on": ["a"]}, "c": {**SHELL, "depends_on": ["b"]}})
    api.trigger("one", "r1")
    api.delete("/dags/one/dagRuns/r1/taskInstances/b", 409)
    api.patch("/dags/one/dagRuns/r1", {"state": "failed"})
    assert api.delete("/dags/one/dagRuns/r1/taskInstances/b", 200) is None
    api.delete("/dags/one/dagRuns/r1/taskInstances/b", 404)
    api.post("/dags/one/dagRuns/r1/clear", {"dry_run": False})
    api.engine.run_until_idle()
    for task_id in ("a", "c"):
        api.engine.finish(task_id, run_id="r1")
    assert api.get("/dags/one/dagRuns/r1")["state"] == "success"


def test_nobody_reaches_a_dag_through_an_entity_that_they_may_not_touch(sqlite_api: Api) -> None:
    for dag_id in ("mine", "theirs"):
        sqlite_api.save(dag_id)
        sqlite_api.trigger(dag_id, "r1")
    token = "ms_of_one_dag"
    grants = [Grant(pattern="mine", role=Role.OPERATOR), Grant(pattern="read*", role=Role.VIEWER)]
    add_token(sqlite_api.database, token, name="one", role=None, grants=grants, now=datetime.now(UTC))
    remove = {"action": "delete", "entities": [{"dag_id": "theirs", "dag_run_id": "r1"}]}
    done = sqlite_api.patch("/dags/mine/dagRuns", {"actions": [remove]}, token=token)
    assert [error["status_code"] for error in done["delete"]["errors"]] == [404]
    entity = {"dag_id": "theirs", "dag_run_id": "r1", "task_id": "a", "new_state": "failed"}
    mark = {"action": "update", "entities": [entity]}
    done = sqlite_api.patch("/dags/mine/dagRuns/r1/taskInstances", {"actions": [mark]}, token=token)
    assert [error["status_code"] for error in done["update"]["errors"]] == [404]
    named = {"dag_runs": [{"dag_id": "theirs", "dag_run_id": "r1"}], "dry_run": False}
    sqlite_api.post("/dags/mine/clearDagRuns", named, 400, token=token)
    sqlite_api.post("/dags/~/clearDagRuns", named, 403, token=token)
    assert [run["dag_id"] for run in sqlite_api.post(RUNS, {}, token=token)["dag_runs"]] == ["mine"]
    assert {row["dag_id"] for row in sqlite_api.post(INSTANCES, {}, token=token)["task_instances"]} == {"mine"}
    assert sqlite_api.get("/dags/theirs/dagRuns/r1")["state"] == "queued"
