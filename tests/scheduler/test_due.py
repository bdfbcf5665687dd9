"""Schedules: each slot becomes one run, when it is due."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mainspring.states import RunType
from mainspring_store.resources import dag_pauses
from mainspring_store.state import runs
from mainspring_store.tables import dag, dag_run
from tests.scheduler.engine import START, Engine

HOUR = timedelta(hours=1)
TASK = {"a": {"type": "noop"}}


def scheduled(engine: Engine, dag_id: str = "etl") -> list[datetime]:
    """Logical dates of a DAG's scheduled runs, in order of creation."""
    with engine.database.read() as connection:
        return list(
            connection.scalars(
                select(dag_run.c.logical_date)
                .where(dag_run.c.dag_id == dag_id, dag_run.c.run_type == RunType.SCHEDULED)
                .order_by(dag_run.c.id)
            )
        )


def planned(engine: Engine, dag_id: str = "etl") -> Any:
    with engine.database.read() as connection:
        return connection.execute(
            select(dag.c.next_logical_date, dag.c.next_run_after, dag.c.schedule_error).where(dag.c.dag_id == dag_id)
        ).one()


def move(engine: Engine, by: timedelta) -> None:
    engine.clock.move(by)
    engine.run_until_idle()


def test_a_run_is_due_when_its_interval_has_ended_and_carries_its_start(engine: Engine) -> None:
    engine.save("etl", TASK, schedule="@hourly")
    engine.run_until_idle()
    assert scheduled(engine) == []
    assert planned(engine)[:2] == (START, START + HOUR)
    move(engine, HOUR - timedelta(seconds=1))
    assert scheduled(engine) == []
    move(engine, timedelta(seconds=1))
    assert scheduled(engine) == [START]
    with engine.database.read() as connection:
        run = connection.execute(select(dag_run)).one()
    assert (run.data_interval_start, run.data_interval_end, run.state) == (START, START + HOUR, "success")
    assert run.run_id == f"scheduled__{START.isoformat()}"


def test_the_scheduler_wakes_at_the_instant_of_the_next_slot(engine: Engine) -> None:
    engine.save("etl", TASK, schedule={"interval": "1s", "anchor": "2026-03-01T12:00:00Z"})
    engine.run_until_idle()
    engine.clock.move(timedelta(milliseconds=700))
    assert engine.scheduler.seconds_to_next() == pytest.approx(0.3)


def test_each_slot_runs_once_whatever_restarts(engine: Engine, make_engine: Any) -> None:
    engine.save("etl", TASK, schedule="@hourly")
    engine.run_until_idle()
    for number in range(5):
        engine.clock.move(HOUR)
        other = make_engine(incarnation=f"again {number}")
        other.clock.instant = engine.clock.instant
        other.run_until_idle()
        engine.run_until_idle()
    assert scheduled(engine) == [START + n * HOUR for n in range(5)]


def test_after_a_long_stop_only_the_latest_slot_runs(engine: Engine) -> None:
    engine.save("etl", TASK, schedule="@hourly")
    engine.run_until_idle()
    move(engine, 30 * HOUR)
    assert scheduled(engine) == [START + 29 * HOUR]
    move(engine, HOUR)
    assert scheduled(engine)[1:] == [START + 30 * HOUR]


def test_with_catchup_none_no_missed_slot_runs(engine: Engine) -> None:
    engine.clock.move(timedelta(seconds=1))
    engine.save("etl", TASK, schedule="@hourly", start_date="2026-03-01T00:00:00Z", catchup="none")
    engine.run_until_idle()
    assert scheduled(engine) == []
    move(engine, HOUR + timedelta(seconds=58))
    assert scheduled(engine) == [START]
    move(engine, 30 * HOUR + timedelta(seconds=2))
    assert scheduled(engine) == [START]
    assert planned(engine)[:2] == (START + 31 * HOUR, START + 32 * HOUR)
    move(engine, HOUR - timedelta(seconds=61))
    assert scheduled(engine) == [START, START + 31 * HOUR]


def test_with_catchup_none_a_slot_of_a_pause_does_not_run_however_short_the_pause(engine: Engine) -> None:
    engine.save("etl", TASK, schedule="@hourly", catchup="none")
    engine.run_until_idle()
    engine.clock.move(HOUR - timedelta(seconds=1))
    dag_pauses.set_paused(engine.database, "etl", True, now=engine.clock.now())
    engine.clock.move(timedelta(seconds=2))
    dag_pauses.set_paused(engine.database, "etl", False, now=engine.clock.now())
    engine.run_until_idle()
    assert scheduled(engine) == []
    move(engine, HOUR)
    assert scheduled(engine) == [START + HOUR]


def test_catching_up_makes_the_missed_slots_oldest_first_up_to_a_bound(engine: Engine) -> None:
    engine.save("etl", TASK, schedule="@hourly", start_date="2026-03-01T00:00:00Z", catchup=True, catchup_max=5)
    engine.run_until_idle()
    assert scheduled(engine) == [START - n * HOUR for n in (5, 4, 3, 2, 1)]
    move(engine, 3 * HOUR)
    assert scheduled(engine)[5:] == [START, START + HOUR, START + 2 * HOUR]


def test_without_catching_up_a_start_in_the_past_gives_the_latest_slot(engine: Engine) -> None:
    engine.save("etl", TASK, schedule="@hourly", start_date="2026-03-01T00:00:00Z")
    engine.run_until_idle()
    assert scheduled(engine) == [START - HOUR]


def test_nothing_is_due_before_the_start_date_nor_after_the_end_date(engine: Engine) -> None:
    engine.save("etl", TASK, schedule="@hourly", start_date="2026-03-01T14:00:00Z", end_date="2026-03-01T15:00:00Z")
    for _ in range(8):
        move(engine, HOUR)
    assert scheduled(engine) == [START + 2 * HOUR, START + 3 * HOUR]
    assert planned(engine).next_run_after is None


