"""Backfills: each slot of a range once, a few at a time, in nobody's way."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from mainspring.attempts import Finished, Outcome
from mainspring.errors import Conflict, NotFound, StoreUnavailable
from mainspring.states import RunType
from mainspring.timetables import slots_between, timetable_of
from mainspring_store import Database
from mainspring_store.interventions import requeue_run
from mainspring_store.queries.backfills import get_backfill
from mainspring_store.resources import backfills, dag_pauses
from mainspring_store.resources.backfills import NewBackfill, ReprocessBehavior
from mainspring_store.resources.versions import Versions
from mainspring_store.state import runs
from mainspring_store.tables import dag_run
from tests.scheduler.engine import START, Engine
from tests.scheduler.test_cost import counted
from tests.simulation.world import UnreliableDatabase

DAY = timedelta(days=1)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
NOOP = {"a": {"type": "noop"}}
SHELL: dict[str, Any] = {"a": {}}


def fill(engine: Engine, version: runs.VersionRef, days: int = 5, **more: Any) -> int:
    """Backfill the first days of the year."""
    to_date = FIRST + (days - 1) * DAY
    schedule = version.definition.schedule
    assert schedule is not None
    now = engine.clock.now()
    total = sum(1 for _ in slots_between(timetable_of(schedule), FIRST, to_date, due_by=now))
    new = NewBackfill(
        dag_id=version.definition.dag_id,
        version_id=version.id,
        from_date=FIRST,
        to_date=to_date,
        slots_total=total,
        **more,
    )
    return backfills.create_backfill(engine.database, new, now=now)


def made(engine: Engine, dag_id: str = "etl") -> Sequence[Any]:
    """The runs of backfills, in order of creation."""
    with engine.database.read() as connection:
        return connection.execute(
            select(dag_run)
            .where(dag_run.c.dag_id == dag_id, dag_run.c.run_type == RunType.BACKFILL)
            .order_by(dag_run.c.id)
        ).all()


def finish_all(engine: Engine) -> None:
    for attempt in engine.executor.open:
        engine.finish(attempt.task_id, run_id=attempt.run_id)


def days_of(rows: Sequence[Any]) -> list[int]:
    return [row.logical_date.day for row in rows]


def test_each_slot_of_the_range_runs_once(engine: Engine) -> None:
    key = fill(engine, engine.save("etl", NOOP, schedule="@daily", params={}), conf={"why": "again"})
    engine.run_until_idle()
    found = made(engine)
    assert days_of(found) == [1, 2, 3, 4, 5]
    assert {row.state for row in found} == {"success"}
    assert found[0].run_id == "backfill__2026-01-01T00:00:00+00:00"
    assert (found[0].data_interval_start, found[0].data_interval_end) == (FIRST, FIRST + DAY)
    assert (found[0].conf, found[0].triggered_by) == ({"why": "again"}, "backfill")
    row = get_backfill(engine.database, key)
    assert (row["slots_done"], row["runs"], row["completed_at"]) == (5, {"success": 5}, engine.clock.now())


def test_a_range_can_be_run_backwards(engine: Engine) -> None:
    fill(engine, engine.save("etl", NOOP, schedule="@daily"), run_backwards=True, max_active_runs=2)
    engine.run_until_idle()
    assert days_of(made(engine)) == [5, 4, 3, 2, 1]


def test_no_more_runs_are_unfinished_than_allowed_and_the_dags_own_limit_is_another(
    engine: Engine, make_engine: Callable[..., Engine]
) -> None:
    version = engine.save("etl", SHELL, schedule="@daily", max_active_runs=1)
    engine.trigger(version, "by_hand")
    key = fill(engine, version, days=7, max_active_runs=3)
    other = make_engine(incarnation="second") if not engine.database.is_sqlite else engine
    seen = []
    for _ in range(9):
        engine.run_until_idle()
        other.run_until_idle()
        found = made(engine)
        unfinished = [row for row in found if row.state in ("queued", "running")]
        assert len(unfinished) <= 3
        seen.append(len(found))
        assert engine.run("by_hand")["state"] == "running"
        for one in (engine, other):
            if attempt := next((one for one in one.executor.open if one.run_id != "by_hand"), None):
                one.finish("a", run_id=attempt.run_id)
    assert seen[0] == 3
    assert days_of(made(engine)) == [1, 2, 3, 4, 5, 6, 7]
    assert get_backfill(engine.database, key)["completed_at"] is not None


@pytest.mark.parametrize(
    ("behavior", "again"),
    [
        pytest.param(ReprocessBehavior.NONE, [], id="none leaves all alone"),
        pytest.param(ReprocessBehavior.FAILED, [1], id="failed"),
        pytest.param(ReprocessBehavior.COMPLETED, [1, 2], id="completed"),
    ],
)
def test_runs_that_exist_are_run_again_as_asked(engine: Engine, behavior: ReprocessBehavior, again: list[int]) -> None:
    version = engine.save("etl", SHELL, schedule="@daily")
    for day, name in enumerate(("failed", "succeeded", "running")):
        runs.create_run(
            engine.database,
            runs.NewRun(version=version, run_id=name, run_type=RunType.MANUAL, conf={}, params={},
                        run_after=engine.clock.now(), logical_date=FIRST + day * DAY),
            now=engine.clock.now(),
        )  # fmt: skip
    engine.run_until_idle()
    engine.fail("a", run_id="failed")
    engine.finish("a", run_id="succeeded")
    key = fill(engine, version, days=4, reprocess_behavior=behavior)
    engine.run_until_idle()
    assert days_of(made(engine)) == [*again, 4]
    assert engine.run("running")["run_type"] == "manual"
    finish_all(engine)
    row = get_backfill(engine.database, key)
    assert (row["slots_done"], row["slots_skipped"]) == (4, 3 - len(again))
    assert row["completed_at"] is not None
    assert engine.run("failed")["state"] == ("success" if again else "failed")


def test_a_pause_stops_it_and_it_goes_on_where_it_was(engine: Engine) -> None:
    key = fill(engine, engine.save("etl", SHELL, schedule="@daily"), max_active_runs=2)
    engine.run_until_idle()
    backfills.pause_backfill(engine.database, key, True, now=engine.clock.now())
    finish_all(engine)
    assert days_of(made(engine)) == [1, 2]
    backfills.pause_backfill(engine.database, key, False, now=engine.clock.now())
    for _ in range(3):
        engine.run_until_idle()
        finish_all(engine)
    assert days_of(made(engine)) == [1, 2, 3, 4, 5]
    with pytest.raises(Conflict, match="ended"):
        backfills.pause_backfill(engine.database, key, True, now=engine.clock.now())
    with pytest.raises(NotFound):
        backfills.pause_backfill(engine.database, key + 1, True, now=engine.clock.now())


def test_so_many_failed_runs_pause_it_and_count_anew_when_it_goes_on(engine: Engine) -> None:
    version = engine.save("etl", SHELL, schedule="@daily")
    key = fill(engine, version, days=6, max_active_runs=1, max_failed_runs=2)

    def fail_next() -> Any:
        engine.clock.move(timedelta(seconds=1))
        engine.fail("a", run_id=made(engine)[-1].run_id)
        return get_backfill(engine.database, key)

    engine.run_until_idle()
    assert fail_next()["is_paused"] is False
    paused = fail_next()
    assert (paused["is_paused"], days_of(made(engine))) == (True, [1, 2])
    assert paused["message"].startswith("paused, because 2 of its runs have failed")
    backfills.pause_backfill(engine.database, key, False, now=engine.clock.now())
    engine.run_until_idle()
    again = fail_next()
    assert (again["is_paused"], again["message"], days_of(made(engine))) == (False, None, [1, 2, 3, 4])
    engine.finish("a", run_id=made(engine)[-1].run_id)
    assert (fail_next()["is_paused"], len(made(engine))) == (True, 5)
    backfills.pause_backfill(engine.database, key, False, now=engine.clock.now())
    engine.run_until_idle()
    assert fail_next()["completed_at"] is not None, "after the last slot there is nothing to pause"


def test_nothing_is_made_while_the_dag_is_paused(engine: Engine) -> None:
    version = engine.save("etl", NOOP, schedule="@daily", is_paused_upon_creation=True)
    fill(engine, version)
    engine.run_until_idle()
    assert made(engine) == []
    dag_pauses.set_paused(engine.database, "etl", False, now=engine.clock.now())
    engine.run_until_idle()
    assert days_of(made(engine)) == [1, 2, 3, 4, 5]


def test_a_cancel_fails_what_is_queued_and_lets_run_what_runs(engine: Engine) -> None:
    key = fill(engine, engine.save("etl", SHELL, schedule="@daily"), max_active_runs=2)
    engine.run_until_idle()
    again = made(engine)[0].run_id
    backfills.pause_backfill(engine.database, key, True, now=engine.clock.now())
    engine.finish("a", run_id=again)
    requeue_run(engine.database, Versions(engine.database), "etl", again, now=engine.clock.now())
    engine.run_until_idle()
    assert [row.state for row in made(engine)] == ["queued", "running"], "a paused backfill starts nothing"
    backfills.cancel_backfill(engine.database, key, by="ann", now=engine.clock.now())
    engine.run_until_idle()
    assert [row.state for row in made(engine)] == ["failed", "running"]
    assert (engine.run(again)["state_reason"], "ann" in engine.run(again)["message"]) == ("cancelled", True)
    finish_all(engine)
    assert [row.state for row in made(engine)] == ["failed", "success"]
    requeue_run(engine.database, Versions(engine.database), "etl", again, now=engine.clock.now())
    engine.run_until_idle()
    assert engine.run(again)["state"] == "success", "it ends as its tasks say, though its backfill has ended"
    with pytest.raises(Conflict, match="ended"):
        backfills.cancel_backfill(engine.database, key, by="ann", now=engine.clock.now())


def test_a_dag_has_one_backfill_at_a_time(engine: Engine) -> None:
    version = engine.save("etl", NOOP, schedule="@daily")
    fill(engine, version)
    with pytest.raises(Conflict, match="under way"):
        fill(engine, version)
    engine.run_until_idle()
    fill(engine, version, reprocess_behavior=ReprocessBehavior.COMPLETED)
    engine.run_until_idle()
    assert len(made(engine)) == 5


def test_only_a_backfill_that_is_under_way_is_told_as_one(engine: Engine) -> None:
    version = engine.save("etl", NOOP, schedule="@daily")
    with pytest.raises(IntegrityError, match="max_active_runs"):
        fill(engine, version, max_active_runs=None)
    fill(engine, version)


def test_a_backfill_that_cannot_go_on_is_paused_with_the_reason_and_others_go_on(engine: Engine) -> None:
    needs = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}
    bad = fill(engine, engine.save("bad", NOOP, schedule="@daily", params=needs))
    fill(engine, engine.save("good", NOOP, schedule="@daily"))
    engine.run_until_idle()
    row = get_backfill(engine.database, bad)
    assert row["is_paused"]
    assert "day" in row["message"]
    assert len(made(engine, "good")) == 5


@pytest.mark.parametrize(("is_latest", "expected"), [(False, [1, 1, 1]), (True, [1, 2, 2])])
def test_new_runs_are_of_the_version_asked_for(engine: Engine, is_latest: bool, expected: list[int]) -> None:
    first = engine.save("etl", SHELL, schedule="@daily")
    fill(engine, first, days=3, max_active_runs=1, run_on_latest_version=is_latest)
    engine.run_until_idle()
    second = engine.save("etl", {"a": {}, "b": {"type": "noop"}}, schedule="@daily")
    for _ in range(3):
        finish_all(engine)
    numbers = {first.id: 1, second.id: 2}
    assert [numbers[row.dag_version_id] for row in made(engine)] == expected


def test_ten_thousand_intervals_delay_no_run_of_another_dag(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(slots=4)
    minutely = engine.save("long", SHELL, schedule={"cron": "* * * * *"})
    key = fill(engine, minutely, days=8, max_active_runs=500)
    assert get_backfill(engine.database, key)["slots_total"] > 10_000
    engine.run_until_idle()
    assert len(made(engine, "long")) == 500
    engine.trigger(engine.save("urgent", SHELL), "now")
    engine.run_until_idle()
    engine.finish("a", run_id=engine.executor.open[0].run_id)
    assert "now" in {one.run_id for one in engine.executor.open}, "it waited for instances that were ready before it"


def test_without_a_backfill_a_pass_asks_nothing_about_them(engine: Engine) -> None:
    engine.trigger(engine.save("etl", SHELL, schedule="@daily"))
    engine.run_until_idle()
    with counted(engine.database) as cost:
        engine.step()
    assert not [one for one in cost.statements if "FROM backfill JOIN" in one]


def test_a_limit_of_one_run_is_no_pause_between_runs(engine: Engine) -> None:
    """Room that an ended run leaves is used at once, also when nobody rings."""
    version = engine.save("etl", SHELL, max_active_runs=1)
    engine.trigger(version, "r1")
    engine.trigger(version, "r2")
    engine.run_until_idle()
    attempt = engine.attempt("a", "r1")
    engine.executor.report(
        Finished(attempt_id=attempt.attempt_id, seq=2, at=START, outcome=Outcome.SUCCESS, outputs={})
    )
    engine.executor.finished.add(attempt.attempt_id)
    while not engine.scheduler.run_once().is_complete:
        pass
    assert engine.run("r2")["state"] == "running"


def test_a_backfill_that_a_rolled_back_pass_saw_is_new_to_the_next_pass(engine: Engine, database: Database) -> None:
    version = engine.save("etl", SHELL, schedule="@daily")
    engine.run_until_idle()
    fill(engine, version)
    unreliable = UnreliableDatabase(database.engine, database._write_queue)
    engine.scheduler._database = unreliable
    unreliable.fault = "rollback"
    with pytest.raises(StoreUnavailable):
        engine.step()
    assert (engine.step().is_complete, made(engine)) == (False, [])
    engine.step()
    assert made(engine) != []
    unreliable.disconnect()
