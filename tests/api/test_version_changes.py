"""A run that has not ended goes on with another version."""

from typing import Any

import pytest

from mainspring_store.access.roles import Role
from tests.api.harness import SHELL, Api

NOOP = {"type": "noop"}
AFTER_A = {**SHELL, "depends_on": ["a"]}


@pytest.fixture
def running(api: Api) -> Api:
    """Version 1 has a, then b, then c; version 2 has a, then b and d. Run r1 of version 1: a has succeeded, b runs."""
    api.put("/dags/etl", {"tasks": {"a": SHELL, "b": AFTER_A, "c": {**SHELL, "depends_on": ["b"]}}}, 201)
    api.put("/dags/etl", {"tasks": {"d": AFTER_A, "a": SHELL, "b": AFTER_A}})
    api.trigger(run_id="r1", version_number=1)
    api.engine.run_until_idle()
    api.engine.finish("a")
    return api


def change(api: Api, number: Any, status: int = 200, run_id: str = "r1", **more: Any) -> Any:
    body = {"version_number": number, **more}
    return api.post(f"/dags/etl/dagRuns/{run_id}/version", body, status)


def states(api: Api) -> dict[str, str]:
    rows = api.get("/dags/etl/dagRuns/r1/taskInstances")["task_instances"]
    return {row["task_id"]: row["state"] for row in rows}


def test_a_run_keeps_what_is_finished_and_takes_the_tasks_of_the_version(running: Api) -> None:
    api = running
    refused = change(api, 2, 409)["detail"]["message"]
    assert "'b' of run 'r1' is under way" in refused
    changed = change(api, 2, restart_running=True)
    assert (changed["state"], changed["dag_versions"][0]["version_number"]) == ("running", 2)
    api.engine.run_until_idle()
    assert states(api) == {"a": "success", "b": "queued", "c": "removed", "d": "queued"}
    assert api.get("/dags/etl/dagRuns/r1/taskInstances/a")["try_number"] == 1
    assert api.get("/dags/etl/dagRuns/r1/taskInstances/b")["try_number"] == 2
    api.engine.finish("b")
    api.engine.finish("d")
    assert api.get("/dags/etl/dagRuns/r1")["state"] == "success"
    # A run that has ended is cleared instead.
    change(api, 1, 409)


def test_a_run_between_two_tasks_changes_without_a_restart(api: Api) -> None:
    api.put("/dags/etl", {"tasks": {"a": SHELL, "b": AFTER_A}}, 201)
    api.put("/dags/etl", {"tasks": {"a": SHELL, "x": NOOP}})
    api.trigger(run_id="r1", version_number=1)
    assert change(api, 2)["state"] == "queued"
    assert change(api, 2)["dag_versions"][0]["version_number"] == 2
    api.engine.run_until_idle()
    api.engine.finish("a")
    assert (api.get("/dags/etl/dagRuns/r1")["state"], states(api)) == (
        "success",
        {"a": "success", "x": "success", "b": "removed"},
    )


def test_a_run_whose_rest_is_gone_ends(running: Api) -> None:
    api = running
    api.put("/dags/etl", {"tasks": {"a": SHELL}})
    change(api, 3, restart_running=True)
    api.engine.run_until_idle()
    assert (api.get("/dags/etl/dagRuns/r1")["state"], states(api)) == (
        "success",
        {"a": "success", "b": "removed", "c": "removed"},
    )
    # What its executor still tells of it changes nothing.
    api.engine.finish("b")
    assert states(api)["b"] == "removed"


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("becomes_mapped", [False, True])
def test_a_finished_task_that_would_run_again_by_its_mapping_is_named(
    api: Api, becomes_mapped: bool, restarts: bool
) -> None:
    forms = [SHELL, {**SHELL, "expand": {"n": [1, 2]}}]
    before, after = forms if becomes_mapped else forms[::-1]
    api.put("/dags/etl", {"tasks": {"a": before, "x": SHELL, "b": AFTER_A}}, 201)
    api.put("/dags/etl", {"tasks": {"a": after, "x": SHELL, "b": AFTER_A}})
    api.trigger(run_id="r1", version_number=1)
    api.engine.run_until_idle()
    for index in [-1] if becomes_mapped else [0]:
        api.engine.finish("a", map_index=index)
    seen = api.get("/dags/etl/dagRuns/r1/taskInstances")
    refused = change(api, 2, 409, restart_running=restarts)["detail"]["message"]
    assert "task 'a' of run 'r1'" in refused
    assert "'x'" not in refused
    assert api.get("/dags/etl/dagRuns/r1/taskInstances") == seen


def test_a_task_that_has_not_begun_may_become_mapped(api: Api) -> None:
    api.put("/dags/etl", {"tasks": {"a": SHELL, "b": AFTER_A}}, 201)
    api.put("/dags/etl", {"tasks": {"a": SHELL, "b": {**AFTER_A, "expand": {"n": [1, 2]}}}})
    api.trigger(run_id="r1", version_number=1)
    api.engine.run_until_idle()
    change(api, 2, restart_running=True)
    api.engine.run_until_idle()
    api.engine.finish("a")
    api.engine.finish("b", map_index=0)
    api.engine.finish("b", map_index=1)
    assert api.get("/dags/etl/dagRuns/r1")["state"] == "success"


def test_a_change_that_cannot_be_is_refused(running: Api) -> None:
    api = running
    change(api, 9, 404)
    change(api, 2, 404, run_id="none")
    rows = {"type": "object", "properties": {"rows": {"type": "integer"}}, "required": ["rows"]}
    api.put("/dags/etl", {"tasks": {"a": SHELL}, "params": rows})
    change(api, 3, 422, restart_running=True)
    assert api.get("/dags/etl/dagRuns/r1")["dag_versions"][0]["version_number"] == 1
    made = api.post("/dagRuns", {"definition": {"dag_id": "etl", "tasks": {"z": NOOP}}})
    change(api, made["dag_versions"][0]["version_number"], 409)
    viewer = api.token_of(Role.VIEWER)
    api.post("/dags/etl/dagRuns/r1/version", {"version_number": 2}, 403, token=viewer)


@pytest.mark.parametrize(
    "body", [{}, {"version_number": 0}, {"version_number": "1"}, {"version_number": 1, "x": 1},
             {"version_number": 1, "restart_running": "yes"}, {"version_number": None}],
)  # fmt: skip
def test_a_body_that_cannot_be_is_refused(sqlite_api: Api, body: Any) -> None:
    sqlite_api.save()
    sqlite_api.trigger(run_id="r1")
    sqlite_api.post("/dags/etl/dagRuns/r1/version", body, 422)
