"""Schedules that wait for other DAGs, over HTTP: what is refused, what a run tells of its sources, and to whom."""

from typing import Any

import pytest

from mainspring_store.access.roles import Grant, Role
from tests.api.harness import Api

NOOP = {"a": {"type": "noop"}}


def after(*dag_ids: str, **more: Any) -> dict[str, Any]:
    return {"after": [{"dag": dag_id} for dag_id in dag_ids], **more}


def faults(answer: Any) -> list[tuple[str, str]]:
    return [(fault["pointer"], fault["code"]) for fault in answer["errors"]]


def test_a_run_names_its_sources(api: Api) -> None:
    api.save("first", NOOP)
    saved = api.save("second", schedule=after("first"))
    assert (saved["timetable_summary"], saved["timetable_periodic"]) == ("after first", False)
    assert saved["timetable_description"] == "When a run of first has succeeded"
    assert api.get("/dags/second/schedule")["runs"] == []
    viewer = api.token_of(None, grants=[Grant(pattern="second", role=Role.VIEWER)])
    body = {"dag_run_id": "r1", "logical_date": "2026-11-01T00:00:00Z"}
    assert api.post("/dags/first/dagRuns", body)["sources"] == []
    api.engine.run_until_idle()
    runs = api.get("/dags/second/dagRuns?run_type=asset_triggered")["dag_runs"]
    assert [(run["run_type"], run["logical_date"]) for run in runs] == [("asset_triggered", "2026-11-01T00:00:00Z")]
    (source,) = runs[0]["sources"]
    assert {name: source[name] for name in ("dag_id", "dag_run_id", "state", "logical_date")} == {
        "dag_id": "first",
        "dag_run_id": "r1",
        "state": "success",
        "logical_date": "2026-11-01T00:00:00Z",
    }
    assert source["end_date"] == api.get("/dags/first/dagRuns/r1")["end_date"]
    unseen = api.get("/dags/second/dagRuns", token=viewer)["dag_runs"]
    assert [run["sources"] for run in unseen] == [[]]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"after": []}, [("/schedule/after", "out_of_range")]),
        ({"after": [{"dag": "a", "state": "ended"}]}, [("/schedule/after/0/state", "invalid_value")]),
        ({"after": [{"state": "success"}]}, [("/schedule/after/0", "missing_field")]),
        ({"after": [{"dag": "x"}, {"dag": "x", "state": "success"}]}, [("/schedule/after/1", "duplicate_id")]),
        (after("etl"), [("/schedule/after/0/dag", "dag_cycle")]),
        (after("a", match="some"), [("/schedule/match", "invalid_value")]),
        (after("a", match="any", within="PT1H"), [("/schedule/within", "exclusive_fields")]),
        (after("a", jitter="PT1H"), [("/schedule/jitter", "exclusive_fields")]),
        (after("a", cron="@daily"), [("/schedule/after", "exclusive_fields")]),
        ({"cron": "@daily", "match": "any"}, [("/schedule/match", "exclusive_fields")]),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_by_place(sqlite_api: Api, schedule: Any, expected: Any) -> None:
    refused = sqlite_api.put("/dags/etl", {"tasks": NOOP, "schedule": schedule}, 422)
    assert faults(refused) == expected


def test_schedules_do_not_wait_in_a_circle(api: Api) -> None:
    api.save("a", schedule=after("c"))
    api.save("b", schedule=after("a"))
    refused = api.put("/dags/c", {"tasks": NOOP, "schedule": after("x", "b")}, 422)
    assert faults(refused) == [("/schedule/after/1/dag", "dag_cycle")]
    assert "leave one of the two schedules out" in refused["errors"][0]["hint"]
    checked = api.post("/dags/validate?dag_id=c", {"tasks": NOOP, "schedule": after("b")}, 422)
    assert faults(checked) == [("/schedule/after/0/dag", "dag_cycle")]
    api.put("/dags/a", {"tasks": NOOP})
    api.save("c", schedule=after("b"))


def test_definitions_that_are_saved_together_may_turn_a_chain_round(api: Api) -> None:
    api.save("a")
    api.save("b", schedule=after("a"))
    turned = [{"dag_id": "a", "tasks": NOOP, "schedule": after("b")}, {"dag_id": "b", "tasks": NOOP}]
    answer = api.put("/dags", {"definitions": [{"definition": item} for item in turned]})
    assert [item["action"] for item in answer["dags"]] == ["change", "change"]
    circle = [{"dag_id": name, "tasks": NOOP, "schedule": after(other)} for name, other in (("c", "d"), ("d", "c"))]
    refused = api.put("/dags", {"definitions": [{"definition": item} for item in circle]}, 422)
    assert faults(refused) == [(f"/definitions/{n}/schedule/after/0/dag", "dag_cycle") for n in (0, 1)]


def test_a_dag_that_is_not_saved_yet_is_a_warning(sqlite_api: Api) -> None:
    saved = sqlite_api.save("b", schedule=after("a"))
    assert [(w["pointer"], w["code"]) for w in saved["warnings"]] == [("/schedule/after/0/dag", "unknown_dag")]


def test_an_author_names_only_dags_that_he_sees(sqlite_api: Api) -> None:
    sqlite_api.save("foreign")
    grants = [Grant(pattern="mine*", role=Role.AUTHOR), Grant(pattern="seen", role=Role.VIEWER)]
    author = sqlite_api.token_of(None, grants=grants)
    for name in ("foreign", "missing"):
        body = {"tasks": NOOP, "schedule": after("seen", name)}
        refused = sqlite_api.put("/dags/mine", body, 422, token=author)
        assert faults(refused) == [("/schedule/after/1/dag", "not_allowed")]
    sqlite_api.put("/dags/mine", {"tasks": NOOP, "schedule": after("seen", "mine_too")}, 201, token=author)
