"""Mapped groups: each item goes through the tasks of the group, and no item waits for another."""

from typing import Any

from mainspring_store.interventions.clearing import Clear, clear
from mainspring_store.interventions.targets import RunSelection, TaskSelection
from mainspring_store.resources.versions import Versions
from tests.scheduler.engine import Engine

SHELL = {"type": "shell", "command": ["true"]}


def group(tasks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A mapped group `g` over the output `items` of the task `list`, of shell tasks."""
    members = {name: {**(SHELL if "type" not in task else {}), **task} for name, task in tasks.items()}
    return {"depends_on": ["list"], "expand": {"x": "${{ tasks.list.outputs.items }}"}, "tasks": members, **fields}


STEPS = {"load": {}, "check": {"depends_on": ["load"]}}


def trigger(engine: Engine, items: list[Any], mapped: dict[str, Any], **tasks: Any) -> None:
    engine.trigger(engine.save("etl", {"list": {}, **tasks}, groups={"g": mapped}))
    engine.run_until_idle()
    engine.finish("list", outputs={"items": items})


def clear_tasks(engine: Engine, *names: str | tuple[str, int], downstream: bool = True) -> None:
    tasks = TaskSelection(task_ids=names, include_downstream=downstream)
    request = Clear(runs=RunSelection(run_id="r1"), tasks=tasks)
    clear(engine.database, Versions(engine.database), "etl", request, now=engine.clock.now())
    engine.run_until_idle()


def test_each_item_goes_through_the_tasks_without_waiting_for_another(engine: Engine) -> None:
    trigger(engine, ["a", "b"], group(STEPS), join={"depends_on": ["g"]})
    assert engine.states() == {
        "list": "success",
        "g.load[0]": "queued",
        "g.load[1]": "queued",
        "g.check[0]": "scheduled",
        "g.check[1]": "scheduled",
        "join": "scheduled",
    }
    engine.finish("g.load", map_index=1)
    assert engine.states()["g.check[1]"] == "queued"
    assert engine.states()["g.check[0]"] == "scheduled"
    engine.finish("g.check", map_index=1)
    engine.finish("g.load", map_index=0)
    assert engine.states()["join"] == "scheduled"
    engine.finish("g.check", map_index=0)
    engine.finish("join")
    run = engine.run()
    assert (run["state"], run["tasks_total"], run["tasks_unfinished"]) == ("success", 6, 0)


def test_expressions_see_the_same_item_within_the_group_and_lists_outside(engine: Engine) -> None:
    tasks = {"load": {"env": {"X": "${{ map.x }}"}},
             "check": {"depends_on": ["load"], "env": {"N": "${{ tasks['g.load'].outputs.n }}", "X": "${{ map.x }}",
                                                      "C": "${{ tasks['g.load'].exit_code }}"}}}  # fmt: skip
    join = {"depends_on": ["g"], "env": {"N": "${{ tasks['g.load'].outputs.n }}"}}
    trigger(engine, ["a", "b"], group(tasks), join=join)
    for index in (1, 0):
        engine.finish("g.load", map_index=index, outputs={"n": index * 10})
    assert engine.attempt("g.check", map_index=1).payload["env"] == {"N": 10, "X": "b", "C": None}
    assert engine.attempt("g.check", map_index=0).payload["env"] == {"N": 0, "X": "a", "C": None}
    for index in (0, 1):
        engine.finish("g.check", map_index=index)
    assert engine.attempt("join").payload["env"] == {"N": [0, 10]}


def test_a_failure_costs_its_own_item_alone(engine: Engine) -> None:
    tasks = {**STEPS, "repair": {"depends_on": ["load"], "trigger_rule": "one_failed"}}
    trigger(engine, ["a", "b"], group(tasks), join={"depends_on": ["g"], "trigger_rule": "all_done"})
    engine.fail("g.load", map_index=0)
    engine.finish("g.load", map_index=1)
    states = engine.states()
    assert (states["g.check[0]"], states["g.check[1]"]) == ("upstream_failed", "queued")
    assert (states["g.repair[0]"], states["g.repair[1]"]) == ("queued", "skipped")


def test_no_item_skips_all_tasks_of_the_group(engine: Engine) -> None:
    trigger(engine, [], group({**STEPS, "last": {"depends_on": ["check"], "trigger_rule": "all_done"}}))
    assert engine.states() == {"list": "success", "g.load": "skipped", "g.check": "skipped", "g.last": "skipped"}
    assert engine.run()["state"] == "success"


def test_a_group_over_a_literal_list_gives_its_key_to_all_tasks(engine: Engine) -> None:
    mapped = group(STEPS, expand={"x": ["a", "b"]}, key="${{ map.x }}", depends_on=[])
    trigger(engine, [], mapped)
    keys = {(row.task_id, row.map_index): row.map_key for row in engine.instances()}
    assert keys == {
        ("list", -1): None,
        ("g.load", 0): "a",
        ("g.load", 1): "b",
        ("g.check", 0): "a",
        ("g.check", 1): "b",
    }


def test_the_bound_counts_the_instances_of_all_tasks(engine: Engine) -> None:
    trigger(engine, list(range(5001)), group(STEPS))
    assert engine.states()["g.load"] == "failed"
    assert "5001 items, and 10002 instances" in engine.tries("g.load")[0].message


def test_a_second_root_has_the_items_of_the_first(engine: Engine) -> None:
    tasks = {"left": {}, "right": {"depends_on": ["slow"]}, "both": {"depends_on": ["left", "right"]}}
    trigger(engine, ["a", "b"], group(tasks), slow={}, join={"depends_on": ["g"]})
    states = engine.states()
    assert (states["g.left[1]"], states["g.right[1]"], states["g.both[1]"]) == ("queued", "scheduled", "scheduled")
    engine.finish("slow")
    engine.finish("g.left", map_index=1)
    engine.finish("g.right", map_index=1)
    assert engine.states()["g.both[1]"] == "queued"
    assert engine.states()["g.both[0]"] == "scheduled"


def test_a_root_that_has_failed_before_counts_for_every_item(engine: Engine) -> None:
    tasks = {"left": {}, "right": {"depends_on": ["slow"]}, "both": {"depends_on": ["left", "right"]}}
    engine.trigger(engine.save("etl", {"list": {}, "slow": {}}, groups={"g": group(tasks)}))
    engine.run_until_idle()
    engine.fail("slow")
    assert engine.states()["g.right"] == "upstream_failed"
    engine.finish("list", outputs={"items": ["a", "b"]})
    states = engine.states()
    assert (states["g.right[0]"], states["g.right[1]"]) == ("upstream_failed", "upstream_failed")
    assert (states["g.both[0]"], states["g.both[1]"]) == ("upstream_failed", "upstream_failed")
    for index in (0, 1):
        engine.finish("g.left", map_index=index)
    run = engine.run()
    assert (run["state"], run["tasks_total"], run["tasks_failed"]) == ("failed", 8, 5)
    clear_tasks(engine, "slow")
    engine.finish("slow")
    for index in (0, 1):
        engine.finish("g.right", map_index=index)
        engine.finish("g.both", map_index=index)
    assert engine.run()["state"] == "success"


def test_a_clear_of_one_instance_reaches_the_same_item_alone(engine: Engine) -> None:
    trigger(engine, ["a", "b"], group(STEPS), join={"depends_on": ["g"]})
    for index in (0, 1):
        engine.finish("g.load", map_index=index)
        engine.finish("g.check", map_index=index)
    engine.finish("join")
    clear_tasks(engine, ("g.load", 1))
    states = engine.states()
    assert (states["g.load[0]"], states["g.check[0]"]) == ("success", "success")
    assert (states["g.load[1]"], states["g.check[1]"], states["join"]) == ("queued", "scheduled", "scheduled")
    engine.finish("g.load", map_index=1)
    engine.finish("g.check", map_index=1)
    engine.finish("join")
    assert engine.run()["state"] == "success"


def test_other_items_after_a_clear_replace_those_of_all_tasks(engine: Engine) -> None:
    trigger(engine, ["a", "b", "c"], group(STEPS), join={"depends_on": ["g"]})
    for index in range(3):
        engine.finish("g.load", map_index=index)
        engine.finish("g.check", map_index=index)
    engine.finish("join")
    for items in (["d"], ["e", "f"], ["g", "h", "i", "j"]):
        clear_tasks(engine, "list")
        assert {"g.load", "g.check"} <= engine.states().keys()
        engine.finish("list", outputs={"items": items})
        for index in range(len(items)):
            assert engine.states()[f"g.check[{index}]"] == "scheduled"
            engine.finish("g.load", map_index=index)
            engine.finish("g.check", map_index=index)
        engine.finish("join")
        assert engine.run()["state"] == "success"


def test_a_branch_chooses_within_its_own_item(engine: Engine) -> None:
    tasks = {
        "pick": {"type": "branch", "choose": "${{ 'g.' + map.x }}"},
        "left": {"depends_on": ["pick"]},
        "right": {"depends_on": ["pick"]},
    }
    trigger(engine, ["left", "right"], group(tasks))
    states = engine.states()
    assert (states["g.left[0]"], states["g.right[0]"]) == ("queued", "skipped")
    assert (states["g.left[1]"], states["g.right[1]"]) == ("skipped", "queued")
