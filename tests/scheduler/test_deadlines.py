"""Deadlines and queue timeouts: what is late is marked and told once, and fails only where its definition says so."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mainspring.attempts import Outcome
from mainspring.states import StateReason
from mainspring_store.interventions import Clear, RunSelection, TaskSelection, clear
from mainspring_store.resources.versions import Versions
from mainspring_store.tables import deadline
from tests.scheduler.engine import Engine


def begin(engine: Engine, tasks: Mapping[str, Any] | None = None, **more: Any) -> None:
    engine.trigger(engine.save("etl", tasks or {"a": {}, "b": {"depends_on": ["a"]}}, **more))
    engine.run_until_idle()


def after(anchor: str, action: str = "notify", within: str = "10m") -> dict[str, str]:
    return {"after": anchor, "within": within, "action": action}


def let_pass(engine: Engine, minutes: float) -> None:
    engine.clock.move(timedelta(minutes=minutes))
    engine.run_until_idle()


def late_events(engine: Engine) -> list[tuple[str | None, str]]:
    return [(event.task_id, event.state) for event in engine.events() if event.state_reason == StateReason.LATE]


def instance(engine: Engine, task_id: str) -> Any:
    [row] = [row for row in engine.instances() if row.task_id == task_id]
    return row


def clear_all(engine: Engine) -> None:
    request = Clear(runs=RunSelection(run_id="r1"), tasks=TaskSelection())
    assert clear(engine.database, Versions(engine.database), "etl", request, now=engine.clock.now())


class TestRuns:
    def test_every_anchor_counts(self, engine: Engine) -> None:
        for anchor in ("run_after", "run_start", "queued"):
            version = engine.save(anchor, {"a": {"deadline": after(anchor)}}, deadline=after(anchor))
            engine.trigger(version, anchor)
        engine.run_until_idle()
        let_pass(engine, 10)
        for anchor in ("run_after", "run_start", "queued"):
            events = [event for event in engine.events(anchor) if event.state_reason == "late"]
            assert [(event.task_id, event.state) for event in events] == [("a", "queued"), (None, "running")]

    def test_a_late_run_is_marked_and_told_once_and_goes_on(self, engine: Engine) -> None:
        begin(engine, deadline=after("run_start"))
        let_pass(engine, 9)
        assert engine.run()["late_since"] is None
        let_pass(engine, 1)
        assert (engine.run()["state"], engine.run()["late_since"]) == ("running", engine.clock.now())
        let_pass(engine, 60)
        assert late_events(engine) == [(None, "running")]
        engine.finish("a")
        engine.finish("b")
        assert engine.run()["state"] == "success"
        assert engine.run()["late_since"] is not None

    def test_a_run_that_ends_in_time_is_not_late(self, engine: Engine) -> None:
        begin(engine, {"a": {}}, deadline=after("run_start", "fail"))
        engine.finish("a")
        let_pass(engine, 60)
        assert (engine.run()["state"], engine.run()["late_since"], late_events(engine)) == ("success", None, [])

    def test_a_late_run_fails_where_the_definition_says_so(self, engine: Engine) -> None:
        begin(engine, deadline=after("run_start", "fail"))
        let_pass(engine, 10)
        run = engine.run()
        assert (run["state"], run["state_reason"]) == ("failed", "deadline_missed")
        assert "PT10M after run_start" in run["message"]
        assert engine.states() == {"a": "failed", "b": "skipped"}
        assert engine.executor.cancelled == [engine.attempt("a").attempt_id]
        [attempt] = engine.tries("a")
        assert (attempt.state, attempt.state_reason) == ("cancelled", "deadline_missed")

    def test_a_queued_run_may_miss_its_deadline(self, engine: Engine) -> None:
        version = engine.save("etl", {"a": {}}, max_active_runs=1, deadline=after("queued"))
        engine.trigger(version, "r0")
        engine.trigger(version)
        engine.run_until_idle()
        let_pass(engine, 10)
        assert engine.run()["state"] == "queued"
        assert late_events(engine) == [(None, "queued")]

    def test_after_a_clear_the_run_is_not_late_and_counts_from_its_new_start(self, engine: Engine) -> None:
        begin(engine, {"a": {}}, deadline=after("run_start", "fail"))
        let_pass(engine, 10)
        clear_all(engine)
        assert engine.run()["late_since"] is None
        engine.run_until_idle()
        let_pass(engine, 9)
        assert engine.run()["state"] == "running"
        let_pass(engine, 1)
        assert engine.run()["state_reason"] == "deadline_missed"


class TestTasks:
    def test_a_late_task_is_marked_and_told_once(self, engine: Engine) -> None:
        begin(engine, {"a": {"deadline": after("run_start")}})
        engine.start("a")
        engine.run_until_idle()
        let_pass(engine, 10)
        assert (instance(engine, "a").state, instance(engine, "a").late_since) == ("running", engine.clock.now())
        let_pass(engine, 60)
        assert late_events(engine) == [("a", "running")]
        assert engine.run()["late_since"] is None

    def test_a_late_task_fails_and_what_follows_is_decided(self, engine: Engine) -> None:
        tasks = {
            "a": {"deadline": after("run_start", "fail"), "retries": 3},
            "b": {"depends_on": ["a"]},
            "c": {"depends_on": ["a"], "trigger_rule": "one_failed"},
        }
        begin(engine, tasks)
        let_pass(engine, 10)
        assert engine.states() == {"a": "failed", "b": "upstream_failed", "c": "queued"}
        assert instance(engine, "a").state_reason == "deadline_missed"
        assert engine.executor.cancelled == [engine.attempt("a").attempt_id]
        engine.finish("c")
        assert engine.run()["state_reason"] == "task_failed"

    @pytest.mark.parametrize("state", ["scheduled", "up_for_retry", "deferred"])
    def test_a_task_may_fail_before_it_begins_and_while_it_waits(self, engine: Engine, state: str) -> None:
        rule = after("run_start", "fail")
        tasks: dict[str, Any] = {
            "scheduled": {"a": {}, "b": {"depends_on": ["a"], "deadline": rule}},
            "up_for_retry": {"b": {"deadline": rule, "retries": 1, "retry_delay": "1h"}},
            "deferred": {"b": {"type": "approval", "message": "go?", "deadline": rule}},
        }[state]
        begin(engine, tasks)
        if state == "up_for_retry":
            engine.fail("b")
        assert instance(engine, "b").state == state
        let_pass(engine, 10)
        row = instance(engine, "b")
        assert (row.state, row.state_reason, row.not_before, row.waits_for) == ("failed", "deadline_missed", None, None)

    def test_a_retry_does_not_move_the_deadline_and_a_clear_does(self, engine: Engine) -> None:
        begin(engine, {"a": {"deadline": after("queued", "fail"), "retries": 2, "retry_delay": "5m"}})
        engine.fail("a")
        let_pass(engine, 5)
        assert instance(engine, "a").state == "queued"
        let_pass(engine, 5)
        assert instance(engine, "a").state_reason == "deadline_missed"
        clear_all(engine)
        assert instance(engine, "a").late_since is None
        engine.run_until_idle()
        let_pass(engine, 9)
        assert instance(engine, "a").state == "queued"
        let_pass(engine, 1)
        assert instance(engine, "a").state_reason == "deadline_missed"

    def test_each_item_of_a_mapped_task_has_its_deadline(self, engine: Engine) -> None:
        begin(engine, {"a": {"expand": {"n": [1, 2]}, "deadline": after("run_start", "fail")}})
        engine.finish("a", map_index=0)
        let_pass(engine, 10)
        assert engine.states() == {"a[0]": "success", "a[1]": "failed"}

    def test_a_failed_call_ends_its_child_run(self, engine: Engine) -> None:
        engine.save("child", {"x": {}})
        begin(engine, {"a": {"type": "dag", "dag_id": "child", "deadline": after("queued", "fail")}})
        let_pass(engine, 10)
        assert instance(engine, "a").state == "failed"
        assert engine.run(engine.attempt("x", run_id=engine.executor.open[0].run_id).run_id)["state"] == "failed"


class TestQueueTimeout:
    def test_a_task_that_does_not_start_in_time_fails_without_a_retry(self, engine: Engine) -> None:
        begin(engine, {"a": {"queue_timeout": "2m", "retries": 5}})
        let_pass(engine, 2)
        assert (instance(engine, "a").state, instance(engine, "a").state_reason) == ("failed", "deadline_missed")
        assert late_events(engine) == [("a", "queued")]

    def test_a_task_that_has_started_may_run_as_long_as_it_likes(self, engine: Engine) -> None:
        begin(engine, {"a": {"queue_timeout": "2m"}})
        engine.start("a")
        engine.run_until_idle()
        let_pass(engine, 60)
        assert (instance(engine, "a").state, instance(engine, "a").late_since) == ("running", None)

    def test_each_retry_may_wait_as_long_again(self, engine: Engine) -> None:
        begin(engine, {"a": {"queue_timeout": "2m", "retries": 1, "retry_delay": "5m"}})
        engine.finish("a", Outcome.FAILED)
        let_pass(engine, 5)
        let_pass(engine, 1)
        assert instance(engine, "a").state == "queued"
        let_pass(engine, 1)
        assert instance(engine, "a").state_reason == "deadline_missed"


def test_a_plain_dag_has_no_row_and_the_rows_go_with_the_run(engine: Engine) -> None:
    begin(engine)
    with engine.database.read() as connection:
        assert connection.execute(select(deadline)).all() == []


def test_a_scheduler_that_was_down_finds_what_became_late(engine: Engine) -> None:
    begin(engine, deadline=after("run_after"))
    engine.clock.move(timedelta(hours=5))
    engine.step()
    assert engine.run()["late_since"] == engine.clock.now()
