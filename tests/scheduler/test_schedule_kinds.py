"""Schedules that are no plain cron lines: once, one run after another, seconds, and a stable spread."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from mainspring.definition import parse_definition
from mainspring.errors import InvalidDag
from mainspring.timetables import slots_between, timetable_of
from tests.scheduler.engine import START, Engine
from tests.scheduler.test_due import TASK, move, scheduled

SECOND = timedelta(seconds=1)


def crons(dag_id: str, line: str) -> tuple[str, ...]:
    """The cron lines that a schedule means."""
    definition = parse_definition({"dag_id": dag_id, "tasks": TASK, "schedule": line}, media="json")
    assert definition.schedule is not None
    return definition.schedule.crons


def test_once_makes_one_run_after_the_save(engine: Engine) -> None:
    engine.save("etl", TASK, schedule="@once")
    engine.run_until_idle()
    assert scheduled(engine) == [START]
    move(engine, timedelta(days=400))
    engine.save("etl", TASK, schedule="@once", start_date="2028-01-01T00:00:00Z")
    move(engine, timedelta(days=1000))
    assert scheduled(engine) == [START]


def test_once_waits_for_the_start_date(engine: Engine) -> None:
    engine.save("etl", TASK, schedule="@once", start_date=(START + timedelta(hours=1)).isoformat())
    engine.run_until_idle()
    assert scheduled(engine) == []
    move(engine, timedelta(days=3))
    assert scheduled(engine) == [START + timedelta(hours=1)]


def test_continuous_makes_the_next_run_when_the_last_one_has_ended(engine: Engine) -> None:
    engine.save("etl", {"x": {}}, schedule="@continuous")
    engine.run_until_idle()
    assert scheduled(engine) == [START]
    move(engine, timedelta(hours=5))
    assert scheduled(engine) == [START]
    engine.finish("x", run_id=f"scheduled__{START.isoformat()}")
    assert scheduled(engine) == [START, START + timedelta(hours=5)]
    # Two runs never begin in one second, so a task that does nothing does not take the whole scheduler.
    engine.finish("x", run_id=f"scheduled__{(START + timedelta(hours=5)).isoformat()}")
    assert len(scheduled(engine)) == 2
    move(engine, SECOND)
    assert len(scheduled(engine)) == 3


@pytest.mark.parametrize(
    ("fields", "pointer"), [({"max_active_runs": 2}, "/max_active_runs"), ({"catchup": True}, "/catchup")]
)
def test_continuous_refuses_several_runs_at_one_time(fields: dict[str, object], pointer: str) -> None:
    document = {"dag_id": "etl", "tasks": TASK, "schedule": "@continuous", **fields}
    with pytest.raises(InvalidDag) as refused:
        parse_definition(document, media="json")
    assert [problem.pointer for problem in refused.value.problems] == [pointer]


def test_a_sixth_field_has_the_seconds_as_in_airflow() -> None:
    document = {"dag_id": "etl", "tasks": TASK, "schedule": {"cron": "30 2 * * * 10,40", "timezone": "Europe/Berlin"}}
    schedule = parse_definition(document, media="json").schedule
    assert schedule is not None
    timetable = timetable_of(schedule)
    begin = datetime(2026, 10, 24, tzinfo=UTC)
    ends = [slot.run_after for slot in islice(timetable.from_(begin), 4)]
    # At 02:30 of the 25th the clocks have been put back once; the first of the two counts.
    assert [end.isoformat()[5:19] for end in ends] == [
        "10-24T00:30:40", "10-25T00:30:10", "10-25T00:30:40", "10-26T01:30:10",
    ]  # fmt: skip
    assert timetable.latest_due(ends[2]) == next(islice(timetable.from_(begin), 2, None))
    every = timetable_of(parse_definition({**document, "schedule": "* * * * * */20"}, media="json").schedule)  # type: ignore[arg-type]
    slots = list(slots_between(every, begin, begin + timedelta(minutes=1), due_by=begin + timedelta(hours=1)))
    assert [slot.logical_date - begin for slot in slots] == [20 * n * SECOND for n in range(4)]


def test_a_run_of_a_schedule_by_seconds_is_due_at_its_second(engine: Engine) -> None:
    engine.save("etl", TASK, schedule="* * * * * */10")
    engine.run_until_idle()
    for _ in range(3):
        move(engine, 10 * SECOND)
    assert scheduled(engine) == [START + 10 * n * SECOND for n in range(3)]


def test_h_is_a_number_that_the_dag_determines() -> None:
    lines = {crons(f"dag{n}", "H H(1-5) * * *")[0] for n in range(60)}
    assert len(lines) > 30
    assert {line.split()[1] for line in lines} == {"1", "2", "3", "4", "5"}
    assert crons("dag1", "H H * * *") == crons("dag1", "H H * * *")
    (stepped,) = crons("etl", "H/15 * * * *")
    first, rest = stepped.split()[0].split("-")
    assert 0 <= int(first) < 15
    assert rest == "59/15"
    assert {int(crons(f"dag{n}", "0 0 H * *")[0].split()[2]) for n in range(300)} == set(range(1, 29))


@pytest.mark.parametrize(
    "line", ["H(5-70) * * * *", "H(9-5) * * * *", "H/0 * * * *", "HH * * * *", "0 0 * * * 61", "* " * 7]
)
def test_a_line_that_cannot_be_is_refused(line: str) -> None:
    with pytest.raises(InvalidDag) as refused:
        parse_definition({"dag_id": "etl", "tasks": TASK, "schedule": line}, media="json")
    assert [(problem.pointer, problem.code) for problem in refused.value.problems] == [("/schedule", "invalid_cron")]
