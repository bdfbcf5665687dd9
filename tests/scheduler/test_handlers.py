"""Handlers of a run: tasks that run after all others, by how the run ends."""

from datetime import timedelta
from typing import Any

import pytest

from mainspring.attempts import Finished, Outcome
from mainspring.errors import Conflict
from mainspring.states import TaskState
from mainspring_store.interventions.clearing import Clear, clear
from mainspring_store.interventions.marking import Mark, mark
from mainspring_store.interventions.running_version import change_run_version
from mainspring_store.interventions.targets import RunSelection, TaskSelection
from mainspring_store.resources import dag_pauses
from mainspring_store.resources.dag_deletion import delete_dag
from mainspring_store.resources.versions import Versions
from mainspring_store.state import runs
from tests.scheduler.engine import Engine

HANDLERS: dict[str, Any] = {
    "failure": {"handler": "on_failure"},
    "success": {"handler": "on_success"},
    "cancel": {"handler": "on_cancel"},
    "tidy": {"handler": "finally"},
}
NONE = dict.fromkeys(HANDLERS, "removed")
OF_RUN = RunSelection(run_id="r1")


def begin(engine: Engine, tasks: dict[str, Any], **fields: Any) -> None:
    engine.trigger(engine.save("etl", tasks, **fields))
    engine.run_until_idle()


def cancel(engine: Engine) -> bool:
    return runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="cancelled by test")


def stop(engine: Engine, task_id: str) -> None:
    """The processes of a cancelled attempt have stopped."""
    attempt_id = engine.attempt(task_id).attempt_id
    report = Finished(attempt_id=attempt_id, seq=2, at=engine.clock.now(), outcome=Outcome.CANCELLED)
    engine.executor.report(report)
    engine.executor.finished.add(attempt_id)
    engine.run_until_idle()


def how(engine: Engine) -> tuple[str, str | None]:
    run = engine.run()
    return run["state"], run["state_reason"]


def clear_task(engine: Engine, task_id: str) -> None:
    request = Clear(runs=RunSelection(run_id="r1"), tasks=TaskSelection(task_ids=[task_id]))
    clear(engine.database, Versions(engine.database), "etl", request, now=engine.clock.now())
    engine.run_until_idle()


class TestWhichRun:
    def test_none_runs_beside_the_tasks(self, engine: Engine) -> None:
        begin(engine, {"load": {}, **HANDLERS})
        assert engine.states() == {"load": "queued", **NONE}
        assert {one.state_reason for one in engine.instances() if one.state == "removed"} == {"handler"}

    def test_after_a_success(self, engine: Engine) -> None:
        begin(engine, {"load": {}, **HANDLERS})
        engine.finish("load")
        assert engine.states() == {"load": "success", **NONE, "success": "queued", "tidy": "queued"}
        assert how(engine) == ("running", None)
        engine.finish("success")
        engine.finish("tidy")
        assert how(engine) == ("success", None)

    def test_after_a_failure(self, engine: Engine) -> None:
        begin(engine, {"load": {}, **HANDLERS})
        engine.fail("load")
        assert engine.states() == {"load": "failed", **NONE, "failure": "queued", "tidy": "queued"}
        engine.finish("failure")
        engine.finish("tidy")
        run = engine.run()
        assert (run["state"], run["state_reason"], run["message"]) == ("failed", "task_failed", "failed: 'load'")

    def test_after_a_cancel(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "next": {"depends_on": ["load"]}, **HANDLERS})
        engine.start("load")
        engine.run_until_idle()
        assert cancel(engine)
        assert how(engine) == ("running", "cancelling")
        assert not cancel(engine)
        stop(engine, "load")
        shown = {"load": "failed", "next": "skipped", **NONE, "cancel": "queued", "tidy": "queued"}
        assert engine.states() == shown
        engine.finish("cancel")
        engine.finish("tidy")
        run = engine.run()
        assert (run["state"], run["state_reason"], run["message"]) == ("failed", "cancelled", "cancelled by test")

    def test_after_the_time_limit(self, engine: Engine) -> None:
        begin(engine, {"load": {}, **HANDLERS}, dagrun_timeout="1m")
        engine.clock.move(timedelta(minutes=1))
        engine.run_until_idle()
        assert how(engine) == ("running", "cancelling")
        stop(engine, "load")
        assert engine.states() == {"load": "failed", **NONE, "failure": "queued", "tidy": "queued"}
        engine.clock.move(timedelta(minutes=5))
        engine.finish("failure")
        engine.finish("tidy")
        assert how(engine) == ("failed", "timed_out")

    def test_after_the_first_failure(self, engine: Engine) -> None:
        begin(engine, {"a": {}, "b": {}, "tell": {"handler": "on_failure"}}, fail_fast=True)
        engine.fail("a")
        stop(engine, "b")
        engine.finish("tell")
        assert how(engine) == ("failed", "fail_fast")

    def test_a_run_without_a_handler_for_its_end_ends_at_once(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "tell": {"handler": "on_failure"}})
        engine.finish("load")
        assert (engine.states(), how(engine)) == ({"load": "success", "tell": "removed"}, ("success", None))

    def test_a_deadline_before_the_start_ends_the_run_without_handlers(self, engine: Engine) -> None:
        deadline = {"within": "5s", "after": "queued", "action": "fail"}
        version = engine.save("etl", {"load": {}, **HANDLERS}, deadline=deadline, max_active_runs=1)
        engine.trigger(version)
        engine.trigger(version, run_id="r2")
        engine.run_until_idle()
        engine.clock.move(timedelta(seconds=5))
        engine.run_until_idle()
        assert engine.run("r2")["state"] == "failed"
        assert engine.states("r2") == {"load": "skipped", **NONE}

    def test_a_run_that_has_not_started_ends_without_handlers(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {"load": {}, **HANDLERS}))
        assert cancel(engine)
        assert how(engine) == ("failed", "cancelled")

    def test_the_handlers_of_a_paused_dag_run_too(self, engine: Engine) -> None:
        begin(engine, {"load": {}, **HANDLERS})
        dag_pauses.set_paused(engine.database, "etl", True, now=engine.clock.now())
        cancel(engine)
        stop(engine, "load")
        assert engine.states()["cancel"] == "queued"


