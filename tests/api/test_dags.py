"""DAGs over HTTP: saving, validating, listing, pausing, deleting, versions."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from mainspring.attempts import Outcome
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api

TASKS = {"a": {"type": "noop"}, "b": {"type": "shell", "command": ["true"], "depends_on": ["a"]}}
YAML = """\
description: two steps
tasks:
  a: {type: noop}
  b: {type: shell, command: ["true"], depends_on: [a]}
"""


def test_a_new_dag_is_created_and_a_changed_one_replaced(api: Api) -> None:
    created = api.put("/dags/etl", {"tasks": TASKS, "tags": ["x", "y"], "owners": ["ann"]}, 201)
    assert created["is_paused"] is False
    assert [tag["name"] for tag in created["tags"]] == ["x", "y"]
    assert created["latest_dag_version"]["version_number"] == 1

    replaced = api.put("/dags/etl", {"tasks": TASKS, "tags": ["y", "z"], "dag_display_name": "ETL"}, 200)
    assert replaced["dag_display_name"] == "ETL"
    assert [tag["name"] for tag in replaced["tags"]] == ["y", "z"]
    assert replaced["owners"] == []
    assert replaced["latest_dag_version"]["version_number"] == 2


def test_the_same_content_makes_no_new_version(api: Api) -> None:
    api.put("/dags/etl", {"tasks": TASKS, "description": "two steps"}, 201)
    again = api.put("/dags/etl", {"description": "two steps", "tasks": TASKS}, 200)
    yaml = api.request("PUT", "/dags/etl", data=YAML, content_type="application/yaml")
    assert (again["latest_dag_version"]["version_number"], yaml.status) == (1, 200)
    assert yaml.json["latest_dag_version"] == again["latest_dag_version"]
    assert api.get("/dags/etl/dagVersions")["total_entries"] == 1


def test_going_back_to_earlier_content_is_a_version_of_its_own(api: Api) -> None:
    first = api.put("/dags/etl", {"tasks": TASKS}, 201)["latest_dag_version"]
    api.put("/dags/etl", {"tasks": {"a": {"type": "noop"}}})
    third = api.put("/dags/etl", {"tasks": TASKS})["latest_dag_version"]
    assert (third["version_number"], third["content_hash"]) == (3, first["content_hash"])
    assert third["id"] != first["id"]


@pytest.mark.parametrize("media_type", ["application/yaml", "application/x-yaml", "text/yaml"])
def test_yaml_is_read_under_each_of_its_names(sqlite_api: Api, media_type: str) -> None:
    answer = sqlite_api.request("PUT", "/dags/etl", data=YAML, content_type=media_type)
    assert (answer.status, answer.json["description"]) == (201, "two steps")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"])
def test_a_definition_of_another_type_is_refused_with_the_cure(sqlite_api: Api, media_type: str) -> None:
    answer = sqlite_api.request("PUT", "/dags/etl", data=YAML, content_type=media_type)
    assert answer.status == 415
    assert "application/yaml" in answer.json["detail"]


def test_another_dag_id_in_the_body_is_a_bad_request(sqlite_api: Api) -> None:
    problem = sqlite_api.put("/dags/etl", {"dag_id": "other", "tasks": TASKS}, 400)
    assert "other" in problem["detail"]
    assert problem["errors"][0]["pointer"] == "/dag_id"
    sqlite_api.get("/dags/etl", 404)


def test_every_fault_of_a_definition_is_told_with_its_place(sqlite_api: Api) -> None:
    source = "tasks:\n  a: {type: nop}\n  b: {type: noop, depends_on: [c]}\n"
    answer = sqlite_api.request("PUT", "/dags/etl", data=source, content_type="application/yaml")
    assert answer.status == 422
    errors = {error["pointer"]: error for error in answer.json["errors"]}
    assert errors["/tasks/a/type"]["line"] == 2
    assert "noop" in errors["/tasks/a/type"]["hint"]
    assert errors["/tasks/b/depends_on/0"]["line"] == 3
    assert ["body", "tasks", "a", "type"] in [item["loc"] for item in answer.json["detail"]]
    assert sqlite_api.get("/dags")["total_entries"] == 0


def test_validation_stores_nothing_and_answers_as_saving_would(sqlite_api: Api) -> None:
    valid = sqlite_api.post("/dags/validate", {"dag_id": "etl", "tasks": TASKS})
    assert (valid["valid"], valid["dag_id"], valid["task_count"], valid["params"]) == (True, "etl", 2, {})
    bad = {"dag_id": "etl", "tasks": {"a": {"type": "noop", "depends_on": ["a"]}}}
    refused = sqlite_api.post("/dags/validate", bad, 422)
    assert sqlite_api.get("/dags")["total_entries"] == 0
    assert sqlite_api.put("/dags/etl", bad, 422)["errors"] == refused["errors"]
    saved = sqlite_api.put("/dags/etl", {"tasks": TASKS}, 201)
    assert saved["latest_dag_version"]["content_hash"] == valid["content_hash"]


def test_a_dag_may_be_called_validate(sqlite_api: Api) -> None:
    sqlite_api.save("validate")
    assert sqlite_api.get("/dags/validate")["dag_id"] == "validate"


def test_savers_at_one_moment_make_one_dag_and_versions_without_gaps(api: Api) -> None:
    together = Barrier(8)

    def save(number: int) -> int:
        together.wait(10)
        return api.request("PUT", "/dags/etl", json={"tasks": {f"t{number % 4}": SHELL}}).status

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(save, range(8)))
    assert statuses == [200] * 7 + [201]
    versions = api.get("/dags/etl/dagVersions")["dag_versions"]
    assert [version["version_number"] for version in versions] == list(range(1, len(versions) + 1))
    # Of two that say the same, one may come between others and so be a version again.
    assert 4 <= len(versions) <= 8
    assert api.get("/dags/etl/details")["latest_dag_version"].items() <= versions[-1].items()


def test_details_tell_what_the_definition_says(sqlite_api: Api) -> None:
    schema = {
        "type": "object",
        "properties": {
            "rows": {"type": "integer", "default": 3, "description": "how many"},
            "free": True,
        },
    }
    details = sqlite_api.save(
        params=schema, doc_md="# etl", start_date="2026-01-01", default_args={"retries": 2}, max_active_runs=4
    )
    assert details.pop("warnings") == []
    assert details == sqlite_api.get("/dags/etl/details")
    assert details["params"]["rows"] == {
        "value": 3,
        "schema": {"type": "integer", "default": 3, "description": "how many"},
        "description": "how many",
    }
    assert details["params"]["free"]["value"] is None
    assert details["doc_md"] == "# etl"
    assert details["start_date"] == "2026-01-01T00:00:00Z"
    assert details["default_args"] == {"retries": 2}
    assert (details["max_active_runs"], details["concurrency"]) == (4, 128)
    assert details["is_paused_upon_creation"] is False


def test_a_dag_can_be_created_paused_and_then_keeps_what_it_was_set_to(api: Api) -> None:
    api.save(is_paused_upon_creation=True)
    assert api.get("/dags/etl")["is_paused"] is True
    assert api.patch("/dags/etl", {"is_paused": False})["is_paused"] is False
    api.put("/dags/etl", {"tasks": {"z": {"type": "noop"}}, "is_paused_upon_creation": True})
    assert api.get("/dags/etl")["is_paused"] is False


@pytest.mark.parametrize(
    ("body", "query", "status"),
    [
        pytest.param({"is_paused": True}, "?update_mask=is_paused", 200, id="mask of the one field"),
        pytest.param({"is_paused": True}, "?update_mask=description", 400, id="mask of another field"),
        pytest.param({}, "", 422, id="nothing"),
        pytest.param({"is_paused": "yes"}, "", 422, id="not a boolean"),
        pytest.param({"is_paused": None}, "", 422, id="null"),
        pytest.param({"is_paused": True, "description": "x"}, "", 422, id="unknown member"),
    ],
)
def test_only_the_pause_can_be_patched(sqlite_api: Api, body: object, query: str, status: int) -> None:
    sqlite_api.save()
    sqlite_api.patch(f"/dags/etl{query}", body, status)
    assert sqlite_api.get("/dags/etl")["is_paused"] is (status == 200)


def test_unknown_dags_are_not_found_everywhere(sqlite_api: Api) -> None:
    for path in ("", "/details", "/definition", "/dagVersions", "/dagVersions/1", "/tasks", "/tasks/a", "/dagRuns"):
        assert "no_such" in sqlite_api.get(f"/dags/no_such{path}", 404)["detail"]
    sqlite_api.patch("/dags/no_such", {"is_paused": True}, 404)
    sqlite_api.delete("/dags/no_such", 404)
    sqlite_api.post("/dags/no_such/dagRuns", {}, 404)


def test_versions_keep_what_each_said(api: Api) -> None:
    api.put("/dags/etl", {"tasks": TASKS}, 201)
    api.put("/dags/etl", {"tasks": {"only": {"type": "noop"}}})
    listed = api.get("/dags/etl/dagVersions")
    assert [one["version_number"] for one in listed["dag_versions"]] == [1, 2]
    assert [
        one["version_number"]
        for one in api.get("/dags/etl/dagVersions?order_by=-version_number&limit=1")["dag_versions"]
    ] == [2]
    assert api.get("/dags/etl/dagVersions?version_number=2")["dag_versions"] == listed["dag_versions"][1:]
    assert api.get("/dags/etl/dagVersions/1") == listed["dag_versions"][0]
    assert api.get("/dags/etl/dagVersions/3", 404)["code"] == "not_found"
    assert list(api.get("/dags/etl/definition")["tasks"]) == ["only"]
    assert sorted(api.get("/dags/etl/definition?version_number=1")["tasks"]) == ["a", "b"]
    assert api.get("/dags/~/dagVersions")["total_entries"] == 2


def test_a_deleted_dag_is_gone_with_all_that_was_its(api: Api) -> None:
    api.save()
    run_id = api.trigger()
    api.engine.run_until_idle()
    api.engine.finish("a", run_id=run_id, outputs={"n": 1})
    api.engine.finish("b", run_id=run_id)
    api.delete("/dags/etl")
    api.get("/dags/etl", 404)
    api.get(f"/dags/etl/dagRuns/{run_id}", 404)
    assert api.get("/dags/~/dagRuns")["total_entries"] == 0
    assert api.get("/dags/~/dagRuns/~/taskInstances/~/xcomEntries")["total_entries"] == 0
    assert api.save()["latest_dag_version"]["version_number"] == 1


def test_a_dag_with_running_tasks_is_not_deleted(api: Api) -> None:
    api.save()
    run_id = api.trigger()
    api.engine.run_until_idle()
    refused = api.delete("/dags/etl", 409)
    assert "1 task instances" in refused["detail"]["message"]
    api.patch(f"/dags/etl/dagRuns/{run_id}", {"state": "failed"})
    api.delete("/dags/etl")


def test_a_dag_whose_runs_only_wait_can_be_deleted(api: Api) -> None:
    api.save(is_paused_upon_creation=True)
    api.trigger()
    api.delete("/dags/etl")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def many(request: pytest.FixtureRequest, open_api: OpenApi) -> Iterator[Api]:
    """Four DAGs; `beta` is paused; `alpha` has a run that succeeded, `gamma` one that failed. Not to be changed."""
    with open_api(request.param) as api:
        yield _with_four_dags(api)


def _with_four_dags(api: Api) -> Api:
    api.save("alpha", tags=["daily", "sales"], owners=["ann"])
    api.save("beta", tags=["daily"], owners=["bob", "ann"], is_paused_upon_creation=True)
    api.save("gamma", tags=["sales"], owners=['q"uote%'], dag_display_name="The Gamma")
    api.save("delta_100")
    for dag_id, outcome in (("alpha", Outcome.SUCCESS), ("gamma", Outcome.FAILED)):
        run_id = api.trigger(dag_id)
        api.engine.run_until_idle()
        api.engine.finish("a", outcome, run_id=run_id)
        if outcome is Outcome.SUCCESS:
            api.engine.finish("b", run_id=run_id)
    return api


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["alpha", "beta", "delta_100", "gamma"]),
        ("order_by=-dag_id", ["gamma", "delta_100", "beta", "alpha"]),
        ("order_by=dag_display_name", ["gamma", "alpha", "beta", "delta_100"]),
        ("order_by=last_run_state", ["gamma", "alpha", "beta", "delta_100"]),
        ("order_by=-last_run_state", ["alpha", "gamma", "delta_100", "beta"]),
        ("limit=2&offset=1", ["beta", "delta_100"]),
        ("tags=daily", ["alpha", "beta"]),
        ("tags=daily&tags=sales", ["alpha", "beta", "gamma"]),
        ("tags=daily&tags=sales&tags_match_mode=all", ["alpha"]),
        ("owners=ann", ["alpha", "beta"]),
        ("owners=AN", ["alpha", "beta"]),
        ("owners=bob&owners=uote%25", ["beta", "gamma"]),
        ("owners=q%22uote%25", ["gamma"]),
        ("owners=%25", ["gamma"]),
        ("owners=%22", ["gamma"]),
        ("paused=true", ["beta"]),
        ("paused=false", ["alpha", "delta_100", "gamma"]),
        ("dag_id_pattern=ETA", ["beta"]),
        ("dag_id_pattern=a%25a", ["alpha", "gamma"]),
        ("dag_id_pattern=alpha%20%7C%20gam", ["alpha", "gamma"]),
        ("dag_id_pattern=~", ["alpha", "beta", "delta_100", "gamma"]),
        ("dag_id_pattern=%5C", []),
        ("dag_id_prefix_pattern=de", ["delta_100"]),
        ("dag_id_prefix_pattern=DE", []),
        ("dag_id_prefix_pattern=%25", []),
        ("dag_display_name_pattern=the%20gam", ["gamma"]),
        ("last_dag_run_state=failed", ["gamma"]),
        ("dag_run_state=success&dag_run_state=failed", ["alpha", "gamma"]),
        ("dag_run_state=success&dag_run_start_date_gte=2100-01-01", []),
        ("dag_run_end_date_lt=2100-01-01T00:00:00.000000%2B0000", ["alpha", "gamma"]),
        ("dag_run_state=success&dag_run_state=none", ["alpha"]),
        ("has_import_errors=true", []),
        ("timetable_type=airflow.timetables.simple.NullTimetable", []),
        ("has_import_errors=false&exclude_stale=false&no_such_parameter=1", ["alpha", "beta", "delta_100", "gamma"]),
    ],
)  # fmt: skip
def test_dags_are_listed_filtered_and_ordered(many: Api, query: str, expected: list[str]) -> None:
    listed = many.get(f"/dags?{query}")
    assert [dag["dag_id"] for dag in listed["dags"]] == expected
    paged = "limit" in query
    assert listed["total_entries"] == (4 if paged else len(expected))
