"""Runs with the same concurrency key: so many at a time, oldest first, or refused."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, text, update

from mainspring.attempts import Outcome
from mainspring.concurrency_keys import ConcurrencyKeyInvalid
from mainspring.states import RunType
from mainspring_store.interventions import Clear, RunSelection, TaskSelection, clear
from mainspring_store.resources.versions import Versions
from mainspring_store.scheduling.run_starts import StartReads
from mainspring_store.state.concurrency import ConcurrencyKeyTaken, take_key
from mainspring_store.state.runs import NewRun, VersionRef, cancel_run, claim_of_run, insert_run
from mainspring_store.tables import dag_run, feed_event
from tests.scheduler.engine import Engine

BY_CUSTOMER = {"key": "${{ params.customer }}"}


def save(engine: Engine, *, key: str = BY_CUSTOMER["key"], dag_id: str = "etl", **rule: Any) -> VersionRef:
    """A DAG of one task with a concurrency key."""
    fields = {name: rule.pop(name) for name in list(rule) if name not in ("max", "strategy")}
    return engine.save(dag_id, {"a": {}}, concurrency={"key": key, **rule}, **fields)


def run_states(engine: Engine, *run_ids: str) -> list[str]:
    return [engine.run(run_id)["state"] for run_id in run_ids]


class TestQueue:
    def test_a_run_waits_for_the_run_with_its_key(self, engine: Engine) -> None:
        version = save(engine)
        for run_id, customer in (("r1", "ann"), ("r2", "ann"), ("r3", "bob")):
            engine.trigger(version, run_id, {"customer": customer})
        engine.run_until_idle()
        assert run_states(engine, "r1", "r2", "r3") == ["running", "queued", "running"]
        engine.finish("a", run_id="r1")
        assert run_states(engine, "r1", "r2", "r3") == ["success", "running", "running"]
        assert engine.run("r2")["concurrency_key"] == "ann"

    def test_the_oldest_runs_start_first_up_to_max(self, engine: Engine) -> None:
        version = save(engine, max=2)
        for number in range(5):
            engine.trigger(version, f"r{number}", {"customer": "ann"})
        engine.run_until_idle()
        assert run_states(engine, "r0", "r1", "r2") == ["running", "running", "queued"]
        engine.finish("a", run_id="r1")
        assert run_states(engine, "r0", "r1", "r2", "r3") == ["running", "success", "running", "queued"]

    def test_max_active_runs_limits_all_keys_together(self, engine: Engine) -> None:
        version = save(engine, max=2, max_active_runs=3)
        for run_id, customer in (("r1", "ann"), ("r2", "bob"), ("r3", "ann"), ("r4", "bob")):
            engine.trigger(version, run_id, {"customer": customer})
        engine.run_until_idle()
        assert run_states(engine, "r1", "r2", "r3", "r4") == ["running"] * 3 + ["queued"]

    def test_equal_keys_of_two_dags_do_not_meet(self, engine: Engine) -> None:
        first, second = save(engine), save(engine, dag_id="other")
        engine.trigger(first, "r1", {"customer": "ann"})
        engine.trigger(second, "r2", {"customer": "ann"})
        engine.run_until_idle()
        assert run_states(engine, "r1", "r2") == ["running", "running"]

    def test_a_run_with_a_later_start_keeps_no_place(self, engine: Engine) -> None:
        version = save(engine)
        engine.trigger(version, "later", {"customer": "ann"})
        with engine.database.write() as connection:
            later = engine.clock.now() + timedelta(hours=1)
            connection.execute(update(dag_run).where(dag_run.c.run_id == "later").values(run_after=later))
        engine.trigger(version, "now", {"customer": "ann"})
        engine.run_until_idle()
        assert run_states(engine, "later", "now") == ["queued", "running"]

    def test_a_cancelled_run_lets_the_next_start(self, engine: Engine) -> None:
        version = save(engine)
        engine.trigger(version, "r1", {"customer": "ann"})
        engine.trigger(version, "r2", {"customer": "ann"})
        engine.run_until_idle()
        cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="by test")
        engine.run_until_idle()
        assert run_states(engine, "r1", "r2") == ["failed", "running"]

    def test_a_run_that_ends_in_handlers_holds_its_key(self, engine: Engine) -> None:
        tasks = {"a": {}, "clean": {"handler": "finally"}}
        version = engine.save("etl", tasks, concurrency=BY_CUSTOMER)
        engine.trigger(version, "r1", {"customer": "ann"})
        engine.trigger(version, "r2", {"customer": "ann"})
        engine.run_until_idle()
        engine.finish("a", run_id="r1")
        assert run_states(engine, "r1", "r2") == ["running", "queued"]
        engine.finish("clean", run_id="r1")
        assert run_states(engine, "r1", "r2") == ["success", "running"]

    def test_a_cleared_run_waits_for_its_key_again(self, engine: Engine) -> None:
        version = save(engine)
        engine.trigger(version, "r1", {"customer": "ann"})
        engine.run_until_idle()
        engine.finish("a", run_id="r1")
        engine.trigger(version, "r2", {"customer": "ann"})
        engine.run_until_idle()
        request = Clear(runs=RunSelection(run_id="r1"), tasks=TaskSelection(task_ids=["a"]))
        clear(engine.database, Versions(engine.database), "etl", request, now=engine.clock.now())
        engine.run_until_idle()
        assert run_states(engine, "r1", "r2") == ["queued", "running"]
        engine.finish("a", run_id="r2")
        assert run_states(engine, "r1", "r2") == ["running", "success"]


class TestKeys:
    @pytest.mark.parametrize(
        ("value", "key"),
        [
            pytest.param("ann", "ann", id="text"),
            pytest.param(7, "7", id="a number"),
            pytest.param(True, "true", id="a boolean"),
        ],
    )
    def test_a_key_is_stored_as_text(self, engine: Engine, value: Any, key: str) -> None:
        engine.trigger(save(engine), "r1", {"customer": value})
        assert engine.run()["concurrency_key"] == key

    @pytest.mark.parametrize(
        ("conf", "message"),
        [
            pytest.param({}, "cannot be evaluated", id="an absent param"),
            pytest.param({"customer": None}, "is null", id="null"),
            pytest.param({"customer": ""}, "is empty", id="empty"),
            pytest.param({"customer": ["ann"]}, "is a list", id="a list"),
            pytest.param({"customer": {}}, "is an object", id="an object"),
            pytest.param({"customer": "é" * 513}, "has 1026 bytes", id="too long"),
        ],
    )
    def test_a_key_that_cannot_be_is_refused(self, engine: Engine, conf: dict[str, Any], message: str) -> None:
        with pytest.raises(ConcurrencyKeyInvalid, match=message):
            engine.trigger(save(engine), "r1", conf)

    def test_a_scheduled_run_whose_key_fails_has_an_end_with_the_reason(self, engine: Engine) -> None:
        save(engine, schedule="@hourly", start_date="2026-03-01T11:00:00Z")
        engine.run_until_idle()
        run = engine.run("scheduled__2026-03-01T11:00:00+00:00")
        assert (run["state"], run["state_reason"]) == ("failed", "concurrency_key_invalid")
        assert "cannot be evaluated" in run["message"]
        assert run["concurrency_key"] == ""
        assert events(engine) == [("queued", None), ("failed", "concurrency_key_invalid")]


class TestReject:
    def test_a_trigger_is_refused_and_names_the_holder(self, engine: Engine) -> None:
        version = save(engine, strategy="reject")
        engine.trigger(version, "r1", {"customer": "ann"})
        with pytest.raises(ConcurrencyKeyTaken, match=r"'ann' is held by 'r1' \(queued\); max is 1"):
            engine.trigger(version, "r2", {"customer": "ann"})
        engine.trigger(version, "r3", {"customer": "bob"})
        engine.run_until_idle()
        with pytest.raises(ConcurrencyKeyTaken, match=r"'r1' \(running\)"):
            engine.trigger(version, "r2", {"customer": "ann"})
        engine.finish("a", run_id="r1")
        engine.trigger(version, "r2", {"customer": "ann"})
        assert run_states(engine, "r2", "r3") == ["queued", "running"]

    def test_up_to_max_runs_are_accepted(self, engine: Engine) -> None:
        version = save(engine, strategy="reject", max=2)
        engine.trigger(version, "r1", {"customer": "ann"})
        engine.trigger(version, "r2", {"customer": "ann"})
        with pytest.raises(ConcurrencyKeyTaken, match=r"'r1' .* 'r2'"):
            engine.trigger(version, "r3", {"customer": "ann"})

    def test_of_two_triggers_at_once_one_is_refused(self, engine: Engine) -> None:
        """The second trigger waits for the commit of the first. SQLite takes one writer at a time anyway."""
        version, now = save(engine, strategy="reject"), engine.clock.now()
        conf = {"customer": "ann"}
        first = NewRun(version=version, run_id="r1", run_type=RunType.MANUAL, conf=conf, params=conf, run_after=now)
        claim = claim_of_run(first)
        with ThreadPoolExecutor(1) as pool:
            with engine.database.write() as connection:
                take_key(connection, "etl", claim)
                insert_run(connection, first, claim, now=now)
                second = pool.submit(engine.trigger, version, "r2", conf)
                while not (second.running() if engine.database.is_sqlite else _has_waiter(connection)):
                    assert not second.done(), "the second trigger did not wait for the first"
            with pytest.raises(ConcurrencyKeyTaken, match="'r1'"):
                second.result()

    def test_a_refused_slot_of_a_schedule_is_a_failed_run(self, engine: Engine) -> None:
        save(engine, key="all", strategy="reject", schedule="@hourly", start_date="2026-03-01T11:00:00Z")
        engine.run_until_idle()
        engine.clock.move(timedelta(hours=1))
        engine.run_until_idle()
        first, second = (engine.run(f"scheduled__2026-03-01T{hour}:00:00+00:00") for hour in (11, 12))
        assert first["state"] == "running"
        assert (second["state"], second["state_reason"]) == ("failed", "concurrency_key_taken")
        assert "scheduled__2026-03-01T11:00:00+00:00" in second["message"]
        assert engine.states(second["run_id"]) == {"a": "skipped"}

    def test_a_refused_child_run_fails_its_task(self, engine: Engine) -> None:
        child = save(engine, key="all", strategy="reject", dag_id="child")
        parent = engine.save("parent", {"call": {"type": "dag", "dag_id": "child"}})
        engine.trigger(child, "holder")
        engine.trigger(parent, "r1")
        engine.run_until_idle()
        assert engine.states("r1") == {"call": "failed"}
        (attempt,) = engine.tries("call")
        assert attempt.state_reason == "child_run_failed"
        assert "'holder'" in attempt.message


class TestKeepLatest:
    def test_of_the_waiting_runs_only_the_newest_stays(self, engine: Engine) -> None:
        version = save(engine, strategy="keep_latest")
        for number in range(4):
            engine.trigger(version, f"r{number}", {"customer": "ann"})
            engine.run_until_idle()
        assert run_states(engine, "r0", "r1", "r2", "r3") == ["running", "failed", "failed", "queued"]
        run = engine.run("r1")
        assert (run["state_reason"], run["message"]) == (
            "superseded",
            "replaced by run 'r2', which has the same concurrency key",
        )
        assert engine.states("r1") == {"a": "skipped"}
        engine.finish("a", run_id="r0")
        assert run_states(engine, "r0", "r3") == ["success", "running"]

    def test_runs_with_room_are_not_replaced(self, engine: Engine) -> None:
        version = save(engine, strategy="keep_latest", max=2)
        for number in range(4):
            engine.trigger(version, f"r{number}", {"customer": "ann"})
        engine.run_until_idle()
        assert run_states(engine, "r0", "r1", "r2", "r3") == ["failed", "failed", "running", "running"]

    def test_a_clear_of_a_replaced_run_runs_all_its_tasks(self, engine: Engine) -> None:
        version = save(engine, strategy="keep_latest")
        for number in range(3):
            engine.trigger(version, f"r{number}", {"customer": "ann"})
        engine.run_until_idle()
        engine.finish("a", run_id="r2")
        request = Clear(runs=RunSelection(run_id="r0"), tasks=TaskSelection(task_ids=["a"]))
        clear(engine.database, Versions(engine.database), "etl", request, now=engine.clock.now())
        engine.run_until_idle()
        assert engine.states("r0") == {"a": "queued"}


class TestCancelRunning:
    def test_the_running_run_is_cancelled_and_the_new_one_starts(self, engine: Engine) -> None:
        version = save(engine, strategy="cancel_running")
        engine.trigger(version, "r1", {"customer": "ann"})
        engine.trigger(version, "other", {"customer": "bob"})
        engine.run_until_idle()
        engine.trigger(version, "r2", {"customer": "ann"})
        engine.run_until_idle()
        assert run_states(engine, "r1", "r2", "other") == ["failed", "running", "running"]
        run = engine.run("r1")
        assert run["state_reason"] == "cancelled"
        assert run["message"] == "stopped and replaced by run 'r2', which has the same concurrency key"

    def test_the_new_run_waits_for_the_handlers_of_the_old_one(self, engine: Engine) -> None:
        tasks = {"a": {}, "clean": {"handler": "on_cancel"}}
        version = engine.save("etl", tasks, concurrency={**BY_CUSTOMER, "strategy": "cancel_running"})
        engine.trigger(version, "r1", {"customer": "ann"})
        engine.run_until_idle()
        for run_id in ("r2", "r3"):
            engine.trigger(version, run_id, {"customer": "ann"})
            engine.run_until_idle()
        assert run_states(engine, "r1", "r2", "r3") == ["running", "failed", "queued"]
        assert engine.run("r1")["state_reason"] == "cancelling"
        engine.finish("a", Outcome.CANCELLED, run_id="r1")
        engine.finish("clean", run_id="r1")
        assert run_states(engine, "r1", "r3") == ["failed", "running"]

    def test_only_as_many_runs_are_cancelled_as_take_the_places(self, engine: Engine) -> None:
        version = save(engine, strategy="cancel_running", max=2)
        for number in range(3):
            engine.trigger(version, f"r{number}", {"customer": "ann"})
            engine.run_until_idle()
        assert run_states(engine, "r0", "r1", "r2") == ["failed", "running", "running"]

    def test_a_cleared_run_cancels_no_newer_one(self, engine: Engine) -> None:
        version = save(engine, strategy="cancel_running")
        for run_id in ("r1", "r2"):
            engine.trigger(version, run_id, {"customer": "ann"})
            engine.run_until_idle()
        request = Clear(runs=RunSelection(run_id="r1"), tasks=TaskSelection(task_ids=["a"]))
        clear(engine.database, Versions(engine.database), "etl", request, now=engine.clock.now())
        engine.run_until_idle()
        assert run_states(engine, "r1", "r2") == ["queued", "running"]


def test_thousands_of_runs_that_wait_for_a_key_are_not_read_by_a_pass(engine: Engine) -> None:
    """The plans of the statements that look for runs to start name the indexes, and no scan of the runs."""
    statements = {
        "keyless": StartReads._select_runs(True, None),
        "keyless of priority 0": StartReads._select_runs(True, 0),
        "keyless before others": StartReads._select_runs(True, 1),
        "keys": StartReads._select_next_of_keys(True, False),
        "keys with priorities": StartReads._select_next_of_keys(True, True),
    }
    if not engine.database.is_sqlite:
        pytest.skip("an empty PostgreSQL scans each table, whatever its indexes")
    with engine.database.read() as connection:
        for name, statement in statements.items():
            compiled = statement.compile(connection.engine)
            params = tuple("1" for _ in compiled.positiontup or ())
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", params).all()
            steps = [row[3] for row in plan]
            scans = [step for step in steps if step.startswith("SCAN dag_run") and "ix_dag_run_" not in step]
            assert not scans, (name, steps)
            if name.startswith("keys"):
                assert any("dag_run USING INTEGER PRIMARY KEY" in step for step in steps), steps
            else:
                index = "ix_dag_run_prioritized" if "before" in name else "ix_dag_run_startable"
                assert any(index in step for step in steps), (name, steps)


def _has_waiter(connection: Connection) -> bool:
    """Whether a transaction waits for its turn."""
    waiting = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
    return bool(connection.scalar(text(waiting)))


def events(engine: Engine) -> list[tuple[str, str | None]]:
    """State and reason of the events of runs, in order."""
    table = feed_event.c
    with engine.database.read() as connection:
        rows = connection.execute(select(table.state, table.state_reason).where(table.kind == "run").order_by(table.id))
        return [(row.state, row.state_reason) for row in rows]
