"""Clear, mark and the history of tries, over HTTP."""

from collections.abc import Mapping
from typing import Any

import pytest

from mainspring_store.access.roles import Role
from tests.api.harness import SHELL, Api
from tests.invariants import assert_sound

MAPPED: Mapping[str, Any] = {
    "load": {**SHELL, "expand": {"n": [1, 2]}},
    "join": {**SHELL, "depends_on": ["load"]},
}


def finished(api: Api, *, fail: str = "", run_id: str = "r1", **more: Any) -> str:
    """A run of `a`, then `b`, to its end."""
    if api.request("GET", "/dags/etl").status == 404:
        api.save()
    api.trigger(run_id=run_id, **more)
    api.engine.run_until_idle()
    for task_id in "ab":
        if task_id == fail:
            api.engine.fail(task_id, run_id=run_id)
            break
        api.engine.finish(task_id, run_id=run_id)
    return run_id


def states(api: Api, run_id: str = "r1") -> dict[str, str]:
    found = api.get(f"/dags/etl/dagRuns/{run_id}/taskInstances")["task_instances"]
    return {f"{one['task_id']}{one['map_index'] if one['map_index'] >= 0 else ''}": one["state"] for one in found}


def clear(api: Api, status: int = 200, **body: Any) -> Any:
    return api.post("/dags/etl/clearTaskInstances", body, status)


