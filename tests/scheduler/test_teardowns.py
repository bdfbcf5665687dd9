"""Set-ups and tear-downs: a tear-down runs when its set-up has succeeded, whatever happened in between."""

from datetime import timedelta
from typing import Any

import pytest

from mainspring.states import RunState, TaskState
from mainspring_store.interventions.marking import Mark, mark, mark_run
from mainspring_store.interventions.targets import RunSelection, TaskSelection
from mainspring_store.resources import dag_pauses
from mainspring_store.resources.versions import Versions
from tests.scheduler.engine import Engine
from tests.scheduler.test_handlers import begin, cancel, clear_task, how, stop

WORK: dict[str, Any] = {
    "up": {"setup": True},
    "load": {"depends_on": ["up"]},
    "down": {"depends_on": ["load"], "teardown": {"of": ["up"]}},
}


def mark_as(engine: Engine, state: RunState) -> bool:
    now = engine.clock.now()
    done = mark_run(engine.database, Versions(engine.database), "etl", "r1", state, by="test", now=now)
    engine.run_until_idle()
    return done


def mark_task(engine: Engine, task_id: str, state: TaskState) -> None:
    request = Mark(state=state, runs=RunSelection(run_id="r1"), tasks=TaskSelection(task_ids=[task_id]))
    mark(engine.database, Versions(engine.database), "etl", request, by="test", now=engine.clock.now())
    engine.run_until_idle()


class TestWhenTheyRun:
    def test_after_a_success(self, engine: Engine) -> None:
        begin(engine, WORK)
        engine.finish("up")
        engine.finish("load")
        assert engine.states() == {"up": "success", "load": "success", "down": "queued"}
        engine.finish("down")
        assert how(engine) == ("success", None)

    @pytest.mark.parametrize("run_state", ["leaves", "any_failure"])
    def test_after_a_failure_which_fails_the_run_all_the_same(self, engine: Engine, run_state: str) -> None:
        begin(engine, WORK, run_state=run_state)
        engine.finish("up")
        engine.fail("load")
        assert engine.states()["down"] == "queued"
        engine.finish("down")
        assert engine.run()["message"] == "failed: 'load'"

    def test_not_after_a_failure_of_the_setup(self, engine: Engine) -> None:
        begin(engine, WORK)
        engine.fail("up")
        assert engine.states() == {"up": "failed", "load": "upstream_failed", "down": "upstream_failed"}
        assert how(engine) == ("failed", "task_failed")

    def test_not_after_a_skip_of_the_setup(self, engine: Engine) -> None:
        begin(engine, {**WORK, "up": {"setup": True, "when": "false"}})
        assert engine.states() == dict.fromkeys(WORK, "skipped")
        assert how(engine) == ("success", None)

    def test_when_one_of_several_setups_succeeded(self, engine: Engine) -> None:
        down = {"depends_on": ["up", "other"], "teardown": {"of": ["up", "other"]}}
        begin(engine, {"up": {"setup": True}, "other": {"setup": True}, "down": down})
        engine.fail("up")
        engine.finish("other")
        assert engine.states()["down"] == "queued"

    def test_after_a_branch_that_leaves_them_out(self, engine: Engine) -> None:
        tasks = {
            "up": {"setup": True},
            "way": {"type": "branch", "depends_on": ["up"], "choose": "${{ [] }}"},
            "load": {"depends_on": ["way"]},
            "down": {"depends_on": ["way", "load"], "teardown": {"of": ["up"]}},
        }
        begin(engine, tasks)
        engine.finish("up")
        assert engine.states() == {"up": "success", "way": "success", "load": "skipped", "down": "queued"}


class TestTheEndOfTheRun:
    def test_a_failed_teardown_does_not_fail_the_run(self, engine: Engine) -> None:
        begin(engine, WORK)
        engine.finish("up")
        engine.finish("load")
        engine.fail("down")
        assert how(engine) == ("success", None)

    @pytest.mark.parametrize("run_state", ["leaves", "any_failure"])
    def test_a_failed_teardown_fails_the_run_when_asked(self, engine: Engine, run_state: str) -> None:
        down = {"depends_on": ["load"], "teardown": {"of": ["up"], "fails_run": True}}
        begin(engine, {**WORK, "down": down}, run_state=run_state)
        engine.finish("up")
        engine.finish("load")
        engine.fail("down")
        assert engine.run()["message"] == "failed: 'down'"

    def test_a_failed_teardown_does_not_stop_a_run_with_fail_fast(self, engine: Engine) -> None:
        begin(engine, {**WORK, "long": {}}, fail_fast=True)
        engine.finish("up")
        engine.finish("load")
        engine.fail("down")
        assert how(engine) == ("running", None)


