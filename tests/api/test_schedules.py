"""Schedules over HTTP: what a DAG tells of its next run, previews, and the interval of a trigger."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.api.harness import Api

BERLIN = {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}


def test_a_dag_tells_its_schedule_and_its_next_run(api: Api) -> None:
    saved = api.save(schedule="@daily")
    assert (saved["timetable_summary"], saved["timetable_description"]) == ("@daily", "At 00:00 every day (UTC)")
    assert (saved["timetable_periodic"], saved["is_backfillable"], saved["timezone"]) == (True, True, "UTC")
    assert saved["next_dagrun_run_after"] is None, "the scheduler has not looked at it yet"
    api.engine.run_until_idle()
    dag = api.get("/dags/etl")
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert datetime.fromisoformat(dag["next_dagrun_logical_date"]) == today
    assert dag["next_dagrun_data_interval_start"] == dag["next_dagrun_logical_date"]
    assert datetime.fromisoformat(dag["next_dagrun_data_interval_end"]) == today + timedelta(days=1)
    assert dag["next_dagrun_run_after"] == dag["next_dagrun_data_interval_end"]
    assert api.get("/dags")["dags"] == [dag]


def test_a_dag_without_a_schedule_says_so(sqlite_api: Api) -> None:
    dag = sqlite_api.save()
    assert (dag["timetable_summary"], dag["timetable_description"]) == (None, "Never, external triggers only")
    assert (dag["timetable_periodic"], dag["is_backfillable"], dag["next_dagrun_run_after"]) == (False, False, None)
    preview = sqlite_api.get("/dags/etl/schedule")
    assert (preview["runs"], preview["timetable_description"]) == ([], "Never, external triggers only")


def test_a_schedule_that_failed_says_why(sqlite_api: Api) -> None:
    needs = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}
    sqlite_api.save(schedule={"interval": "PT1H"}, start_date="2026-01-01", params=needs)
    sqlite_api.engine.run_until_idle()
    assert "day" in sqlite_api.get("/dags/etl")["schedule_error"]
    assert "day" in sqlite_api.get("/dags/etl/schedule")["schedule_error"]


def test_a_preview_tells_what_the_clocks_moved(sqlite_api: Api) -> None:
    sqlite_api.save(schedule=BERLIN)
    preview = sqlite_api.get("/dags/etl/schedule?count=3&after=2026-03-27T12:00:00Z")
    assert preview["timezone"] == "Europe/Berlin"
    assert [run["run_after"] for run in preview["runs"]] == [
        "2026-03-28T01:30:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-30T00:30:00Z",
    ]
    assert [run["local_time"][:16] for run in preview["runs"]] == [
        "2026-03-28T02:30",
        "2026-03-29T03:00",
        "2026-03-30T02:30",
    ]
    moved = [run["moved"] for run in preview["runs"]]
    assert (moved[0], moved[2]) == (None, None)
    assert moved[1].startswith("02:30 is left out on 2026-03-29 in Europe/Berlin")
    autumn = sqlite_api.get("/dags/etl/schedule?count=1&after=2026-10-24T12:00:00Z")["runs"][0]
    assert (autumn["run_after"], autumn["moved"][:28]) == ("2026-10-25T00:30:00Z", "02:30 comes twice on 2026-10")


def test_a_preview_tells_what_is_dropped_and_why(sqlite_api: Api) -> None:
    calendar = {"exclude": ["2026-03-30", "2026-12-25"]}
    sqlite_api.save(schedule={**BERLIN, "dst": {"gap": "skip"}, "calendar": calendar})
    preview = sqlite_api.get("/dags/etl/schedule?count=2&after=2026-03-27T12:00:00Z")
    assert [run["run_after"] for run in preview["runs"]] == ["2026-03-28T01:30:00Z", "2026-03-31T00:30:00Z"]
    assert [(one["local_time"], one["reason"]) for one in preview["dropped"]] == [
        ("2026-03-29T02:30:00", "02:30 is left out on 2026-03-29 in Europe/Berlin, and dst.gap is skip"),
        ("2026-03-30T02:30:00", "2026-03-30 is excluded by the calendar"),
    ]
    assert "not on 2 excluded dates" in preview["timetable_description"]


def test_a_preview_names_the_holiday_that_is_left_out(sqlite_api: Api) -> None:
    sqlite_api.save(schedule={**BERLIN, "calendar": {"exclude": ["DE-BY", "2026-01-02"]}})
    preview = sqlite_api.get("/dags/etl/schedule?count=3&after=2025-12-31T12:00:00Z")
    assert [run["local_time"][:10] for run in preview["runs"]] == ["2026-01-03", "2026-01-04", "2026-01-05"]
    assert [(one["local_time"], one["reason"]) for one in preview["dropped"]] == [
        ("2026-01-01T02:30:00", "2026-01-01: New Year's Day (DE-BY)"),
        ("2026-01-02T02:30:00", "2026-01-02 is excluded by the calendar"),
    ]
    assert "not on 1 excluded dates or holidays of DE-BY" in preview["timetable_description"]
    assert sqlite_api.get("/dags/etl")["timetable_description"] == preview["timetable_description"]


def test_a_calendar_that_is_not_known_is_refused_by_place(sqlite_api: Api) -> None:
    schedule = {**BERLIN, "calendar": {"exclude": ["DE", "nyse"]}}
    refused = sqlite_api.put("/dags/etl", {"tasks": {"a": {"type": "noop"}}, "schedule": schedule}, 422)
    assert [(one["pointer"], one["code"], one["hint"]) for one in refused["errors"]] == [
        ("/schedule/calendar/exclude/1", "unknown_calendar", "did you mean 'NYSE'?")
    ]


def test_a_preview_shows_what_jitter_adds(sqlite_api: Api) -> None:
    sqlite_api.save(schedule={"cron": "@daily", "jitter": "1h"})
    runs = sqlite_api.get("/dags/etl/schedule?count=50&after=2026-03-27T12:00:00Z")["runs"]
    assert {run["data_interval_end"][11:] for run in runs} == {"00:00:00Z"}
    assert {run["run_after"][11:13] for run in runs} == {"00"}
    assert len({run["run_after"][11:] for run in runs}) == 50


def test_a_preview_is_what_the_scheduler_then_makes(api: Api) -> None:
    now = datetime.now(UTC)
    start = (now - timedelta(hours=20)).isoformat()
    api.save(schedule="@hourly", start_date=start, catchup=True, catchup_max=4, max_active_runs=16)
    preview = api.get("/dags/etl/schedule?count=7")["runs"]
    due = [run["logical_date"] for run in preview if datetime.fromisoformat(run["run_after"]) <= now]
    assert len(due) == 4
    api.engine.run_until_idle()
    made = api.get("/dags/etl/dagRuns?order_by=logical_date")["dag_runs"]
    assert [run["logical_date"] for run in made] == due
    assert [run["logical_date"] for run in api.get("/dags/etl/schedule?count=3")["runs"]] == [
        run["logical_date"] for run in preview[4:]
    ]


def test_a_preview_keeps_within_the_dates_of_the_dag(sqlite_api: Api) -> None:
    sqlite_api.save(schedule="@daily", start_date="2026-01-02", end_date="2026-01-04")
    runs = sqlite_api.get("/dags/etl/schedule?count=100&after=2025-01-01")["runs"]
    assert [run["logical_date"][:10] for run in runs] == ["2026-01-02", "2026-01-03", "2026-01-04"]
    assert sqlite_api.get("/dags/etl/schedule?after=9999-01-01")["runs"] == []
    assert len(sqlite_api.get("/dags/etl/schedule?after=0001-01-01")["runs"]) == 3


@pytest.mark.parametrize("query", ["count=0", "count=101", "count=x", "after=soon"])
def test_a_preview_of_nonsense_is_refused(sqlite_api: Api, query: str) -> None:
    sqlite_api.save(schedule="@daily")
    sqlite_api.get(f"/dags/etl/schedule?{query}", 422)


def test_a_preview_of_no_dag_is_not_found(sqlite_api: Api) -> None:
    sqlite_api.get("/dags/none/schedule", 404)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        pytest.param("@daily", ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"], id="the day that has ended"),
        pytest.param(
            {"interval": "PT6H", "anchor": "2026-01-01T00:00:00Z"},
            ["2026-01-02T00:00:00Z", "2026-01-02T06:00:00Z"],
            id="the interval that has ended",
        ),
        pytest.param(
            {"at": ["2026-01-01T00:00:00Z"]}, ["2026-01-02T06:30:00Z", "2026-01-02T06:30:00Z"], id="given instants"
        ),
        pytest.param(None, ["2026-01-02T06:30:00Z", "2026-01-02T06:30:00Z"], id="no schedule"),
    ],
)
def test_a_trigger_for_a_logical_date_infers_its_interval(
    sqlite_api: Api, schedule: object, expected: list[str]
) -> None:
    sqlite_api.save(schedule=schedule)
    run = sqlite_api.post("/dags/etl/dagRuns", {"logical_date": "2026-01-02T06:30:00Z"})
    assert [run["data_interval_start"], run["data_interval_end"]] == expected