class TestClear:
    def test_an_empty_body_is_a_preview_of_what_failed(self, api: Api) -> None:
        finished(api, fail="a")
        found = clear(api)
        assert [(one["task_id"], one["state"]) for one in found["task_instances"]] == [
            ("a", "failed"),
            ("b", "upstream_failed"),
        ]
        assert found["total_entries"] == 2
        assert states(api) == {"a": "failed", "b": "upstream_failed"}

    def test_a_clear_after_a_cancel_runs_what_had_not_begun(self, api: Api) -> None:
        api.save()
        api.trigger(run_id="r1")
        api.engine.run_until_idle()
        api.patch("/dags/etl/dagRuns/r1", {"state": "failed"})
        assert states(api) == {"a": "failed", "b": "skipped"}
        path = "/dags/etl/dagRuns/r1/clear"
        found = api.post(path, {"dry_run": True, "only_failed": True})
        assert [one["task_id"] for one in found["task_instances"]] == ["a", "b"]
        api.post(path, {"dry_run": False, "only_failed": True})
        api.engine.run_until_idle()
        for task_id in "ab":
            api.engine.finish(task_id)
        assert api.get("/dags/etl/dagRuns/r1")["state"] == "success"
        assert states(api) == {"a": "success", "b": "success"}

    def test_a_clear_answers_what_it_sent_back_and_the_run_begins_again(self, api: Api) -> None:
        finished(api, fail="b")
        found = clear(api, dry_run=False, dag_run_id="r1", note="try again")
        assert [(one["task_id"], one["state"], one["note"]) for one in found["task_instances"]] == [
            ("b", "scheduled", "try again")
        ]
        run = api.get("/dags/etl/dagRuns/r1")
        assert (run["state"], run["state_reason"], run["end_date"]) == ("queued", None, None)
        api.engine.run_until_idle()
        api.engine.finish("b", run_id="r1")
        assert api.get("/dags/etl/dagRuns/r1")["state"] == "success"
        assert_sound(api.database)

    def test_tasks_are_chosen_by_id_and_item(self, api: Api) -> None:
        api.save("etl", MAPPED)
        api.trigger(run_id="r1")
        api.engine.run_until_idle()
        for index in (0, 1):
            api.engine.finish("load", run_id="r1", map_index=index)
        api.engine.finish("join", run_id="r1")
        clear(api, dry_run=False, only_failed=False, task_ids=[["load", 1], "join"])
        assert states(api) == {"load0": "success", "load1": "scheduled", "join": "scheduled"}

    def test_a_running_task_can_be_held_against_it(self, api: Api) -> None:
        api.save()
        api.trigger(run_id="r1")
        api.engine.run_until_idle()
        api.engine.start("a", "r1")
        api.engine.run_until_idle()
        refused = clear(api, 409, dry_run=False, only_failed=False, prevent_running_task=True)
        assert "'a'" in refused["detail"]["message"]
        assert clear(api, dry_run=False, only_failed=False, only_running=True)["total_entries"] == 1
        assert states(api)["a"] == "scheduled"

    def test_later_runs_are_cleared_with_the_one_named(self, api: Api) -> None:
        for day in (1, 2, 3):
            finished(api, run_id=f"r{day}", logical_date=f"2026-01-0{day}T00:00:00Z")
        clear(api, dry_run=False, only_failed=False, dag_run_id="r2", task_ids=["b"], include_future=True)
        assert [states(api, f"r{day}")["b"] for day in (1, 2, 3)] == ["success", "scheduled", "scheduled"]
        clear(api, dry_run=False, only_failed=False, start_date="2026-01-01", end_date="2026-01-01")
        assert [states(api, f"r{day}")["a"] for day in (1, 2, 3)] == ["scheduled", "success", "success"]

    @pytest.mark.parametrize(
        ("body", "cleared"),
        [
            pytest.param({"start_date": "2026-01-02", "include_past": True}, "r1 r2 r3", id="past"),
            pytest.param(
                {"start_date": "2026-01-02", "end_date": "2026-01-02", "include_past": True}, "r1 r2", id="up to a date"
            ),
            pytest.param(
                {"start_date": "2026-01-02", "end_date": "2026-01-02", "include_future": True},
                "r2 r3",
                id="from a date",
            ),
            pytest.param({"include_past": True, "include_future": True}, "r1 r2 r3", id="no date"),
        ],
    )
    def test_past_and_future_of_dates_lie_beyond_them(
        self, sqlite_api: Api, body: dict[str, Any], cleared: str
    ) -> None:
        for day in (1, 2, 3):
            finished(sqlite_api, run_id=f"r{day}", logical_date=f"2026-01-0{day}T00:00:00Z")
        found = clear(sqlite_api, only_failed=False, task_ids=["a"], **body)["task_instances"]
        assert " ".join(one["dag_run_id"] for one in found) == cleared

    def test_who_asks_for_what_runs_alone_gets_what_failed_too(self, sqlite_api: Api) -> None:
        sqlite_api.save(tasks=dict.fromkeys("abc", SHELL))
        sqlite_api.trigger(run_id="r1")
        sqlite_api.engine.run_until_idle()
        sqlite_api.engine.start("a", "r1")
        sqlite_api.engine.fail("b")
        sqlite_api.engine.run_until_idle()
        assert [one["task_id"] for one in clear(sqlite_api, only_running=True)["task_instances"]] == ["a", "b"]
        found = clear(sqlite_api, only_running=True, only_failed=False)["task_instances"]
        assert [one["task_id"] for one in found] == ["a"]

    @pytest.mark.parametrize("path", ["clearTaskInstances", "dagRuns/r1/clear"])
    def test_a_run_goes_on_with_the_latest_version_when_that_is_asked_for(self, api: Api, path: str) -> None:
        finished(api)
        api.put("/dags/etl", {"tasks": {"a": SHELL, "other": {**SHELL, "depends_on": ["a"]}}})
        body = {"only_failed": False, "run_on_latest_version": True}
        preview = api.post(f"/dags/etl/{path}", body)
        assert [one["task_id"] for one in preview["task_instances"]] == ["a"]
        assert states(api) == {"a": "success", "b": "success"}
        api.post(f"/dags/etl/{path}", {**body, "dry_run": False})
        assert states(api) == {"a": "scheduled", "b": "removed", "other": "scheduled"}
        api.engine.run_until_idle()
        api.engine.finish("a")
        api.engine.finish("other")
        run = api.get("/dags/etl/dagRuns/r1")
        assert (run["state"], [one["version_number"] for one in run["dag_versions"]]) == ("success", [2])
        tries = api.get("/dags/etl/dagRuns/r1/taskInstances/b/tries")
        assert [one["state"] for one in tries["task_instances"]] == ["success"], "what is gone can be read"

    def test_a_run_keeps_its_version_when_nothing_else_is_asked_for(self, api: Api) -> None:
        finished(api)
        api.put("/dags/etl", {"tasks": {"other": SHELL}})
        assert clear(api, dry_run=False, only_failed=False)["total_entries"] == 2
        assert states(api) == {"a": "scheduled", "b": "scheduled"}

    @pytest.mark.parametrize("path", ["clearTaskInstances", "dagRuns/r1/clear"])
    def test_another_version_waits_for_what_is_under_way(self, sqlite_api: Api, path: str) -> None:
        sqlite_api.save(tasks={"a": SHELL, "b": SHELL})
        sqlite_api.trigger(run_id="r1")
        sqlite_api.engine.run_until_idle()
        sqlite_api.engine.fail("b")
        sqlite_api.put("/dags/etl", {"tasks": {"a": SHELL, "b": {**SHELL, "retries": 1}}})
        body = {"dry_run": False, "only_failed": True, "run_on_latest_version": True}
        assert "'a' of run 'r1' is under way" in sqlite_api.post(f"/dags/etl/{path}", body, 409)["detail"]["message"]
        assert states(sqlite_api) == {"a": "queued", "b": "failed"}

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            pytest.param({"only_failed": True, "only_running": True}, 422, id="two filters"),
            pytest.param({"start_date": "2026-01-02", "end_date": "2026-01-01"}, 422, id="end before start"),
            pytest.param({"dag_run_id": "r1", "start_date": "2026-01-02"}, 422, id="run and dates"),
            pytest.param({"task_ids": []}, 422, id="no tasks"),
            pytest.param({"task_ids": [["a"]]}, 422, id="item without index"),
            pytest.param({"task_ids": [["a", True]]}, 422, id="item with a boolean"),
            pytest.param({"task_ids": [1]}, 422, id="task as a number"),
            pytest.param({"surprise": 1}, 422, id="unknown member"),
            pytest.param({"note": "x" * 1001}, 422, id="long note"),
            pytest.param({"dag_run_id": "r1", "include_past": True}, 400, id="the past of a run without date"),
            pytest.param({"dag_run_id": "nonsense"}, 404, id="unknown run"),
            pytest.param({"task_ids": ["nonsense"]}, 404, id="unknown task"),
        ],
    )
    def test_what_cannot_be_is_refused(self, sqlite_api: Api, body: Mapping[str, Any], status: int) -> None:
        finished(sqlite_api)
        clear(sqlite_api, status, **{"dry_run": False, **body})
        assert states(sqlite_api) == {"a": "success", "b": "success"}

    def test_a_dag_that_does_not_exist_is_not_found(self, sqlite_api: Api) -> None:
        clear(sqlite_api, 404)


