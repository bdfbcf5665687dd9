"""Users change when queued runs start."""

from datetime import timedelta

import pytest

from mainspring.errors import Conflict, NotFound
from mainspring_store.queries.events import events_of_run
from mainspring_store.resources.run_order import set_run_after
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
