"""Routing: which executor a task goes to, and what becomes of one that asks for an executor which is not there."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from mainspring.attempts import Started
from mainspring.definition import parse_definition
from mainspring.errors import InvalidDag
from mainspring_scheduler.duties.rescue import find_lost
from mainspring_store.tables import task_try
from tests.scheduler.engine import START, Engine, ScriptedExecutor

Make = Callable[..., Engine]


def tasks_of(executor: ScriptedExecutor) -> list[str]:
    return [attempt.task_id for attempt in executor.submitted.values()]


def test_each_task_goes_to_the_executor_that_it_asks_for_and_the_others_to_the_first(make_engine: Make) -> None:
    engine = make_engine(executors=["local", "thread", "rq"])
    engine.trigger(engine.save("mixed", {"a": {}, "b": {"executor": "rq"}, "c": {"executor": "thread"}, "d": {}}))
    engine.run_until_idle()
    assert {name: tasks_of(one) for name, one in engine.executors.items()} == {
        "local": ["a", "d"],
        "thread": ["c"],
        "rq": ["b"],
    }
    assert {task: engine.tries(task)[0].executor for task in "abcd"} == {
        "a": "local",
        "b": "rq",
        "c": "thread",
        "d": "local",
    }


def test_the_executor_of_default_args_is_that_of_every_task_which_names_none(make_engine: Make) -> None:
    engine = make_engine(executors=["thread", "local"])
    engine.trigger(
        engine.save("mixed", {"a": {}, "b": {"executor": "thread"}}, default_args={"executor": "local"}),
    )
    engine.run_until_idle()
    assert (tasks_of(engine.executors["local"]), tasks_of(engine.executor)) == (["a"], ["b"])


@pytest.mark.parametrize("full", ["thread", "rq"])
def test_the_backlog_of_a_full_executor_holds_up_no_other(make_engine: Make, full: str) -> None:
    engine = make_engine(executors=["thread", "rq"])
    engine.executors[full].slots = 1
    backlog = {f"w{n}": {"executor": full, "priority_weight": 9} for n in range(40)}
    other = "rq" if full == "thread" else "thread"
    engine.trigger(engine.save("mixed", {**backlog, "light": {"executor": other}}))
    engine.run_until_idle()
    assert len(engine.executors[full].submitted) == 1
    assert tasks_of(engine.executors[other]) == ["light"]


def test_a_full_executor_does_not_keep_the_one_free_slot_of_a_run_from_others(make_engine: Make) -> None:
    engine = make_engine(executors=["thread", "local"])
    engine.executors["thread"].slots = 0
    tasks = {"a": {"priority_weight": 9}, "b": {"executor": "local"}}
    engine.trigger(engine.save("mixed", tasks, max_active_tasks=1))
    engine.run_until_idle()
    assert {name: tasks_of(one) for name, one in engine.executors.items()} == {"thread": [], "local": ["b"]}


def test_executors_share_the_slots_of_a_run_in_order_of_priority(make_engine: Make) -> None:
    engine = make_engine(executors=["thread", "local"])
    tasks = {
        "low": {"priority_weight": 1},
        "high": {"executor": "local", "priority_weight": 3},
        "middle": {"priority_weight": 2},
    }
    engine.trigger(engine.save("mixed", tasks, max_active_tasks=2))
    engine.run_until_idle()
    assert engine.states() == {"low": "scheduled", "high": "queued", "middle": "queued"}


@pytest.mark.parametrize("left", [["thread"], ["thread", "local"]], ids=["one left", "two left"])
def test_a_task_whose_executor_was_taken_away_fails_alone_and_says_why(make_engine: Make, left: list[str]) -> None:
    engine = make_engine(executors=left)
    engine.trigger(engine.save("mixed", {"a": {"executor": "rq", "retries": 3}, "b": {}, "c": {"depends_on": ["a"]}}))
    engine.run_until_idle()
    engine.finish("b")
    assert engine.states() == {"a": "failed", "b": "success", "c": "upstream_failed"}
    (attempt,) = engine.tries("a")
    assert (attempt.executor, attempt.state_reason) == ("rq", "executor_missing")
    assert attempt.message.startswith(f"the scheduler has no executor 'rq' any more, only {', '.join(left)}; put it")


def test_what_takes_no_executor_needs_none(make_engine: Make) -> None:
    engine = make_engine()
    engine.trigger(engine.save("mixed", {"a": {"type": "noop", "executor": "rq"}}))
    engine.run_until_idle()
    assert engine.states() == {"a": "success"}


def test_an_unknown_executor_is_refused_at_its_place_with_a_guess() -> None:
    source = """
dag_id: mixed
default_args: {executor: celery}
tasks:
  a: {type: noop}
  b:
    type: noop
    executor: lokal
"""
    with pytest.raises(InvalidDag) as refused:
        parse_definition(source, media="yaml", executors=["thread", "local"])
    assert [str(problem) for problem in refused.value.problems] == [
        "line 3, /default_args/executor: there is no executor 'celery' (known: thread, local)",
        "line 8, /tasks/b/executor: there is no executor 'lokal' (did you mean 'local'?)",
    ]


@pytest.mark.parametrize(
    ("lease", "lost"),
    [
        pytest.param(None, True, id="no worker has it"),
        pytest.param(timedelta(seconds=-1), True, id="its lease has run out"),
        pytest.param(timedelta(seconds=1), False, id="a worker holds it"),
    ],
)
def test_what_ran_on_an_executor_that_was_taken_away_is_lost_once_no_worker_holds_it(
    make_engine: Make, lease: timedelta | None, lost: bool
) -> None:
    first = make_engine(executors=["thread", "rq"])
    first.trigger(first.save("mixed", {"a": {"executor": "rq"}}))
    first.run_until_idle()
    first.executors["rq"].report(
        Started(attempt_id=first.executors["rq"].open[0].attempt_id, seq=1, at=START, hostname="there")
    )
    first.run_until_idle()
    if lease is not None:
        with first.database.write() as connection:
            connection.execute(update(task_try).values(lease_expires_at=START + lease))
    second = make_engine(executors=["thread"], incarnation="second")
    second.scheduler.inject(
        find_lost(second.database, second.executors, incarnation="second", is_exclusive=True, now=START)
    )
    second.run_until_idle()
    assert second.states() == {"a": "failed" if lost else "running"}
