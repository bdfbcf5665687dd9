"""Two schedulers on one PostgreSQL: limits hold whatever each of them read before it got the lock."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from mainspring_store import Database
from mainspring_store.resources.pools import NewPool, create_pools
from mainspring_store.scheduling import Candidate, Pass
from mainspring_store.scheduling.candidates import CandidateReads
from mainspring_store.scheduling.task_limits import TaskLimitWrites
from mainspring_store.state.blocking import wake_forgotten
from tests.scheduler.engine import Engine


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Database:
    """PostgreSQL alone: SQLite takes one scheduler."""
    migrated: Database = request.getfixturevalue("postgres_database")
    return migrated


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Does something when a scheduler has read its first candidates and decides next."""
    read = CandidateReads.ready
    actions: list[Callable[[], object]] = []

    def read_and_pause(self: CandidateReads, limit: int, **of_executor: Any) -> Sequence[Candidate]:
        candidates = read(self, limit, **of_executor)
        if candidates and actions:
            actions.pop()()
        return candidates

    monkeypatch.setattr(CandidateReads, "ready", read_and_pause)
    return actions.append


def test_a_scheduler_passes_over_what_another_one_decides_on(
    make_engine: Callable[..., Engine], meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    first, second = make_engine(slots=0), make_engine(incarnation="second", slots=64)
    version = first.save("etl", {"a": {}, "b": {}})
    for run_id in ("r1", "r2"):
        first.trigger(version, run_id)
    first.run_until_idle()
    first.executor.slots = 1
    meanwhile(second.run_until_idle)
    first.step()
    assert [(attempt.run_id, attempt.task_id) for attempt in first.executor.open] == [("r1", "a")]
    # The other task of the first run too: the first scheduler counts the free places of the run.
    assert {(attempt.run_id, attempt.task_id) for attempt in second.executor.open} == {("r2", "a"), ("r2", "b")}
    second.run_until_idle()
    assert ("r1", "b") in {(attempt.run_id, attempt.task_id) for attempt in second.executor.open}


def test_the_free_places_of_a_run_are_not_taken_twice(
    make_engine: Callable[..., Engine], meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    first, second = make_engine(slots=0), make_engine(incarnation="second", slots=0)
    first.trigger(first.save("wide", {f"t{n}": {} for n in range(4)}, max_active_tasks=2))
    first.run_until_idle()
    first.executor.slots = second.executor.slots = 1
    meanwhile(second.step)
    first.step()
    second.run_until_idle()
    first.executor.slots = second.executor.slots = 64
    first.run_until_idle()
    second.run_until_idle()
    assert (len(first.executor.open), len(second.executor.open), first.run()["tasks_active"]) == (1, 1, 2)


def test_the_slots_of_a_pool_are_not_taken_twice(
    make_engine: Callable[..., Engine], meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    first, second = make_engine(slots=0), make_engine(incarnation="second", slots=1)
    create_pools(first.database, [NewPool(name="db", slots=1)])
    version = first.save("etl", {"a": {"pool": "db"}})
    for run_id in ("r1", "r2"):
        first.trigger(version, run_id)
    first.run_until_idle()
    first.executor.slots = 1
    meanwhile(second.run_until_idle)
    counts = first.step()
    assert (first.executor.open, counts.is_complete) == ([], False), "the pass was undone, and the next one follows"
    first.run_until_idle()
    assert (first.executor.open, [attempt.run_id for attempt in second.executor.open]) == ([], ["r2"])
    second.executor.slots = 0
    second.finish("a", run_id="r2")
    first.run_until_idle()
    assert [attempt.run_id for attempt in first.executor.open] == ["r1"]


def test_two_schedulers_that_decide_at_once_keep_the_limit_per_dag(
    make_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_engine(slots=0), make_engine(incarnation="second", slots=0)
    version = first.save("etl", {"a": {"max_active_tis_per_dag": 1}})
    for run_id in ("r1", "r2"):
        first.trigger(version, run_id)
    first.run_until_idle()
    first.executor.slots, second.executor.slots = 1, 64
    count = TaskLimitWrites.active_in_dag
    overtakes = iter([True])

    def count_and_be_overtaken(self: TaskLimitWrites, *key: str, with_calls: bool) -> int:
        active = count(self, *key, with_calls=with_calls)
        if next(overtakes, False):
            second.step()
        return active

    monkeypatch.setattr(TaskLimitWrites, "active_in_dag", count_and_be_overtaken)
    first.step()
    assert (first.states("r1"), first.states("r2")) == ({"a": "queued"}, {"a": "scheduled"})
    second.run_until_idle()
    assert second.executor.submitted == {}
    first.finish("a", run_id="r1")
    second.run_until_idle()
    assert first.states("r2") == {"a": "queued"}


def test_a_parked_instance_whose_wake_was_missed_is_asked_about_again(
    make_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine()
    version = engine.save("etl", {"a": {"max_active_tis_per_dag": 1}})
    engine.trigger(version, "r1")
    engine.trigger(version, "r2")
    engine.run_until_idle()
    with monkeypatch.context() as missed:
        missed.setattr(Pass, "unblock", lambda *_: None)
        engine.finish("a", run_id="r1")
    assert engine.states("r2") == {"a": "scheduled"}
    engine.clock.move(timedelta(seconds=10))
    assert wake_forgotten(engine.database, before=engine.clock.now() - timedelta(seconds=10)) == 0
    engine.clock.move(timedelta(seconds=1))
    assert wake_forgotten(engine.database, before=engine.clock.now() - timedelta(seconds=10)) == 1
    engine.run_until_idle()
    assert engine.states("r2") == {"a": "queued"}
