"""Mark: task instances and runs get the result that somebody says they have."""

from datetime import timedelta
from typing import Any

import pytest

from mainspring.attempts import Outcome
from mainspring.errors import NotFound
from mainspring.states import RunState, TaskState
from mainspring_store.interventions import (
    Mark,
    RunSelection,
    TaskSelection,
    mark,
    mark_run,
    preview_mark,
    requeue_run,
)
from mainspring_store.resources.versions import Versions
from tests.invariants import assert_sound
from tests.scheduler.engine import Engine
from tests.scheduler.test_clear import CHAIN, clear_tasks, dated_run, finished_later

PAIR: dict[str, Any] = {"a": {}, "b": {"depends_on": ["a"]}}


def mark_as(engine: Engine, state: str, *task_ids: Any, run_id: str | None = "r1", note: str | None = None,
            include_future: bool = False, **more: Any) -> int:  # fmt: skip
    """Mark and check that every counter is what the states say; returns how many were changed."""
    wish = Mark(
        state=TaskState(state),
        runs=RunSelection(run_id=run_id, include_future=include_future),
        tasks=TaskSelection(task_ids=task_ids or None, **more),
        note=note,
    )
    now = engine.clock.now()
    expected = preview_mark(engine.database, Versions(engine.database), "etl", wish)
    ids = mark(engine.database, Versions(engine.database), "etl", wish, by="test", now=now)
    assert ids == expected
    return len(ids)


def mark_whole(engine: Engine, state: str, run_id: str = "r1") -> bool:
    now = engine.clock.now()
    changed = mark_run(engine.database, Versions(engine.database), "etl", run_id, RunState(state), by="test", now=now)
    assert_sound(engine.database)
    return changed


def start(engine: Engine, tasks: dict[str, Any], run_id: str = "r1", **fields: Any) -> None:
    engine.trigger(engine.save("etl", tasks, **fields), run_id)
    engine.run_until_idle()


