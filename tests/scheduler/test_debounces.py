"""Triggers that join a queued run."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Connection, text, update

from mainspring.debounces import DebounceKeyInvalid
from mainspring.states import RunType
from mainspring_store.interventions import Clear, RunSelection, TaskSelection, clear
from mainspring_store.resources.versions import Versions
from mainspring_store.state.debounces import Triggered, trigger_run
from mainspring_store.state.runs import NewRun, VersionRef, cancel_run
from mainspring_store.tables import dag_run
from tests.scheduler.engine import Engine

SECOND = timedelta(seconds=1)
RULE = {"key": "${{ params.customer }}", "for": "10s", "max_wait": "25s"}
PARAMS = {"type": "object", "properties": {"customer": {}, "n": {}}}


def save(engine: Engine, **fields: Any) -> VersionRef:
    return engine.save("etl", {"a": {}}, params=PARAMS, **{"debounce": RULE, **fields})


def trigger(engine: Engine, version: VersionRef, run_id: str, conf: Mapping[str, Any], **more: Any) -> Triggered:
    now = engine.clock.now()
    fields = {"may_join": True, "run_after": now, **more}
    run = NewRun(version=version, run_id=run_id, run_type=RunType.MANUAL, conf=conf, params=conf, **fields)
    return trigger_run(engine.database, run, now=now)


def state(engine: Engine, run_id: str = "r1") -> str:
    return str(engine.run(run_id)["state"])


def test_triggers_of_a_key_become_one_run_with_the_last_conf(engine: Engine) -> None:
    version = save(engine)
    assert not trigger(engine, version, "r1", {"customer": "ann", "n": 1}).is_merged
    engine.run_until_idle()
    assert state(engine) == "queued", "the run waits for further triggers"
    engine.clock.move(9 * SECOND)
    joined = trigger(engine, version, "r2", {"customer": "ann", "n": 2}, note="late")
    assert (joined.run_id, joined.is_merged) == ("r1", True)
    run = engine.run()
    assert (run["conf"]["n"], run["params"]["n"], run["note"]) == (2, 2, "late")
    assert run["run_after"] == engine.clock.now() + 10 * SECOND
    engine.clock.move(9 * SECOND)
    engine.run_until_idle()
    assert state(engine) == "queued"
    engine.clock.move(SECOND)
    engine.run_until_idle()
    assert state(engine) == "running"
    assert not trigger(engine, version, "r3", {"customer": "ann"}).is_merged, "no trigger joins a running run"


def test_the_run_starts_at_the_latest_after_max_wait(engine: Engine) -> None:
    version = save(engine)
    trigger(engine, version, "r1", {"customer": "ann"})
    begin: datetime = engine.clock.now()
    for number in range(2, 5):
        engine.clock.move(8 * SECOND)
        trigger(engine, version, f"r{number}", {"customer": "ann"})
    assert engine.run()["run_after"] == begin + 25 * SECOND


def test_other_keys_dates_starts_and_versions_are_apart(engine: Engine) -> None:
    version, now = save(engine), engine.clock.now()
    trigger(engine, version, "r1", {"customer": "ann"})
    assert not trigger(engine, version, "r2", {"customer": "bob"}).is_merged
    dated = trigger(engine, version, "r3", {"customer": "ann"}, logical_date=now, may_join=False)
    assert not dated.is_merged
    engine.run_until_idle()
    assert state(engine, "r3") == "running", "a run with a logical date waits for no trigger"
    newer = save(engine, description="another version")
    assert not trigger(engine, newer, "r4", {"customer": "ann"}).is_merged


def test_the_concurrency_key_is_that_of_the_last_trigger(engine: Engine) -> None:
    version = save(engine, debounce={**RULE, "key": "all"}, concurrency={"key": "${{ params.customer }}"})
    trigger(engine, version, "r1", {"customer": "ann"})
    trigger(engine, version, "r2", {"customer": "bob"})
    assert engine.run()["concurrency_key"] == "bob"


def test_a_cleared_run_is_joined_no_more(engine: Engine) -> None:
    version = save(engine)
    trigger(engine, version, "r1", {"customer": "ann"})
    cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="by test")
    request = Clear(runs=RunSelection(run_id="r1"), tasks=TaskSelection(task_ids=["a"]))
    clear(engine.database, Versions(engine.database), "etl", request, now=engine.clock.now())
    assert state(engine) == "queued"
    assert not trigger(engine, version, "r2", {"customer": "ann"}).is_merged


def test_a_key_that_fails_makes_no_run(engine: Engine) -> None:
    version = save(engine)
    with pytest.raises(DebounceKeyInvalid, match="cannot be evaluated") as caught:
        trigger(engine, version, "r1", {})
    assert caught.value.problems[0].code == "debounce_key_invalid"
    with pytest.raises(DebounceKeyInvalid, match="has 1025 bytes"):
        trigger(engine, version, "r1", {"customer": "x" * 1025})


def test_a_deadline_that_counts_from_the_start_moves(engine: Engine) -> None:
    version = save(engine, deadline={"after": "run_after", "within": "5s", "action": "fail"})
    trigger(engine, version, "r1", {"customer": "ann"})
    engine.clock.move(8 * SECOND)
    trigger(engine, version, "r2", {"customer": "ann"})
    engine.clock.move(8 * SECOND)
    engine.run_until_idle()
    assert state(engine) == "queued", "the deadline of the first trigger would have passed"


def test_of_triggers_at_the_same_moment_one_makes_the_run(engine: Engine) -> None:
    version, barrier = save(engine), Barrier(4)

    def send(number: int) -> Triggered:
        barrier.wait(timeout=20)
        return trigger(engine, version, f"r{number}", {"customer": "ann", "n": number})

    with ThreadPoolExecutor(4) as pool:
        triggered = list(pool.map(send, range(4)))
    assert sorted(one.is_merged for one in triggered) == [False, True, True, True]
    assert len({one.run_id for one in triggered}) == 1


def test_a_trigger_joins_no_run_that_starts_at_this_moment(engine: Engine) -> None:
    """The trigger waits for the commit of the start. SQLite takes one writer at a time anyway."""
    version = save(engine)
    trigger(engine, version, "r1", {"customer": "ann"})
    with ThreadPoolExecutor(1) as pool:
        with engine.database.write() as connection:
            set_state(connection, "running")
            second = pool.submit(trigger, engine, version, "r2", {"customer": "ann"})
            while not (second.running() if engine.database.is_sqlite else _has_waiter(connection)):
                assert not second.done(), "the trigger did not wait for the start"
        assert second.result(timeout=20) == Triggered(second.result().key, "r2", is_merged=False)
    # The start had neither an event nor ready tasks.
    with engine.database.write() as connection:
        set_state(connection, "queued")
    cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="by test")


def set_state(connection: Connection, value: str) -> None:
    connection.execute(update(dag_run).where(dag_run.c.run_id == "r1").values(state=value))


def _has_waiter(connection: Connection) -> bool:
    return bool(connection.scalar(text("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")))
