"""What programs written for Airflow 3 count on, beside what its document says."""

from datetime import datetime
from typing import Any

import pytest

from mainspring_api.resources.service.version import AIRFLOW_VERSION
from mainspring_store.access.roles import Role
from tests.api.harness import SHELL, Api

ASK: dict[str, Any] = {"ask": {"type": "approval", "message": "Publish?"}, "after": {**SHELL, "depends_on": ["ask"]}}
ASK_MORE: dict[str, Any] = {
    "ask": {**ASK["ask"], "choices": ["approve", "reject", "later"], "default": "later", "timeout": "1h"}
}
DETAIL = "/dags/etl/dagRuns/r1/taskInstances/ask/-1/hitlDetails"


def test_the_version_is_the_one_of_airflow_and_ours_stands_beside_it(sqlite_api: Api) -> None:
    answer = sqlite_api.get("/version", token=None)
    assert answer == {"version": AIRFLOW_VERSION, "mainspring_version": "1.2.3", "git_version": None}
    assert int(answer["version"].partition(".")[0]) == 3


def test_the_document_and_the_health_are_open(sqlite_api: Api) -> None:
    assert sqlite_api.get("/openapi.json", token=None)["openapi"] == "3.1.0"
    assert sqlite_api.app.test_client().get("/monitor/health").json == sqlite_api.get("/monitor/health", token=None)


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/dags", "/api/v1/dags/x/dagRuns"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_the_api_of_airflow_2_names_the_one_that_is_here(sqlite_api: Api, method: str, path: str) -> None:
    headers = {"Authorization": "Basic YWRtaW46YWRtaW4="}
    answer = sqlite_api.app.test_client().open(path, method=method, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert "/api/v2" in answer.json["detail"]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2026-05-01T12:00:00Z", "2026-05-01T12:00:00+00:00"),
        ("2026-05-01T12:00:00", "2026-05-01T12:00:00+00:00"),
        ("2026-05-01T12:00:00.5Z", "2026-05-01T12:00:00.500000+00:00"),
        ("2026-05-01T12:00:00.123456+00:00", "2026-05-01T12:00:00.123456+00:00"),
        ("2026-05-01T12:00:00.000001+02:00", "2026-05-01T12:00:00.000001+02:00"),
        ("2026-05-01T12:00:00-05:30", "2026-05-01T12:00:00-05:30"),
        ("2026-05-01T12:00:00.1234569Z", "2026-05-01T12:00:00.123456+00:00"),
    ],
)
def test_a_run_is_named_by_its_run_after_as_airflow_names_it(sqlite_api: Api, sent: str, expected: str) -> None:
    """Expected is what Airflow 3.3.2 gives: `coerce_datetime` keeps an offset, and takes none as UTC."""
    sqlite_api.save()
    run = sqlite_api.post("/dags/etl/dagRuns", {"logical_date": None, "run_after": sent})
    assert run["dag_run_id"] == f"manual__{expected}"
    assert datetime.fromisoformat(run["run_after"]) == datetime.fromisoformat(expected)
    again = sqlite_api.post("/dags/etl/dagRuns", {"logical_date": None, "run_after": sent}, 409)
    assert run["dag_run_id"] in again["detail"]["message"]


def test_triggers_in_one_instant_do_not_clash(sqlite_api: Api) -> None:
    sqlite_api.save()
    ids = {sqlite_api.post("/dags/etl/dagRuns", {"run_after": None})["dag_run_id"] for _ in range(20)}
    assert len(ids) == 20


def test_a_pool_is_patched_with_its_name_in_the_body(api: Api) -> None:
    api.post("/pools", {"name": "p", "slots": 1}, 201)
    assert api.patch("/pools/p", {"name": "p", "slots": 2})["slots"] == 2
    assert api.patch("/pools/p", {"name": "p", "pool": "p", "slots": 3})["slots"] == 3
    assert api.patch("/pools/default_pool", {"name": "default_pool", "slots": 9})["slots"] == 9
    for body in ({"name": "q", "slots": 4}, {"pool": "p", "name": "q"}):
        assert api.patch("/pools/p", body, 400)["errors"][0]["pointer"] == "/name"
    assert api.get("/pools/p")["slots"] == 3


def test_no_null_stands_where_airflow_has_none(api: Api) -> None:
    api.save()
    api.trigger(run_id="r1")
    for task in api.get("/dags/etl/tasks")["tasks"]:
        assert task["class_ref"] == {"module_path": "mainspring", "class_name": "shell"}
        assert (task["owner"], task["ui_color"], task["ui_fgcolor"]) == ("mainspring", "#fff", "#000")
    instance = api.get("/dags/etl/dagRuns/r1/taskInstances/a")
    assert (instance["unixname"], instance["hostname"], instance["scheduled_when"]) == ("", "", None)
    api.engine.run_until_idle()
    instance = api.get("/dags/etl/dagRuns/r1/taskInstances/a")
    assert instance["scheduled_when"] == instance["queued_when"] is not None