def test_runs_are_not_heaped_up_beyond_the_limit_of_the_dag(engine: Engine) -> None:
    slow = {"a": {}}
    engine.save("etl", slow, schedule="@hourly", start_date="2026-03-01T00:00:00Z", catchup=True, max_active_runs=2)
    engine.run_until_idle()
    assert len(scheduled(engine)) == 2
    run_id = f"scheduled__{scheduled(engine)[0].isoformat()}"
    engine.finish("a", run_id=run_id)
    assert len(scheduled(engine)) == 3


def test_a_paused_dag_has_no_runs_and_goes_on_with_the_latest_slot(engine: Engine) -> None:
    engine.save("etl", TASK, schedule="@hourly")
    engine.run_until_idle()
    dag_pauses.set_paused(engine.database, "etl", True, now=engine.clock.now())
    move(engine, 5 * HOUR)
    assert scheduled(engine) == []
    dag_pauses.set_paused(engine.database, "etl", False, now=engine.clock.now())
    engine.run_until_idle()
    move(engine, HOUR)
    assert scheduled(engine) == [START + 5 * HOUR]


def test_another_schedule_takes_effect_at_once_and_repeats_no_slot(engine: Engine) -> None:
    engine.save("etl", TASK, schedule="@hourly")
    engine.run_until_idle()
    move(engine, 2 * HOUR)
    engine.save("etl", TASK, schedule={"cron": "*/30 * * * *"})
    engine.run_until_idle()
    assert planned(engine).next_run_after == START + 2 * HOUR + timedelta(minutes=30)
    move(engine, HOUR)
    found = scheduled(engine)
    assert len(set(found)) == len(found)
    assert found == sorted(found)


def test_a_change_of_the_schedule_leaves_no_slot_of_the_new_one_out(engine: Engine) -> None:
    engine.save("etl", TASK, schedule="@hourly", catchup=True, catchup_max=100, max_active_runs=100)
    engine.run_until_idle()
    move(engine, 2 * HOUR + timedelta(minutes=10))
    engine.save("etl", TASK, schedule="*/30 * * * *", catchup=True, catchup_max=100, max_active_runs=100)
    move(engine, 2 * HOUR)
    found = scheduled(engine)
    assert found[:2] == [START, START + HOUR]
    assert found[2:] == [START + HOUR + n * timedelta(minutes=30) for n in range(1, 6)]


def test_without_a_schedule_nothing_is_planned_any_more(engine: Engine) -> None:
    engine.save("etl", TASK, schedule="@hourly")
    engine.run_until_idle()
    engine.save("etl", {"a": {"type": "noop"}, "b": {"type": "noop"}})
    move(engine, 5 * HOUR)
    assert scheduled(engine) == []


def test_given_instants_run_once_each(engine: Engine) -> None:
    instants = [START + HOUR, START + 3 * HOUR]
    engine.save("etl", TASK, schedule={"at": [one.isoformat() for one in instants]})
    for _ in range(5):
        move(engine, HOUR)
    assert scheduled(engine) == instants


def test_a_slot_that_a_manual_run_took_is_passed_over(engine: Engine) -> None:
    version = engine.save("etl", TASK, schedule="@hourly")
    engine.run_until_idle()
    runs.create_run(
        engine.database,
        runs.NewRun(version=version, run_id="mine", run_type=RunType.MANUAL, conf={}, params={},
                    run_after=engine.clock.now(), logical_date=START),
        now=engine.clock.now(),
    )  # fmt: skip
    move(engine, HOUR)
    move(engine, HOUR)
    assert scheduled(engine) == [START + HOUR]


def test_a_dag_that_cannot_be_planned_is_set_aside_and_costs_only_itself(engine: Engine) -> None:
    needs = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}
    engine.save("bad", TASK, schedule="@hourly", params=needs)
    engine.save("good", TASK, schedule="@hourly")
    engine.run_until_idle()
    move(engine, HOUR)
    assert scheduled(engine, "bad") == []
    assert "day" in planned(engine, "bad").schedule_error
    assert scheduled(engine, "good") == [START]
    engine.save("bad", TASK, schedule="@hourly")
    engine.run_until_idle()
    move(engine, HOUR)
    assert len(scheduled(engine, "bad")) == 1


def test_a_day_of_the_clock_change_has_one_run_at_its_local_time(engine: Engine) -> None:
    engine.clock.instant = datetime(2026, 3, 28, 0, 0, tzinfo=UTC)
    engine.save("etl", TASK, schedule={"cron": "30 2 * * *", "timezone": "Europe/Berlin"})
    for _ in range(96):
        move(engine, timedelta(minutes=30))
    assert scheduled(engine) == [
        datetime(2026, 3, 27, 1, 30, tzinfo=UTC),
        datetime(2026, 3, 28, 1, 30, tzinfo=UTC),
    ]


def test_a_run_for_later_starts_at_its_time(engine: Engine) -> None:
    version = engine.save("etl", TASK)
    later = engine.clock.now() + timedelta(seconds=90)
    runs.create_run(
        engine.database,
        runs.NewRun(version=version, run_id="later", run_type=RunType.MANUAL, conf={}, params={}, run_after=later),
        now=engine.clock.now(),
    )
    engine.run_until_idle()
    assert engine.run("later")["state"] == "queued"
    engine.clock.move(timedelta(seconds=89.5))
    engine.step()
    assert engine.scheduler.seconds_to_next() == pytest.approx(0.5)
    move(engine, timedelta(seconds=0.5))
    assert engine.run("later")["state"] == "success"
