"""What a cancel, a time limit or a mark of the run kept from running is unfinished work: a run that goes on does it."""

from datetime import timedelta
from typing import Any, ClassVar

import pytest

from mainspring.states import RunState, TaskState
from mainspring_store.interventions import (
    Clear,
    RunSelection,
    TaskSelection,
    clear,
    mark_run,
    preview_clear,
    requeue_run,
)
from mainspring_store.resources.versions import Versions
from mainspring_store.state import runs
from tests.invariants import assert_sound
from tests.scheduler.engine import Engine
from tests.scheduler.test_mark import mark_as, mark_whole

PAIR: dict[str, Any] = {"a": {}, "b": {"depends_on": ["a"]}}
FAILURES = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED})


def cancel(engine: Engine, run_id: str = "r1") -> None:
    assert runs.cancel_run(engine.database, "etl", run_id, now=engine.clock.now(), message="by test")
    assert_sound(engine.database)


def clear_failed(engine: Engine, *task_ids: str, **more: Any) -> int:
    """As `only_failed` does; how many were cleared."""
    request = Clear(
        runs=RunSelection(run_id="r1"), tasks=TaskSelection(task_ids=task_ids or None, states=FAILURES, **more)
    )
    versions = Versions(engine.database)
    expected = preview_clear(engine.database, versions, "etl", request)
    ids = clear(engine.database, versions, "etl", request, now=engine.clock.now())
    assert ids == expected
    assert_sound(engine.database)
    return len(ids)


def start(engine: Engine, tasks: dict[str, Any], **fields: Any) -> None:
    engine.trigger(engine.save("etl", tasks, **fields))
    engine.run_until_idle()


def finish_all(engine: Engine, *task_ids: str) -> None:
    engine.run_until_idle()
    for task_id in task_ids:
        engine.finish(task_id)
    assert engine.run()["state"] == "success"
    assert_sound(engine.database)


@pytest.mark.parametrize("task_ids", [pytest.param((), id="all"), pytest.param(("a",), id="the failed task alone")])
def test_a_clear_after_a_cancel_runs_what_had_not_begun(engine: Engine, task_ids: tuple[str, ...]) -> None:
    start(engine, PAIR)
    cancel(engine)
    assert engine.states() == {"a": "failed", "b": "skipped"}
    assert clear_failed(engine, *task_ids) == 2
    assert engine.states() == {"a": "scheduled", "b": "scheduled"}
    finish_all(engine, "a", "b")


def test_a_clear_after_a_timeout_runs_what_had_not_begun(engine: Engine) -> None:
    start(engine, PAIR, dagrun_timeout="60s")
    engine.clock.move(timedelta(seconds=61))
    engine.run_until_idle()
    assert engine.run()["state_reason"] == "timed_out"
    assert clear_failed(engine, "a") == 2
    finish_all(engine, "a", "b")


def test_a_task_that_was_cancelled_between_two_tries_is_cleared_as_failed(engine: Engine) -> None:
    start(engine, {"a": {"retries": 1, "retry_delay": "1h"}})
    engine.fail("a")
    cancel(engine)
    assert engine.states() == {"a": "skipped"}
    assert clear_failed(engine) == 1
    finish_all(engine, "a")


def test_a_run_that_was_cancelled_while_queued_is_cleared_as_failed(engine: Engine) -> None:
    engine.trigger(engine.save("etl", PAIR))
    cancel(engine)
    assert clear_failed(engine) == 2
    finish_all(engine, "a", "b")


def test_what_a_task_or_its_when_skipped_is_not_cleared_as_failed(engine: Engine) -> None:
    start(engine, {"a": {"when": "${{ false }}"}, "b": {}})
    cancel(engine)
    assert clear_failed(engine) == 1
    engine.run_until_idle()
    assert engine.states() == {"a": "skipped", "b": "queued"}


def test_a_queued_run_does_what_the_cancel_prevented(engine: Engine) -> None:
    start(engine, {"a": {}, "b": {"depends_on": ["a"]}, "c": {"depends_on": ["b"]}})
    engine.finish("a")
    mark_as(engine, "success", "b")
    cancel(engine)
    assert requeue_run(engine.database, Versions(engine.database), "etl", "r1", now=engine.clock.now())
    assert_sound(engine.database)
    finish_all(engine, "c")


def test_a_marked_task_lets_a_cancelled_run_go_on(engine: Engine) -> None:
    start(engine, PAIR)
    cancel(engine)
    mark_as(engine, "success", "a")
    assert engine.run()["state"] == "queued"
    finish_all(engine, "b")


def test_a_mark_beside_what_was_prevented_leaves_the_run_cancelled(engine: Engine) -> None:
    start(engine, {"a": {}, "b": {}, "c": {"depends_on": ["b"]}})
    cancel(engine)
    mark_as(engine, "success", "a")
    mark_as(engine, "failed", "b")
    run = engine.run()
    assert (run["state"], run["state_reason"]) == ("failed", "cancelled")
    assert engine.states() == {"a": "success", "b": "failed", "c": "skipped"}
    assert_sound(engine.database)


def test_a_user_may_say_of_a_prevented_task_that_it_need_not_run(engine: Engine) -> None:
    start(engine, PAIR)
    cancel(engine)
    assert mark_as(engine, "skipped", "b") == 1
    mark_as(engine, "success", "a")
    assert engine.run()["state"] == "success"
    assert_sound(engine.database)


class TestAMarkedRun:
    def test_what_its_mark_prevented_runs_when_it_is_cleared(self, engine: Engine) -> None:
        start(engine, PAIR)
        mark_whole(engine, "success")
        assert [one.state_reason for one in engine.instances()] == ["marked", "run_marked"]
        assert clear_failed(engine) == 1
        finish_all(engine, "b")

    def test_a_cancelled_run_can_be_marked_as_a_success(self, engine: Engine) -> None:
        start(engine, PAIR)
        cancel(engine)
        mark_whole(engine, "success")
        assert engine.states() == {"a": "success", "b": "skipped"}
        mark_whole(engine, "failed")
        assert clear_failed(engine) == 1
        finish_all(engine, "b")


class TestTheRunAfter:
    TASKS: ClassVar[dict[str, Any]] = {"a": {}, "b": {"depends_on": ["a"], "depends_on_past": True}}

    def trigger_the_next(self, engine: Engine) -> None:
        version = engine.save("etl", self.TASKS)
        engine.trigger(version, "r1")
        engine.run_until_idle()
        cancel(engine)
        engine.trigger(version, "r2")
        engine.run_until_idle()
        engine.finish("a", run_id="r2")
        assert engine.states("r2")["b"] == "scheduled"
        assert [one.state_reason for one in engine.instances("r2")] == [None, "depends_on_past"]

    def test_it_waits_until_what_was_prevented_has_run(self, engine: Engine) -> None:
        self.trigger_the_next(engine)
        clear_failed(engine)
        finish_all(engine, "a", "b")
        engine.run_until_idle()
        assert engine.states("r2")["b"] == "queued"

    def test_it_goes_on_when_the_run_before_is_marked_as_a_success(self, engine: Engine) -> None:
        self.trigger_the_next(engine)
        now = engine.clock.now()
        assert mark_run(engine.database, Versions(engine.database), "etl", "r1", RunState.SUCCESS, by="test", now=now)
        engine.run_until_idle()
        assert engine.states("r2")["b"] == "queued"
        assert_sound(engine.database)