class TestHitlDetails:
    @pytest.fixture(autouse=True)
    def _asked(self, api: Api) -> None:
        api.save("etl", ASK)
        api.trigger("etl", "r1")
        api.engine.run_until_idle()

    def test_an_approval_is_shown_as_airflow_shows_one(self, api: Api) -> None:
        detail = api.get(DETAIL)
        assert api.get("/dags/etl/dagRuns/r1/hitlDetails") == {"hitl_details": [detail], "total_entries": 1}
        assert api.get("/dags/~/dagRuns/~/hitlDetails?response_received=false")["hitl_details"] == [detail]
        assert api.get("/dags/~/dagRuns/~/hitlDetails?response_received=true")["total_entries"] == 0
        assert (detail["subject"], detail["options"]) == ("Publish?", ["Approve", "Reject"])
        assert (detail["response_received"], detail["chosen_options"], detail["params_input"]) == (False, None, {})
        instance = api.get("/dags/etl/dagRuns/r1/taskInstances/ask")
        assert detail["task_instance"] == {**instance, "rendered_fields": {}}
        assert detail["created_at"] == detail["task_instance"]["start_date"]

    def test_approvals_are_found_by_subject_body_and_responder(self, api: Api) -> None:
        def found(name: str, *values: str) -> list[str]:
            answered = api.get("/dags/~/dagRuns/~/hitlDetails?" + "&".join(f"{name}={value}" for value in values))
            assert answered["total_entries"] == len(answered["hitl_details"])
            return [detail["task_instance"]["task_id"] for detail in answered["hitl_details"]]

        def check_text() -> None:
            for value, expected in {"pUBL": 1, "P%25h": 1, "other": 0, "other|lish": 1, "~": 1, "": 1}.items():
                assert len(found("subject_search", value)) == expected, value
            assert (found("body_search", "text"), len(found("body_search", "~"))) == ([], 1)

        check_text()
        assert found("responded_by_user_id", "admin") == []
        api.patch(DETAIL, {"chosen_options": ["Approve"]})
        assert found("responded_by_user_id", "other", "admin") == ["ask"]
        api.engine.run_until_idle()
        assert found("responded_by_user_name", "admin") == ["ask"]
        assert found("responded_by_user_name", "adm", "other") == []
        check_text()

    @pytest.mark.parametrize(("option", "state", "by"), [("Approve", "success", "admin"), ("Reject", "failed", None)])
    def test_an_answer_ends_the_task_and_stays_to_be_read(self, api: Api, option: str, state: str, by: Any) -> None:
        recorded = api.patch(DETAIL, {"chosen_options": [option], "params_input": {}})
        assert (recorded["responded_by"], recorded["chosen_options"]) == ({"id": "admin", "name": "admin"}, [option])
        for is_over in (False, True):
            if is_over:
                api.engine.run_until_idle()
            detail = api.get(DETAIL)
            assert (detail["response_received"], detail["chosen_options"]) == (True, [option])
            assert api.get("/dags/etl/dagRuns/~/hitlDetails?response_received=true")["hitl_details"] == [detail]
        assert (detail["task_instance"]["state"], detail["subject"]) == (state, "Publish?")
        assert detail["responded_by_user"] == (by and {"id": by, "name": by})
        assert "already" in api.patch(DETAIL, {"chosen_options": [option]}, 409)["detail"]["message"] or is_over

    def test_other_choices_are_options_as_they_are(self, api: Api) -> None:
        api.save("more", ASK_MORE)
        api.trigger("more", "r1")
        api.engine.run_until_idle()
        path = DETAIL.replace("etl", "more")
        detail = api.get(path)
        assert (detail["options"], detail["defaults"]) == (["Approve", "Reject", "later"], ["later"])
        api.patch(path, {"chosen_options": ["later"]})
        api.engine.run_until_idle()
        assert api.get("/dags/more/dagRuns/r1/taskInstances/ask/xcomEntries/choice")["value"] == "later"

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"chosen_options": ["Maybe"]}, 400),
            ({"chosen_options": ["Approve", "Reject"]}, 400),
            ({"chosen_options": ["Approve"], "params_input": {"x": 1}}, 400),
            ({"chosen_options": []}, 422),
            ({}, 422),
        ],
    )
    def test_what_is_no_answer_is_refused(self, api: Api, body: Any, status: int) -> None:
        api.patch(DETAIL, body, status)
        assert api.get(DETAIL)["response_received"] is False

    def test_rights_are_those_of_approvals(self, api: Api) -> None:
        viewer = api.token_of(Role.VIEWER)
        assert api.get(DETAIL, token=viewer)["subject"] == "Publish?"
        api.patch(DETAIL, {"chosen_options": ["Approve"]}, 403, token=viewer)

    @pytest.mark.parametrize("elsewhere", ["after/-1", "ask/0", "nothing/-1"])
    def test_what_has_asked_nothing_is_not_found(self, api: Api, elsewhere: str) -> None:
        path = DETAIL.replace("ask/-1", elsewhere)
        api.get(path, 404)
        api.patch(path, {"chosen_options": ["Approve"]}, 404)


def test_a_task_without_a_try_has_a_log_that_says_why(api: Api) -> None:
    tasks = {
        "gate": {"type": "noop", "when": "${{ false }}"},
        "start": {"type": "noop"},
        "work": {**SHELL, "depends_on": ["start"]},
        "later": {**SHELL, "depends_on": ["work"]},
    }
    api.save("etl", tasks)
    api.trigger("etl", "r1")
    api.engine.run_until_idle()

    def log(task_id: str, try_number: int = 0, status: int = 200) -> Any:
        return api.get(f"/dags/etl/dagRuns/r1/taskInstances/{task_id}/logs/{try_number}", status)

    reasons = {
        "gate": "Task was skipped, no logs available.",
        "start": "Task ended without a try, no logs available.",
        "later": "Task has not started, no logs available.",
    }
    for task_id, reason in reasons.items():
        answered = log(task_id)
        assert ([line["event"] for line in answered["content"]], answered["continuation_token"]) == ([reason], None)
        assert log(task_id, 1, 404)["code"] == "not_found"
    assert log("work", 0, 404)["code"] == "not_found"
    assert log("work", 1)["continuation_token"] is not None
    assert log("nothing", 0, 404)["code"] == "not_found"
