"""Approvals over HTTP."""

from typing import Any

import pytest

from mainspring_store.access.roles import Role
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
