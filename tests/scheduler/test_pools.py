"""Pools: slots that tasks of all DAGs share."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mainspring.definition import parse_definition
from mainspring.errors import Conflict, InvalidDag, NotFound
from mainspring.states import StateReason, TaskState
from mainspring_store.database.pipeline import Statements
from mainspring_store.queries.pools import get_pool
from mainspring_store.resources import dags
from mainspring_store.resources.pools import NewPool, change_pools, create_pools, delete_pools
from mainspring_store.state import runs
from mainspring_store.state.effects import Effects, InstanceRef, SlotsTaken
from mainspring_store.tables import pool
from tests.scheduler.engine import START, Engine


def make(engine: Engine, slots: int, name: str = "db", **more: Any) -> None:
    create_pools(engine.database, [NewPool(name=name, slots=slots, **more)])


def used(engine: Engine, name: str = "db") -> int:
    with engine.database.read() as connection:
        return int(connection.scalar(select(pool.c.used).where(pool.c.name == name)) or 0)


def queued(engine: Engine, *run_ids: str) -> list[str]:
    return [
        f"{run_id}/{task}" for run_id in run_ids for task, state in engine.states(run_id).items() if state == "queued"
    ]


def test_a_pool_is_shared_by_the_runs_of_all_dags(engine: Engine) -> None:
    make(engine, 3)
    for n in range(3):
        engine.trigger(engine.save(f"dag{n}", {"a": {"pool": "db"}, "b": {"pool": "db"}}), f"r{n}")
    engine.run_until_idle()
    assert (len(queued(engine, "r0", "r1", "r2")), used(engine)) == (3, 3)
    engine.finish("a", run_id="r0")
    assert (len(queued(engine, "r0", "r1", "r2")), used(engine)) == (3, 3), "what one gives back another takes"
    for _ in range(5):
        attempt = engine.executor.open[0]
        engine.finish(attempt.task_id, run_id=attempt.run_id)
    assert used(engine) == 0
    assert {engine.run(f"r{n}")["state"] for n in range(3)} == {"success"}


def test_a_full_pool_does_not_keep_the_one_free_slot_of_a_run_from_others(engine: Engine) -> None:
    make(engine, 1)
    engine.trigger(engine.save("first", {"a": {"pool": "db", "priority_weight": 9}}), "r1")
    tasks = {"b": {"pool": "db", "priority_weight": 5}, "c": {}, "d": {}}
    engine.trigger(engine.save("second", tasks, max_active_tasks=1), "r2")
    engine.step()
    assert queued(engine, "r1", "r2") == ["r1/a", "r2/c"]


def test_a_task_takes_as_many_slots_as_it_asks_for(engine: Engine) -> None:
    make(engine, 5)
    tasks = {name: {"pool": "db", "pool_slots": slots} for name, slots in {"a": 3, "b": 3, "c": 2}.items()}
    engine.trigger(engine.save("etl", tasks))
    engine.run_until_idle()
    assert engine.states() == {"a": "queued", "b": "scheduled", "c": "queued"}
    assert used(engine) == 5
    engine.finish("c")
    assert engine.states()["b"] == "scheduled"
    engine.finish("a")
    assert engine.states()["b"] == "queued"
    assert used(engine) == 3


def test_of_those_that_wait_for_a_slot_the_highest_priority_goes_first(engine: Engine) -> None:
    make(engine, 1)
    tasks = {name: {"pool": "db", "priority_weight": weight} for name, weight in {"a": 1, "b": 9, "c": 5}.items()}
    engine.trigger(engine.save("etl", tasks))
    engine.run_until_idle()
    order = []
    for _ in range(3):
        (attempt,) = engine.executor.open
        order.append(attempt.task_id)
        engine.finish(attempt.task_id)
    assert order == ["b", "c", "a"]


def test_a_full_pool_holds_up_nobody_else(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(slots=8)
    make(engine, 1)
    waiting = {f"w{n}": {"pool": "db", "priority_weight": 9} for n in range(30)}
    engine.trigger(engine.save("etl", {**waiting, "free": {}}))
    engine.step()
    assert {one.task_id for one in engine.executor.open} == {"w0", "free"}, "within one pass"


def test_a_pool_of_minus_one_has_room_for_all(engine: Engine) -> None:
    make(engine, -1)
    engine.trigger(engine.save("etl", {f"t{n}": {"pool": "db", "pool_slots": 1000} for n in range(5)}))
    engine.run_until_idle()
    assert len(queued(engine, "r1")) == 5
    assert get_pool(engine.database, "db")["queued_slots"] == 5000


def test_a_pool_made_smaller_than_what_it_holds_starts_nothing_new_until_enough_is_free(engine: Engine) -> None:
    make(engine, 3)
    engine.trigger(engine.save("etl", {f"t{n}": {"pool": "db"} for n in range(5)}))
    engine.run_until_idle()
    change_pools(engine.database, {"db": {"slots": 1}})
    engine.finish("t0")
    engine.finish("t1")
    assert queued(engine, "r1") == ["r1/t2"]
    engine.finish("t2")
    assert queued(engine, "r1") == ["r1/t3"]
    change_pools(engine.database, {"db": {"slots": 2}})
    engine.run_until_idle()
    assert queued(engine, "r1") == ["r1/t3", "r1/t4"]


def test_a_pool_of_no_slots_starts_nothing(engine: Engine) -> None:
    make(engine, 0)
    engine.trigger(engine.save("etl", {"a": {"pool": "db"}}))
    engine.run_until_idle()
    assert engine.states() == {"a": "scheduled"}
    assert get_pool(engine.database, "db")["scheduled_slots"] == 1


def test_slots_come_back_when_a_run_is_cancelled(engine: Engine) -> None:
    make(engine, 2)
    engine.trigger(engine.save("etl", {"a": {"pool": "db"}, "b": {"pool": "db"}, "c": {"pool": "db"}}))
    engine.run_until_idle()
    runs.cancel_run(engine.database, "etl", "r1", now=START, message="stop")
    assert used(engine) == 0


@pytest.mark.parametrize("state", [TaskState.QUEUED, TaskState.DEFERRED])
def test_slots_that_somebody_else_took_meanwhile_are_not_taken_twice(engine: Engine, state: TaskState) -> None:
    make(engine, 2, include_deferred=True)
    run = engine.trigger(engine.save("etl", {"a": {"pool": "db"}}))
    effects = Effects()
    effects.moved(InstanceRef(1, run, 0, "db", 3), TaskState.SCHEDULED, state, at=START)
    with pytest.raises(SlotsTaken), engine.database.write() as connection:
        effects.apply(connection)
    assert used(engine) == 0


def test_a_pass_that_finds_its_slots_taken_changes_nothing_and_the_next_one_sees_what_is_left(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(engine, 2)
    engine.trigger(engine.save("etl", {"a": {"pool": "db"}, "b": {"pool": "db"}}))
    original = Effects.apply_by

    def shrink_first(effects: Effects, statements: Statements, **more: Any) -> Any:
        # As if somebody had made the pool smaller since this pass read the room in it.
        statements.connection.execute(pool.update().where(pool.c.name == "db").values(slots=1))
        return original(effects, statements, **more)

    with monkeypatch.context() as patched:
        patched.setattr(Effects, "apply_by", shrink_first)
        counts = engine.step()
    assert not counts.is_complete
    assert not engine.executor.submitted
    engine.run_until_idle()
    assert len(queued(engine, "r1")) == 2, "the shrinking was undone with the pass"
    assert used(engine) == 2


def test_a_pool_that_does_not_exist_is_refused_when_the_dag_is_saved(engine: Engine) -> None:
    make(engine, 1, "warehouse")
    with pytest.raises(InvalidDag) as caught:
        engine.save("etl", {"a": {"pool": "warehose"}, "b": {}}, default_args={"pool": "nowhere"})
    problems = [(one.pointer, one.code, one.hint) for one in caught.value.problems]
    assert problems == [
        ("/tasks/a/pool", "unknown_pool", "did you mean 'warehouse'?"),
        ("/default_args/pool", "unknown_pool", "create it by POST /api/v2/pools"),
    ]


def test_a_pool_in_use_cannot_be_deleted(engine: Engine) -> None:
    make(engine, 1)
    engine.trigger(engine.save("etl", {"a": {"pool": "db"}}))
    with pytest.raises(Conflict, match="1 unfinished task instances"):
        delete_pools(engine.database, ["db"])
    engine.run_until_idle()
    engine.finish("a")
    with pytest.raises(Conflict, match="dag 'etl' names it"):
        delete_pools(engine.database, ["db"])
    engine.save("etl", {"a": {"description": 'it said "pool":"db" once'}})
    assert delete_pools(engine.database, ["db"]) == ["db"]
    with pytest.raises(NotFound):
        delete_pools(engine.database, ["db"])


def test_a_pool_named_by_the_default_args_of_a_dag_cannot_be_deleted(engine: Engine) -> None:
    make(engine, 1)
    engine.save("etl", {"a": {}}, default_args={"pool": "db"})
    with pytest.raises(Conflict, match="dag 'etl' names it"):
        delete_pools(engine.database, ["db"])


def test_the_default_pool_cannot_be_deleted(engine: Engine) -> None:
    with pytest.raises(Conflict, match="default_pool"):
        delete_pools(engine.database, ["default_pool"])


def test_a_task_whose_pool_is_gone_fails_with_the_cure_instead_of_waiting_for_ever(engine: Engine) -> None:
    make(engine, 1)
    engine.trigger(engine.save("etl", {"a": {"pool": "db"}}))
    with engine.database.write() as connection:
        connection.execute(pool.delete().where(pool.c.name == "db"))
    engine.run_until_idle()
    (instance,) = engine.instances()
    assert (instance.state, instance.state_reason) == ("failed", StateReason.POOL_MISSING)
    assert "create it" in engine.tries("a")[0].message


def test_deferred_instances_hold_slots_where_the_pool_says_so(engine: Engine) -> None:
    make(engine, 3, include_deferred=True)
    wait = {"type": "wait", "for": "60s", "pool": "db"}
    engine.trigger(engine.save("etl", {"a": {**wait, "pool_slots": 2}, "b": {**wait, "pool_slots": 2}, "c": wait}))
    engine.run_until_idle()
    assert engine.states() == {"a": "deferred", "b": "scheduled", "c": "deferred"}
    shown = get_pool(engine.database, "db")
    assert (used(engine), shown["deferred_slots"], shown["scheduled_slots"]) == (3, 3, 2)
    engine.clock.move(timedelta(seconds=60))
    engine.run_until_idle()
    assert engine.states() == {"a": "success", "b": "deferred", "c": "success"}
    engine.clock.move(timedelta(seconds=60))
    engine.run_until_idle()
    assert (engine.run()["state"], used(engine)) == ("success", 0)


def test_what_waits_for_room_to_wait_does_not_stand_before_others(engine: Engine) -> None:
    """More of them than are looked at in one go, and of higher priority."""
    make(engine, 1, include_deferred=True)
    waits = {f"w{n}": {"type": "wait", "for": "60s", "pool": "db", "priority_weight": 9} for n in range(40)}
    engine.trigger(engine.save("etl", {**waits, "free": {}}))
    engine.run_until_idle()
    states = engine.states()
    assert states.pop("free") == "queued"
    assert sorted(states.values()) == ["deferred"] + ["scheduled"] * 39


def test_the_requests_of_a_wait_take_the_slots_that_it_holds_between_them(engine: Engine) -> None:
    make(engine, 1, include_deferred=True)
    poll = {"type": "wait", "pool": "db", "interval": "30s", "http": {"url": "https://example.test/"}}
    engine.trigger(engine.save("etl", {"a": poll}))
    for _ in range(3):
        for _ in range(3):
            engine.step()
        assert (engine.states(), used(engine)) == ({"a": "queued"}, 1)
        engine.fail("a", reason=StateReason.HTTP_STATUS, message="503")
        assert (engine.states(), used(engine)) == ({"a": "deferred"}, 1)
        engine.clock.move(timedelta(seconds=30))


def test_deferred_instances_hold_nothing_in_other_pools(engine: Engine) -> None:
    make(engine, 1)
    wait = {"type": "wait", "for": "60s", "pool": "db"}
    engine.trigger(engine.save("etl", {"a": wait, "b": wait}))
    engine.run_until_idle()
    assert engine.states() == {"a": "deferred", "b": "deferred"}
    assert used(engine) == 0


def test_changing_whether_deferred_instances_count_counts_anew(engine: Engine) -> None:
    make(engine, 5)
    engine.trigger(engine.save("etl", {"a": {"type": "wait", "for": "60s", "pool": "db", "pool_slots": 2}}))
    engine.run_until_idle()
    change_pools(engine.database, {"db": {"include_deferred": True}})
    assert used(engine) == 2
    change_pools(engine.database, {"db": {"include_deferred": False}})
    assert used(engine) == 0


def test_validating_a_definition_finds_what_saving_it_would(engine: Engine) -> None:
    definition = parse_definition({"dag_id": "etl", "tasks": {"a": {"type": "noop", "pool": "db"}}})
    with pytest.raises(InvalidDag):
        dags.check_dag(engine.database, definition)
    make(engine, 1)
    dags.check_dag(engine.database, definition)
