"""Clear and reprocess with the latest version: a run goes on with another definition than it was made from."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from mainspring.errors import Conflict, InvalidParams
from mainspring.states import TaskState
from mainspring_store.interventions import Clear, RunSelection, TaskSelection, clear, preview_clear
from mainspring_store.queries.backfills import get_backfill
from mainspring_store.resources.backfills import ReprocessBehavior
from mainspring_store.resources.pools import NewPool, create_pools
from mainspring_store.resources.versions import Versions
from mainspring_store.scheduling import StateUpdate, begin_pass
from mainspring_store.state import runs
from tests.invariants import assert_sound
from tests.scheduler.engine import Engine
from tests.scheduler.test_backfills import fill, made

CHAIN: dict[str, Any] = {"a": {}, "b": {"depends_on": ["a"]}, "c": {"depends_on": ["b"]}}
ITEMS: dict[str, Any] = {
    "list": {},
    "load": {"depends_on": ["list"], "expand": {"n": "${{ tasks.list.outputs.items }}"}},
}
PLAIN: dict[str, Any] = {"list": {}, "load": {"depends_on": ["list"]}}


def wish(*task_ids: Any, **more: Any) -> Clear:
    tasks = TaskSelection(task_ids=task_ids or None, **more)
    return Clear(runs=RunSelection(run_id="r1"), tasks=tasks, run_on_latest_version=True)


def clear_on_latest(engine: Engine, *task_ids: Any, **more: Any) -> int:
    """Clear and check that every counter is what the states say; returns how many were cleared."""
    versions = Versions(engine.database)
    seen = preview_clear(engine.database, versions, "etl", wish(*task_ids, **more))
    ids = clear(engine.database, versions, "etl", wish(*task_ids, **more), now=engine.clock.now())
    assert ids == seen, "the preview tells what the clear does"
    assert_sound(engine.database)
    return len(ids)


def save_later(engine: Engine, tasks: Mapping[str, Any], **fields: Any) -> runs.VersionRef:
    engine.clock.move(timedelta(minutes=1))
    return engine.save("etl", tasks, **fields)


def run_all(engine: Engine, tasks: Mapping[str, Any], *, fail: str = "", **fields: Any) -> None:
    """A run of a chain to its end, or to the task that fails."""
    engine.trigger(engine.save("etl", tasks, **fields))
    engine.run_until_idle()
    for task_id in tasks:
        if task_id == fail:
            engine.fail(task_id)
            return
        engine.finish(task_id, outputs={"by": task_id})


def test_a_failed_task_that_was_repaired_runs_as_the_latest_version_says(engine: Engine) -> None:
    run_all(engine, CHAIN, fail="b")
    repaired = {**CHAIN, "b": {"depends_on": ["a"], "command": ["repaired"], "retries": 1}}
    latest = save_later(engine, repaired)
    assert clear_on_latest(engine, "b", include_downstream=True) == 2
    assert engine.run()["dag_version_id"] == latest.id
    engine.run_until_idle()
    assert engine.attempt("b").payload["command"] == ["repaired"]
    assert engine.attempt("b").try_number == 2
    engine.finish("b")
    engine.finish("c")
    assert engine.run()["state"] == "success"
    assert len(engine.tries("a")) == 1, "what was not cleared did not run again"


def test_tasks_come_go_and_change_places_and_what_was_done_stays_with_its_task(engine: Engine) -> None:
    run_all(engine, CHAIN)
    # `c` comes first now, `b` is gone, `extra` is new and stands before `a`.
    save_later(engine, {"c": {"depends_on": ["a", "extra"], "env": {"BY": "${{ tasks.a.outputs.by }}"}},
                        "extra": {}, "a": {}})  # fmt: skip
    assert clear_on_latest(engine, "c") == 1
    assert engine.states() == {"c": "scheduled", "extra": "scheduled", "a": "success", "b": "removed"}
    engine.run_until_idle()
    assert engine.states()["extra"] == "queued"
    engine.finish("extra")
    assert engine.attempt("c").payload["env"] == {"BY": "a"}, "outputs of what was kept are there still"
    engine.finish("c")
    assert engine.run()["state"] == "success"
    assert [one.try_number for one in engine.tries("b")] == [1], "its history stays"


def test_a_task_that_comes_back_runs_again_and_counts_on(engine: Engine) -> None:
    run_all(engine, CHAIN)
    save_later(engine, {"a": {}, "c": {"depends_on": ["a"]}})
    clear_on_latest(engine, "c")
    engine.run_until_idle()
    engine.finish("c")
    assert engine.states() == {"a": "success", "c": "success", "b": "removed"}
    save_later(engine, CHAIN)
    clear_on_latest(engine, "c")
    assert engine.states() == {"a": "success", "b": "scheduled", "c": "scheduled"}
    engine.run_until_idle()
    engine.finish("b")
    engine.finish("c")
    assert engine.run()["state"] == "success"
    assert [one.try_number for one in engine.tries("b")] == [1, 2]


def test_naming_a_new_task_alone_runs_it_in_a_run_that_had_ended(engine: Engine) -> None:
    run_all(engine, CHAIN)
    save_later(engine, {**CHAIN, "d": {"depends_on": ["c"]}})
    assert clear_on_latest(engine, "d") == 0
    assert engine.run()["state"] == "queued"
    engine.run_until_idle()
    engine.finish("d")
    assert engine.states() == {"a": "success", "b": "success", "c": "success", "d": "success"}
    assert engine.run()["state"] == "success"


def test_a_run_of_which_nothing_is_meant_keeps_its_version(engine: Engine) -> None:
    run_all(engine, CHAIN)
    first = engine.run()["dag_version_id"]
    save_later(engine, {**CHAIN, "d": {}})
    assert clear_on_latest(engine, states=frozenset({TaskState.FAILED})) == 0
    assert (engine.run()["dag_version_id"], engine.run()["state"]) == (first, "success")


def test_a_failed_task_that_is_gone_makes_its_run_a_success(engine: Engine) -> None:
    run_all(engine, {"a": {}, "b": {}}, fail="b")
    engine.clock.move(timedelta(minutes=1))
    assert engine.run()["state"] == "failed"
    save_later(engine, {"a": {}})
    assert clear_on_latest(engine, states=frozenset({TaskState.FAILED})) == 0
    engine.run_until_idle()
    assert engine.states() == {"a": "success", "b": "removed"}
    assert engine.run()["state"] == "success"


def test_a_task_that_lost_its_upstream_waits_for_nobody(engine: Engine) -> None:
    run_all(engine, CHAIN, fail="a")
    save_later(engine, {"a": {}, "b": {}, "c": {"depends_on": ["a"], "trigger_rule": "all_failed"}})
    clear_on_latest(engine, "b", "c")
    engine.run_until_idle()
    assert engine.states() == {"a": "failed", "b": "queued", "c": "queued"}
    engine.finish("b")
    engine.finish("c")
    assert engine.run()["state"] == "success"


def test_pool_priority_and_limits_are_those_of_the_latest_version(engine: Engine) -> None:
    create_pools(engine.database, [NewPool(name="small", slots=1)])
    run_all(engine, {"a": {}, "b": {}})
    save_later(
        engine,
        {"a": {"pool": "small", "priority_weight": 1}, "b": {"pool": "small", "priority_weight": 9}},
        max_active_tasks=3,
    )
    clear_on_latest(engine)
    assert engine.run()["max_active_tasks"] == 3
    engine.run_until_idle()
    assert engine.states() == {"a": "scheduled", "b": "queued"}
    engine.finish("b")
    assert engine.states()["a"] == "queued"


def test_params_are_those_of_the_latest_version(engine: Engine) -> None:
    run_all(engine, {"a": {}})
    day = {"type": "object", "properties": {"day": {"type": "string", "default": "monday"}}}
    save_later(engine, {"a": {"env": {"DAY": "${{ params.day }}"}}}, params=day)
    clear_on_latest(engine)
    engine.run_until_idle()
    assert engine.attempt("a").payload["env"] == {"DAY": "monday"}


def test_params_of_a_running_run_are_not_taken_from_what_a_scheduler_remembers(engine: Engine) -> None:
    engine.trigger(engine.save("etl", CHAIN))
    engine.run_until_idle()
    engine.finish("a")
    day = {"type": "object", "properties": {"day": {"type": "string", "default": "monday"}}}
    save_later(engine, {**CHAIN, "b": {"depends_on": ["a"], "env": {"DAY": "${{ params.day }}"}}}, params=day)
    clear_on_latest(engine, "b")
    engine.run_until_idle()
    assert engine.attempt("b").payload["env"] == {"DAY": "monday"}


def test_a_conf_that_does_not_fit_the_latest_version_is_refused_and_nothing_is_changed(engine: Engine) -> None:
    run_all(engine, CHAIN)
    first = engine.run()["dag_version_id"]
    save_later(engine, CHAIN, params={"type": "object", "required": ["day"]})
    with pytest.raises(InvalidParams):
        clear_on_latest(engine)
    assert_sound(engine.database)
    assert (engine.run()["dag_version_id"], engine.run()["state"]) == (first, "success")


class TestWhileItRuns:
    def test_what_is_cleared_while_it_runs_is_stopped_and_runs_as_the_latest_version_says(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", CHAIN))
        engine.run_until_idle()
        engine.start("a")
        engine.run_until_idle()
        old = engine.attempt("a").attempt_id
        save_later(engine, {"new": {}, "a": {"command": ["new"]}, "c": {"depends_on": ["a", "new"]}})
        clear_on_latest(engine, "a")
        engine.run_until_idle()
        assert engine.executor.cancelled == [old]
        engine.executor.finished.add(old)
        assert engine.states() == {"new": "queued", "a": "queued", "c": "scheduled", "b": "removed"}
        assert engine.attempt("a").payload["command"] == ["new"]
        for task_id in ("a", "new", "c"):
            engine.finish(task_id)
        assert engine.run()["state"] == "success"

    def test_a_task_under_way_that_is_not_cleared_is_in_the_way(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {"a": {}, "b": {}}))
        engine.run_until_idle()
        engine.fail("b")
        first = engine.run()["dag_version_id"]
        save_later(engine, {"a": {}, "b": {}, "c": {}})
        with pytest.raises(Conflict, match="task 'a' of run 'r1' is under way"):
            clear_on_latest(engine, "b")
        assert engine.run()["dag_version_id"] == first
        assert_sound(engine.database)
        engine.finish("a")
        assert engine.run()["state"] == "failed"

    def test_a_task_under_way_that_is_gone_is_stopped(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {"a": {}, "b": {"depends_on": ["a"]}, "gone": {}}))
        engine.run_until_idle()
        engine.finish("a")
        old = engine.attempt("gone").attempt_id
        save_later(engine, {"a": {}, "b": {"depends_on": ["a"]}})
        clear_on_latest(engine, "b")
        engine.run_until_idle()
        assert old in engine.executor.cancelled
        engine.finish("b")
        assert engine.states() == {"a": "success", "b": "success", "gone": "removed"}
        assert engine.run()["state"] == "success"

    def test_what_was_decided_on_the_version_before_is_void(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", CHAIN))
        engine.run_until_idle()
        engine.executor.slots = 0
        engine.finish("a")
        seen = {one.task_id: one for one in engine.instances()}["b"]
        assert (seen.state, seen.ready) == ("scheduled", True)
        save_later(engine, {**CHAIN, "b": {"depends_on": ["a"], "command": ["new"]}})
        clear_on_latest(engine, "c")
        late = StateUpdate(id=seen.id, generation=seen.generation, state=TaskState.SKIPPED, at=engine.clock.now())
        with begin_pass(engine.database) as current:
            assert current.decisions.decide([late]) == frozenset()
        engine.executor.slots = 1
        engine.run_until_idle()
        assert engine.attempt("b").payload["command"] == ["new"]

    def test_a_retry_that_waits_is_made_with_the_latest_version(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {"a": {"retries": 1, "retry_delay": "1m"}, "b": {}}))
        engine.run_until_idle()
        engine.fail("a")
        engine.finish("b")
        assert engine.states()["a"] == "up_for_retry"
        save_later(engine, {"b": {}, "a": {"command": ["new"]}})
        clear_on_latest(engine, "b")
        engine.clock.move(timedelta(minutes=2))
        engine.run_until_idle()
        assert engine.attempt("a").payload["command"] == ["new"]
        assert engine.attempt("a").try_number == 2


class TestMapped:
    def run_items(self, engine: Engine, *items: int) -> None:
        engine.finish("list", outputs={"items": list(items)})
        for index in range(len(items)):
            engine.finish("load", map_index=index, outputs={"x": items[index]})

    def test_a_mapped_task_that_became_a_plain_one_runs_once(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", ITEMS))
        engine.run_until_idle()
        self.run_items(engine, 1, 2, 3)
        save_later(engine, PLAIN)
        assert clear_on_latest(engine, "list") == 1
        assert engine.states() == {
            "list": "scheduled", "load": "scheduled", "load[1]": "removed", "load[2]": "removed"
        }  # fmt: skip
        engine.run_until_idle()
        engine.finish("list")
        engine.finish("load")
        assert engine.run()["state"] == "success"

    def test_a_plain_task_that_became_a_mapped_one_finds_its_items(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", PLAIN))
        engine.run_until_idle()
        engine.finish("list", outputs={"items": [1, 2]})
        engine.finish("load")
        save_later(engine, ITEMS)
        clear_on_latest(engine, "load")
        engine.run_until_idle()
        assert engine.states() == {"list": "success", "load[0]": "queued", "load[1]": "queued"}
        for index in (0, 1):
            engine.finish("load", map_index=index)
        assert engine.run()["state"] == "success"

    def test_a_task_whose_kind_changed_begins_anew_though_another_was_named(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {**PLAIN, "other": {}}))
        engine.run_until_idle()
        engine.finish("list", outputs={"items": [1, 2]})
        engine.finish("load")
        engine.finish("other")
        save_later(engine, {**ITEMS, "other": {}})
        assert clear_on_latest(engine, "other") == 1
        engine.run_until_idle()
        assert engine.states() == {"list": "success", "load[0]": "queued", "load[1]": "queued", "other": "queued"}
        for index in (0, 1):
            engine.finish("load", map_index=index)

    def test_a_mapped_task_that_is_cleared_whole_finds_its_items_as_the_latest_version_says(
        self, engine: Engine
    ) -> None:
        engine.trigger(engine.save("etl", ITEMS))
        engine.run_until_idle()
        self.run_items(engine, 1, 2, 3)
        save_later(engine, {**ITEMS, "load": {"expand": {"n": [7, 8]}, "env": {"N": "${{ map.n }}"}}})
        assert clear_on_latest(engine, "load") == 3
        engine.run_until_idle()
        assert engine.states() == {
            "list": "success", "load[0]": "queued", "load[1]": "queued", "load[2]": "removed"
        }  # fmt: skip
        assert engine.attempt("load", map_index=1).payload["env"] == {"N": 8}

    def test_items_that_are_not_cleared_keep_what_they_did(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", ITEMS))
        engine.run_until_idle()
        self.run_items(engine, 1, 2)
        save_later(engine, {"first": {}, **ITEMS, "join": {"depends_on": ["load"],
                            "env": {"ALL": "${{ tasks.load.outputs.x }}"}}})  # fmt: skip
        assert clear_on_latest(engine, ("load", 1)) == 1
        engine.run_until_idle()
        assert engine.states() == {
            "first": "queued", "list": "success", "load[0]": "success", "load[1]": "queued", "join": "scheduled"
        }  # fmt: skip
        engine.finish("load", map_index=1, outputs={"x": 9})
        assert engine.attempt("join").payload["env"] == {"ALL": [1, 9]}

    def test_a_mapped_task_may_go_and_come_back(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", ITEMS))
        engine.run_until_idle()
        self.run_items(engine, 1, 2, 3)
        save_later(engine, {"list": {}})
        clear_on_latest(engine, "list")
        engine.run_until_idle()
        engine.finish("list", outputs={"items": [5]})
        assert set(engine.states().values()) == {"success", "removed"}
        save_later(engine, {"z": {}, **ITEMS})
        clear_on_latest(engine, "z")
        engine.run_until_idle()
        engine.finish("z")
        engine.finish("load", map_index=0)
        assert engine.states() == {
            "z": "success", "list": "success", "load[0]": "success", "load[1]": "removed", "load[2]": "removed"
        }  # fmt: skip
        assert engine.run()["state"] == "success"


class TestBackfills:
    @pytest.mark.parametrize("is_latest", [False, True], ids=["own version", "latest version"])
    def test_runs_that_exist_go_on_with_the_version_asked_for(self, engine: Engine, is_latest: bool) -> None:
        first = engine.save("etl", {"a": {"type": "noop"}, "b": {"type": "noop"}}, schedule="@daily")
        fill(engine, first, days=2)
        engine.run_until_idle()
        latest = save_later(engine, {"b": {"type": "noop"}, "c": {"type": "noop"}}, schedule="@daily")
        fill(engine, latest, days=3, reprocess_behavior=ReprocessBehavior.COMPLETED, run_on_latest_version=is_latest)
        engine.run_until_idle()
        old = latest.id if is_latest else first.id
        assert [(row.dag_version_id, row.state) for row in made(engine)] == [
            (old, "success"), (old, "success"), (latest.id, "success")
        ]  # fmt: skip

    def fill_again(self, engine: Engine, **more: Any) -> int:
        """Reprocess a run whose conf does not fit the latest version."""
        fill(engine, engine.save("etl", {"a": {"type": "noop"}}, schedule="@daily"), days=1)
        engine.run_until_idle()
        needs = {"type": "object", "required": ["day"]}
        latest = save_later(engine, {"a": {"type": "noop"}}, schedule="@daily", params=needs)
        again = {"reprocess_behavior": ReprocessBehavior.COMPLETED, "run_on_latest_version": True}
        key = fill(engine, latest, days=1, **again, **more)
        engine.run_until_idle()
        return key

    def test_a_new_conf_is_what_must_fit_the_latest_version(self, engine: Engine) -> None:
        key = self.fill_again(engine, conf={"day": "monday"})
        assert get_backfill(engine.database, key)["completed_at"] is not None
        assert made(engine)[0].params == {"day": "monday"}

    def test_a_conf_that_does_not_fit_pauses_the_backfill_with_the_reason(self, engine: Engine) -> None:
        key = self.fill_again(engine)
        assert "day" in get_backfill(engine.database, key)["message"]
        assert made(engine)[0].params == {}, "the run is as it was"
