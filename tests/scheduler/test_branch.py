"""Branches, and tasks that wait for the run before."""

from typing import Any, ClassVar

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
    engine.run_until_idle()
    assert engine.states() == {"pick": "success", **expected}


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        pytest.param("g", {"g.x": "queued", "g.y": "queued", "g.after_x": "scheduled", "b": "skipped"}, id="group"),
        pytest.param(
            ["g", "b"], {"g.x": "queued", "g.y": "queued", "g.after_x": "scheduled", "b": "queued"}, id="both"
        ),
        pytest.param("b", {"g.x": "skipped", "g.y": "skipped", "g.after_x": "skipped", "b": "queued"}, id="other"),
        pytest.param("g.x", {"g.x": "queued", "g.y": "skipped", "g.after_x": "scheduled", "b": "skipped"}, id="task"),
    ],
)
def test_a_branch_that_chooses_a_group_follows_its_first_tasks(
    engine: Engine, way: Any, expected: dict[str, str]
) -> None:
    work = {"type": "shell", "command": ["true"]}
    group = {"depends_on": ["pick"], "tasks": {"x": work, "y": work, "after_x": {**work, "depends_on": ["x"]}}}
    tasks = {"pick": WAYS["pick"], "b": WAYS["b"]}
    engine.trigger(engine.save("etl", tasks, params=PARAMS, groups={"g": group}), conf={"way": way})
    engine.run_until_idle()
    assert engine.states() == {"pick": "success", **expected}


def test_a_task_that_joins_both_ways_runs(engine: Engine) -> None:
    engine.trigger(engine.save("etl", WAYS, params=PARAMS), conf={"way": "a"})
    engine.run_until_idle()
    engine.finish("a")
    assert engine.states()["join"] == "queued"
    engine.finish("join")
    assert engine.run()["state"] == "success"


@pytest.mark.parametrize("way", ["after_b", "nonsense", 7])
def test_a_choice_that_is_not_downstream_fails_the_branch(engine: Engine, way: Any) -> None:
    engine.trigger(engine.save("etl", WAYS, params=PARAMS), conf={"way": way})
    engine.run_until_idle()
    assert engine.states()["pick"] == "failed"
    assert engine.tries("pick")[0].message
    assert engine.run()["state"] == "failed"


def test_a_branch_by_callable_follows_what_it_returned(engine: Engine) -> None:
    ways = {**WAYS, "pick": {"type": "branch", "callable": "ways:pick"}}
    engine.trigger(engine.save("etl", ways))
    engine.run_until_idle()
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
    engine.run_until_idle()
    engine.finish("pick", outputs={"return_value": "nonsense"})
    assert engine.states()["pick"] == "failed"
    assert "nonsense" in engine.tries("pick")[0].message


class TestDependsOnPast:
    def test_a_task_waits_for_the_same_task_of_the_run_before(self, engine: Engine) -> None:
        version = engine.save("etl", {"a": {"depends_on_past": True}, "b": {}})
        engine.trigger(version, "r1")
        engine.trigger(version, "r2")
        engine.run_until_idle()
        assert engine.states("r2") == {"a": "scheduled", "b": "queued"}
        assert engine.instances("r2")[0].state_reason == "depends_on_past"
        engine.finish("a", run_id="r1")
        assert engine.states("r2")["a"] == "queued"

    def test_a_failure_before_holds_the_task_back(self, engine: Engine) -> None:
        version = engine.save("etl", {"a": {"depends_on_past": True}})
        engine.trigger(version, "r1")
        engine.run_until_idle()
        engine.fail("a", run_id="r1")
        engine.trigger(version, "r2")
        engine.run_until_idle()
        assert engine.states("r2") == {"a": "scheduled"}

    def test_a_run_that_waits_can_be_cancelled(self, engine: Engine) -> None:
        version = engine.save("etl", {"a": {"depends_on_past": True}})
        engine.trigger(version, "r1")
        engine.run_until_idle()
        engine.fail("a", run_id="r1")
        engine.trigger(version, "r2")
        engine.run_until_idle()
        runs.cancel_run(engine.database, "etl", "r2", now=engine.clock.now(), message="cancelled by test")
        assert engine.run("r2")["state"] == "failed"