class TestClearRun:
    def test_a_whole_run_runs_again(self, api: Api) -> None:
        finished(api)
        preview = api.post("/dags/etl/dagRuns/r1/clear", {})
        assert [one["task_id"] for one in preview["task_instances"]] == ["a", "b"]
        assert states(api) == {"a": "success", "b": "success"}
        run = api.post("/dags/etl/dagRuns/r1/clear", {"dry_run": False, "note": "again"})
        assert (run["dag_run_id"], run["state"], run["note"]) == ("r1", "queued", "again")
        assert states(api) == {"a": "scheduled", "b": "scheduled"}

    def test_only_what_failed_runs_again(self, api: Api) -> None:
        finished(api, fail="b")
        api.post("/dags/etl/dagRuns/r1/clear", {"dry_run": False, "only_failed": True})
        assert states(api) == {"a": "success", "b": "scheduled"}

    def test_a_run_is_run_again_with_another_conf(self, api: Api) -> None:
        params = {"type": "object", "properties": {"n": {"type": "integer", "default": 1}, "m": {"default": 5}}}
        api.save("etl", {"a": {**SHELL, "env": {"N": "${{ params.n }}"}}}, params=params)
        api.trigger("etl", "r1", conf={"m": 6})
        path = "/dags/etl/dagRuns/r1/clear"
        refused = api.post(path, {"dry_run": False, "conf": {"n": 2}}, 409)
        assert "'r1' is queued; cancel it" in refused["detail"]["message"]
        api.engine.run_until_idle()
        api.engine.finish("a", run_id="r1")
        for dry_run in (True, False):
            refused = api.post(path, {"dry_run": dry_run, "conf": {"n": "two"}}, 422)
            assert refused["errors"][0]["pointer"] == "/conf/n"
        assert api.get("/dags/etl/dagRuns/r1")["conf"] == {"m": 6}
        run = api.post(path, {"dry_run": False, "conf": {"n": 2}})
        assert (run["state"], run["conf"], run["params"]) == ("queued", {"n": 2}, {"n": 2, "m": 5})
        api.engine.run_until_idle()
        assert api.engine.attempt("a", "r1").payload["env"] == {"N": 2}

    def test_another_conf_is_checked_against_the_next_version(self, sqlite_api: Api) -> None:
        finished(sqlite_api)
        params = {"type": "object", "required": ["n"]}
        sqlite_api.put("/dags/etl", {"tasks": {"a": SHELL}, "params": params})
        path, body = "/dags/etl/dagRuns/r1/clear", {"dry_run": False, "run_on_latest_version": True, "conf": {}}
        assert sqlite_api.post(path, body, 422)["errors"][0]["pointer"] == "/conf"
        assert sqlite_api.post(path, {**body, "conf": {"n": 1}})["params"] == {"n": 1}

    @pytest.mark.parametrize(
        "body",
        [
            {"only_failed": True, "only_new": True},
            {"only_new": True},
            {"dry_run": "x"},
            {"conf": {}, "only_failed": True},
            {"conf": [1]},
        ],
    )
    def test_what_cannot_be_is_refused(self, sqlite_api: Api, body: Mapping[str, Any]) -> None:
        finished(sqlite_api)
        sqlite_api.post("/dags/etl/dagRuns/r1/clear", {"dry_run": False, **body}, 422)
        sqlite_api.post("/dags/etl/dagRuns/none/clear", {}, 404)


