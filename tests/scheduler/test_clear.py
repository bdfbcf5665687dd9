"""Clear: task instances run again, and what they did before stays."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from mainspring.attempts import Finished, Outcome
from mainspring.errors import Conflict, InvalidInput, NotFound
from mainspring.states import RunType, StateReason, TaskState
from mainspring_store.interventions import Clear, RunSelection, TaskSelection, clear, preview_clear
from mainspring_store.queries.listing import ListQuery
from mainspring_store.queries.xcoms import list_xcoms
from mainspring_store.resources.versions import Versions
from mainspring_store.state import runs
from tests.invariants import assert_sound
from tests.scheduler.engine import Engine

CHAIN: dict[str, Any] = {"a": {}, "b": {"depends_on": ["a"]}, "c": {"depends_on": ["b"]}}
REGIONS = {"type": "object", "properties": {"regions": {"type": "array"}}}


def clear_tasks(engine: Engine, *task_ids: Any, run_id: str | None = "r1", **more: Any) -> int:
    """Clear and check that every counter is what the states say; returns how many were cleared."""
    ids = clear(engine.database, Versions(engine.database), "etl", wish(*task_ids, run_id=run_id, **more),
                now=engine.clock.now())  # fmt: skip
    assert_sound(engine.database)
    return len(ids)


def wish(*task_ids: Any, run_id: str | None = "r1", **more: Any) -> Clear:
    of_runs = {
        name: more.pop(name) for name in list(more) if name in ("start", "end", "include_past", "include_future")
    }
    of_clear = {name: more.pop(name) for name in list(more) if name in Clear.__dataclass_fields__}
    return Clear(
        runs=RunSelection(run_id=run_id, **of_runs), tasks=TaskSelection(task_ids=task_ids or None, **more), **of_clear
    )


def run_chain(engine: Engine, run_id: str = "r1", *, fail: str = "", **fields: Any) -> None:
    """A run of the chain to its end."""
    engine.trigger(engine.save("etl", CHAIN, **fields), run_id)
    engine.run_until_idle()
    for task_id in CHAIN:
        if task_id == fail:
            engine.fail(task_id, run_id=run_id)
            return
        engine.finish(task_id, run_id=run_id)


def test_a_cleared_run_runs_again_from_what_was_cleared(engine: Engine) -> None:
    run_chain(engine)
    assert clear_tasks(engine, "b", include_downstream=True) == 2
    run = engine.run()
    assert (run["state"], run["state_reason"], run["end_date"], run["tasks_unfinished"]) == ("queued", None, None, 2)
    assert engine.states() == {"a": "success", "b": "scheduled", "c": "scheduled"}
    engine.run_until_idle()
    assert engine.states() == {"a": "success", "b": "queued", "c": "scheduled"}
    engine.finish("b")
    engine.finish("c")
    assert engine.run()["state"] == "success"
    assert [one.try_number for one in engine.tries("b")] == [1, 2]
    assert [one.generation for one in engine.tries("b")] == [1, 2]


def test_clearing_what_failed_resumes_the_run_where_it_broke(engine: Engine) -> None:
    run_chain(engine, fail="b")
    assert engine.run()["state"] == "failed"
    failures = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED})
    assert clear_tasks(engine, states=failures) == 2
    engine.run_until_idle()
    engine.finish("b")
    engine.finish("c")
    assert engine.run()["state"] == "success"
    assert len(engine.tries("a")) == 1


def test_a_cleared_task_has_all_its_retries_anew(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {"retries": 2, "retry_delay": "0s"}}))
    engine.run_until_idle()
    for _ in range(3):
        engine.fail("a")
    assert engine.run()["state"] == "failed"
    clear_tasks(engine)
    assert engine.instances()[0].max_tries == 5
    engine.run_until_idle()
    for _ in range(3):
        engine.fail("a")
    assert engine.run()["state"] == "failed"
    assert [one.try_number for one in engine.tries("a")] == [1, 2, 3, 4, 5, 6]


def test_outputs_of_what_was_cleared_are_gone(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}, "b": {"depends_on": ["a"]}}))
    engine.run_until_idle()
    engine.finish("a", outputs={"rows": 1})
    engine.finish("b", outputs={"rows": 2})
    clear_tasks(engine, "b")
    assert [row["task_id"] for row in all_xcoms(engine)] == ["a"]


def all_xcoms(engine: Engine) -> Any:
    return list_xcoms(engine.database, ListQuery(), dag_id=None, run_id=None, task_id=None).rows


def test_clearing_twice_is_clearing_once(engine: Engine) -> None:
    run_chain(engine)
    assert clear_tasks(engine, "b", include_downstream=True) == 2
    before = engine.instances()
    assert clear_tasks(engine, "b", include_downstream=True) == 0
    assert engine.instances() == before
    engine.run_until_idle()
    engine.finish("b")
    engine.finish("c")
    assert engine.run()["state"] == "success"


def test_a_clear_while_the_run_waits_to_start_joins_it(engine: Engine) -> None:
    run_chain(engine)
    clear_tasks(engine, "c")
    assert engine.run()["state"] == "queued"
    assert clear_tasks(engine, "a") == 1
    engine.run_until_idle()
    assert engine.states() == {"a": "queued", "b": "success", "c": "queued"}


def test_a_preview_changes_nothing_and_says_what_a_clear_would_do(engine: Engine) -> None:
    run_chain(engine)
    before = engine.instances()
    found = preview_clear(engine.database, Versions(engine.database), "etl", wish("b", include_downstream=True))
    assert found == [one.id for one in before[1:]]
    assert engine.instances() == before


class TestWhileItRuns:
    def test_the_attempt_of_a_cleared_running_task_is_fenced_and_stopped(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", CHAIN))
        engine.run_until_idle()
        engine.start("a")
        engine.run_until_idle()
        old = engine.attempt("a")
        assert clear_tasks(engine, "a") == 1
        assert engine.tries("a")[0].state == "cancelled"
        engine.run_until_idle()
        assert engine.executor.cancelled == [old.attempt_id]
        assert engine.attempt("a").attempt_id != old.attempt_id
        assert engine.states()["a"] == "queued"
        assert engine.run()["state"] == "running"

    @pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.FAILED, Outcome.LOST, Outcome.INTERRUPTED])
    def test_a_report_that_comes_after_the_clear_changes_nothing(self, engine: Engine, outcome: Outcome) -> None:
        engine.trigger(engine.save("etl", CHAIN))
        engine.run_until_idle()
        report_of_old = finished_later(engine, "a", outcome)
        clear_tasks(engine, "a")
        engine.executor.report(report_of_old)
        engine.run_until_idle()
        assert_sound(engine.database)
        assert engine.states() == {"a": "queued", "b": "scheduled", "c": "scheduled"}
        assert [one.state for one in engine.tries("a")] == ["cancelled", "queued"]
        assert engine.tries("a")[0].stopped_at is not None
        assert all_xcoms(engine) == []
        engine.finish("a")
        assert engine.states()["b"] == "queued"

    def test_a_task_that_waits_for_what_was_cleared_waits_again(self, make_engine: Callable[..., Engine]) -> None:
        engine = make_engine(slots=1)
        engine.trigger(engine.save("etl", {"a": {}, "x": {"priority_weight": 9}, "b": {"depends_on": ["a"]}}))
        engine.run_until_idle()
        engine.finish("x")
        engine.trigger(engine.save("busy", {"y": {"priority_weight": 99}}), "other")
        engine.finish("a")
        assert engine.states()["b"] == "scheduled", "the executor is busy with y"
        clear_tasks(engine, "a")
        engine.finish("y", run_id="other")
        assert engine.states() == {"a": "queued", "x": "success", "b": "scheduled"}
        engine.finish("a")
        engine.finish("b")
        assert engine.run()["state"] == "success"

    def test_a_retry_that_is_due_waits_for_the_upstream_that_was_cleared(self, engine: Engine) -> None:
        tasks = {"a": {}, "b": {"depends_on": ["a"], "retries": 1, "retry_delay": "10s"}}
        engine.trigger(engine.save("etl", tasks))
        engine.run_until_idle()
        engine.finish("a")
        engine.fail("b")
        clear_tasks(engine, "a")
        engine.clock.move(timedelta(seconds=11))
        engine.run_until_idle()
        assert engine.states() == {"a": "queued", "b": "scheduled"}
        engine.finish("a")
        assert engine.states()["b"] == "queued"

    def test_an_immediate_retry_waits_for_the_upstream_that_was_cleared(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {"a": {}, "b": {"depends_on": ["a"], "retries": 1, "retry_delay": "0s"}}))
        engine.run_until_idle()
        engine.finish("a")
        clear_tasks(engine, "a")
        engine.fail("b")
        assert engine.states() == {"a": "queued", "b": "scheduled"}

    def test_a_task_up_for_retry_that_is_cleared_runs_at_once(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {"a": {"retries": 1, "retry_delay": "1h"}}))
        engine.run_until_idle()
        engine.fail("a")
        assert engine.states() == {"a": "up_for_retry"}
        clear_tasks(engine)
        engine.run_until_idle()
        assert engine.states() == {"a": "queued"}

    def test_nothing_is_cleared_when_a_running_task_is_to_be_left_alone(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {"a": {}, "b": {}}))
        engine.run_until_idle()
        engine.finish("a")
        engine.start("b")
        engine.run_until_idle()
        with pytest.raises(Conflict, match="task 'b' of run 'r1' runs now"):
            clear_tasks(engine, prevent_running_task=True)
        assert engine.states() == {"a": "success", "b": "running"}

    def test_slots_of_a_pool_and_a_run_are_given_back(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {"a": {}, "b": {}}, max_active_tasks=1))
        engine.run_until_idle()
        assert engine.states() == {"a": "queued", "b": "scheduled"}
        clear_tasks(engine, "a")
        assert engine.run()["tasks_active"] == 0
        engine.run_until_idle()
        engine.finish("a")
        engine.finish("b")
        assert engine.run()["state"] == "success"


def finished_later(engine: Engine, task_id: str, outcome: Outcome) -> Any:
    """The final report of the present attempt of a task, not handed in yet."""
    attempt = engine.attempt(task_id)
    engine.executor.finished.add(attempt.attempt_id)
    reason = None if outcome is Outcome.SUCCESS else StateReason.EXIT_CODE
    outputs = {"rows": 1} if outcome is Outcome.SUCCESS else {}
    return Finished(
        attempt_id=attempt.attempt_id, seq=2, at=engine.clock.now(), outcome=outcome, reason=reason, outputs=outputs
    )


class TestSeveralRuns:
    def test_instances_of_all_runs_are_cleared_and_each_run_begins_when_there_is_room(self, engine: Engine) -> None:
        for number in (1, 2, 3):
            run_chain(engine, f"r{number}", max_active_runs=2)
        assert clear_tasks(engine, "c", run_id=None) == 3
        engine.run_until_idle()
        assert [engine.run(f"r{number}")["state"] for number in (1, 2, 3)] == ["running", "running", "queued"]
        for number in (1, 2, 3):
            engine.finish("c", run_id=f"r{number}")
        assert {engine.run(f"r{number}")["state"] for number in (1, 2, 3)} == {"success"}

    def test_runs_are_found_by_date(self, engine: Engine) -> None:
        for number in (1, 2, 3):
            run_chain(engine, f"r{number}")
            engine.clock.move(timedelta(days=1))
        start = engine.clock.now() - timedelta(days=2, hours=1)
        assert clear_tasks(engine, "c", run_id=None, start=start) == 2
        assert engine.run("r1")["state"] == "success"

    @pytest.mark.parametrize(
        ("more", "expected"),
        [
            pytest.param({"include_past": True}, {"r1", "r2"}, id="past"),
            pytest.param({"include_future": True}, {"r2", "r3"}, id="future"),
            pytest.param({"include_past": True, "include_future": True}, {"r1", "r2", "r3"}, id="both"),
        ],
    )
    def test_past_and_future_are_told_by_the_logical_date(
        self, engine: Engine, more: dict[str, bool], expected: set[str]
    ) -> None:
        version = engine.save("etl", CHAIN)
        for number in (3, 1, 2):
            dated_run(engine, version, f"r{number}", number)
        engine.run_until_idle()
        for number in (1, 2, 3):
            engine.finish("a", run_id=f"r{number}")
        clear_tasks(engine, "a", run_id="r2", **more)
        assert {run_id for run_id in ("r1", "r2", "r3") if engine.states(run_id)["a"] == "scheduled"} == expected

    def test_a_run_without_a_logical_date_has_no_past(self, engine: Engine) -> None:
        run_chain(engine)
        with pytest.raises(InvalidInput, match="no logical date"):
            clear_tasks(engine, include_past=True)

    def test_runs_of_several_versions_are_each_cleared_by_their_own_graph(self, engine: Engine) -> None:
        run_chain(engine, "r1")
        engine.trigger(engine.save("etl", {"first": {}, "b": {"depends_on": ["first"]}}), "r2")
        engine.run_until_idle()
        engine.finish("first", run_id="r2")
        engine.finish("b", run_id="r2")
        assert clear_tasks(engine, "b", run_id=None, include_downstream=True) == 3
        assert engine.states("r1") == {"a": "success", "b": "scheduled", "c": "scheduled"}
        assert engine.states("r2") == {"first": "success", "b": "scheduled"}

    def test_runs_that_have_ended_can_be_left_alone(self, engine: Engine) -> None:
        run_chain(engine)
        assert clear_tasks(engine, reset_dag_runs=False) == 0
        assert engine.run()["state"] == "success"


def dated_run(engine: Engine, version: Any, run_id: str, day: int) -> None:
    date = engine.clock.now().replace(day=day)
    run = runs.NewRun(
        version=version,
        run_id=run_id,
        run_type=RunType.MANUAL,
        conf={},
        params={},
        run_after=date - timedelta(days=30),
        logical_date=date,
    )
    runs.create_run(engine.database, run, now=engine.clock.now())


BRANCHED: dict[str, Any] = {
    "first": {},
    "pick": {"type": "branch", "choose": "${{ tasks.first.outputs.way }}", "depends_on": ["first"]},
    "x": {},
    "left": {"depends_on": ["pick", "x"]},
    "right": {"depends_on": ["pick", "x"]},
}


class TestRules:
    def test_a_branch_that_is_cleared_decides_again(self, engine: Engine) -> None:
        self.run_left(engine)
        clear_tasks(engine, "first", include_downstream=True)
        engine.run_until_idle()
        engine.finish("first", outputs={"way": "right"})
        assert (engine.states()["left"], engine.states()["right"]) == ("skipped", "queued")
        engine.finish("right")
        assert engine.run()["state"] == "success"

    def test_what_a_branch_left_out_stays_out_when_only_another_upstream_is_cleared(self, engine: Engine) -> None:
        self.run_left(engine)
        clear_tasks(engine, "x", include_downstream=True)
        engine.run_until_idle()
        engine.finish("x")
        assert (engine.states()["left"], engine.states()["right"]) == ("queued", "skipped")

    def test_what_a_branch_left_out_runs_when_it_is_cleared_by_name(self, engine: Engine) -> None:
        self.run_left(engine)
        clear_tasks(engine, "right")
        engine.run_until_idle()
        assert engine.states()["right"] == "queued"

    def run_left(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", BRANCHED))
        engine.run_until_idle()
        engine.finish("x")
        engine.finish("first", outputs={"way": "left"})
        engine.finish("left")
        assert engine.run()["state"] == "success"

    def test_a_rule_that_decides_early_is_asked_at_once_when_its_result_stayed(self, engine: Engine) -> None:
        tasks = {"a": {}, "b": {}, "alarm": {"depends_on": ["a", "b"], "trigger_rule": "one_failed"}}
        engine.trigger(engine.save("etl", tasks))
        engine.run_until_idle()
        engine.fail("a")
        engine.finish("b")
        engine.finish("alarm")
        clear_tasks(engine, "b", "alarm")
        engine.run_until_idle()
        assert engine.states() == {"a": "failed", "b": "queued", "alarm": "queued"}

    def test_a_run_that_waits_for_the_past_goes_on_when_the_past_was_mended(self, engine: Engine) -> None:
        version = engine.save("etl", {"a": {"depends_on_past": True}})
        engine.trigger(version, "r1")
        engine.run_until_idle()
        engine.fail("a", run_id="r1")
        engine.trigger(version, "r2")
        engine.run_until_idle()
        assert engine.states("r2") == {"a": "scheduled"}
        clear_tasks(engine, "a")
        engine.run_until_idle()
        engine.finish("a", run_id="r1")
        assert engine.states("r2") == {"a": "queued"}

    def test_room_that_a_clear_makes_is_used_by_who_was_parked(self, engine: Engine) -> None:
        version = engine.save("etl", {"a": {"max_active_tis_per_dag": 1, "depends_on": ["first"]}, "first": {}})
        for run_id in ("r1", "r2"):
            engine.trigger(version, run_id)
        engine.run_until_idle()
        for run_id in ("r1", "r2"):
            engine.finish("first", run_id=run_id)
        assert (engine.states("r1")["a"], engine.states("r2")["a"]) == ("queued", "scheduled")
        clear_tasks(engine, "first", include_downstream=True)
        engine.run_until_idle()
        assert engine.states("r2")["a"] == "queued"


MAPPED: dict[str, Any] = {
    "list": {},
    "load": {"depends_on": ["list"], "expand": {"n": "${{ tasks.list.outputs.items }}"},
             "key": "item ${{ map.n }}", "env": {"N": "${{ map.n }}"}},
    "join": {"depends_on": ["load"], "env": {"ALL": "${{ tasks.load.outputs.x }}"}},
}  # fmt: skip


class TestMapped:
    def run_mapped(self, engine: Engine, items: list[int]) -> None:
        engine.trigger(engine.save("etl", MAPPED))
        engine.run_until_idle()
        self.go_on(engine, items)

    def go_on(self, engine: Engine, items: list[int]) -> None:
        engine.finish("list", outputs={"items": items})
        live = [one for one in engine.instances() if one.task_id == "load" and one.state != "removed"]
        assert [one.map_key for one in live] == [f"item {item}" for item in items]
        for index, item in enumerate(items):
            assert engine.attempt("load", map_index=index).payload["env"] == {"N": item}
            engine.finish("load", map_index=index, outputs={"x": item})
            assert_sound(engine.database)
        engine.finish("join")
        assert engine.attempt("join").payload["env"] == {"ALL": items}
        assert engine.run()["state"] == "success"
        assert_sound(engine.database)

    def test_one_item_is_cleared_alone_and_keeps_its_value(self, engine: Engine) -> None:
        self.run_mapped(engine, [1, 2, 3])
        assert clear_tasks(engine, ("load", 1)) == 1
        engine.run_until_idle()
        assert engine.states()["load[1]"] == "queued"
        assert engine.attempt("load", map_index=1).payload["env"] == {"N": 2}
        engine.finish("load", map_index=1)
        assert engine.run()["state"] == "success"

    @pytest.mark.parametrize("second", [[7], [7, 8], [7, 8, 9], [7, 8, 9, 10, 11]], ids=len)
    def test_items_are_found_anew_when_the_upstream_is_cleared(self, engine: Engine, second: list[int]) -> None:
        self.run_mapped(engine, [1, 2, 3])
        assert clear_tasks(engine, "list", include_downstream=True) == 5
        assert engine.states() == {
            "list": "scheduled",
            "load": "scheduled",
            "load[1]": "removed",
            "load[2]": "removed",
            "join": "scheduled",
        }
        engine.run_until_idle()
        self.go_on(engine, second)
        assert len(engine.tries("load")) == 3 + len(second), "the history is kept"

    def test_a_shorter_list_and_then_a_longer_one_bring_removed_items_back(self, engine: Engine) -> None:
        self.run_mapped(engine, [1, 2, 3])
        for items in ([7], [8, 9, 10, 11]):
            clear_tasks(engine, "list", include_downstream=True)
            engine.run_until_idle()
            self.go_on(engine, items)
        numbers = {one.map_index: one.try_number for one in engine.instances() if one.task_id == "load"}
        assert numbers == {0: 3, 1: 2, 2: 2, 3: 1}

    def test_an_empty_list_skips_what_was_mapped_before(self, engine: Engine) -> None:
        self.run_mapped(engine, [1, 2])
        clear_tasks(engine, "list", include_downstream=True)
        engine.run_until_idle()
        engine.finish("list", outputs={"items": []})
        assert engine.states() == {"list": "success", "load": "skipped", "load[1]": "removed", "join": "skipped"}
        assert engine.run()["state"] == "success"

    def test_items_that_run_are_stopped_when_their_list_is_made_anew(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", MAPPED))
        engine.run_until_idle()
        engine.finish("list", outputs={"items": [1, 2]})
        live = [engine.attempt("load", map_index=index).attempt_id for index in (0, 1)]
        clear_tasks(engine, "list", include_downstream=True)
        engine.run_until_idle()
        assert sorted(engine.executor.cancelled) == sorted(live)
        engine.executor.finished.update(live)
        self.go_on(engine, [5, 6, 7])

    def test_items_that_only_wait_are_found_anew_when_the_list_alone_is_cleared(
        self, make_engine: Callable[..., Engine]
    ) -> None:
        engine = make_engine(slots=1)
        engine.trigger(engine.save("busy", {"y": {"priority_weight": 99}}), "other")
        engine.trigger(engine.save("etl", MAPPED))
        engine.run_until_idle()
        engine.finish("y", run_id="other")
        engine.trigger(engine.save("busy", {"y": {"priority_weight": 99}}), "other2")
        engine.finish("list", outputs={"items": [1, 2, 3]})
        assert [state for name, state in engine.states().items() if name.startswith("load")] == ["scheduled"] * 3
        clear_tasks(engine, "list")
        engine.finish("y", run_id="other2")
        self.go_on(engine, [4])

    def test_a_retry_count_is_not_taken_over_from_the_item_that_stood_for_all(self, engine: Engine) -> None:
        self.run_mapped(engine, [1])
        clear_tasks(engine, "list", include_downstream=True)
        engine.run_until_idle()
        engine.finish("list", outputs={"items": [1, 2]})
        rows = {one.map_index: one for one in engine.instances() if one.task_id == "load"}
        assert (rows[0].try_number, rows[1].try_number, rows[1].max_tries) == (2, 1, 0)


class TestRefusals:
    @pytest.mark.parametrize(
        ("task_ids", "run_id", "message"),
        [
            pytest.param(("nonsense",), "r1", "task 'nonsense'", id="unknown task"),
            pytest.param((("nonsense", 1),), None, "task 'nonsense'", id="unknown task of all runs"),
            pytest.param((), "nonsense", "nonsense", id="unknown run"),
        ],
    )
    def test_what_does_not_exist_is_not_found(
        self, engine: Engine, task_ids: Any, run_id: str | None, message: str
    ) -> None:
        run_chain(engine)
        with pytest.raises(NotFound, match=message):
            clear_tasks(engine, *task_ids, run_id=run_id)
        assert engine.run()["state"] == "success"

    def test_an_item_that_does_not_exist_clears_nothing(self, engine: Engine) -> None:
        run_chain(engine)
        assert clear_tasks(engine, ("a", 5)) == 0
        assert engine.run()["state"] == "success"


def test_a_failure_stays_when_only_a_relative_upstream_of_it_is_cleared(engine: Engine) -> None:
    run_chain(engine, fail="b")
    clear_tasks(engine, "a")
    engine.run_until_idle()
    engine.finish("a")
    assert engine.states() == {"a": "success", "b": "failed", "c": "upstream_failed"}
    assert engine.run()["state"] == "failed"


def test_clear_upstream_takes_all_that_leads_there(engine: Engine) -> None:
    run_chain(engine)
    assert clear_tasks(engine, "b", include_upstream=True) == 2
    assert engine.states() == {"a": "scheduled", "b": "scheduled", "c": "success"}