class TestHowTheyRun:
    def test_they_wait_until_the_processes_have_stopped(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "tidy": {"handler": "finally"}})
        engine.start("load")
        engine.run_until_idle()
        cancel(engine)
        engine.run_until_idle()
        assert engine.states() == {"load": "failed", "tidy": "removed"}
        stop(engine, "load")
        assert engine.states() == {"load": "failed", "tidy": "queued"}

    def test_they_see_how_the_run_ended(self, engine: Engine) -> None:
        tell = {"handler": "on_failure", "command": ["${{ run.state }}", "${{ run.reason }}", "${{ run.failures }}"]}
        begin(engine, {"load": {}, "check": {}, "tell": tell})
        engine.finish("check")
        engine.fail("load", exit_code=3, message="the command ended with exit code 3")
        state, reason, failures = engine.attempt("tell").payload["command"]
        assert (state, reason) == ("failed", "task_failed")
        assert failures == [
            {
                "task_id": "load",
                "map_index": -1,
                "reason": "exit_code",
                "exit_code": 3,
                "message": "the command ended with exit code 3",
            }
        ]

    def test_they_read_tasks_that_they_do_not_depend_on(self, engine: Engine) -> None:
        tell = {"handler": "on_success", "command": ["${{ tasks.load.outputs.rows }}", "${{ run.state }}"]}
        begin(engine, {"load": {}, "tell": tell})
        engine.finish("load", outputs={"rows": 7})
        assert engine.attempt("tell").payload["command"] == [7, "success"]

    def test_they_depend_on_each_other(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "a": {"handler": "finally"}, "b": {"handler": "finally", "depends_on": ["a"]}})
        engine.finish("load")
        assert engine.states() == {"load": "success", "a": "queued", "b": "scheduled"}
        engine.finish("a")
        engine.finish("b")
        assert how(engine) == ("success", None)

    def test_one_that_fails_fails_the_run(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "tell": {"handler": "on_success"}, "sos": {"handler": "on_failure"}})
        engine.finish("load")
        engine.fail("tell")
        assert engine.states() == {"load": "success", "tell": "failed", "sos": "removed"}
        assert engine.run()["message"] == "failed: 'tell'"

    def test_one_that_fails_keeps_the_reason_of_a_cancel(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "tidy": {"handler": "finally"}})
        cancel(engine)
        stop(engine, "load")
        engine.fail("tidy")
        assert how(engine) == ("failed", "cancelled")

    def test_defaults_that_a_handler_cannot_have_do_not_hold_for_it(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "tidy": {"handler": "finally"}}, default_args={"depends_on_past": True})
        engine.finish("load")
        engine.finish("tidy")
        assert how(engine) == ("success", None)