class TestAfterAnEndFromOutside:
    def test_after_a_cancel_when_the_processes_have_stopped(self, engine: Engine) -> None:
        begin(engine, WORK)
        engine.finish("up")
        engine.start("load")
        engine.run_until_idle()
        assert cancel(engine)
        engine.run_until_idle()
        assert engine.states() == {"up": "success", "load": "failed", "down": "removed"}
        assert how(engine) == ("running", "cancelling")
        assert not cancel(engine)
        stop(engine, "load")
        assert engine.states()["down"] == "queued"
        assert engine.attempt("down").timeout == timedelta(minutes=30)
        engine.fail("down")
        run = engine.run()
        assert (run["state"], run["state_reason"], run["message"]) == ("failed", "cancelled", "cancelled by test")

    def test_not_after_a_cancel_before_the_setup_succeeded(self, engine: Engine) -> None:
        begin(engine, WORK)
        cancel(engine)
        assert engine.states() == {"up": "failed", "load": "skipped", "down": "skipped"}
        assert how(engine) == ("failed", "cancelled")

    def test_one_that_has_begun_goes_on(self, engine: Engine) -> None:
        begin(engine, {**WORK, "after": {"depends_on": ["down"]}})
        for task_id in ("up", "load"):
            engine.finish(task_id)
        engine.start("down")
        engine.run_until_idle()
        cancel(engine)
        engine.run_until_idle()
        assert engine.states() == {"up": "success", "load": "success", "down": "running", "after": "skipped"}
        engine.finish("down")
        assert how(engine) == ("failed", "cancelled")

    def test_one_that_waits_for_its_next_try_goes_on(self, engine: Engine) -> None:
        down = {**WORK["down"], "retries": 1, "retry_delay": "10s"}
        begin(engine, {**WORK, "down": down})
        for task_id in ("up", "load"):
            engine.finish(task_id)
        engine.fail("down")
        cancel(engine)
        engine.clock.move(timedelta(seconds=10))
        engine.run_until_idle()
        assert engine.states()["down"] == "queued"
        engine.finish("down")
        assert how(engine) == ("failed", "cancelled")

    def test_after_the_time_limit(self, engine: Engine) -> None:
        begin(engine, WORK, dagrun_timeout="1m")
        engine.finish("up")
        engine.clock.move(timedelta(minutes=1))
        engine.run_until_idle()
        stop(engine, "load")
        engine.clock.move(timedelta(minutes=5))
        engine.finish("down")
        assert how(engine) == ("failed", "timed_out")

    def test_after_the_first_failure(self, engine: Engine) -> None:
        begin(engine, {**WORK, "other": {}}, fail_fast=True)
        engine.finish("up")
        engine.fail("load")
        stop(engine, "other")
        engine.finish("down")
        assert how(engine) == ("failed", "fail_fast")

    def test_one_that_was_decided_beside_the_first_failure(self, engine: Engine) -> None:
        bad = {"depends_on": ["up", "load"], "command": ["${{ tasks.up.outputs.missing }}"]}
        begin(engine, {**WORK, "bad": bad}, fail_fast=True)
        engine.finish("up")
        engine.finish("load")
        assert engine.states() == {"up": "success", "load": "success", "bad": "failed", "down": "queued"}
        engine.finish("down")
        assert how(engine) == ("failed", "fail_fast")

    def test_in_their_order_and_then_the_handlers(self, engine: Engine) -> None:
        tasks = {
            "net": {"setup": True},
            "vm": {"setup": True, "depends_on": ["net"]},
            "load": {"depends_on": ["vm"]},
            "stop_vm": {"depends_on": ["load"], "teardown": {"of": ["vm"]}},
            "stop_net": {"depends_on": ["stop_vm"], "teardown": {"of": ["net"]}},
            "tell": {"handler": "on_cancel"},
        }
        begin(engine, tasks)
        for task_id in ("net", "vm"):
            engine.finish(task_id)
        cancel(engine)
        stop(engine, "load")
        assert [engine.states()[name] for name in ("stop_vm", "stop_net", "tell")] == ["queued", "scheduled", "removed"]
        engine.fail("stop_vm")
        assert [engine.states()[name] for name in ("stop_net", "tell")] == ["queued", "removed"]
        engine.finish("stop_net")
        engine.finish("tell")
        assert how(engine) == ("failed", "cancelled")

    def test_beside_a_paused_dag(self, engine: Engine) -> None:
        begin(engine, WORK)
        engine.finish("up")
        dag_pauses.set_paused(engine.database, "etl", True, now=engine.clock.now())
        cancel(engine)
        stop(engine, "load")
        assert engine.states()["down"] == "queued"