class TestMark:
    def test_the_answer_is_what_changed(self, api: Api) -> None:
        finished(api, fail="a")
        path = "/dags/etl/dagRuns/r1/taskInstances/a"
        assert [one["state"] for one in api.patch(f"{path}/dry_run", {"new_state": "SUCCESS"})["task_instances"]] == [
            "failed"
        ]
        found = api.patch(path, {"new_state": "Success", "note": "by hand"})
        assert [(one["task_id"], one["state"], one["state_reason"]) for one in found["task_instances"]] == [
            ("a", "success", "marked")
        ]
        assert api.get(path)["note"] == "by hand"
        api.engine.run_until_idle()
        assert states(api) == {"a": "success", "b": "queued"}
        assert api.patch(path, {"new_state": "success"}, 409)["detail"]["message"] == (
            "task 'a' of run 'r1' is success already"
        )

    def test_one_item_or_all_of_a_mapped_task(self, api: Api) -> None:
        api.save("etl", MAPPED)
        api.trigger(run_id="r1")
        api.engine.run_until_idle()
        path = "/dags/etl/dagRuns/r1/taskInstances/load"
        api.patch(f"{path}/1", {"new_state": "success"})
        assert states(api)["load1"] == "success"
        assert api.patch(f"{path}/dry_run?map_index=0", {"new_state": "success"})["total_entries"] == 1
        assert api.patch(f"{path}/1/dry_run", {"new_state": "failed"})["total_entries"] == 1
        assert api.patch(path, {"new_state": "failed"})["total_entries"] == 2
        api.patch(f"{path}/7", {"new_state": "failed"}, 404)

    def test_a_note_alone_changes_no_state(self, api: Api) -> None:
        finished(api)
        path = "/dags/etl/dagRuns/r1/taskInstances/a"
        (row,) = api.patch(f"{path}?update_mask=note", {"new_state": "failed", "note": "seen"})["task_instances"]
        assert (row["state"], row["note"]) == ("success", "seen")
        (row,) = api.patch(path, {"note": None})["task_instances"]
        assert row["note"] == "seen", "null says nothing"
        (row,) = api.patch(f"{path}?update_mask=note", {"note": None})["task_instances"]
        assert row["note"] is None, "unless the mask says that it does"
        api.patch(path, {"note": "seen again"})
        noted = "/dags/etl/dagRuns/r1/taskInstances?has_note="
        assert [each["task_id"] for each in api.get(f"{noted}true")["task_instances"]] == ["a"]
        assert "a" not in [each["task_id"] for each in api.get(f"{noted}false")["task_instances"]]
        api.get(f"{noted}perhaps", 422)
        (row,) = api.patch(path, {"note": ""})["task_instances"]
        assert row["note"] is None

    def test_a_preview_without_a_state_shows_what_is_named(self, sqlite_api: Api) -> None:
        finished(sqlite_api)
        (row,) = sqlite_api.patch("/dags/etl/dagRuns/r1/taskInstances/a/dry_run", {"note": "x"})["task_instances"]
        assert (row["task_id"], row["state"], row["note"]) == ("a", "success", None)

    @pytest.mark.parametrize("state", ["running", "scheduled", "upstream_failed", None, 7, ""])
    def test_other_states_cannot_be_marked(self, sqlite_api: Api, state: Any) -> None:
        finished(sqlite_api)
        sqlite_api.patch("/dags/etl/dagRuns/r1/taskInstances/a", {"new_state": state}, 422)

    @pytest.mark.parametrize(
        ("path", "body", "status"),
        [
            pytest.param("r1/taskInstances/none", {"new_state": "success"}, 404, id="unknown task"),
            pytest.param("none/taskInstances/a", {"new_state": "success"}, 404, id="unknown run"),
            pytest.param("r1/taskInstances/a/5", {"new_state": "failed"}, 404, id="unknown item"),
            pytest.param("r1/taskInstances/a", {"new_state": "failed", "include_past": True}, 400, id="no date"),
            pytest.param("none/taskInstances/a/dry_run", {}, 404, id="a preview of an unknown run"),
        ],
    )
    def test_what_cannot_be_is_refused(self, sqlite_api: Api, path: str, body: Mapping[str, Any], status: int) -> None:
        finished(sqlite_api)
        sqlite_api.patch(f"/dags/etl/dagRuns/{path}", body, status)
        assert states(sqlite_api) == {"a": "success", "b": "success"}