class TestInARunningRun:
    def test_what_waits_goes_on_when_its_upstream_is_marked_success(self, engine: Engine) -> None:
        start(engine, CHAIN)
        engine.start("a")
        engine.run_until_idle()
        assert mark_as(engine, "success", "a") == 1
        engine.run_until_idle()
        assert engine.states() == {"a": "success", "b": "queued", "c": "scheduled"}
        assert engine.instances()[0].state_reason == "marked"
        assert engine.executor.cancelled == [engine.attempt("a").attempt_id]

    @pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.FAILED, Outcome.LOST])
    def test_a_report_that_comes_after_the_mark_changes_nothing(self, engine: Engine, outcome: Outcome) -> None:
        start(engine, PAIR)
        late = finished_later(engine, "a", outcome)
        mark_as(engine, "skipped", "a")
        engine.executor.report(late)
        engine.run_until_idle()
        assert engine.states() == {"a": "skipped", "b": "skipped"}
        assert (engine.tries("a")[0].state, engine.tries("a")[0].state_reason) == ("cancelled", "marked")
        assert engine.run()["state"] == "success"

    def test_what_waits_is_decided_by_its_rule_when_its_upstream_is_marked_failed(self, engine: Engine) -> None:
        start(engine, {**CHAIN, "alarm": {"depends_on": ["a"], "trigger_rule": "one_failed"}})
        mark_as(engine, "failed", "a")
        engine.run_until_idle()
        assert engine.states() == {"a": "failed", "b": "upstream_failed", "c": "upstream_failed", "alarm": "queued"}

    def test_the_run_ends_by_the_next_pass_when_its_last_task_is_marked(self, engine: Engine) -> None:
        start(engine, {"a": {}}, outputs={"answer": "${{ 6 * 7 }}"})
        mark_as(engine, "success", "a")
        assert engine.run()["state"] == "running"
        engine.step()
        run = engine.run()
        assert (run["state"], run["outputs"]) == ("success", {"answer": 42})

    def test_what_runs_downstream_is_left_alone(self, engine: Engine) -> None:
        start(engine, PAIR)
        engine.finish("a")
        mark_as(engine, "failed", "a")
        engine.run_until_idle()
        assert engine.states() == {"a": "failed", "b": "queued"}
        engine.finish("b")
        assert engine.run()["state"] == "failed"

    def test_a_task_that_waits_for_a_retry_can_be_marked(self, engine: Engine) -> None:
        start(engine, {"a": {"retries": 1, "retry_delay": "1h"}, "b": {"depends_on": ["a"]}})
        engine.fail("a")
        mark_as(engine, "success", "a")
        engine.run_until_idle()
        assert engine.states() == {"a": "success", "b": "queued"}
        engine.clock.move(timedelta(hours=2))
        engine.run_until_idle()
        assert engine.states()["a"] == "success"

    def test_relatives_are_marked_too_when_asked_for(self, engine: Engine) -> None:
        start(engine, CHAIN)
        assert mark_as(engine, "skipped", "b", include_upstream=True, include_downstream=True) == 3
        engine.run_until_idle()
        assert engine.run()["state"] == "success"

    def test_one_item_of_a_mapped_task_is_marked_alone(self, engine: Engine) -> None:
        start(engine, {"load": {"expand": {"n": [1, 2]}}, "join": {"depends_on": ["load"]}})
        assert mark_as(engine, "success", ("load", 0)) == 1
        engine.run_until_idle()
        assert engine.states() == {"load[0]": "success", "load[1]": "queued", "join": "scheduled"}
        engine.finish("load", map_index=1)
        assert engine.states()["join"] == "queued"

    def test_marking_as_what_it_is_changes_nothing(self, engine: Engine) -> None:
        start(engine, PAIR)
        engine.finish("a")
        before = engine.instances()
        assert mark_as(engine, "success", "a") == 0
        assert engine.instances() == before

    def test_a_parked_run_goes_on_when_the_past_is_marked(self, engine: Engine) -> None:
        version = engine.save("etl", {"a": {"depends_on_past": True}})
        engine.trigger(version, "r1")
        engine.run_until_idle()
        engine.fail("a", run_id="r1")
        engine.trigger(version, "r2")
        engine.run_until_idle()
        assert engine.states("r2") == {"a": "scheduled"}
        mark_as(engine, "success", "a", run_id="r1")
        engine.run_until_idle()
        assert engine.states("r2") == {"a": "queued"}

    def test_a_queued_run_of_which_all_is_marked_ends_when_it_starts(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", PAIR))
        assert mark_as(engine, "success") == 2
        assert engine.run()["state"] == "queued"
        engine.run_until_idle()
        assert engine.run()["state"] == "success"

    def test_a_note_is_kept_with_what_was_marked(self, engine: Engine) -> None:
        start(engine, PAIR)
        mark_as(engine, "success", "a", note="by hand")
        assert [one.note for one in engine.instances()] == ["by hand", None]


class TestInARunThatHasEnded:
    def test_what_never_ran_because_of_a_failure_runs_once_that_is_marked_success(self, engine: Engine) -> None:
        start(engine, CHAIN)
        engine.fail("a")
        assert engine.states() == {"a": "failed", "b": "upstream_failed", "c": "upstream_failed"}
        assert mark_as(engine, "success", "a") == 1
        assert_sound(engine.database)
        assert engine.run()["state"] == "queued"
        engine.run_until_idle()
        assert engine.states() == {"a": "success", "b": "queued", "c": "scheduled"}
        engine.finish("b")
        engine.finish("c")
        assert engine.run()["state"] == "success"

    def test_the_run_gets_the_state_that_its_instances_now_make(self, engine: Engine) -> None:
        start(engine, PAIR)
        engine.finish("a")
        engine.fail("b")
        mark_as(engine, "success", "b")
        assert_sound(engine.database)
        run = engine.run()
        assert (run["state"], run["state_reason"], run["message"]) == ("success", "marked", None)
        mark_as(engine, "failed", "b")
        assert_sound(engine.database)
        run = engine.run()
        assert (run["state"], run["state_reason"], run["message"]) == ("failed", "task_failed", "failed: 'b'")

    def test_declared_outputs_are_evaluated_when_a_mark_makes_the_run_a_success(self, engine: Engine) -> None:
        start(engine, PAIR, outputs={"rows": "${{ tasks.a.outputs.rows }}"})
        engine.finish("a", outputs={"rows": 7})
        engine.fail("b")
        mark_as(engine, "success", "b")
        engine.run_until_idle()
        run = engine.run()
        assert (run["state"], run["outputs"]) == ("success", {"rows": 7})

    def test_the_message_tells_the_failures_that_are_left(self, engine: Engine) -> None:
        start(engine, {"a": {}, "b": {}})
        engine.fail("a")
        engine.fail("b")
        mark_as(engine, "success", "a")
        assert engine.run()["message"] == "failed: 'b'"

    def test_a_failure_elsewhere_dooms_what_is_decided_again(self, engine: Engine) -> None:
        start(engine, {"a": {}, "x": {}, "b": {"depends_on": ["a", "x"]}})
        engine.fail("a")
        engine.fail("x")
        mark_as(engine, "success", "a")
        engine.run_until_idle()
        assert engine.states() == {"a": "success", "x": "failed", "b": "upstream_failed"}
        assert engine.run()["state"] == "failed"

    def test_future_runs_are_marked_too_when_asked_for(self, engine: Engine) -> None:
        version = engine.save("etl", {"a": {}})
        for day in (1, 2, 3):
            dated_run(engine, version, f"r{day}", day)
        engine.run_until_idle()
        for day in (1, 2, 3):
            engine.fail("a", run_id=f"r{day}")
        assert mark_as(engine, "success", "a", run_id="r2", include_future=True) == 2
        assert [engine.run(f"r{day}")["state"] for day in (1, 2, 3)] == ["failed", "success", "success"]

    def test_what_was_marked_can_be_cleared(self, engine: Engine) -> None:
        start(engine, PAIR)
        mark_as(engine, "success")
        engine.run_until_idle()
        assert clear_tasks(engine) == 2
        engine.run_until_idle()
        engine.finish("a")
        engine.finish("b")
        assert [one.try_number for one in engine.tries("a")] == [1, 2]


class TestWholeRuns:
    def test_a_run_marked_success_stops_what_runs_and_skips_what_has_not_begun(self, engine: Engine) -> None:
        start(engine, CHAIN)
        engine.start("a")
        engine.run_until_idle()
        assert mark_whole(engine, "success")
        assert engine.states() == {"a": "success", "b": "skipped", "c": "skipped"}
        run = engine.run()
        assert (run["state"], run["state_reason"], run["message"]) == ("success", "marked", "marked success by test")
        engine.run_until_idle()
        assert engine.executor.cancelled == [engine.attempt("a").attempt_id]

    def test_a_failed_run_marked_success_has_no_failure_left(self, engine: Engine) -> None:
        start(engine, CHAIN)
        engine.fail("a")
        assert mark_whole(engine, "success")
        assert set(engine.states().values()) == {"success"}

    def test_a_run_that_succeeded_can_be_marked_failed(self, engine: Engine) -> None:
        start(engine, {"a": {}})
        engine.finish("a")
        assert mark_whole(engine, "failed")
        assert (engine.run()["state"], engine.run()["state_reason"]) == ("failed", "marked")
        assert engine.states() == {"a": "success"}

    def test_a_run_that_has_not_started_can_be_marked(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", PAIR))
        assert mark_whole(engine, "success")
        engine.run_until_idle()
        assert engine.states() == {"a": "skipped", "b": "skipped"}

    def test_marking_a_run_as_what_it_is_changes_nothing(self, engine: Engine) -> None:
        start(engine, {"a": {}})
        engine.finish("a")
        events = engine.events()
        assert not mark_whole(engine, "success")
        assert engine.events() == events

    def test_a_marked_run_makes_room_for_the_next(self, engine: Engine) -> None:
        version = engine.save("etl", {"a": {}}, max_active_runs=1)
        engine.trigger(version, "r1")
        engine.trigger(version, "r2")
        engine.run_until_idle()
        mark_whole(engine, "success")
        engine.run_until_idle()
        assert engine.run("r2")["state"] == "running"

    def test_a_run_that_is_queued_again_ends_as_its_instances_say(self, engine: Engine) -> None:
        start(engine, {"a": {}})
        engine.finish("a")
        mark_whole(engine, "failed")
        assert requeue_run(engine.database, Versions(engine.database), "etl", "r1", now=engine.clock.now())
        assert engine.run()["state"] == "queued"
        assert not requeue_run(engine.database, Versions(engine.database), "etl", "r1", now=engine.clock.now())
        engine.run_until_idle()
        assert engine.run()["state"] == "success"

    def test_a_run_that_does_not_exist_is_not_found(self, engine: Engine) -> None:
        engine.save("etl", {"a": {}})
        with pytest.raises(NotFound, match="nonsense"):
            mark_whole(engine, "success", "nonsense")
