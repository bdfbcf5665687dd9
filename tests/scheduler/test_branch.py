"""Branches, and tasks that wait for the run before."""

from typing import Any

import pytest

from mainspring_store.state import runs
from tests.scheduler.engine import Engine

PARAMS = {"type": "object", "properties": {"way": {}}}
WAYS: dict[str, Any] = {
    "pick": {"type": "branch", "choose": "${{ params.way }}"},
    "a": {"depends_on": ["pick"]},
    "b": {"depends_on": ["pick"]},
    "after_b": {"depends_on": ["b"]},
    "join": {"depends_on": ["a", "b", "pick"], "trigger_rule": "none_failed_min_one_success"},
}


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        pytest.param("a", {"a": "queued", "b": "skipped", "after_b": "skipped", "join": "scheduled"}, id="one"),
        pytest.param(["a", "b"], {"a": "queued", "b": "queued", "after_b": "scheduled", "join": "scheduled"}, id="two"),
        pytest.param([], {"a": "skipped", "b": "skipped", "after_b": "skipped", "join": "skipped"}, id="none"),
    ],
)
def test_only_the_chosen_way_runs(engine: Engine, way: Any, expected: dict[str, str]) -> None:
    engine.trigger(engine.save("etl", WAYS, params=PARAMS), conf={"way": way})
    engine.settle()
    assert engine.states() == {"pick": "success", **expected}


def test_a_task_that_joins_both_ways_runs(engine: Engine) -> None:
    engine.trigger(engine.save("etl", WAYS, params=PARAMS), conf={"way": "a"})
    engine.settle()
    engine.finish("a")
    assert engine.states()["join"] == "queued"
    engine.finish("join")
    assert engine.run()["state"] == "success"


@pytest.mark.parametrize("way", ["after_b", "nonsense", 7])
def test_a_choice_that_is_not_downstream_fails_the_branch(engine: Engine, way: Any) -> None:
    engine.trigger(engine.save("etl", WAYS, params=PARAMS), conf={"way": way})
    engine.settle()
    assert engine.states()["pick"] == "failed"
    assert engine.tries("pick")[0].message
    assert engine.run()["state"] == "failed"


def test_a_branch_by_callable_follows_what_it_returned(engine: Engine) -> None:
    ways = {**WAYS, "pick": {"type": "branch", "callable": "ways:pick"}}
    engine.trigger(engine.save("etl", ways))
    engine.settle()
    engine.finish("pick", outputs={"return_value": "b"})
    assert engine.states() == {
        "pick": "success",
        "a": "skipped",
        "b": "queued",
        "after_b": "scheduled",
        "join": "scheduled",
    }


def test_a_branch_by_callable_that_returns_nonsense_fails(engine: Engine) -> None:
    ways = {**WAYS, "pick": {"type": "branch", "callable": "ways:pick"}}
    engine.trigger(engine.save("etl", ways))
    engine.settle()
    engine.finish("pick", outputs={"return_value": "nonsense"})
    assert engine.states()["pick"] == "failed"
    assert "nonsense" in engine.tries("pick")[0].message


class TestDependsOnPast:
    def test_a_task_waits_for_the_same_task_of_the_run_before(self, engine: Engine) -> None:
        version = engine.save("etl", {"a": {"depends_on_past": True}, "b": {}})
        engine.trigger(version, "r1")
        engine.trigger(version, "r2")
        engine.settle()
        assert engine.states("r2") == {"a": "scheduled", "b": "queued"}
        assert engine.instances("r2")[0].state_reason == "depends_on_past"
        engine.finish("a", run_id="r1")
        assert engine.states("r2")["a"] == "queued"

    def test_a_failure_before_holds_the_task_back(self, engine: Engine) -> None:
        version = engine.save("etl", {"a": {"depends_on_past": True}})
        engine.trigger(version, "r1")
        engine.settle()
        engine.fail("a", run_id="r1")
        engine.trigger(version, "r2")
        engine.settle()
        assert engine.states("r2") == {"a": "scheduled"}

    def test_a_run_that_waits_can_be_cancelled(self, engine: Engine) -> None:
        version = engine.save("etl", {"a": {"depends_on_past": True}})
        engine.trigger(version, "r1")
        engine.settle()
        engine.fail("a", run_id="r1")
        engine.trigger(version, "r2")
        engine.settle()
        runs.cancel_run(engine.database, "etl", "r2", now=engine.clock.now(), message="cancelled by test")
        assert engine.run("r2")["state"] == "failed"