class TestMarkRun:
    def test_a_run_is_marked_success(self, api: Api) -> None:
        api.save()
        run_id = api.trigger()
        api.engine.run_until_idle()
        run = api.patch(f"/dags/etl/dagRuns/{run_id}", {"state": "success"})
        assert (run["state"], run["state_reason"], run["message"]) == ("success", "marked", "marked success by admin")
        assert states(api, run_id) == {"a": "success", "b": "skipped"}
        api.engine.run_until_idle()
        assert len(api.engine.executor.cancelled) == 1
        assert_sound(api.database)

    def test_a_run_that_has_ended_is_marked_failed_and_then_queued(self, api: Api) -> None:
        finished(api)
        assert api.patch("/dags/etl/dagRuns/r1", {"state": "failed"})["state_reason"] == "marked"
        assert api.patch("/dags/etl/dagRuns/r1", {"state": "queued"})["state"] == "queued"
        api.engine.run_until_idle()
        assert api.get("/dags/etl/dagRuns/r1")["state"] == "success"

    @pytest.mark.parametrize("state", ["queued", "success", "failed"])
    def test_unknown_runs_are_not_found(self, sqlite_api: Api, state: str) -> None:
        sqlite_api.save()
        sqlite_api.patch("/dags/etl/dagRuns/none", {"state": state}, 404)


