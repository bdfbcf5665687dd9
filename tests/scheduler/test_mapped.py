"""Mapped tasks: one instance for each item."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from mainspring.attempts import Outcome
from tests.scheduler.engine import Engine

REGIONS = {"type": "object", "properties": {"regions": {"type": "array", "items": {"type": "string"}}}}


def mapped(**more: Any) -> dict[str, Any]:
    return {"expand": {"region": "${{ params.regions }}"}, "env": {"REGION": "${{ map.region }}"}, **more}


def trigger(engine: Engine, tasks: dict[str, Any], regions: list[str], **fields: Any) -> None:
    engine.trigger(engine.save("etl", tasks, params=REGIONS, **fields), conf={"regions": regions})
    engine.run_until_idle()


def test_a_mapped_task_runs_once_for_each_item(engine: Engine) -> None:
    trigger(engine, {"load": mapped(), "join": {"depends_on": ["load"]}}, ["eu", "us", "apac"])
    assert engine.states() == {"load[0]": "queued", "load[1]": "queued", "load[2]": "queued", "join": "scheduled"}
    assert [engine.attempt("load", map_index=n).payload["env"]["REGION"] for n in range(3)] == ["eu", "us", "apac"]
    for n in (2, 0):
        engine.finish("load", map_index=n)
    assert engine.states()["join"] == "scheduled"
    engine.finish("load", map_index=1)
    assert engine.states()["join"] == "queued"
    engine.finish("join")
    run = engine.run()
    assert (run["state"], run["tasks_total"], run["tasks_unfinished"]) == ("success", 4, 0)


def test_outputs_of_a_mapped_task_are_a_list_in_order_of_the_items(engine: Engine) -> None:
    tasks = {"load": mapped(), "join": {"depends_on": ["load"], "env": {"ROWS": "${{ tasks.load.outputs.rows }}"}}}
    trigger(engine, tasks, ["eu", "us"])
    engine.finish("load", map_index=1, outputs={"rows": 2})
    engine.finish("load", map_index=0, outputs={"rows": 1})
    assert engine.attempt("join").payload["env"] == {"ROWS": [1, 2]}


def test_an_item_that_fails_costs_only_itself_until_the_trigger_rule_is_asked(engine: Engine) -> None:
    tasks = {
        "load": mapped(),
        "strict": {"depends_on": ["load"]},
        "lenient": {"depends_on": ["load"], "trigger_rule": "all_done", "env": {"ROWS": "${{ tasks.load.outputs.n }}"}},
    }
    trigger(engine, tasks, ["eu", "us"])
    engine.fail("load", map_index=0)
    assert engine.states() == {
        "load[0]": "failed",
        "load[1]": "queued",
        "strict": "upstream_failed",
        "lenient": "scheduled",
    }
    engine.finish("load", map_index=1, outputs={"n": 5})
    assert engine.attempt("lenient").payload["env"] == {"ROWS": [None, 5]}
    engine.finish("lenient")
    assert engine.run()["state"] == "failed"


def test_an_item_is_retried_alone(engine: Engine) -> None:
    trigger(engine, {"load": mapped(retries=1, retry_delay="10s")}, ["eu", "us"])
    engine.fail("load", map_index=1)
    engine.finish("load", map_index=0)
    assert engine.states() == {"load[0]": "success", "load[1]": "up_for_retry"}
    engine.clock.move(timedelta(seconds=10))
    engine.run_until_idle()
    assert engine.attempt("load", map_index=1).payload["env"] == {"REGION": "us"}
    engine.finish("load", map_index=1)
    assert engine.run()["state"] == "success"


def test_nothing_to_expand_over_skips_the_task(engine: Engine) -> None:
    trigger(engine, {"load": mapped(), "join": {"depends_on": ["load"]}}, [])
    assert engine.states() == {"load": "skipped", "join": "skipped"}
    assert engine.instances()[0].state_reason == "expand_empty"


def test_a_single_item_is_still_a_mapped_instance(engine: Engine) -> None:
    trigger(engine, {"load": mapped()}, ["eu"])
    assert engine.states() == {"load[0]": "queued"}


def test_several_lists_make_the_product_the_last_one_fastest(engine: Engine) -> None:
    task = {
        "expand": {"region": "${{ params.regions }}", "year": [2024, 2025]},
        "env": {"X": "${{ map.region }}-${{ map.year }}"},
    }
    trigger(engine, {"load": task}, ["eu", "us"])
    found = [engine.attempt("load", map_index=n).payload["env"]["X"] for n in range(4)]
    assert found == ["eu-2024", "eu-2025", "us-2024", "us-2025"]


def test_a_when_over_the_item_is_asked_for_each_item(engine: Engine) -> None:
    trigger(engine, {"load": mapped(when="${{ map.region != 'us' }}")}, ["eu", "us"])
    assert engine.states() == {"load[0]": "queued", "load[1]": "skipped"}


def test_what_cannot_be_expanded_over_fails_the_task_with_the_reason(engine: Engine) -> None:
    tasks = {"count": {}, "load": {"depends_on": ["count"], "expand": {"n": "${{ tasks.count.outputs.n }}"}}}
    trigger(engine, tasks, [])
    engine.finish("count", outputs={"n": 3})
    assert engine.states()["load"] == "failed"
    assert "list" in engine.tries("load")[0].message


def test_more_items_than_allowed_fail_the_task(engine: Engine) -> None:
    numbers = list(range(101))
    tasks = {"count": {}, "load": {"depends_on": ["count"], "expand": {
        "a": "${{ tasks.count.outputs.n }}", "b": "${{ tasks.count.outputs.n }}"}}}  # fmt: skip
    trigger(engine, tasks, [])
    engine.finish("count", outputs={"n": numbers})
    assert "10201" in engine.tries("load")[0].message


@pytest.mark.parametrize("limit", ["max_active_tis", "max_active_tis_per_dag"])
def test_no_more_items_are_active_than_allowed(make_engine: Callable[..., Engine], limit: str) -> None:
    engine = make_engine()
    trigger(engine, {"load": mapped(**{limit: 2}), "other": {}}, [f"r{n}" for n in range(7)])
    for done in range(7):
        states = [state for name, state in engine.states().items() if name.startswith("load")]
        assert states.count("queued") == min(2, 7 - done)
        assert engine.states()["other"] == "queued", "a held back task does not hold back others"
        engine.finish("load", map_index=states.index("queued"))
    assert {state for name, state in engine.states().items() if name.startswith("load")} == {"success"}


def test_the_limit_per_dag_counts_over_all_runs(engine: Engine) -> None:
    version = engine.save("etl", {"a": {"max_active_tis_per_dag": 1}})
    engine.trigger(version, "r1")
    engine.trigger(version, "r2")
    engine.run_until_idle()
    assert (engine.states("r1"), engine.states("r2")) == ({"a": "queued"}, {"a": "scheduled"})
    engine.finish("a", run_id="r1")
    assert engine.states("r2") == {"a": "queued"}


def test_a_hundred_items_keep_the_counters_right(engine: Engine) -> None:
    trigger(engine, {"load": mapped(), "join": {"depends_on": ["load"]}}, [f"r{n}" for n in range(100)])
    while engine.executor.open:
        attempt = engine.executor.open[0]
        engine.finish(attempt.task_id, map_index=attempt.map_index)
    assert engine.run()["state"] == "success"
    assert engine.instances()[-1].up_success == 100


class TestSkippedItems:
    """A skipped instance contributes nothing; where none contributes, there is nothing."""

    JOIN: ClassVar[dict[str, Any]] = {
        "depends_on": ["load"],
        "trigger_rule": "none_failed",
        "env": {"ROWS": "${{ tasks.load.outputs.rows }}", "STATES": "${{ tasks.load.state }}"},
    }

    def shared(self, engine: Engine) -> Any:
        return engine.attempt("join").payload["env"]

    def test_a_skipped_item_is_left_out_of_the_list(self, engine: Engine) -> None:
        trigger(engine, {"load": mapped(), "join": self.JOIN}, ["eu", "us", "apac"])
        engine.finish("load", map_index=0, outputs={"rows": 1})
        engine.finish("load", map_index=1, outcome=Outcome.SKIPPED)
        engine.finish("load", map_index=2, outputs={"rows": 3})
        assert self.shared(engine) == {"ROWS": [1, 3], "STATES": ["success", "skipped", "success"]}

    def test_a_success_without_that_output_contributes_null(self, engine: Engine) -> None:
        trigger(engine, {"load": mapped(), "join": self.JOIN}, ["eu", "us"])
        engine.finish("load", map_index=0, outputs={"rows": 1})
        engine.finish("load", map_index=1)
        assert self.shared(engine)["ROWS"] == [1, None]

    @pytest.mark.parametrize("regions", [pytest.param(["eu", "us"], id="all skipped"), pytest.param([], id="no items")])
    @pytest.mark.parametrize(
        ("expression", "value"),
        [
            pytest.param("${{ tasks.load.outputs.rows }}", [], id="a path"),
            pytest.param("${{ size(tasks.load.outputs.rows) }}", 0, id="a call"),
            pytest.param("${{ tasks.load.outputs.rows.map(r, r + 1) }}", [], id="a loop"),
        ],
    )
    def test_where_all_were_skipped_the_list_is_empty(
        self, engine: Engine, regions: list[str], expression: str, value: Any
    ) -> None:
        join = {**self.JOIN, "env": {"ROWS": expression}}
        trigger(engine, {"load": mapped(when="${{ map.region == 'moon' }}"), "join": join}, regions)
        assert self.shared(engine) == {"ROWS": value}
        engine.finish("join")
        assert engine.run()["state"] == "success"

    @pytest.mark.parametrize("rule", ["all_done", "none_failed"])
    def test_mapping_over_a_skipped_task_is_nothing_to_map_over(self, engine: Engine, rule: str) -> None:
        tasks = {
            "list": {"when": "${{ false }}"},
            "load": {
                "depends_on": ["list"],
                "trigger_rule": rule,
                "expand": {"item": "${{ tasks.list.outputs.items }}"},
            },
            "again": {
                "depends_on": ["load"],
                "trigger_rule": rule,
                "expand": {"item": "${{ tasks.load.outputs.rows }}"},
            },
        }
        trigger(engine, tasks, [])
        assert engine.states() == {"list": "skipped", "load": "skipped", "again": "skipped"}
        assert [one.state_reason for one in engine.instances()] == ["when", "expand_empty", "expand_empty"]
        assert engine.run()["state"] == "success"

    def test_a_default_for_a_skipped_task_is_mapped_over(self, engine: Engine) -> None:
        items = "${{ has(tasks.list.outputs.items) ? tasks.list.outputs.items : [1, 2] }}"
        tasks = {
            "list": {"when": "${{ false }}"},
            "load": {"depends_on": ["list"], "trigger_rule": "all_done", "expand": {"item": items}},
        }
        trigger(engine, tasks, [])
        assert engine.states() == {"list": "skipped", "load[0]": "queued", "load[1]": "queued"}

    def test_an_output_that_a_success_lacks_still_fails_the_mapped_task(self, engine: Engine) -> None:
        tasks = {"list": {}, "load": {"depends_on": ["list"], "expand": {"item": "${{ tasks.list.outputs.items }}"}}}
        trigger(engine, tasks, [])
        engine.finish("list")
        assert engine.states()["load"] == "failed"


def test_a_key_names_each_instance_by_its_item(engine: Engine) -> None:
    tasks = {"load": mapped(key="${{ map.region }}-${{ params.regions[0] }}"), "plain": mapped()}
    trigger(engine, tasks, ["eu", "us", "apac"])
    keys = {(one.task_id, one.map_index): one.map_key for one in engine.instances()}
    assert keys == {
        **{("load", n): f"{region}-eu" for n, region in enumerate(("eu", "us", "apac"))},
        **{("plain", n): None for n in range(3)},
    }


def test_a_key_may_be_a_number_and_read_the_upstream(engine: Engine) -> None:
    tasks = {
        "list": {},
        "load": {"depends_on": ["list"], "expand": {"n": [5, 6]}, "key": "${{ map.n + tasks.list.outputs.base }}"},
    }
    trigger(engine, tasks, [])
    engine.finish("list", outputs={"base": 10})
    assert [one.map_key for one in engine.instances() if one.task_id == "load"] == ["15", "16"]


@pytest.mark.parametrize(
    ("regions", "key", "message"),
    [
        pytest.param(["eu", "x" * 1025], "${{ map.region }}", "more than 1024 bytes", id="too long"),
        pytest.param(["eu", "ä" * 513], "${{ map.region }}", "more than 1024 bytes", id="too long in UTF-8"),
        pytest.param(["eu", ""], "${{ map.region }}", "at least one character", id="empty"),
        pytest.param(["a\nb"], "${{ map.region }}", "no control character", id="line feed"),
        pytest.param(["eu"], "${{ params.regions }}", "a text or a number", id="list"),
        pytest.param(["eu"], "${{ map.region == 'eu' }}", "a text or a number", id="boolean"),
        pytest.param(["eu"], "${{ map.nothing }}", "nothing", id="failing"),
    ],
)
def test_a_key_that_cannot_be_used_fails_the_task_before_it_starts(
    engine: Engine, regions: list[str], key: str, message: str
) -> None:
    trigger(engine, {"load": mapped(key=key), "join": {"depends_on": ["load"]}}, regions)
    assert engine.states() == {"load": "failed", "join": "upstream_failed"}
    [instance] = [one for one in engine.instances() if one.task_id == "load"]
    assert (instance.state_reason, instance.map_key) == ("expression_error", None)
    assert message in engine.tries("load")[0].message
    assert engine.run()["state"] == "failed"


def test_a_key_of_1024_bytes_is_kept(engine: Engine) -> None:
    trigger(engine, {"load": mapped(key="${{ map.region }}")}, ["ä" * 512])
    assert engine.instances()[0].map_key == "ä" * 512
