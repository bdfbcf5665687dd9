"""Users change when queued runs start."""

from datetime import timedelta

import pytest

from mainspring.errors import Conflict, NotFound
from mainspring.run_priority import rank_of_weight
from mainspring_store.interventions import change_run_version
from mainspring_store.queries.events import events_of_run
from mainspring_store.resources.pools import NewPool, create_pools
from mainspring_store.resources.run_order import set_run_after, set_run_priority
from mainspring_store.resources.versions import Versions
from tests.scheduler.engine import Engine

TASKS = {"a": {}}
HOUR = timedelta(hours=1)


def delay(engine: Engine, by: timedelta, run_id: str = "r1") -> bool:
    now = engine.clock.now()
    return set_run_after(engine.database, Versions(engine.database), "etl", run_id, now + by, now=now)


def states(engine: Engine, *run_ids: str) -> list[str]:
    return [engine.run(run_id)["state"] for run_id in run_ids]


def test_a_queued_run_starts_at_its_new_time(engine: Engine) -> None:
    engine.trigger(engine.save("etl", TASKS))
    assert delay(engine, HOUR)
    engine.run_until_idle()
    assert states(engine, "r1") == ["queued"]
    engine.clock.move(HOUR)
    engine.run_until_idle()
    assert states(engine, "r1") == ["running"]


def test_the_past_stands_for_now(engine: Engine) -> None:
    engine.trigger(engine.save("etl", TASKS))
    delay(engine, HOUR)
    assert delay(engine, -HOUR)
    assert engine.run()["run_after"] == engine.clock.now()
    assert not delay(engine, -HOUR), "a due run keeps its place"
    engine.run_until_idle()
    assert states(engine, "r1") == ["running"]


def test_the_change_is_an_event(engine: Engine) -> None:
    engine.trigger(engine.save("etl", TASKS))
    delay(engine, HOUR)
    event = events_of_run(engine.database, "etl", "r1", 0, 10)[-1]
    assert (event.kind, event.state, event.seq) == ("run", "changed", None)
    assert event.data == {"run_after": (engine.clock.now() + HOUR).isoformat().replace("+00:00", "Z")}


def test_a_deadline_that_counts_from_the_start_moves(engine: Engine) -> None:
    deadline = {"after": "run_after", "within": "30m", "action": "fail"}
    engine.trigger(engine.save("etl", TASKS, deadline=deadline))
    delay(engine, HOUR)
    engine.clock.move(HOUR)
    engine.run_until_idle()
    assert states(engine, "r1") == ["running"]
    engine.clock.move(HOUR)
    engine.run_until_idle()
    assert states(engine, "r1") == ["failed"]


def test_a_run_that_is_not_queued_keeps_its_start(engine: Engine) -> None:
    engine.trigger(engine.save("etl", TASKS))
    engine.run_until_idle()
    with pytest.raises(Conflict, match="'r1' of dag 'etl' is running"):
        delay(engine, HOUR)
    with pytest.raises(NotFound, match="r9"):
        delay(engine, HOUR, "r9")


def prioritize(engine: Engine, priority: int, run_id: str = "r1") -> bool:
    return set_run_priority(engine.database, "etl", run_id, priority, now=engine.clock.now())


@pytest.mark.parametrize(
    "fields", [pytest.param({}, id="plain"), pytest.param({"concurrency": {"key": "all", "max": 16}}, id="key")]
)
def test_queued_runs_start_by_priority_then_age(engine: Engine, fields: dict[str, object]) -> None:
    version = engine.save("etl", TASKS, max_active_runs=1, **fields)
    for run_id in ("r1", "r2", "r3", "r4"):
        engine.trigger(version, run_id)
    prioritize(engine, -1, "r1")
    prioritize(engine, 7, "r3")
    started = []
    for _ in range(4):
        engine.run_until_idle()
        started.append(next(run for run in ("r1", "r2", "r3", "r4") if engine.run(run)["state"] == "running"))
        engine.finish("a", run_id=started[-1])
    assert started == ["r3", "r2", "r4", "r1"]


def test_a_key_starts_the_due_run_of_the_highest_priority(engine: Engine) -> None:
    version = engine.save("etl", TASKS, concurrency={"key": "all"})
    for run_id in ("r1", "r2", "r3"):
        engine.trigger(version, run_id)
    for run_id, priority in (("r2", 1), ("r3", 2)):
        prioritize(engine, priority, run_id)
    delay(engine, HOUR, "r3")
    engine.run_until_idle()
    assert states(engine, "r1", "r2", "r3") == ["queued", "running", "queued"]


def test_tasks_start_by_the_priority_of_their_run(engine: Engine) -> None:
    create_pools(engine.database, [NewPool(name="one", slots=1)])
    version = engine.save("etl", {"a": {"pool": "one", "priority_weight": 1_000_000}})
    for run_id in ("r1", "r2", "r3"):
        engine.trigger(version, run_id)
    prioritize(engine, 1, "r3")
    engine.run_until_idle()
    assert [engine.states(run_id)["a"] for run_id in ("r1", "r2", "r3")] == ["scheduled", "scheduled", "queued"]
    assert prioritize(engine, 2, "r2")
    assert not prioritize(engine, 2, "r2"), "nothing changes"
    engine.finish("a", run_id="r3")
    assert [engine.states(run_id)["a"] for run_id in ("r1", "r2")] == ["scheduled", "queued"]


def test_a_change_of_the_version_keeps_the_priority(engine: Engine) -> None:
    engine.trigger(engine.save("etl", TASKS, priority=3))
    before = engine.instances()[0].rank
    engine.save("etl", {"a": {}, "b": {}}, priority=3)
    versions = Versions(engine.database)
    change_run_version(engine.database, versions, "etl", "r1", 2, restarts=False, now=engine.clock.now())
    assert [one.rank for one in engine.instances()] == [before, before]


@pytest.mark.parametrize(("weight", "rank"), [(5, -5), (-5, 5), (10**10, -9_999_999), (-(10**10), 9_999_999)])
def test_no_weight_outdoes_a_priority(weight: int, rank: int) -> None:
    assert rank_of_weight(weight) == rank
