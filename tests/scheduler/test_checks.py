"""Waits that run code: a command, a callable, a file. A check costs no try and holds nothing between two checks."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from mainspring.attempts import Outcome
from mainspring.instants import format_instant
from mainspring.states import StateReason
from mainspring_executors.contract import Capabilities
from mainspring_store.resources.pools import NewPool, create_pools
from mainspring_store.resources.run_pauses import set_run_paused
from mainspring_store.state import runs
from tests.scheduler.engine import START, Engine
from tests.scheduler.test_clear import clear_tasks
from tests.scheduler.test_mark import mark_as

COMMAND: dict[str, Any] = {"type": "wait", "shell": {"command": ["test", "-e", "/x"]}, "interval": "20s"}
CALL: dict[str, Any] = {"type": "wait", "python": {"callable": "shop:is_open", "args": ["${{ ds }}"]}}
FILE: dict[str, Any] = {"type": "wait", "file": {"path": "/drop/${{ run_id }}.csv", "min_bytes": 1}}
AFTER: dict[str, Any] = {"depends_on": ["look"]}
INTERVAL = timedelta(seconds=20)
SHARED = Capabilities(hard_cancel=True, isolates_crash=True, survives_scheduler_restart=True)


def begin(engine: Engine, look: dict[str, Any], **fields: Any) -> None:
    engine.trigger(engine.save("etl", {"look": look, "after": AFTER}, **fields))
    engine.run_until_idle()


def pass_time(engine: Engine, by: timedelta) -> None:
    engine.clock.move(by)
    engine.run_until_idle()


def say_not_yet(engine: Engine, map_index: int = -1) -> None:
    engine.fail("look", map_index=map_index, reason=StateReason.EXIT_CODE, exit_code=1, message="exit code 1")


class TestKinds:
    @pytest.mark.parametrize(
        ("look", "task_type", "payload"),
        [
            (COMMAND, "shell", {"command": ["test", "-e", "/x"]}),
            (FILE, "file", {"path": "/drop/r1.csv", "min_bytes": 1}),
        ],
    )
    def test_a_check_is_an_attempt_of_its_type(
        self, engine: Engine, look: dict[str, Any], task_type: str, payload: dict[str, Any]
    ) -> None:
        begin(engine, {**look, "queue": "disk"})
        attempt = engine.attempt("look")
        assert (attempt.task_type, attempt.payload, attempt.queue) == (task_type, payload, "disk")

    @pytest.mark.parametrize("exit_code", [1, 2, 127])
    def test_an_exit_code_says_not_yet(self, engine: Engine, exit_code: int) -> None:
        begin(engine, COMMAND)
        engine.fail("look", exit_code=exit_code)
        assert (engine.states()["look"], engine.run()["tasks_active"]) == ("deferred", 0)
        pass_time(engine, INTERVAL)
        assert engine.states()["look"] == "queued"
        engine.finish("look", outputs={"rows": 3})
        assert engine.states() == {"look": "success", "after": "queued"}
        assert [one.try_number for one in engine.tries("look")] == [1]

    def test_an_exit_code_of_the_list_fails_the_try(self, engine: Engine) -> None:
        shell = {**COMMAND["shell"], "fail_on_exit_codes": [2, 3]}
        begin(engine, {**COMMAND, "shell": shell, "retries": 1, "retry_delay": "1m"})
        engine.fail("look", exit_code=3)
        assert (engine.states()["look"], engine.instances()[0].state_reason) == ("up_for_retry", "exit_code")

    @pytest.mark.parametrize("value", [None, False, 0, "", [], {}])
    def test_a_false_value_says_not_yet(self, engine: Engine, value: Any) -> None:
        begin(engine, CALL)
        engine.finish("look", outputs={} if value is None else {"return_value": value})
        [attempt] = engine.tries("look")
        assert (attempt.state, attempt.state_reason) == ("deferred", "not_yet")
        assert "false value" in attempt.message

    @pytest.mark.parametrize("value", [True, 7, "x", [0], {"rows": 0}])
    def test_a_true_value_ends_the_wait(self, engine: Engine, value: Any) -> None:
        begin(engine, CALL)
        engine.finish("look", outputs={"return_value": value})
        assert engine.states()["look"] == "success"

    def test_an_exception_fails_the_try(self, engine: Engine) -> None:
        begin(engine, {**CALL, "retries": 1, "retry_delay": "1m"})
        engine.fail("look", reason=StateReason.EXCEPTION, message="KeyError: 'x'")
        assert engine.states()["look"] == "up_for_retry"
        pass_time(engine, timedelta(minutes=1))
        engine.finish("look", outputs={"return_value": True})
        assert [(one.try_number, one.state) for one in engine.tries("look")] == [(1, "failed"), (2, "success")]

    def test_the_declared_outputs_hold_for_the_last_check_alone(self, engine: Engine) -> None:
        begin(engine, {**CALL, "outputs": {"rows": {"type": "integer"}}})
        engine.finish("look", outputs={"return_value": False})
        assert engine.states()["look"] == "deferred"
        pass_time(engine, timedelta(seconds=30))
        engine.finish("look", outputs={"return_value": {"rows": "many"}, "rows": "many"})
        assert engine.instances()[0].state_reason == "output_invalid"

    def test_a_file_that_is_not_there_is_looked_for_again(self, engine: Engine) -> None:
        begin(engine, FILE)
        engine.fail("look", reason=StateReason.NOT_YET, message="there is no file /drop/r1.csv")
        waits_for = engine.instances()[0].waits_for
        assert waits_for == {
            "kind": "file", "path": "/drop/r1.csv", "give_up_at": None, "checked_at": format_instant(START)
        }  # fmt: skip

    def test_the_task_may_ask_to_be_skipped(self, engine: Engine) -> None:
        begin(engine, CALL)
        engine.finish("look", Outcome.SKIPPED, reason=StateReason.TASK_SKIPPED)
        assert engine.states()["look"] == "skipped"


class TestTime:
    @pytest.mark.parametrize(
        ("more", "seconds"),
        [({}, 30), ({"check_timeout": "5s"}, 5), ({"timeout": "10s"}, 10), ({"execution_timeout": "3s"}, 3)],
    )
    def test_the_earliest_limit_bounds_a_check(self, engine: Engine, more: dict[str, Any], seconds: int) -> None:
        begin(engine, {**COMMAND, **more})
        assert engine.attempt("look").timeout == timedelta(seconds=seconds)

    def test_a_check_that_takes_too_long_is_made_again(self, engine: Engine) -> None:
        begin(engine, COMMAND)
        engine.fail("look", reason=StateReason.TIMED_OUT)
        assert (engine.states()["look"], engine.instances()[0].max_tries) == ("deferred", 0)
        assert "check_timeout" in engine.tries("look")[0].message

    @pytest.mark.parametrize(("soft_fail", "state"), [(False, "failed"), (True, "skipped")])
    def test_the_wait_ends_at_its_timeout(self, engine: Engine, soft_fail: bool, state: str) -> None:
        begin(engine, {**COMMAND, "timeout": "10s", "soft_fail": soft_fail, "retries": 3})
        say_not_yet(engine)
        pass_time(engine, timedelta(seconds=10))
        assert engine.states()["look"] == state

    def test_checks_that_are_late_are_merged(self, engine: Engine) -> None:
        begin(engine, COMMAND)
        say_not_yet(engine)
        engine.clock.move(timedelta(hours=3))
        engine.run_until_idle()
        engine.step()
        assert len(engine.executor.submitted) == 2
        say_not_yet(engine)
        assert engine.instances()[0].not_before == engine.clock.now() + INTERVAL

    def test_a_paused_run_makes_no_check_and_then_a_single_one(self, engine: Engine) -> None:
        begin(engine, COMMAND)
        say_not_yet(engine)
        set_run_paused(engine.database, "etl", "r1", True, now=engine.clock.now())
        for _ in range(5):
            pass_time(engine, timedelta(minutes=1))
        assert len(engine.executor.submitted) == 1
        set_run_paused(engine.database, "etl", "r1", False, now=engine.clock.now())
        engine.run_until_idle()
        assert len(engine.executor.submitted) == 2

    def test_many_checks_leave_one_attempt_and_two_events(self, engine: Engine) -> None:
        begin(engine, COMMAND)
        for _ in range(10):
            say_not_yet(engine)
            pass_time(engine, INTERVAL)
        engine.finish("look")
        [attempt] = engine.tries("look")
        assert (attempt.try_number, attempt.attempt_id) == (1, engine.attempt("look").attempt_id)
        assert [event.state for event in engine.events() if event.task_id == "look"] == ["deferred", "success"]


class TestLosses:
    def test_a_check_that_loses_its_worker_is_made_again(self, engine: Engine) -> None:
        begin(engine, COMMAND)
        for _ in range(2):
            engine.finish("look", Outcome.LOST, reason=StateReason.WORKER_LOST)
            pass_time(engine, INTERVAL)
        assert (engine.states()["look"], engine.instances()[0].try_number) == ("queued", 1)

    def test_the_third_loss_in_a_row_fails_the_try(self, engine: Engine) -> None:
        begin(engine, COMMAND)
        for _ in range(3):
            engine.finish("look", Outcome.LOST, reason=StateReason.WORKER_LOST)
            pass_time(engine, INTERVAL)
        assert (engine.states()["look"], engine.instances()[0].state_reason) == ("failed", "worker_lost")

    def test_a_check_with_a_result_begins_the_count_of_losses_again(self, engine: Engine) -> None:
        begin(engine, COMMAND)
        for _ in range(3):
            engine.finish("look", Outcome.LOST, reason=StateReason.WORKER_LOST)
            pass_time(engine, INTERVAL)
            say_not_yet(engine)
            pass_time(engine, INTERVAL)
        assert engine.states()["look"] == "queued"

    def test_a_check_that_kills_its_host_fails_the_try(self, engine: Engine) -> None:
        begin(engine, COMMAND)
        engine.finish("look", Outcome.LOST, reason=StateReason.HOST_KILLED)
        assert engine.states()["look"] == "failed"


class TestPlaces:
    def begin_many(self, engine: Engine, count: int, **fields: Any) -> None:
        items = {"item": list(range(count))}
        engine.trigger(engine.save("etl", {"look": {**COMMAND, "expand": items, **fields}}, max_active_tasks=99))
        engine.run_until_idle()

    def test_an_executor_runs_as_many_checks_as_it_has_places(self, make_engine: Callable[..., Engine]) -> None:
        engine = make_engine(checks_at_once=2)
        self.begin_many(engine, 5)
        assert sorted(engine.states().values()) == ["deferred"] * 3 + ["queued"] * 2
        assert engine.step().did_nothing
        done = finish_open(engine)
        # The checks without a place come back soon, in the order in which they asked.
        for _ in range(4):
            pass_time(engine, timedelta(milliseconds=250))
            assert len(engine.executor.open) <= 2
            done += finish_open(engine)
        assert done == [0, 1, 2, 3, 4]
        assert engine.run()["state"] == "success"

    def test_other_tasks_start_beside_checks_without_a_place(self, make_engine: Callable[..., Engine]) -> None:
        engine = make_engine(checks_at_once=1)
        self.begin_many(engine, 40, priority_weight=9)
        engine.trigger(engine.save("other", {"work": {}}), run_id="r2")
        engine.run_until_idle()
        assert engine.states("r2") == {"work": "queued"}

    def test_a_wait_without_a_place_still_times_out(self, make_engine: Callable[..., Engine]) -> None:
        engine = make_engine(checks_at_once=1)
        self.begin_many(engine, 2, timeout="10s")
        pass_time(engine, timedelta(seconds=10))
        assert sorted(engine.states().values()) == ["failed", "queued"]

    def test_the_places_of_a_pool_that_counts_waits_stay_taken(self, make_engine: Callable[..., Engine]) -> None:
        engine = make_engine(checks_at_once=1)
        create_pools(engine.database, [NewPool(name="p", slots=3, include_deferred=True)])
        self.begin_many(engine, 5, pool="p")
        assert sorted(engine.states().values()) == ["deferred"] * 2 + ["queued"] + ["scheduled"] * 2

    @pytest.mark.parametrize("limit", ["max_active_tis", "max_active_tis_per_dag"])
    def test_a_limit_of_the_task_holds_for_its_checks(self, engine: Engine, limit: str) -> None:
        self.begin_many(engine, 3, **{limit: 1})
        assert sorted(engine.states().values()) == ["deferred"] * 2 + ["queued"]
        for _ in range(3):
            finish_open(engine)
            pass_time(engine, timedelta(seconds=1))
        assert engine.run()["state"] == "success"

    def test_a_scheduler_waits_for_the_places_that_another_one_counts(self, make_engine: Callable[..., Engine]) -> None:
        engine = make_engine()
        if engine.database.is_sqlite:
            pytest.skip("on SQLite the write transaction is the lock")
        with engine.database.engine.connect() as other:
            other.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('checks ' || 'thread', 0))"))
            begin(engine, COMMAND)
            assert engine.states()["look"] == "deferred"
        pass_time(engine, timedelta(milliseconds=250))
        assert engine.states()["look"] == "queued"

    @pytest.mark.parametrize("more", [{}, {"capabilities": SHARED}])
    def test_two_schedulers_share_the_places(self, make_engine: Callable[..., Engine], more: dict[str, Any]) -> None:
        engines = [make_engine(checks_at_once=2, incarnation=name, **more) for name in ("first", "second")]
        items = {"item": [1, 2, 3, 4, 5]}
        engines[0].trigger(engines[0].save("etl", {"look": {**COMMAND, "expand": items}}, max_active_tasks=99))
        for _ in range(4):
            for engine in engines:
                engine.run_until_idle()
                engine.clock.move(timedelta(milliseconds=300))
        assert sum(len(engine.executor.submitted) for engine in engines) == 2


class TestEnds:
    @pytest.mark.parametrize("phase", ["waiting", "checking"])
    def test_a_cancel_ends_the_wait_and_stops_the_check(self, engine: Engine, phase: str) -> None:
        begin(engine, COMMAND)
        if phase == "waiting":
            say_not_yet(engine)
        runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="cancelled by test")
        pass_time(engine, timedelta(minutes=1))
        assert engine.states() == {"look": "failed", "after": "skipped"}
        assert len(engine.executor.cancelled) == (phase == "checking")

    def test_the_time_limit_of_the_run_stops_the_check(self, engine: Engine) -> None:
        begin(engine, COMMAND, dagrun_timeout="5m")
        pass_time(engine, timedelta(minutes=5))
        assert (engine.run()["state_reason"], engine.states()["look"]) == ("timed_out", "failed")
        assert len(engine.executor.cancelled) == 1

    def test_a_clear_stops_the_check_and_begins_a_new_wait(self, engine: Engine) -> None:
        begin(engine, {**COMMAND, "timeout": "1m"})
        clear_tasks(engine, "look")
        pass_time(engine, timedelta(seconds=30))
        assert len(engine.executor.cancelled) == 1
        assert engine.instances()[0].waits_for["give_up_at"] == format_instant(START + timedelta(seconds=90))
        assert [(one.try_number, one.state) for one in engine.tries("look")] == [(1, "cancelled"), (2, "queued")]

    def test_a_mark_stops_the_check(self, engine: Engine) -> None:
        begin(engine, COMMAND)
        mark_as(engine, "success", "look")
        engine.run_until_idle()
        assert (engine.states(), len(engine.executor.cancelled)) == ({"look": "success", "after": "queued"}, 1)


def finish_open(engine: Engine) -> Sequence[int]:
    """End all checks with success; returns their map indexes."""
    attempts = sorted(engine.executor.open, key=lambda one: one.map_index)
    for attempt in attempts:
        engine.finish("look", map_index=attempt.map_index)
    return [attempt.map_index for attempt in attempts]
