"""No DAG keeps the others from running, however much of it is ready."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from mainspring.attempts import Finished, Outcome
from tests.scheduler.engine import START, Engine
from tests.scheduler.test_cost import counted

SHELL: dict[str, Any] = {}


def wide(prefix: str, count: int = 40, **more: Any) -> dict[str, Any]:
    return {f"{prefix}{number}": {**SHELL, **more} for number in range(count)}


def next_batch(engine: Engine) -> Counter[str]:
    """End all that runs, and let one pass fill the slots again: how many each DAG got."""
    before = set(engine.executor.submitted)
    for attempt in engine.executor.open:
        engine.executor.report(
            Finished(attempt_id=attempt.attempt_id, seq=2, at=START, outcome=Outcome.SUCCESS, outputs={})
        )
        engine.executor.finished.add(attempt.attempt_id)
    engine.step()
    new = set(engine.executor.submitted) - before
    return Counter(engine.executor.submitted[one].dag_id for one in new)


def test_a_backlog_leaves_half_of_each_batch_to_a_dag_that_comes_later(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(slots=8)
    engine.trigger(engine.save("first", wide("a")), "r1")
    engine.run_until_idle()
    for number in range(8):
        engine.trigger(engine.save(f"later-{number}", wide("b", 10)), f"r{number + 2}")
    engine.step()
    batches = [next_batch(engine) for _ in range(4)]
    assert all(batch.total() == 8 for batch in batches)
    assert all(batch["first"] <= 4 for batch in batches)


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_with_few_slots_two_dags_take_turns(make_engine: Callable[..., Engine], slots: int) -> None:
    engine = make_engine(slots=slots)
    engine.trigger(engine.save("first", wide("a")), "r1")
    engine.run_until_idle()
    engine.trigger(engine.save("second", wide("b")), "r2")
    engine.step()
    taken = sum((next_batch(engine) for _ in range(12)), Counter[str]())
    assert taken.total() == 12 * slots
    assert abs(taken["second"] - taken["first"]) <= 12


@pytest.mark.parametrize("slots", [1, 2, 8])
def test_two_backlogs_do_not_keep_a_third_dag_waiting(make_engine: Callable[..., Engine], slots: int) -> None:
    engine = make_engine(slots=slots)
    first, second = engine.save("first", wide("a", 5), max_active_runs=30), engine.save("second", wide("b", 60))
    for number in range(30):
        engine.trigger(first, f"a{number}")
    engine.trigger(second, "b")
    engine.run_until_idle()
    next_batch(engine)
    engine.trigger(engine.save("urgent", {"c": SHELL}), "c")
    engine.step()
    assert sum((next_batch(engine) for _ in range(3)), Counter[str]())["urgent"] == 1


def test_priority_gives_a_dag_no_more_than_its_half(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(slots=2)
    engine.trigger(engine.save("weighty", wide("a", priority_weight=1000)), "r1")
    engine.run_until_idle()
    engine.trigger(engine.save("light", {"b": SHELL}), "r2")
    engine.step()
    assert next_batch(engine)["light"] == 1


def test_alone_a_dag_takes_all_there_is(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(slots=8)
    version = engine.save("only", wide("a"))
    engine.trigger(version, "r1")
    engine.trigger(engine.save("idle", {"wait": {"type": "approval", "message": "?"}}), "r2")
    engine.run_until_idle()
    assert [next_batch(engine).total() for _ in range(4)] == [8, 8, 8, 8]


def test_a_backlog_takes_no_further_statement(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(slots=8)
    engine.trigger(engine.save("first", wide("a", 100)), "r1")
    engine.run_until_idle()
    costs = []
    for _ in range(4):
        with counted(engine.database) as cost:
            next_batch(engine)
        costs.append(len(cost.statements))
    assert len(set(costs)) == 1