class TestMappedBranch:
    WAYS: ClassVar[dict[str, Any]] = {
        "pick": {"type": "branch", "expand": {"w": "${{ params.way }}"}, "choose": "${{ map.w }}"},
        "left": {"depends_on": ["pick"]},
        "right": {"depends_on": ["pick"]},
        "third": {"depends_on": ["pick"]},
    }

    @pytest.mark.parametrize(
        ("ways", "run"),
        [
            pytest.param(["left", "right"], {"left", "right"}, id="each another one"),
            pytest.param(["left", "left"], {"left"}, id="all the same"),
            pytest.param(["left", []], {"left"}, id="one of them nothing"),
            pytest.param([[], None], set(), id="nothing"),
        ],
    )
    def test_what_any_instance_chose_runs_and_the_rest_is_skipped(
        self, engine: Engine, ways: Any, run: set[str]
    ) -> None:
        engine.trigger(engine.save("etl", self.WAYS, params=PARAMS), conf={"way": ways})
        engine.run_until_idle()
        states = engine.states()
        assert {name for name in ("left", "right", "third") if states[name] == "queued"} == run
        assert {name for name in ("left", "right", "third") if states[name] == "skipped"} == {
            "left",
            "right",
            "third",
        } - run
        for name in run:
            engine.finish(name)
        assert engine.run()["state"] == "success"

    def test_callables_choose_together_when_the_last_has_ended(self, engine: Engine) -> None:
        ways = {**self.WAYS, "pick": {"type": "branch", "expand": {"w": [1, 2, 3]}, "callable": "ways:pick"}}
        engine.trigger(engine.save("etl", ways))
        engine.run_until_idle()
        engine.finish("pick", map_index=2, outputs={"return_value": "left"})
        engine.finish("pick", map_index=0, outputs={"return_value": ["right"]})
        assert {engine.states()[name] for name in ("left", "right", "third")} == {"scheduled"}
        engine.finish("pick", map_index=1, outputs={"return_value": None})
        states = engine.states()
        assert [states[name] for name in ("left", "right", "third")] == ["queued", "queued", "skipped"]

    def test_an_item_that_is_skipped_chooses_nothing(self, engine: Engine) -> None:
        ways = {**self.WAYS, "pick": {**self.WAYS["pick"], "when": "${{ map.w != 'right' }}"}}
        for name in ("left", "right", "third"):
            ways[name] = {"depends_on": ["pick"], "trigger_rule": "none_failed"}
        engine.trigger(engine.save("etl", ways, params=PARAMS), conf={"way": ["left", "right"]})
        engine.run_until_idle()
        states = engine.states()
        assert [states[name] for name in ("left", "right", "third")] == ["queued", "skipped", "skipped"]

    def test_a_failed_item_leaves_the_decision_to_the_trigger_rules(self, engine: Engine) -> None:
        ways = {**self.WAYS, "third": {"depends_on": ["pick"], "trigger_rule": "all_done"}}
        engine.trigger(engine.save("etl", ways, params=PARAMS), conf={"way": ["left", "nonsense"]})
        engine.run_until_idle()
        states = engine.states()
        assert [states[name] for name in ("left", "right", "third")] == ["upstream_failed", "upstream_failed", "queued"]


def test_a_branch_that_is_decided_at_once_has_a_start_and_an_end(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {**WAYS, "nothing": {"type": "noop"}}, params=PARAMS), conf={"way": "a"})
    engine.run_until_idle()
    ended = {one.task_id: one for one in engine.instances() if one.task_id in ("pick", "nothing", "b")}
    for name in ("pick", "nothing"):
        assert ended[name].start_date == ended[name].end_date == engine.clock.now()
    assert ended["b"].start_date is None, "a skipped task never started"
