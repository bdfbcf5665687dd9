"""What the simulation found, each as a story of its own."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from mainspring.attempts import Finished, Outcome
from mainspring.errors import StoreUnavailable
from mainspring.states import StateReason, TaskState
from mainspring_scheduler.duties.rescue import LOST_AFTER, find_lost
from mainspring_store import Database
from mainspring_store.interventions import Mark, RunSelection, TaskSelection, mark
from mainspring_store.resources import dag_deletion, dag_pauses
from mainspring_store.resources import heartbeats as services
from mainspring_store.resources.pools import NewPool, create_pools
from mainspring_store.resources.versions import Versions
from mainspring_store.state import runs
from mainspring_store.tables import pool
from tests.invariants import assert_sound
from tests.scheduler.approvals import answer_approval
from tests.scheduler.engine import Engine
from tests.scheduler.test_remote import REMOTE, claim
from tests.simulation.world import UnreliableDatabase

LISTS = {"type": "object", "properties": {"items": {"type": "array"}, "way": {}}}


def cancel(engine: Engine, run_id: str) -> None:
    assert runs.cancel_run(engine.database, "etl", run_id, now=engine.clock.now(), message="by test")


def test_what_is_reported_in_the_pass_of_the_timeout_is_told_before_it(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}, "b": {}}, dagrun_timeout="60s"))
    engine.run_until_idle()
    engine.clock.move(timedelta(seconds=61))
    engine.start("b")
    engine.finish("a")
    told = [(one.task_id, one.state) for one in engine.events()]
    assert told.index(("a", "success")) < told.index(("b", "failed")) < told.index((None, "failed"))
    assert told.index(("b", "running")) < told.index(("b", "failed"))
    assert engine.events()[-1].task_id is None, "nothing is told of a run after its end"
    assert engine.states() == {"a": "success", "b": "failed"}


@pytest.mark.parametrize("fault", ["rollback", "unknown"])
def test_a_start_whose_commit_broke_is_recorded_once(engine: Engine, database: Database, fault: str) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    unreliable = UnreliableDatabase(database.engine, database._write_queue)
    engine.scheduler._database = unreliable
    engine.start("a")
    unreliable.fault = fault
    with pytest.raises(StoreUnavailable):
        engine.step()
    engine.run_until_idle()
    assert engine.states() == {"a": "running"}
    assert [one.state for one in engine.events() if one.task_id == "a"] == ["queued", "running"]
    unreliable.disconnect()


def test_a_run_that_was_undone_lends_its_names_to_no_later_run(engine: Engine, database: Database) -> None:
    """SQLite gives the key of the undone run to the next run."""
    version = engine.save("etl", {"a": {"command": ["${{ run_id }}"]}}, schedule="@hourly")
    engine.run_until_idle()
    unreliable = UnreliableDatabase(database.engine, database._write_queue)
    engine.scheduler._database = unreliable
    engine.clock.move(timedelta(hours=1))
    unreliable.fault = "rollback"
    with pytest.raises(StoreUnavailable):
        engine.step()
    engine.trigger(version, "r1")
    engine.run_until_idle()
    assert engine.attempt("a", "r1").payload["command"] == ["r1"]
    unreliable.disconnect()


def test_a_cancel_makes_room_for_what_its_tasks_limit_held_back(engine: Engine) -> None:
    version = engine.save("etl", {"a": {"max_active_tis_per_dag": 1}})
    for run_id in ("r1", "r2"):
        engine.trigger(version, run_id)
    engine.run_until_idle()
    assert engine.states("r2") == {"a": "scheduled"}
    cancel(engine, "r1")
    engine.run_until_idle()
    assert engine.states("r2") == {"a": "queued"}


def test_an_instance_without_limits_makes_room_for_one_whose_later_version_has_them(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}), "r1")
    engine.run_until_idle()
    engine.trigger(engine.save("etl", {"a": {"max_active_tis_per_dag": 1}}), "r2")
    engine.run_until_idle()
    assert engine.states("r2") == {"a": "scheduled"}
    engine.finish("a", run_id="r1")
    assert engine.states("r2") == {"a": "queued"}


def test_what_begins_in_the_same_pass_without_limits_counts_against_those_of_a_later_version(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}), "r1")
    engine.trigger(engine.save("etl", {"a": {"max_active_tis_per_dag": 1}}), "r2")
    engine.run_until_idle()
    assert (engine.states("r1"), engine.states("r2")) == ({"a": "queued"}, {"a": "scheduled"})


def test_a_skip_without_limits_lets_a_run_of_a_later_version_go_on(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}, "b": {"depends_on": ["a"], "trigger_rule": "all_failed"}}), "r1")
    engine.run_until_idle()
    tasks = {"a": {}, "b": {"depends_on": ["a"], "depends_on_past": True}}
    engine.trigger(engine.save("etl", tasks), "r2")
    engine.run_until_idle()
    engine.finish("a", run_id="r2")
    assert engine.states("r2")["b"] == "scheduled"
    engine.finish("a", run_id="r1")
    assert engine.states("r1")["b"] == "skipped"
    assert engine.states("r2")["b"] == "queued"


def test_a_cancel_before_the_start_holds_the_next_run_back_until_a_user_decides(engine: Engine) -> None:
    version = engine.save("etl", {"a": {}, "b": {"depends_on": ["a"], "depends_on_past": True}})
    for run_id in ("r1", "r2"):
        engine.trigger(version, run_id)
    engine.run_until_idle()
    engine.finish("a", run_id="r2")
    assert engine.states("r2")["b"] == "scheduled"
    cancel(engine, "r1")
    engine.run_until_idle()
    assert engine.states("r1")["b"] == "skipped"
    assert engine.states("r2")["b"] == "scheduled", "what the cancel kept from running has not succeeded"
    wish = Mark(state=TaskState.SKIPPED, runs=RunSelection(run_id="r1"), tasks=TaskSelection(task_ids=["b"]))
    mark(engine.database, Versions(engine.database), "etl", wish, by="test", now=engine.clock.now())
    engine.run_until_idle()
    assert engine.states("r2")["b"] == "queued"


def test_what_a_branch_left_out_lets_the_next_run_go_on(engine: Engine) -> None:
    tasks = {
        "pick": {"type": "branch", "callable": "ways:pick"},
        "a": {"depends_on": ["pick"], "depends_on_past": True},
    }
    version = engine.save("etl", tasks)
    for run_id in ("r1", "r2"):
        engine.trigger(version, run_id)
    engine.run_until_idle()
    engine.finish("pick", run_id="r2", outputs={"return_value": "a"})
    assert engine.states("r2")["a"] == "scheduled"
    engine.finish("pick", run_id="r1", outputs={"return_value": []})
    assert engine.states("r1")["a"] == "skipped"
    assert engine.states("r2")["a"] == "queued"


def test_items_wait_for_a_run_before_that_has_not_found_its_items_yet(engine: Engine) -> None:
    tasks = {
        "a": {},
        "b": {"depends_on": ["a"], "expand": {"item": "${{ params.items }}"}, "depends_on_past": True},
    }
    version = engine.save("etl", tasks, params=LISTS)
    for run_id in ("r1", "r2"):
        engine.trigger(version, run_id, {"items": [1]})
    engine.run_until_idle()
    engine.finish("a", run_id="r2")
    assert engine.states("r2")["b[0]"] == "scheduled"
    engine.finish("a", run_id="r1")
    engine.finish("b", run_id="r1", map_index=0)
    assert engine.states("r2")["b[0]"] == "queued"


def test_items_that_the_run_before_turns_out_not_to_have_go_on(engine: Engine) -> None:
    tasks = {
        "a": {},
        "b": {"depends_on": ["a"], "expand": {"item": "${{ params.items }}"}, "depends_on_past": True},
    }
    version = engine.save("etl", tasks, params=LISTS)
    engine.trigger(version, "r1", {"items": [1]})
    engine.trigger(version, "r2", {"items": [1, 2]})
    engine.run_until_idle()
    engine.finish("a", run_id="r2")
    assert engine.states("r2")["b[1]"] == "scheduled"
    engine.finish("a", run_id="r1")
    assert (engine.states("r2")["b[0]"], engine.states("r2")["b[1]"]) == ("scheduled", "queued")


def test_a_branch_leaves_out_a_mapped_task_that_was_expanded_at_the_same_moment(engine: Engine) -> None:
    tasks = {
        "pick": {"type": "branch", "choose": "${{ [] }}", "priority_weight": 9},
        "a": {"depends_on": ["pick"], "trigger_rule": "always", "expand": {"item": "${{ params.items }}"}},
    }
    engine.trigger(engine.save("etl", tasks, params=LISTS), conf={"items": [1, 2, 3]})
    engine.run_until_idle()
    assert engine.states() == {"pick": "success", "a[0]": "skipped", "a[1]": "skipped", "a[2]": "skipped"}
    assert engine.run()["state"] == "success"


def test_a_fenced_attempt_whose_scheduler_died_is_said_to_have_stopped(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    cancel(engine, "r1")
    lost = find_lost(
        engine.database, {"thread": engine.executor}, incarnation="second", is_exclusive=True, now=engine.clock.now()
    )
    engine.scheduler.inject(lost)
    engine.run_until_idle()
    assert [one.stopped_at for one in engine.tries("a")] == [engine.clock.now()]
    assert engine.states() == {"a": "failed"}


def test_a_dag_that_is_deleted_and_saved_anew_runs_as_it_says_now(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {"command": ["old"]}}), conf={})
    engine.run_until_idle()
    engine.finish("a")
    dag_deletion.delete_dag(engine.database, "etl", now=engine.clock.now())
    engine.trigger(engine.save("etl", {"a": {"command": ["new"]}}))
    engine.run_until_idle()
    assert engine.attempt("a").payload["command"] == ["new"]


def test_the_attempts_of_a_living_scheduler_are_not_lost(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    now, executors = engine.clock.now(), {"thread": engine.executor}
    services.register_service(
        engine.database,
        incarnation="first",
        kind="scheduler",
        hostname="h",
        pid=1,
        version="0",
        details={},
        now=now,
    )
    find = partial(find_lost, engine.database, executors, incarnation="second", is_exclusive=False)
    assert find(now=now + LOST_AFTER) == []
    assert len(find(now=now + LOST_AFTER + timedelta(seconds=1))) == 1


def test_the_end_of_a_wait_lets_the_next_run_go_on(engine: Engine) -> None:
    version = engine.save("etl", {"a": {"type": "wait", "for": "5s", "depends_on_past": True}})
    for run_id in ("r1", "r2"):
        engine.trigger(version, run_id)
    engine.run_until_idle()
    assert (engine.states("r1"), engine.states("r2")) == ({"a": "deferred"}, {"a": "scheduled"})
    engine.clock.move(timedelta(seconds=5))
    engine.run_until_idle()
    assert (engine.states("r1"), engine.states("r2")) == ({"a": "success"}, {"a": "deferred"})


def test_a_report_that_cannot_be_stored_still_tells_that_its_attempt_stopped(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}, "b": {}}))
    engine.run_until_idle()
    engine.finish("a", outputs={"x": object()})
    assert engine.states() == {"a": "failed", "b": "failed"}
    assert (engine.run()["state"], engine.run()["state_reason"]) == ("failed", "quarantined")
    assert [one.stopped_at for one in engine.tries("a")] == [engine.clock.now()]
    assert [one.stopped_at for one in engine.tries("b")] == [None], "it was only told to stop"


def test_a_dag_that_is_deleted_gives_back_the_slots_of_what_waits(engine: Engine) -> None:
    create_pools(engine.database, [NewPool(name="db", slots=3, include_deferred=True)])
    wait = {"type": "wait", "for": "1h", "pool": "db"}
    engine.trigger(engine.save("etl", {"a": wait, "b": {**wait, "pool_slots": 2}}))
    engine.run_until_idle()
    assert _used(engine) == 3
    dag_deletion.delete_dag(engine.database, "etl", now=engine.clock.now())
    assert _used(engine) == 0


def test_what_a_trigger_rule_has_decided_is_told_before_what_ends_in_the_same_pass(engine: Engine) -> None:
    """`last` is skipped for what had ended before; `call` fails when it is decided, beside it, as its DAG is gone."""
    tasks = {"done": {}, "open": {}, "call": {"type": "dag", "dag_id": "gone"}}
    rest = {"below": {"depends_on": ["last"]}, "last": {"depends_on": list(tasks)}}
    engine.trigger(engine.save("etl", {**tasks, **rest}))
    request = Mark(state=TaskState.SKIPPED, runs=RunSelection(run_id="r1"), tasks=TaskSelection(task_ids=["done"]))
    mark(engine.database, Versions(engine.database), "etl", request, by="test", now=engine.clock.now())
    engine.run_until_idle()
    told = [(one.task_id, one.state) for one in engine.events()]
    assert told.index(("last", "skipped")) < told.index(("call", "failed"))
    assert engine.states() == {
        "done": "skipped", "open": "queued", "call": "failed", "last": "skipped", "below": "skipped",
    }  # fmt: skip


def _used(engine: Engine) -> int:
    with engine.database.read() as connection:
        return connection.scalar(select(pool.c.used).where(pool.c.name == "db")) or 0


def test_a_remote_attempt_whose_start_another_scheduler_recorded_is_charged_when_it_is_lost(
    make_engine: Callable[..., Engine],
) -> None:
    mine, other = (make_engine(capabilities=REMOTE, incarnation=name) for name in ("first", "second"))
    mine.trigger(mine.save("etl", {"a": {"retries": 1, "retry_delay": "0s"}}))
    mine.run_until_idle()
    assert claim(mine, "a") is not None
    other.run_until_idle()
    assert mine.states() == {"a": "running"}
    attempt_id, now = mine.attempt("a").attempt_id, mine.clock.now()
    lost = Finished(attempt_id=attempt_id, seq=0, at=now, outcome=Outcome.LOST, reason=StateReason.WORKER_LOST)
    mine.scheduler.inject([lost])
    mine.run_until_idle()
    [instance] = mine.instances()
    assert (instance.state, instance.try_number, instance.max_tries) == ("queued", 2, 1)


def test_a_task_below_a_missed_deadline_is_ready_only_when_its_run_starts(engine: Engine) -> None:
    deadline = {"after": "run_after", "within": "5s", "action": "fail"}
    version = engine.save("etl", {"a": {"deadline": deadline}, "b": {"depends_on": ["a"]}})
    dag_pauses.set_paused(engine.database, "etl", True, now=engine.clock.now())
    engine.trigger(version)
    engine.clock.move(timedelta(seconds=6))
    engine.run_until_idle()
    assert engine.run()["state"] == "queued"
    assert [(one.task_id, one.state, one.ready) for one in engine.instances()] == [
        ("a", "failed", False), ("b", "scheduled", False),
    ]  # fmt: skip
    dag_pauses.set_paused(engine.database, "etl", False, now=engine.clock.now())
    engine.run_until_idle()
    assert engine.states() == {"a": "failed", "b": "upstream_failed"}
    assert engine.run()["state"] == "failed"


def test_a_run_that_starts_in_the_pass_in_which_a_task_misses_its_deadline_goes_on(engine: Engine) -> None:
    deadline = {"after": "run_after", "within": "5s", "action": "fail"}
    version = engine.save("etl", {"a": {"deadline": deadline}, "b": {"depends_on": ["a"]}})
    engine.trigger(version)
    engine.clock.move(timedelta(seconds=6))
    engine.run_until_idle()
    assert engine.states() == {"a": "failed", "b": "upstream_failed"}
    assert engine.run()["state"] == "failed"


def test_a_call_takes_its_slot_in_the_pass_in_which_another_wait_of_its_pool_ends(engine: Engine) -> None:
    engine.save("child", {"a": {}})
    ask = {"type": "approval", "message": "go on?"}
    engine.trigger(engine.save("etl", {"ask": ask, "call": {"type": "dag", "dag_id": "child", "depends_on": ["ask"]}}))
    engine.run_until_idle()
    answer_approval(engine.database, "etl", "r1", "ask", choice="approve", by="ann", note=None, now=engine.clock.now())
    engine.step()
    assert engine.states() == {"ask": "success", "call": "deferred"}
    assert_sound(engine.database)
