"""A paused run starts no further task; what is active goes on."""

import pytest

from mainspring.errors import Conflict, NotFound
from mainspring_store.queries.events import events_of_run
from mainspring_store.resources.run_pauses import set_run_paused
from mainspring_store.state.runs import cancel_run
from tests.scheduler.engine import Engine

CHAIN = {"a": {}, "b": {"depends_on": ["a"]}}


def pause(engine: Engine, is_paused: bool = True, run_id: str = "r1") -> bool:
    return set_run_paused(engine.database, "etl", run_id, is_paused, now=engine.clock.now())


def test_active_tasks_go_on_and_no_further_one_starts(engine: Engine) -> None:
    version = engine.save("etl", CHAIN)
    for run_id in ("r1", "r2"):
        engine.trigger(version, run_id)
    engine.run_until_idle()
    assert pause(engine)
    assert not pause(engine), "the second pause changes nothing"
    for run_id in ("r1", "r2"):
        engine.finish("a", run_id=run_id)
    assert engine.states("r1") == {"a": "success", "b": "scheduled"}
    assert engine.states("r2") == {"a": "success", "b": "queued"}
    pause(engine, False)
    engine.run_until_idle()
    assert engine.states("r1") == {"a": "success", "b": "queued"}


@pytest.mark.parametrize(
    "fields", [pytest.param({}, id="plain"), pytest.param({"concurrency": {"key": "all"}}, id="key")]
)
def test_a_paused_queued_run_lets_the_next_one_start(engine: Engine, fields: dict[str, object]) -> None:
    version = engine.save("etl", CHAIN, max_active_runs=1, **fields)
    for run_id in ("r1", "r2"):
        engine.trigger(version, run_id)
    pause(engine)
    engine.run_until_idle()
    assert [engine.run(run_id)["state"] for run_id in ("r1", "r2")] == ["queued", "running"]


def test_a_cancel_of_a_paused_run_runs_its_handlers(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}, "tidy": {"handler": "finally"}}))
    engine.run_until_idle()
    attempt = engine.attempt("a")
    pause(engine)
    cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="by test")
    engine.executor.finished.add(attempt.attempt_id)
    engine.start("a")
    engine.finish("a")
    assert engine.states()["tidy"] == "queued"


def test_a_run_that_has_ended_cannot_be_paused(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    engine.finish("a")
    with pytest.raises(Conflict, match="'r1' of dag 'etl' has ended"):
        pause(engine)
    assert not pause(engine, False)
    with pytest.raises(NotFound, match="r9"):
        pause(engine, run_id="r9")


def test_a_pause_and_a_resume_are_events(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    pause(engine)
    pause(engine, False)
    events = events_of_run(engine.database, "etl", "r1", 0, 10)
    assert [(event.state, event.seq) for event in events] == [("queued", 0), ("paused", None), ("unpaused", None)]