class TestTries:
    def test_every_try_is_told_also_those_before_a_clear(self, api: Api) -> None:
        finished(api, fail="b")
        clear(api, dry_run=False)
        api.engine.run_until_idle()
        clear(api, dry_run=False, only_failed=False, task_ids=["b"])
        api.engine.run_until_idle()
        api.engine.finish("b", run_id="r1")
        path = "/dags/etl/dagRuns/r1/taskInstances/b/tries"
        tries = api.get(path)["task_instances"]
        assert [(one["try_number"], one["generation"], one["state"], one["attempt_state"]) for one in tries] == [
            (1, 1, "failed", "failed"),
            (2, 2, "failed", "cancelled"),
            (3, 3, "success", "success"),
        ]
        assert tries[1]["message"] == "stopped, because its task instance was cleared"
        assert api.get(f"{path}/2") == tries[1]
        assert api.get("/dags/etl/dagRuns/r1/taskInstances/b/-1/tries/3") == tries[2]
        api.get(f"{path}/4", 404)
        api.get("/dags/etl/dagRuns/r1/taskInstances/none/tries", 404)

    def test_a_task_that_never_ran_has_no_tries(self, sqlite_api: Api) -> None:
        finished(sqlite_api, fail="a")
        assert sqlite_api.get("/dags/etl/dagRuns/r1/taskInstances/b/tries") == {
            "task_instances": [],
            "total_entries": 0,
        }


class TestMappedInstances:
    def test_they_are_listed_and_found_by_their_index(self, api: Api) -> None:
        api.save("etl", MAPPED)
        api.trigger(run_id="r1")
        path = "/dags/etl/dagRuns/r1/taskInstances/load"
        assert api.get(f"{path}/listMapped")["task_instances"] == []
        api.engine.run_until_idle()
        api.engine.finish("load", run_id="r1", map_index=0)
        listed = api.get(f"{path}/listMapped")["task_instances"]
        assert [(one["map_index"], one["state"]) for one in listed] == [(0, "success"), (1, "queued")]
        found = api.get(f"{path}/listMapped?state=queued&limit=1")
        assert ([one["map_index"] for one in found["task_instances"]], found["total_entries"]) == ([1], 1)
        assert {**api.get(f"{path}/1"), "rendered_fields": {}} == listed[1]
        assert [one["try_number"] for one in api.get(f"{path}/1/tries")["task_instances"]] == [1]
        assert api.get(f"{path}/tries?map_index=1") == api.get(f"{path}/1/tries")
        for missing in (f"{path}/2", path, "/dags/etl/dagRuns/r1/taskInstances/none/listMapped", f"{path}/{2**70}"):
            api.get(missing, 404)

    def test_a_task_that_is_not_mapped_has_none(self, sqlite_api: Api) -> None:
        finished(sqlite_api)
        refused = sqlite_api.get("/dags/etl/dagRuns/r1/taskInstances/a/listMapped", 404)
        assert refused["detail"] == "Task id a is not mapped"
        sqlite_api.get("/dags/etl/dagRuns/none/taskInstances/a/listMapped", 404)

    def test_minus_one_is_a_task_that_is_not_mapped(self, sqlite_api: Api) -> None:
        finished(sqlite_api)
        path = "/dags/etl/dagRuns/r1/taskInstances/a"
        assert sqlite_api.get(f"{path}/-1") == sqlite_api.get(path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/dags/etl/clearTaskInstances"),
        ("POST", "/dags/etl/dagRuns/r1/clear"),
        ("PATCH", "/dags/etl/dagRuns/r1/taskInstances/a"),
        ("PATCH", "/dags/etl/dagRuns/r1/taskInstances/a/dry_run"),
    ],
)
def test_who_may_only_look_may_neither_clear_nor_mark(sqlite_api: Api, method: str, path: str) -> None:
    finished(sqlite_api)
    viewer = sqlite_api.token_of(Role.VIEWER)
    assert sqlite_api.request(method, path, token=viewer, json={"new_state": "failed"}).status == 403
