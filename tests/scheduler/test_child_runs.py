"""Tasks that run another DAG: how the child is made, how its end comes back, how the parent's end goes down."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from sqlalchemy import select

from mainspring.attempts import Finished, Outcome
from mainspring.states import RunState
from mainspring_store.interventions import Clear, RunSelection, clear, mark_run
from mainspring_store.resources import dag_deletion, dag_pauses
from mainspring_store.resources.pools import NewPool, create_pools
from mainspring_store.resources.versions import Versions
from mainspring_store.state import runs
from mainspring_store.state.runs import VersionRef
from mainspring_store.tables import dag_run, task_try
from tests.invariants import assert_sound
from tests.scheduler.engine import START, Engine

PARAMS = {"type": "object", "properties": {"day": {"type": "string"}, "rows": {"type": "integer", "default": 5}}}
CHILD: dict[str, Any] = {"work": {"env": {"DAY": "${{ params.day }}"}}}
PARENT: dict[str, Any] = {
    "call": {"type": "dag", "dag_id": "child", "conf": {"day": "${{ ds }}"}},
    "after": {"depends_on": ["call"]},
}


def save(engine: Engine, parent: dict[str, Any] | None = None, **fields: Any) -> VersionRef:
    outputs = {"total": "${{ tasks.work.outputs.rows }}"}
    engine.save("child", CHILD, params=PARAMS, outputs=outputs)
    return engine.save("parent", parent or PARENT, **fields)


def begin(engine: Engine, parent: dict[str, Any] | None = None, **fields: Any) -> str:
    """Start a parent; returns the id of the run that it made."""
    engine.trigger(save(engine, parent, **fields))
    engine.run_until_idle()
    return children(engine)[-1]


def children(engine: Engine, dag_id: str = "child") -> list[str]:
    with engine.database.read() as connection:
        return list(
            connection.scalars(select(dag_run.c.run_id).where(dag_run.c.dag_id == dag_id).order_by(dag_run.c.id))
        )


def unfinished(engine: Engine) -> int:
    with engine.database.read() as connection:
        return len(connection.execute(select(dag_run).where(dag_run.c.state.in_(["queued", "running"]))).all())


def cancel(engine: Engine, dag_id: str, run_id: str) -> None:
    runs.cancel_run(engine.database, dag_id, run_id, now=engine.clock.now(), message="cancelled by test")
    engine.run_until_idle()


def test_a_child_run_is_made_of_the_current_version_with_its_params_checked(engine: Engine) -> None:
    child = begin(engine)
    made = engine.run(child)
    assert (made["run_type"], made["triggered_by"], made["state"]) == ("operator_triggered", "operator", "running")
    assert made["conf"] == {"day": "2026-03-01"}
    assert made["params"] == {"day": "2026-03-01", "rows": 5}
    assert engine.attempt("work", child).payload["env"] == {"DAY": "2026-03-01"}
    assert engine.states() == {"call": "deferred", "after": "scheduled"}
    assert engine.run()["tasks_active"] == 1, "what waits for its run counts for max_active_tasks"
    [call, _] = engine.instances()
    assert (call.waits_for["dag_id"], call.waits_for["run_id"]) == ("child", child)


def test_a_child_run_is_made_of_the_version_that_the_task_names(engine: Engine) -> None:
    first = engine.save("child", {"old": {}})
    save(engine, {"call": {"type": "dag", "dag_id": "child", "version": 1}})
    engine.trigger(engine.save("parent", {"call": {"type": "dag", "dag_id": "child", "version": 1}}))
    engine.run_until_idle()
    [child] = children(engine)
    assert engine.run(child)["dag_version_id"] == first.id
    assert engine.attempt("old", child)


def test_the_end_of_the_child_gives_its_outputs_and_goes_on_at_once(engine: Engine) -> None:
    after = {
        "depends_on": ["call"],
        "env": {"N": "${{ tasks.call.outputs.total }}", "ID": "${{ tasks.call.outputs.run_id }}"},
    }
    child = begin(engine, {**PARENT, "after": after})
    engine.clock.move(timedelta(seconds=30))
    engine.finish("work", run_id=child, outputs={"rows": 7})
    assert engine.attempt("after").payload["env"] == {"N": 7, "ID": child}
    [attempt] = engine.tries("call")
    assert (attempt.state, attempt.try_number) == ("success", 1)
    assert attempt.end_date - attempt.start_date == timedelta(seconds=30)


def test_the_pass_after_the_childs_end_needs_no_call(engine: Engine) -> None:
    child = begin(engine, {"call": PARENT["call"]})
    attempt = engine.attempt("work", child)
    engine.start("work", child)
    engine.scheduler.run_once()
    engine.executor.report(_success(engine, attempt.attempt_id))
    engine.scheduler.run_once()
    assert engine.run(child)["state"] == "success"
    assert engine.scheduler.seconds_to_next() == 0
    engine.scheduler.run_once()
    assert engine.run()["state"] == "success"


def test_a_child_that_fails_fails_its_task_which_names_it(engine: Engine) -> None:
    child = begin(engine)
    engine.fail("work", run_id=child)
    assert engine.states() == {"call": "failed", "after": "upstream_failed"}
    message = engine.tries("call")[0].message
    assert child in message
    assert "'work'" in message


def test_a_cancelled_child_fails_its_task(engine: Engine) -> None:
    child = begin(engine)
    cancel(engine, "child", child)
    assert engine.states()["call"] == "failed"
    assert engine.instances()[0].state_reason == "child_run_failed"


def test_a_child_that_ran_out_of_time_fails_its_task(engine: Engine) -> None:
    engine.save("child", CHILD, dagrun_timeout="1m")
    engine.trigger(engine.save("parent", PARENT))
    engine.run_until_idle()
    engine.clock.move(timedelta(minutes=1))
    engine.run_until_idle()
    assert engine.states()["call"] == "failed"


def test_a_retry_makes_a_new_child(engine: Engine) -> None:
    first = begin(engine, {"call": {**PARENT["call"], "retries": 1, "retry_delay": "1m"}})
    engine.fail("work", run_id=first)
    assert engine.states() == {"call": "up_for_retry"}
    engine.clock.move(timedelta(minutes=1))
    engine.run_until_idle()
    assert len(children(engine)) == 2
    engine.finish("work", run_id=children(engine)[1], outputs={"rows": 1})
    assert engine.run()["state"] == "success"
    assert [(one.try_number, one.state) for one in engine.tries("call")] == [(1, "failed"), (2, "success")]


def test_without_wait_the_task_succeeds_at_once_and_its_end_stops_no_child(engine: Engine) -> None:
    child = begin(engine, {"call": {**PARENT["call"], "wait": False}})
    assert engine.run()["state"] == "success"
    assert engine.run(child)["state"] == "running"
    with engine.database.read() as connection:
        assert connection.execute(select(task_try.c.state)).scalars().first() == "success"
    engine.finish("work", run_id=child, outputs={"rows": 1})
    assert engine.run(child)["state"] == "success"


def test_each_item_makes_a_child_of_its_own(engine: Engine) -> None:
    engine.save("child", CHILD, params=PARAMS)
    call = {"type": "dag", "dag_id": "child", "expand": {"day": ["a", "b"]}, "conf": {"day": "${{ map.day }}"}}
    engine.trigger(engine.save("parent", {"call": call}))
    engine.run_until_idle()
    first, second = children(engine)
    assert {engine.run(first)["conf"]["day"], engine.run(second)["conf"]["day"]} == {"a", "b"}
    engine.finish("work", run_id=first)
    engine.finish("work", run_id=second)
    assert engine.run()["state"] == "success"


class TestRefused:
    def test_an_unknown_dag_fails_the_task_with_the_cure(self, engine: Engine) -> None:
        engine.trigger(engine.save("parent", PARENT))
        engine.run_until_idle()
        assert engine.instances()[0].state_reason == "child_run_invalid"
        assert "there is no dag 'child'; save it" in engine.tries("call")[0].message

    def test_an_unknown_version_fails_the_task_with_the_cure(self, engine: Engine) -> None:
        engine.trigger(save(engine, {"call": {"type": "dag", "dag_id": "child", "version": 7}}))
        engine.run_until_idle()
        [call] = engine.instances()
        assert (call.state, call.state_reason) == ("failed", "child_run_invalid")
        assert "has no saved version 7" in engine.tries("call")[0].message

    def test_conf_that_does_not_fit_fails_the_task_with_the_reason(self, engine: Engine) -> None:
        engine.trigger(save(engine, {"call": {**PARENT["call"], "conf": {"rows": "many"}}}))
        engine.run_until_idle()
        assert engine.states() == {"call": "failed"}
        assert "/rows" in engine.tries("call")[0].message
        assert children(engine) == []

    def test_recursion_goes_ten_levels_deep_and_no_further(self, engine: Engine) -> None:
        engine.trigger(engine.save("loop", {"call": {"type": "dag", "dag_id": "loop"}}))
        engine.run_until_idle()
        assert len(children(engine, "loop")) == 11
        assert engine.run(dag_id="loop")["state"] == "failed"
        assert unfinished(engine) == 0
        with engine.database.read() as connection:
            messages = connection.scalars(select(task_try.c.message).order_by(task_try.c.attempt_id.desc())).all()
        assert "10 levels" in messages[0]

    def test_recursion_that_does_not_wait_ends_too(self, engine: Engine) -> None:
        engine.trigger(engine.save("loop", {"call": {"type": "dag", "dag_id": "loop", "wait": False}}))
        engine.run_until_idle()
        assert len(children(engine, "loop")) == 11
        assert unfinished(engine) == 0


class TestEndsGoDown:
    def test_a_cancel_of_the_parent_stops_the_child(self, engine: Engine) -> None:
        child = begin(engine)
        cancel(engine, "parent", "r1")
        assert (engine.run(child)["state"], engine.run(child)["state_reason"]) == ("failed", "cancelled")
        assert engine.executor.cancelled == [engine.attempt("work", child).attempt_id]

    def test_a_child_that_has_not_started_is_stopped_too(self, engine: Engine) -> None:
        version = save(engine)
        dag_pauses.set_paused(engine.database, "child", True, now=engine.clock.now())
        engine.trigger(version)
        engine.run_until_idle()
        cancel(engine, "parent", "r1")
        assert [engine.run(one)["state"] for one in children(engine)] == ["failed"]

    def test_it_goes_down_all_levels_in_one_pass(self, engine: Engine) -> None:
        engine.save("d3", {"work": {}})
        engine.save("d2", {"call": {"type": "dag", "dag_id": "d3"}})
        engine.save("d1", {"call": {"type": "dag", "dag_id": "d2"}})
        engine.trigger(engine.save("d0", {"call": {"type": "dag", "dag_id": "d1"}}))
        engine.run_until_idle()
        assert unfinished(engine) == 4
        runs.cancel_run(engine.database, "d0", "r1", now=engine.clock.now(), message="cancelled by test")
        engine.step()
        assert unfinished(engine) == 0

    def test_the_time_limit_of_the_task_stops_the_child(self, engine: Engine) -> None:
        child = begin(engine, {"call": {**PARENT["call"], "execution_timeout": "10m"}})
        engine.clock.move(timedelta(minutes=10))
        engine.run_until_idle()
        assert (engine.states()["call"], engine.instances()[0].state_reason) == ("failed", "timed_out")
        assert engine.run(child)["state"] == "failed"

    def test_the_time_limit_of_the_parent_run_stops_the_child_in_the_same_pass(self, engine: Engine) -> None:
        child = begin(engine, dagrun_timeout="10m")
        engine.clock.move(timedelta(minutes=10))
        engine.step()
        assert engine.run(child)["state"] == "failed"

    @pytest.mark.parametrize("state", [RunState.SUCCESS, RunState.FAILED])
    def test_marking_the_parent_stops_the_child(self, engine: Engine, state: RunState) -> None:
        child = begin(engine)
        mark_run(engine.database, Versions(engine.database), "parent", "r1", state, by="test", now=START)
        engine.run_until_idle()
        assert engine.run(child)["state"] == "failed"

    def test_marking_the_child_lets_the_parent_go_on(self, engine: Engine) -> None:
        child = begin(engine)
        versions = Versions(engine.database)
        mark_run(engine.database, versions, "child", child, RunState.SUCCESS, by="test", now=START)
        engine.run_until_idle()
        assert engine.states()["call"] == "success"

    def test_deleting_the_parent_stops_the_child(self, engine: Engine) -> None:
        child = begin(engine)
        dag_deletion.delete_dag(engine.database, "parent", now=engine.clock.now())
        engine.run_until_idle()
        assert engine.run(child)["state"] == "failed"

    def test_a_task_that_is_cleared_stops_its_child_and_makes_another(self, engine: Engine) -> None:
        child = begin(engine)
        send_back(engine, "parent", "r1")
        engine.run_until_idle()
        assert engine.run(child)["state"] == "failed"
        assert engine.states()["call"] == "deferred"
        second = children(engine)[-1]
        assert engine.run(second)["state"] == "running"

    def test_deleting_the_child_fails_the_task(self, engine: Engine) -> None:
        version = save(engine, {"call": {**PARENT["call"], "execution_timeout": "10m"}})
        dag_pauses.set_paused(engine.database, "child", True, now=engine.clock.now())
        engine.trigger(version)
        engine.run_until_idle()
        dag_deletion.delete_dag(engine.database, "child", now=engine.clock.now())
        engine.run_until_idle()
        assert engine.states() == {"call": "failed"}
        assert "was deleted" in engine.tries("call")[0].message


class TestRestart:
    @pytest.mark.parametrize("phase", ["made", "running", "ended"])
    def test_another_scheduler_takes_it_up(self, make_engine: Callable[..., Engine], phase: str) -> None:
        first = make_engine()
        first.trigger(save(first))
        while not children(first):
            first.step()
        [child] = children(first)
        if phase != "made":
            first.run_until_idle()
        if phase == "ended":
            first.start("work", child)
            first.executor.report(_success(first, first.attempt("work", child).attempt_id))
            first.executor.finished.add(first.attempt("work", child).attempt_id)
            first.scheduler.run_once()
            assert (first.run(child)["state"], first.states()["call"]) == ("success", "deferred")
        second = make_engine(incarnation="second")
        second.run_until_idle()
        if phase == "made":
            second.finish("work", run_id=child, outputs={"rows": 1})
        if phase == "running":
            first.finish("work", run_id=child, outputs={"rows": 1})
            second.run_until_idle()
        assert second.states()["call"] == "success"

    def test_a_child_cleared_before_the_parent_looked_is_waited_for_again(self, engine: Engine) -> None:
        child = begin(engine)
        attempt = engine.attempt("work", child)
        engine.start("work", child)
        engine.executor.report(_success(engine, attempt.attempt_id))
        engine.executor.finished.add(attempt.attempt_id)
        engine.scheduler.run_once()
        assert (engine.run(child)["state"], engine.states()["call"]) == ("success", "deferred")
        send_back(engine, "child", child)
        engine.run_until_idle()
        assert engine.states()["call"] == "deferred"
        engine.finish("work", run_id=child, outputs={"rows": 2})
        assert engine.states()["call"] == "success"

    def test_a_child_cleared_after_its_parent_ended_runs_alone(self, engine: Engine) -> None:
        child = begin(engine)
        engine.finish("work", run_id=child, outputs={"rows": 2})
        assert engine.states()["call"] == "success"
        send_back(engine, "child", child)
        engine.run_until_idle()
        assert engine.run(child)["state"] == "running"
        engine.finish("work", run_id=child, outputs={"rows": 2})
        assert engine.run(child)["state"] == "success"


def _success(engine: Engine, attempt_id: str) -> Finished:
    return Finished(attempt_id=attempt_id, seq=2, at=engine.clock.now(), outcome=Outcome.SUCCESS, outputs={"rows": 1})


def send_back(engine: Engine, dag_id: str, run_id: str) -> None:
    """Clear a whole run."""
    wish = Clear(runs=RunSelection(run_id=run_id))
    assert clear(engine.database, Versions(engine.database), dag_id, wish, now=engine.clock.now())


class TestLimits:
    """A `dag` task that waits for its run counts as active."""

    CALL: ClassVar[dict[str, Any]] = {
        "type": "dag",
        "dag_id": "child",
        "conf": {"day": "${{ string(map.n) }}"},
        "expand": {"n": [1, 2, 3, 4]},
    }

    def finish_one_by_one(self, engine: Engine) -> None:
        """Never more than one child at one time, and four in the end."""
        for count in range(1, 5):
            made = children(engine)
            assert len(made) == count, "one child after the other"
            engine.finish("work", run_id=made[-1], outputs={"rows": 1})
            assert_sound(engine.database)
        assert engine.run()["state"] == "success"
        assert engine.run()["tasks_active"] == 0

    @pytest.mark.parametrize("limit", ["max_active_tis", "max_active_tis_per_dag"])
    def test_no_more_children_than_the_task_may_have_at_once(self, engine: Engine, limit: str) -> None:
        begin(engine, {"call": {**self.CALL, limit: 1}})
        self.finish_one_by_one(engine)

    def test_no_more_children_than_the_run_may_have_active_tasks(self, engine: Engine) -> None:
        begin(engine, {"call": self.CALL}, max_active_tasks=1)
        self.finish_one_by_one(engine)

    @pytest.mark.parametrize("include_deferred", [False, True])
    def test_no_more_children_than_the_pool_has_slots(self, engine: Engine, include_deferred: bool) -> None:
        create_pools(engine.database, [NewPool(name="db", slots=1, include_deferred=include_deferred)])
        begin(engine, {"call": {**self.CALL, "pool": "db"}})
        self.finish_one_by_one(engine)

    def test_another_task_of_the_run_waits_for_the_child_too(self, engine: Engine) -> None:
        tasks = {"call": {**PARENT["call"], "priority_weight": 5}, "other": {}}
        child = begin(engine, tasks, max_active_tasks=1)
        assert engine.states() == {"call": "deferred", "other": "scheduled"}
        engine.finish("work", run_id=child, outputs={"rows": 1})
        assert engine.states() == {"call": "success", "other": "queued"}

    def test_the_tasks_of_the_child_may_use_the_pool_of_their_parent(self, engine: Engine) -> None:
        create_pools(engine.database, [NewPool(name="db", slots=1)])
        engine.save("child", {"work": {"pool": "db"}})
        engine.trigger(engine.save("parent", {"call": {"type": "dag", "dag_id": "child", "pool": "db"}}))
        engine.run_until_idle()
        engine.finish("work", run_id=children(engine)[-1])
        assert engine.run()["state"] == "success"
        assert_sound(engine.database)

    @pytest.mark.parametrize("how", ["cancel", "clear", "mark"])
    def test_what_ends_the_wait_makes_room(self, engine: Engine, how: str) -> None:
        create_pools(engine.database, [NewPool(name="db", slots=1)])
        version = save(engine, {"call": {**PARENT["call"], "pool": "db", "max_active_tis_per_dag": 1}})
        for run_id in ("r1", "r2"):
            engine.trigger(version, run_id)
        engine.run_until_idle()
        assert (engine.states("r1"), engine.states("r2")) == ({"call": "deferred"}, {"call": "scheduled"})
        now, versions = engine.clock.now(), Versions(engine.database)
        if how == "cancel":
            cancel(engine, "parent", "r1")
        elif how == "mark":
            mark_run(engine.database, versions, "parent", "r1", RunState.SUCCESS, by="test", now=now)
        else:
            dag_pauses.set_paused(engine.database, "parent", False, now=now)
            clear(engine.database, versions, "parent", Clear(runs=RunSelection(run_id="r1")), now=now)
        engine.run_until_idle()
        assert_sound(engine.database)
        waiting = [engine.states(run_id)["call"] for run_id in ("r1", "r2")]
        assert waiting.count("deferred") == 1
        if how != "clear":
            assert engine.states("r2") == {"call": "deferred"}

    def test_a_child_that_is_not_waited_for_needs_no_room(self, engine: Engine) -> None:
        begin(engine, {"call": {**self.CALL, "wait": False}}, max_active_tasks=1)
        assert len(children(engine)) == 4
        assert engine.run()["state"] == "success"
