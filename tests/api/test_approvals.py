"""Approvals over HTTP."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mainspring_store.access.roles import Role
from mainspring_store.access.tokens import add_token
from mainspring_store.access.users import create_user
from tests.api.harness import SHELL, Api

ASK: dict[str, Any] = {
    "ask": {"type": "approval", "message": "Publish?", "choices": ["approve", "reject", "later"], "timeout": "1h"},
    "after": {**SHELL, "depends_on": ["ask"]},
}


@pytest.fixture
def path(api: Api) -> str:
    """Of the answer to an approval that waits."""
    api.save("etl", ASK)
    run_id = api.trigger("etl", "r1")
    api.engine.run_until_idle()
    return f"/dags/etl/dagRuns/{run_id}/taskInstances/ask"


def test_what_is_asked_is_listed_and_shown_with_its_task(api: Api, path: str) -> None:
    listed = api.get("/approvals?dag_id_pattern=etl&limit=1")
    [approval] = listed["approvals"]
    assert listed["total_entries"] == 1
    assert (approval["dag_id"], approval["dag_run_id"], approval["task_id"], approval["map_index"]) == (
        "etl",
        "r1",
        "ask",
        -1,
    )
    assert approval["choices"] == ["approve", "reject", "later"]
    instance = api.get(path)
    assert instance["state"] == "deferred"
    assert instance["waits_for"]["message"] == approval["message"] == "Publish?"
    assert instance["next_try_at"] == approval["give_up_at"]
    assert api.get("/approvals?dag_id_pattern=other")["approvals"] == []


def test_an_answer_ends_the_task_with_who_gave_it(api: Api, path: str) -> None:
    recorded = api.post(f"{path}/approval", {"choice": "later", "note": "not today"})
    assert (recorded["choice"], recorded["by"], recorded["note"]) == ("later", "admin", "not today")
    assert api.get("/approvals")["total_entries"] == 0
    api.engine.run_until_idle()
    instance = api.get(path)
    assert (instance["state"], instance["waits_for"]) == ("success", None)
    assert api.get(f"{path}/xcomEntries/choice")["value"] == "later"


def test_a_rejection_fails_the_task(api: Api, path: str) -> None:
    api.post(f"{path}/approval", {"choice": "reject", "note": "wrong"})
    api.engine.run_until_idle()
    instance = api.get(path)
    assert (instance["state"], instance["state_reason"]) == ("failed", "approval_rejected")
    assert instance["message"] == "rejected by admin: wrong"


def test_the_first_answer_counts(api: Api, path: str) -> None:
    api.post(f"{path}/approval", {"choice": "approve"})
    refused = api.post(f"{path}/approval", {"choice": "reject"}, 409)
    assert "answered already, with 'approve'" in refused["detail"]["message"]


@pytest.mark.parametrize(
    ("body", "pointer"), [({"choice": "maybe"}, "/choice"), ({}, "/choice"), ({"choice": "later", "x": 1}, "/x")]
)
def test_what_is_no_answer_is_told_so(api: Api, path: str, body: dict[str, Any], pointer: str) -> None:
    assert api.post(f"{path}/approval", body, 422)["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("elsewhere", ["ask/approval?map_index=3", "after/approval", "nothing/approval"])
def test_what_asks_nothing_is_not_found(api: Api, path: str, elsewhere: str) -> None:
    api.post(f"{path.rpartition('/')[0]}/{elsewhere}", {"choice": "approve"}, 404)


def test_who_may_only_look_may_not_answer(api: Api, path: str) -> None:
    viewer = api.token_of(Role.VIEWER)
    assert api.get("/approvals", token=viewer)["total_entries"] == 1
    api.post(f"{path}/approval", {"choice": "approve"}, 403, token=viewer)


ASK_VALUES: dict[str, Any] = {
    "ask": {
        "type": "approval",
        "message": "Where?",
        "choices": ["eu", "us", "reject"],
        "multiple": True,
        "params": {
            "type": "object",
            "properties": {"hosts": {"type": "integer", "minimum": 1}, "dry": {"type": "boolean", "default": True}},
            "required": ["hosts"],
            "additionalProperties": False,
        },
    },
}


class TestValues:
    @pytest.fixture
    def path(self, api: Api) -> str:
        api.save("etl", ASK_VALUES)
        api.trigger("etl", "r1")
        api.engine.run_until_idle()
        return "/dags/etl/dagRuns/r1/taskInstances/ask"

    def test_choices_and_values_become_outputs(self, api: Api, path: str) -> None:
        [approval] = api.get("/approvals")["approvals"]
        assert (approval["multiple"], approval["params"], approval["assigned"]) == (
            True,
            ASK_VALUES["ask"]["params"],
            None,
        )
        recorded = api.post(f"{path}/approval", {"choices": ["us", "eu"], "values": {"hosts": 3}})
        assert (recorded["choice"], recorded["choices"]) == ("us", ["us", "eu"])
        api.engine.run_until_idle()
        assert api.get(path)["state"] == "success"
        assert api.get(f"{path}/xcomEntries/values")["value"] == {"hosts": 3, "dry": True}
        assert api.get(f"{path}/xcomEntries/choices")["value"] == ["us", "eu"]

    def test_a_rejection_needs_no_values_and_keeps_none(self, api: Api, path: str) -> None:
        assert api.post(f"{path}/approval", {"choice": "reject", "values": {"x": 1}})["values"] == {}
        api.engine.run_until_idle()
        assert api.get(path)["state_reason"] == "approval_rejected"

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"choice": "eu"}, "/values"),
            ({"choice": "eu", "values": {"hosts": 0}}, "/values/hosts"),
            ({"choice": "eu", "values": {"hosts": 1, "x": 1}}, "/values"),
            ({"choice": "eu", "values": [1]}, "/values"),
            ({"choices": ["eu", "asia"], "values": {"hosts": 1}}, "/choices/1"),
            ({"choices": ["eu", "reject"], "values": {"hosts": 1}}, "/choices/1"),
            ({"choices": ["eu", "eu"], "values": {"hosts": 1}}, "/choices/0"),
            ({"choices": [], "values": {"hosts": 1}}, "/choices"),
            ({"choice": "eu", "choices": ["eu"]}, "/choice"),
        ],
    )
    def test_an_answer_that_does_not_fit_is_refused_by_place(
        self, api: Api, path: str, body: dict[str, Any], pointer: str
    ) -> None:
        assert api.post(f"{path}/approval", body, 422)["errors"][0]["pointer"] == pointer
        assert api.get("/approvals")["total_entries"] == 1

    def test_airflow_sees_and_answers_the_same(self, api: Api, path: str) -> None:
        detail = api.get(f"{path}/-1/hitlDetails")
        assert (detail["multiple"], detail["options"]) == (True, ["eu", "us", "Reject"])
        assert detail["params"]["dry"] == {
            "value": True,
            "schema": {"type": "boolean", "default": True},
            "description": None,
        }
        body = {"chosen_options": ["eu", "us"], "params_input": {"hosts": 0}}
        refused = api.patch(f"{path}/-1/hitlDetails", body, 400)
        assert refused["errors"][0]["pointer"] == "/params_input/hosts"
        recorded = api.patch(f"{path}/-1/hitlDetails", {**body, "params_input": {"hosts": 2}})
        assert recorded["params_input"] == {"hosts": 2, "dry": True}
        for _ in range(2):
            detail = api.get(f"{path}/-1/hitlDetails")
            assert (detail["chosen_options"], detail["params_input"]) == (["eu", "us"], {"hosts": 2, "dry": True})
            api.engine.run_until_idle()


class TestAssigned:
    @pytest.fixture
    def path(self, sqlite_api: Api) -> str:
        sqlite_api.save("etl", {"ask": {**ASK["ask"], "assigned": {"users": ["ann"], "roles": ["author"]}}})
        sqlite_api.trigger("etl", "r1")
        sqlite_api.engine.run_until_idle()
        return "/dags/etl/dagRuns/r1/taskInstances/ask"

    def test_an_assigned_role_may_answer_and_others_may_not(self, sqlite_api: Api, path: str) -> None:
        operator = sqlite_api.token_of(Role.OPERATOR)
        for refused in (
            sqlite_api.post(f"{path}/approval", {"choice": "approve"}, 403, token=operator),
            sqlite_api.patch(f"{path}/-1/hitlDetails", {"chosen_options": ["Approve"]}, 403, token=operator),
        ):
            assert refused["code"] == "not_assigned"
            assert "the users ann and the roles author" in refused["detail"]
        sqlite_api.post(f"{path}/approval", {"choice": "approve"}, token=sqlite_api.token_of(Role.AUTHOR))

    def test_an_assigned_user_may_answer_and_a_token_of_the_same_name_may_not(self, sqlite_api: Api, path: str) -> None:
        now = datetime.now(UTC)
        add_token(sqlite_api.database, "ms_other", name="ann", role=Role.OPERATOR, now=now)
        sqlite_api.post(f"{path}/approval", {"choice": "approve"}, 403, token="ms_other")
        user = create_user(sqlite_api.database, "ann", password_hash="none", role=Role.OPERATOR, now=now)
        add_token(sqlite_api.database, "ms_ann", name="laptop", role=Role.OPERATOR, user_id=user, now=now)
        assert sqlite_api.post(f"{path}/approval", {"choice": "approve"}, token="ms_ann")["by"] == "ann"

    def test_an_administrator_is_no_exception(self, sqlite_api: Api) -> None:
        sqlite_api.save("only", {"ask": {**ASK["ask"], "assigned": {"users": ["ann"]}}})
        sqlite_api.trigger("only", "r1")
        sqlite_api.engine.run_until_idle()
        sqlite_api.post("/dags/only/dagRuns/r1/taskInstances/ask/approval", {"choice": "approve"}, 403)