class TestChangesByHand:
    @pytest.mark.parametrize("task_id", ["load", "tidy"])
    def test_a_clear_runs_them_again(self, engine: Engine, task_id: str) -> None:
        begin(engine, {"load": {}, "tidy": {"handler": "finally"}})
        engine.fail("load")
        engine.finish("tidy")
        clear_task(engine, task_id)
        if task_id == "load":
            assert engine.states() == {"load": "queued", "tidy": "removed"}
            engine.finish("load")
        assert engine.states()["tidy"] == "queued"
        engine.finish("tidy")
        assert how(engine) == (("success", None) if task_id == "load" else ("failed", "task_failed"))
        assert [one.try_number for one in engine.tries("tidy")] == [1, 2]

    def test_a_clear_takes_a_cancel_back(self, engine: Engine) -> None:
        tasks = {"load": {}, "next": {"depends_on": ["load"]}, "tidy": {"handler": "finally"}}
        begin(engine, tasks, dagrun_timeout="1m")
        cancel(engine)
        stop(engine, "load")
        assert engine.run()["timeout_at"] is None
        clear_task(engine, "load")
        assert engine.run()["timeout_at"] == engine.clock.now() + timedelta(minutes=1)
        assert engine.states() == {"load": "queued", "next": "scheduled", "tidy": "removed"}
        assert how(engine) == ("running", None)
        stop(engine, "tidy")
        for task_id in ("load", "next", "tidy"):
            engine.finish(task_id)
        assert how(engine) == ("success", None)

    def test_the_next_version_has_others(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "tidy": {"handler": "finally"}})
        engine.fail("load")
        engine.finish("tidy")
        engine.save("etl", {"load": {}, "tell": {"handler": "finally"}})
        clear_all_on_latest(engine)
        engine.finish("load")
        engine.finish("tell")
        assert engine.states() == {"load": "success", "tell": "success", "tidy": "removed"}
        assert how(engine) == ("success", None)

    def test_a_mapped_task_becomes_a_handler(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "tidy": {"expand": {"item": [1, 2]}}})
        engine.fail("load")
        for index in (0, 1):
            engine.finish("tidy", map_index=index)
        engine.save("etl", {"load": {}, "tidy": {"handler": "finally"}})
        clear_all_on_latest(engine)
        assert engine.states() == {"load": "queued", "tidy": "removed", "tidy[1]": "removed"}
        engine.finish("load")
        assert engine.states() == {"load": "success", "tidy": "queued", "tidy[1]": "removed"}
        engine.finish("tidy")
        assert how(engine) == ("success", None)

    def test_a_handler_becomes_a_task(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "tidy": {"handler": "on_failure"}})
        engine.finish("load")
        engine.save("etl", {"load": {}, "tidy": {"depends_on": ["load"]}})
        clear_all_on_latest(engine)
        assert engine.states() == {"load": "queued", "tidy": "scheduled"}

    def test_a_run_whose_end_has_begun_keeps_its_version(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "tidy": {"handler": "finally"}})
        cancel(engine)
        engine.save("etl", {"load": {}, "other": {}})
        with pytest.raises(Conflict, match="the end of run 'r1' has begun"):
            change_run_version(
                engine.database, Versions(engine.database), "etl", "r1", 2, restarts=True, now=engine.clock.now()
            )
        stop(engine, "load")
        engine.finish("tidy")
        assert how(engine) == ("failed", "cancelled")

    def test_a_dag_is_not_deleted_before_its_handlers_have_run(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "tidy": {"handler": "finally"}})
        cancel(engine)
        with pytest.raises(Conflict, match="1 runs whose handlers or tear-downs have not ended"):
            delete_dag(engine.database, "etl", now=engine.clock.now())
        stop(engine, "load")
        engine.finish("tidy")
        delete_dag(engine.database, "etl", now=engine.clock.now())

    def test_a_mark_of_a_handler_that_hangs_ends_the_run(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "tidy": {"handler": "finally"}})
        cancel(engine)
        stop(engine, "load")
        assert not cancel(engine)
        request = Mark(state=TaskState.FAILED, runs=OF_RUN, tasks=TaskSelection(task_ids=["tidy"]))
        mark(engine.database, Versions(engine.database), "etl", request, by="test", now=engine.clock.now())
        stop(engine, "tidy")
        assert how(engine) == ("failed", "cancelled")

    def test_a_mark_that_lets_the_outputs_be_computed_runs_the_handlers_of_the_new_end(self, engine: Engine) -> None:
        tasks = {"load": {}, "sos": {"handler": "on_failure"}, "tell": {"handler": "on_success"}}
        begin(engine, tasks, outputs={"state": "${{ tasks.load.state }}"})
        engine.fail("load")
        engine.finish("sos")
        request = Mark(state=TaskState.SUCCESS, runs=OF_RUN, tasks=TaskSelection(task_ids=["load"]))
        mark(engine.database, Versions(engine.database), "etl", request, by="test", now=engine.clock.now())
        engine.run_until_idle()
        assert engine.states() == {"load": "success", "sos": "removed", "tell": "queued"}
        engine.finish("tell")
        assert how(engine) == ("success", None)


def clear_all_on_latest(engine: Engine) -> None:
    request = Clear(runs=OF_RUN, run_on_latest_version=True)
    clear(engine.database, Versions(engine.database), "etl", request, now=engine.clock.now())
    engine.run_until_idle()