class TestMarks:
    @pytest.mark.parametrize("state", [RunState.SUCCESS, RunState.FAILED])
    def test_a_mark_of_the_run_runs_teardowns_and_handlers_first(self, engine: Engine, state: RunState) -> None:
        others = {"next": {"depends_on": ["load"]}, "ok": {"handler": "on_success"}, "sos": {"handler": "on_failure"}}
        begin(engine, {**WORK, **others})
        engine.finish("up")
        assert mark_as(engine, state)
        shown = {"load": state.value, "next": "skipped", "down": "removed", "ok": "removed", "sos": "removed"}
        assert engine.states() == {"up": "success", **shown}
        assert how(engine) == ("running", "cancelling")
        stop(engine, "load")
        engine.fail("down")
        engine.finish("ok" if state is RunState.SUCCESS else "sos")
        run = engine.run()
        assert (run["state"], run["state_reason"], run["message"]) == (state, "marked", f"marked {state} by test")

    def test_a_mark_of_a_cancelled_run_keeps_its_teardowns(self, engine: Engine) -> None:
        begin(engine, WORK)
        engine.finish("up")
        cancel(engine)
        assert mark_as(engine, RunState.SUCCESS)
        stop(engine, "load")
        assert engine.states() == {"up": "success", "load": "success", "down": "queued"}
        engine.finish("down")
        assert how(engine) == ("success", "marked")

    def test_a_mark_of_a_teardown_that_hangs_ends_the_run(self, engine: Engine) -> None:
        begin(engine, WORK)
        engine.finish("up")
        cancel(engine)
        stop(engine, "load")
        mark_task(engine, "down", TaskState.FAILED)
        stop(engine, "down")
        assert how(engine) == ("failed", "cancelled")


class TestClears:
    def test_a_clear_takes_a_cancel_back(self, engine: Engine) -> None:
        begin(engine, WORK)
        engine.finish("up")
        cancel(engine)
        clear_task(engine, "load")
        assert how(engine) == ("running", None)
        assert engine.states()["down"] == "scheduled"

    def test_a_clear_of_a_task_brings_its_setup_and_teardown_along(self, engine: Engine) -> None:
        begin(engine, {**WORK, "other": {"depends_on": ["up"]}})
        for task_id in ("up", "other"):
            engine.finish(task_id)
        engine.fail("load")
        engine.finish("down")
        clear_task(engine, "load")
        assert engine.states() == {"up": "queued", "load": "scheduled", "down": "scheduled", "other": "success"}
        for task_id in ("up", "load", "down"):
            engine.finish(task_id)
        assert how(engine) == ("success", None)

    @pytest.mark.parametrize(("task_id", "others"), [("down", {}), ("up", {"down": "scheduled"}), ("other", {})])
    def test_a_clear_of_another_brings_only_what_depends_on_the_setup(
        self, engine: Engine, task_id: str, others: dict[str, str]
    ) -> None:
        """A tear-down runs again alone, a set-up with its tear-down, and a task outside without both."""
        begin(engine, {**WORK, "other": {"depends_on": ["up"]}})
        for name in ("up", "load", "other", "down"):
            engine.finish(name)
        clear_task(engine, task_id)
        before = dict.fromkeys((*WORK, "other"), "success")
        assert engine.states() == {**before, **others, task_id: "queued"}

    def test_a_clear_after_a_cancel_brings_the_setup_of_all_that_did_not_run(self, engine: Engine) -> None:
        begin(engine, {**WORK, "other": {}})
        engine.finish("up")
        cancel(engine)
        stop(engine, "load")
        stop(engine, "other")
        engine.finish("down")
        clear_task(engine, "other")
        assert engine.states() == {"up": "success", "load": "failed", "down": "success", "other": "queued"}

    def test_a_clear_of_a_task_behind_brings_the_tasks_between_along(self, engine: Engine) -> None:
        begin(engine, {**WORK, "next": {"depends_on": ["load"]}, "down": {**WORK["down"], "depends_on": ["next"]}})
        for task_id in ("up", "load", "next", "down"):
            engine.finish(task_id)
        clear_task(engine, "next")
        assert engine.states() == {"up": "queued", "load": "scheduled", "next": "scheduled", "down": "scheduled"}

    def test_a_mark_that_lets_a_task_run_again_brings_its_used_setup_along(self, engine: Engine) -> None:
        later = {"next": {"depends_on": ["up", "load"]}, "down": {**WORK["down"], "depends_on": ["next"]}}
        begin(engine, {**WORK, **later})
        engine.finish("up")
        engine.fail("load")
        engine.finish("down")
        mark_task(engine, "load", TaskState.SUCCESS)
        assert engine.states() == {"up": "queued", "load": "success", "down": "scheduled", "next": "scheduled"}

    def test_a_mark_of_a_setup_as_a_success_lets_its_teardown_run(self, engine: Engine) -> None:
        load = {"depends_on": ["up"], "trigger_rule": "all_done"}
        begin(engine, {**WORK, "load": load})
        engine.fail("up")
        engine.finish("load")
        assert engine.states()["down"] == "upstream_failed"
        mark_task(engine, "up", TaskState.SUCCESS)
        assert engine.states() == {"up": "success", "load": "success", "down": "queued"}
