"""Two schedulers on one PostgreSQL: limits hold whatever each of them read before it got the lock."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from mainspring_store import Database
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


def test_room_that_another_scheduler_took_since_the_candidates_were_read_is_not_taken_again(
    make_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_engine(slots=0), make_engine(incarnation="second", slots=1)
    heavy = {name: {"depends_on": ["first"], "priority_weight": 9} for name in ("h1", "h2")}
    light = {f"t{n}": {} for n in range(4)}
    first.trigger(first.save("wide", {"first": {}, **heavy, **light}, max_active_tasks=2))
    first.run_until_idle()
    second.run_until_idle()
    first.executor.slots = second.executor.slots = 64
    read = CandidateReads.ready
    overtakes = iter([True])

    def read_and_be_overtaken(self: CandidateReads, limit: int, **of_executor: Any) -> Sequence[Candidate]:
        found = read(self, limit, **of_executor)
        if found and next(overtakes, False):
            second.finish("first")
        return found

    monkeypatch.setattr(CandidateReads, "ready", read_and_be_overtaken)
    first.step()
    assert {one.task_id for one in second.executor.open} == {"h1", "h2"}
    assert first.executor.submitted == {}
    assert first.run()["tasks_active"] == 2


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
