"""The audit log: every write leaves one event in its own transaction, every refusal one too, reading leaves none."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mainspring.errors import StoreUnavailable
from mainspring_store.access.audit import AuditEvent, Outcome, write_event
from mainspring_store.access.roles import Role
from mainspring_store.queries.audit import list_events
from mainspring_store.queries.listing import ListQuery
from tests.api.harness import SHELL, Api

CANARY = "kanarienvogel-4711"


def events(api: Api, **filters: Any) -> list[dict[str, Any]]:
    return list(list_events(api.database, ListQuery(filters=filters)).rows)


def test_a_write_tells_who_did_what_to_which_run(api: Api) -> None:
    api.save()
    run_id = api.trigger()
    api.patch(f"/dags/etl/dagRuns/{run_id}", {"state": "failed"})
    assert [
        (each["event"], each["outcome"], each["owner"], each["dag_id"], each["run_id"]) for each in events(api)
    ] == [
        ("put_dag", "done", "admin", "etl", None),
        ("trigger_dag_run", "done", "admin", "etl", run_id),
        ("patch_dag_run", "done", "admin", "etl", run_id),
    ]
    [saved] = events(api, event="put_dag")
    assert saved["extra"]["content_hash"] == api.get("/dags/etl/dagVersions/1")["content_hash"]
    assert saved["extra"]["source"] == "127.0.0.1"


def test_what_was_not_stored_was_not_done(api: Api) -> None:
    api.save()
    api.trigger(run_id="r1")
    api.post("/dags/etl/dagRuns", {"dag_run_id": "r1"}, 409)
    api.post("/dags/none/dagRuns", {}, 404)
    api.put("/dags/etl", {"tasks": {"a": {**SHELL, "depends_on": ["none"]}}}, 422)
    assert [each["event"] for each in events(api)] == ["put_dag", "trigger_dag_run"]


def test_a_request_of_several_transactions_is_one_event(api: Api) -> None:
    actions = [{"action": "create", "entities": [{"key": key, "value": "v"}]} for key in ("a", "b")]
    api.patch("/variables", {"actions": actions})
    assert [each["event"] for each in events(api)] == ["bulk_variables"]


def test_reading_and_dry_runs_leave_nothing(sqlite_api: Api) -> None:
    sqlite_api.save()
    sqlite_api.trigger(run_id="r1")
    before = events(sqlite_api)
    sqlite_api.get("/dags")
    sqlite_api.post("/dags/validate", {"dag_id": "x", "tasks": {"a": SHELL}})
    sqlite_api.post("/dags/etl/clearTaskInstances", {"dag_run_id": "r1", "dry_run": True})
    assert events(sqlite_api) == before


def test_who_lacks_the_role_is_noted(api: Api) -> None:
    api.request("POST", "/dags/etl/dagRuns", token=api.token_of(Role.VIEWER), json={})
    [event] = events(api)
    assert (event["event"], event["outcome"], event["owner"], event["dag_id"]) == (
        "trigger_dag_run",
        "refused",
        "a viewer",
        "etl",
    )
    assert event["extra"]["reason"] == "role"


def test_a_secret_is_told_by_its_name_alone(sqlite_api: Api) -> None:
    sqlite_api.put("/secrets/token", {"value": CANARY}, 201)
    [event] = events(sqlite_api)
    assert event["extra"]["secret_name"] == "token"
    assert CANARY not in str(event)


def test_when_the_event_cannot_be_written_nothing_was_done(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    api.save()
    monkeypatch.setattr("mainspring_api.http.audit.write_event", fail)
    api.post("/dags/etl/dagRuns", {}, 503)
    monkeypatch.undo()
    assert api.get("/dags/etl/dagRuns")["total_entries"] == 0
    assert [each["event"] for each in events(api)] == ["put_dag"]


def test_names_of_any_length_can_be_noted(api: Api) -> None:
    viewer = api.token_of(Role.VIEWER)
    api.request("POST", f"/dags/{'x' * 1000}/dagRuns", token=viewer, json={})
    [event] = events(api)
    assert event["dag_id"] == "x" * 250


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        pytest.param({"event": "b"}, [2], id="event"),
        pytest.param({"included_events": ["a", "c"]}, [1, 3], id="included"),
        pytest.param({"excluded_events": ["a", "c"]}, [2], id="excluded"),
        pytest.param({"dag_id": "d1"}, [1], id="dag_id"),
        pytest.param({"owner_pattern": "NN"}, [1, 2], id="owner pattern"),
        pytest.param({"outcome": ["refused"]}, [3], id="outcome"),
    ],
)
def test_events_are_found_by_what_they_tell(api: Api, filters: dict[str, Any], found: list[int]) -> None:

    now = datetime.now(UTC)
    rows = [("a", "anna", "d1", Outcome.DONE), ("b", "anna", None, Outcome.DONE), ("c", None, "d2", Outcome.REFUSED)]
    with api.database.write() as connection:
        for event, owner, dag_id, outcome in rows:
            write_event(
                connection,
                AuditEvent(at=now, event=event, outcome=outcome, owner=owner, principal_id=None, dag_id=dag_id),
            )
    assert [each["id"] for each in events(api, **filters)] == found
