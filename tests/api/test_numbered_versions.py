"""Versions by their numbers: rolled back to, triggered and rerun on."""

from typing import Any

import pytest

from mainspring_store.access.roles import Role
from tests.api.harness import Api

NOOP = {"type": "noop"}
YAML = {"Content-Type": "application/yaml"}


@pytest.fixture
def two_versions(api: Api) -> Api:
    api.request("PUT", "/dags/etl?message=first", data=b"tasks: {a: {type: noop}} # one\n", headers=YAML)
    api.put("/dags/etl?message=second", {"tasks": {"a": NOOP, "b": NOOP}})
    return api


def restore(api: Api, number: int, status: int = 200, **options: Any) -> Any:
    return api.post(f"/dags/etl/dagVersions/{number}/restore", options.pop("body", {}), status, **options)


def test_a_version_is_saved_again(two_versions: Api) -> None:
    api = two_versions
    saved = restore(api, 1)
    assert saved["latest_dag_version"]["version_number"] == 3
    listed = api.get("/dags/etl/dagVersions")["dag_versions"]
    assert [(version["message"], version["created_by"]) for version in listed] == [
        ("first", "admin"),
        ("second", "admin"),
        ("back to version 1", "admin"),
    ]
    assert listed[0]["content_hash"] == listed[2]["content_hash"]
    assert api.request("GET", "/dags/etl/definition?form=sent").body == b"tasks: {a: {type: noop}} # one\n"
    # What is current already makes no version.
    assert restore(api, 3)["latest_dag_version"]["version_number"] == 3
    assert restore(api, 2, body={"message": "on again"})["latest_dag_version"]["version_number"] == 4
    assert api.get("/dags/etl/dagVersions/4")["message"] == "on again"


def test_it_is_saved_only_in_the_state_that_the_caller_saw(two_versions: Api) -> None:
    api = two_versions
    etag = api.request("GET", "/dags/etl").headers["ETag"]
    api.put("/dags/etl", {"tasks": {"c": NOOP}})
    restore(api, 1, 412, headers={"If-Match": etag})
    restore(api, 1, headers={"If-Match": api.request("GET", "/dags/etl").headers["ETag"]})


def test_all_checks_of_a_save_hold(two_versions: Api) -> None:
    api = two_versions
    api.post("/pools", {"name": "p", "slots": 1}, 201)
    api.put("/dags/etl", {"tasks": {"a": {**NOOP, "pool": "p"}}})
    api.put("/dags/etl", {"tasks": {"a": NOOP}})
    api.delete("/pools/p")
    assert restore(api, 3, 422)["errors"][0]["code"] == "unknown_pool"
    restore(api, 9, 404)
    restore(api, 1, 403, token=api.token_of(Role.OPERATOR))


def test_a_run_is_started_on_a_numbered_version(two_versions: Api) -> None:
    api = two_versions
    made = api.post("/dags/etl/dagRuns", {"dag_run_id": "r1", "version_number": 1})
    assert made["dag_versions"][0]["version_number"] == 1
    assert api.get("/dags/etl/dagRuns/r1/taskInstances")["total_entries"] == 1
    assert api.post("/dags/etl/dagRuns", {})["dag_versions"][0]["version_number"] == 2
    api.post("/dags/etl/dagRuns", {"version_number": 3}, 404)
    plan = api.request("POST", "/dags/etl/dagRuns?dry_run=true", json={"version_number": 1}).json
    assert (plan["version_number"], plan["instances"]) == (1, 1)
    many = api.post("/dags/etl/dagRuns/trigger", {"dag_runs": [{"version_number": 1}, {"version_number": 7}]})
    assert [run["status"] for run in many["dag_runs"]] == [200, 404]


@pytest.mark.parametrize("number", ["1", 0, -1, 1.5, 2**31, True])
def test_a_number_that_cannot_be_is_refused(sqlite_api: Api, number: Any) -> None:
    sqlite_api.save()
    sqlite_api.post("/dags/etl/dagRuns", {"version_number": number}, 422)
    sqlite_api.post("/dags/etl/clearTaskInstances", {"version_number": number}, 422)


def test_a_run_is_cleared_onto_a_numbered_version(two_versions: Api) -> None:
    api = two_versions
    run_id = api.trigger()
    api.engine.run_until_idle()
    both = {"version_number": 1, "run_on_latest_version": True}
    api.post(f"/dags/etl/dagRuns/{run_id}/clear", both, 422)
    api.post("/dags/etl/clearTaskInstances", both, 422)
    api.post(f"/dags/etl/dagRuns/{run_id}/clear", {"version_number": 5}, 404)
    cleared = api.post(f"/dags/etl/dagRuns/{run_id}/clear", {"version_number": 1, "dry_run": False})
    assert cleared["dag_versions"][0]["version_number"] == 1
    api.engine.run_until_idle()
    states = api.get(f"/dags/etl/dagRuns/{run_id}/taskInstances")["task_instances"]
    assert {instance["task_id"]: instance["state"] for instance in states} == {"a": "success", "b": "removed"}
    selected = {"version_number": 2, "dry_run": False, "only_failed": False, "task_ids": ["a"], "dag_run_id": run_id}
    api.post("/dags/etl/clearTaskInstances", selected)
    api.engine.run_until_idle()
    assert api.get(f"/dags/etl/dagRuns/{run_id}")["dag_versions"][0]["version_number"] == 2
    assert api.get(f"/dags/etl/dagRuns/{run_id}/taskInstances/b")["state"] == "success"


def test_a_version_is_restored_that_is_longer_written_as_json(sqlite_api: Api) -> None:
    api = sqlite_api
    script = """: '""" + '"' * 240_000 + "'"
    tasks = "".join(f"  t{n}:\n    type: shell\n    script: |-\n      {script}\n" for n in range(5))
    sent = api.request("PUT", "/dags/etl", data=f"tasks:\n{tasks}".encode(), content_type="application/yaml")
    assert sent.status == 201
    api.put("/dags/etl", {"tasks": {"a": NOOP}})
    restored = restore(api, 1)
    assert restored["latest_dag_version"]["version_number"] == 3
    assert len(api.get("/dags/etl/definition")["tasks"]) == 5
