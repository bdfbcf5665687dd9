"""Failures that do not fail the run, and failures that end it at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from mainspring.attempts import Outcome
from mainspring.states import StateReason, TaskState
from mainspring_store.interventions.clearing import Clear, clear
from mainspring_store.interventions.marking import Mark, mark
from mainspring_store.interventions.targets import RunSelection, TaskSelection
from mainspring_store.resources.versions import Versions
from tests.scheduler.engine import Engine

MINUTE = timedelta(minutes=1)


def begin(engine: Engine, tasks: dict[str, Any], **fields: Any) -> None:
    engine.trigger(engine.save("etl", tasks, **fields))
    engine.run_until_idle()


def reasons(engine: Engine) -> dict[str, str | None]:
    return {one.task_id: one.state_reason for one in engine.instances()}


class TestAllowFailure:
    def test_an_allowed_failure_counts_as_a_success(self, engine: Engine) -> None:
        begin(engine, {"lint": {"allow_failure": True}, "build": {"depends_on": ["lint"]}})
        engine.fail("lint")
        assert engine.states() == {"lint": "failed", "build": "queued"}
        engine.finish("build")
        run = engine.run()
        assert (run["state"], run["tasks_failed"]) == ("success", 1)

    def test_it_is_tried_as_often_as_any_other(self, engine: Engine) -> None:
        begin(engine, {"lint": {"allow_failure": True, "retries": 1, "retry_delay": "0s"}})
        engine.fail("lint")
        assert engine.states() == {"lint": "queued"}
        engine.fail("lint")
        assert engine.run()["state"] == "success"

    def test_a_rule_that_asks_for_failure_does_not_see_it(self, engine: Engine) -> None:
        begin(engine, {"lint": {"allow_failure": True}, "tell": {"depends_on": ["lint"], "trigger_rule": "one_failed"}})
        engine.fail("lint")
        assert engine.states() == {"lint": "failed", "tell": "skipped"}
        assert engine.run()["state"] == "success"

    def test_it_does_not_excuse_what_failed_before_it(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "lint": {"depends_on": ["load"], "allow_failure": True}}, run_state="leaves")
        engine.fail("load")
        assert engine.states() == {"load": "failed", "lint": "upstream_failed"}
        assert engine.run()["state"] == "failed"

    def test_a_mark_counts_the_same(self, engine: Engine) -> None:
        begin(engine, {"lint": {"allow_failure": True}, "build": {"depends_on": ["lint"]}})
        request = Mark(state=TaskState.FAILED, runs=RunSelection(run_id="r1"), tasks=TaskSelection(task_ids=["lint"]))
        mark(engine.database, Versions(engine.database), "etl", request, by="ann", now=engine.clock.now())
        engine.run_until_idle()
        engine.finish("build")
        assert engine.run()["state"] == "success"


TASKS: dict[str, Any] = {"a": {}, "b": {}, "c": {"depends_on": ["b"]}, "d": {"depends_on": ["a"]}}


class TestFailFast:
    def test_the_first_failure_ends_the_run(self, engine: Engine) -> None:
        begin(engine, TASKS, fail_fast=True)
        engine.start("b")
        engine.fail("a")
        assert engine.states() == {"a": "failed", "b": "failed", "c": "skipped", "d": "skipped"}
        assert reasons(engine) == {"a": "exit_code", "b": "fail_fast", "c": "fail_fast", "d": "fail_fast"}
        run = engine.run()
        assert (run["state"], run["state_reason"]) == ("failed", "fail_fast")
        assert run["message"] == "failed: 'a'; fail_fast ended the run"
        assert engine.executor.cancelled == [engine.attempt("b").attempt_id]

    def test_a_failure_that_is_tried_again_does_not(self, engine: Engine) -> None:
        begin(engine, {"a": {"retries": 1, "retry_delay": "1m"}, "b": {}}, fail_fast=True)
        engine.fail("a")
        assert engine.states() == {"a": "up_for_retry", "b": "queued"}

    def test_neither_does_an_allowed_failure(self, engine: Engine) -> None:
        begin(engine, {"a": {"allow_failure": True}, "b": {}}, fail_fast=True)
        engine.fail("a")
        engine.finish("b")
        assert engine.run()["state"] == "success"

    def test_a_failure_before_the_start_ends_the_run_too(self, engine: Engine) -> None:
        broken = {"command": ["echo", "${{ tasks.a.outputs.none }}"], "depends_on": ["a"]}
        begin(engine, {"a": {}, "b": {}, "c": broken}, fail_fast=True)
        engine.finish("a")
        assert reasons(engine) == {"a": None, "b": "fail_fast", "c": "expression_error"}

    def test_no_task_of_an_ended_run_starts_in_the_same_pass(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {"a": {"command": ["${{ conf.none }}"]}, "b": {}}, fail_fast=True))
        engine.step()
        assert reasons(engine) == {"a": "expression_error", "b": "fail_fast"}
        assert engine.executor.submitted == {}
        engine.run_until_idle()
        assert engine.executor.cancelled == [], "nothing was submitted, so there is nothing to stop"
        assert engine.tries("b")[0].stopped_at == engine.clock.now()

    def test_neither_does_one_that_became_ready_in_an_earlier_round(self, engine: Engine) -> None:
        """The pass decides on `b` a round before `d` fails."""
        tasks = {"a": {}, "b": {"depends_on": ["a"]}, "c": {"depends_on": ["a"], "when": "false"}}
        broken = {"command": ["${{ conf.none }}"], "depends_on": ["c"], "trigger_rule": "none_failed"}
        begin(engine, {**tasks, "d": broken}, fail_fast=True)
        engine.finish("a")
        assert reasons(engine) == {"a": None, "b": "fail_fast", "c": "when", "d": "expression_error"}
        assert [one.task_id for one in engine.executor.submitted.values()] == ["a"]

    def test_a_slot_of_what_did_not_start_is_free_for_another_run(self, make_engine: Callable[..., Engine]) -> None:
        engine = make_engine(slots=2)
        engine.trigger(engine.save("etl", {"a": {}, "b": {"command": ["${{ conf.none }}"]}}, fail_fast=True))
        engine.trigger(engine.save("other", {"c": {}, "d": {}}), "r2")
        engine.step()
        assert [one.task_id for one in engine.executor.submitted.values()] == ["c", "d"]

    def test_a_missed_deadline_ends_the_run_too(self, engine: Engine) -> None:
        begin(engine, {"a": {"queue_timeout": "1m"}, "b": {}}, fail_fast=True)
        engine.start("b")
        engine.run_until_idle()
        engine.clock.move(MINUTE)
        engine.run_until_idle()
        assert reasons(engine) == {"a": "deadline_missed", "b": "fail_fast"}

    def test_a_clear_runs_what_it_kept_from_running(self, engine: Engine) -> None:
        begin(engine, TASKS, fail_fast=True)
        engine.fail("a")
        request = Clear(runs=RunSelection(run_id="r1"), tasks=TaskSelection(task_ids=["a", "b"]))
        clear(engine.database, Versions(engine.database), "etl", request, now=engine.clock.now())
        engine.run_until_idle()
        for task_id in ("a", "b", "c", "d"):
            engine.finish(task_id)
        assert engine.run()["state"] == "success"


class TestSoftFail:
    @pytest.mark.parametrize("how", [{"for": "2m"}, {"http": {"url": "https://example.test"}, "interval": "1m"}])
    def test_a_timeout_skips_the_wait(self, engine: Engine, how: dict[str, Any]) -> None:
        wait = {"type": "wait", "timeout": "1m", "soft_fail": True, **how}
        begin(engine, {"wait": wait, "after": {"depends_on": ["wait"], "trigger_rule": "none_failed"}})
        if "http" in how:
            engine.fail("wait", reason=StateReason.HTTP_STATUS, message="answered 404")
        engine.clock.move(MINUTE)
        engine.run_until_idle()
        assert engine.states() == {"wait": "skipped", "after": "queued"}
        assert reasons(engine)["wait"] == "soft_fail"
        [attempt] = engine.tries("wait")
        assert attempt.state == "skipped"
        assert "timeout" in attempt.message

    def test_a_request_under_way_at_the_timeout_skips_it_too(self, engine: Engine) -> None:
        wait = {"type": "wait", "timeout": "1m", "soft_fail": True, "http": {"url": "https://example.test"}}
        begin(engine, {"wait": wait})
        engine.clock.move(MINUTE)
        engine.fail("wait", reason=StateReason.HTTP_STATUS, message="answered 404")
        assert (engine.states(), engine.run()["state"]) == ({"wait": "skipped"}, "success")

    def test_another_failure_fails_it(self, engine: Engine) -> None:
        wait = {"type": "wait", "timeout": "1m", "soft_fail": True, "http": {"url": "https://example.test"}}
        begin(engine, {"wait": wait})
        engine.fail("wait", reason=StateReason.ADDRESS_REFUSED, message="refused")
        assert engine.states() == {"wait": "failed"}


class TestRunState:
    @pytest.mark.parametrize(("rule", "expected"), [(None, "failed"), ("any_failure", "failed"), ("leaves", "success")])
    def test_what_a_clean_up_task_makes_of_a_failure(self, engine: Engine, rule: str | None, expected: str) -> None:
        fields = {} if rule is None else {"run_state": rule}
        begin(engine, {"load": {}, "tidy": {"depends_on": ["load"], "trigger_rule": "all_done"}}, **fields)
        engine.finish("load", Outcome.FAILED)
        engine.finish("tidy")
        assert engine.run()["state"] == expected


class TestOutputsOfFailedTasks:
    def test_they_are_kept_and_read_downstream(self, engine: Engine) -> None:
        tell = {
            "depends_on": ["load"],
            "trigger_rule": "one_failed",
            "command": [
                "${{ tasks.load.outputs.rows }}",
                "${{ tasks.load.exit_code }}",
                "${{ tasks.load.reason }}",
                "${{ tasks.load.message }}",
            ],
        }
        begin(engine, {"load": {}, "tell": tell})
        engine.fail("load", outputs={"rows": 7}, exit_code=3, message="the command ended with exit code 3")
        assert engine.attempt("tell").payload["command"] == [7, 3, "exit_code", "the command ended with exit code 3"]

    def test_a_task_that_succeeded_has_neither_reason_nor_message(self, engine: Engine) -> None:
        tell = {"depends_on": ["load"], "command": ["${{ tasks.load.exit_code }}", "${{ tasks.load.reason }}"]}
        begin(engine, {"load": {}, "tell": tell})
        engine.finish("load", exit_code=0)
        assert engine.attempt("tell").payload["command"] == [0, None]

    def test_of_a_mapped_task_they_are_lists(self, engine: Engine) -> None:
        load = {"expand": {"n": [1, 2, 3]}, "allow_failure": True}
        begin(engine, {"load": load, "tell": {"depends_on": ["load"], "command": ["${{ tasks.load.exit_code }}"]}})
        for index, code in enumerate((0, 4, 0)):
            engine.finish("load", Outcome.FAILED if code else Outcome.SUCCESS, map_index=index, exit_code=code)
        assert engine.attempt("tell").payload["command"] == [[0, 4, 0]]

    def test_a_try_that_is_repeated_leaves_none(self, engine: Engine) -> None:
        tell = {"depends_on": ["load"], "command": ["${{ has(tasks.load.outputs.rows) }}"]}
        begin(engine, {"load": {"retries": 1, "retry_delay": "0s"}, "tell": tell})
        engine.fail("load", outputs={"rows": 7})
        engine.finish("load")
        assert engine.attempt("tell").payload["command"] == [False]

    def test_outputs_that_do_not_fit_their_type_are_dropped(self, engine: Engine) -> None:
        load = {"outputs": {"rows": {"type": "integer"}, "name": {"type": "string"}}}
        begin(engine, {"load": load}, outputs={"all": "${{ tasks.load.outputs }}"})
        engine.fail("load", outputs={"rows": "many", "more": 1})
        assert engine.run()["outputs"] == {"all": {"more": 1}}
        assert engine.instances()[0].state_reason == "exit_code"


class TestOutputsOfARun:
    OUTPUTS: ClassVar = {"rows": "${{ tasks.load.outputs.rows }}", "rate": "${{ tasks.check.outputs.rate }}"}

    def test_a_failed_run_has_those_that_can_be_computed(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "check": {"depends_on": ["load"]}}, outputs=self.OUTPUTS)
        engine.finish("load", outputs={"rows": 7})
        engine.fail("check")
        run = engine.run()
        assert (run["state"], run["state_reason"], run["outputs"]) == (
            "failed",
            "task_failed",
            {"rows": 7, "rate": None},
        )

    def test_a_run_fails_when_one_cannot_be_computed(self, engine: Engine) -> None:
        begin(engine, {"load": {}, "check": {"depends_on": ["load"]}}, outputs=self.OUTPUTS)
        engine.finish("load", outputs={"rows": 7})
        engine.finish("check")
        run = engine.run()
        assert (run["state_reason"], run["outputs"]) == ("expression_error", {"rows": 7, "rate": None})

    @pytest.mark.parametrize(("type_", "state"), [(["number", "null"], "success"), ("number", "failed")])
    def test_one_of_a_skipped_task_is_null_when_it_may_be(self, engine: Engine, type_: Any, state: str) -> None:
        check = {"depends_on": ["load"], "when": "false", "outputs": {"rate": {"type": type_}}}
        begin(engine, {"load": {}, "check": check}, outputs=self.OUTPUTS)
        engine.finish("load", outputs={"rows": 7})
        assert (engine.run()["state"], engine.run()["outputs"]) == (state, {"rows": 7, "rate": None})


def test_a_run_fails_with_instances_of_tasks_that_its_version_has_lost(engine: Engine) -> None:
    begin(engine, {"load": {}, "old": {}})
    engine.finish("old")
    engine.fail("load")
    engine.save("etl", {"load": {}})
    request = Clear(runs=RunSelection(run_id="r1"), run_on_latest_version=True)
    clear(engine.database, Versions(engine.database), "etl", request, now=engine.clock.now())
    engine.run_until_idle()
    engine.fail("load")
    assert engine.states() == {"load": "failed", "old": "removed"}
    assert engine.run()["state_reason"] == "task_failed"
