"""Tasks that wait for a signal: kept before the wait, each taken once, without a slot."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from mainspring.errors import Conflict, InvalidInput, NotFound
from mainspring.signals import KEPT_MAX, VALUE_BYTES_MAX
from mainspring.states import TaskState
from mainspring_store.interventions import Clear, Mark, RunSelection, TaskSelection, clear, mark
from mainspring_store.queries.listing import ListQuery
from mainspring_store.queries.signals import list_signals
from mainspring_store.resources.signals import send_signal
from mainspring_store.resources.versions import Versions
from mainspring_store.state import runs
from tests.scheduler.engine import Engine

PAY: dict[str, Any] = {
    "pay": {"type": "wait", "signal": "paid", "timeout": "1h"},
    "after": {"depends_on": ["pay"], "env": {"SUM": "${{ tasks.pay.outputs.value }}"}},
}
TWO: dict[str, Any] = {
    "first": {"type": "wait", "signal": "paid"},
    "pause": {"type": "wait", "for": "10s"},
    "second": {"type": "wait", "signal": "paid", "depends_on": ["pause"]},
}


def begin(engine: Engine, tasks: dict[str, Any] = PAY) -> None:
    engine.trigger(engine.save("etl", tasks))
    engine.run_until_idle()


def send(engine: Engine, value: Any = None, name: str = "paid", run_id: str = "r1") -> int:
    now = engine.clock.now()
    return send_signal(engine.database, Versions(engine.database), "etl", run_id, name, value, by="shop", now=now)


def takers(engine: Engine) -> list[str | None]:
    return [row["taken_by"] for row in list_signals(engine.database, ListQuery(), "etl", "r1").rows]


def move(engine: Engine, **by: int) -> None:
    engine.clock.move(timedelta(**by))
    engine.run_until_idle()


def test_it_waits_without_a_slot_and_without_looking(engine: Engine) -> None:
    begin(engine)
    assert engine.states() == {"pay": "deferred", "after": "scheduled"}
    assert engine.run()["tasks_active"] == 0
    assert engine.instances()[0].waits_for == {"kind": "signal", "name": "paid", "give_up_at": "2026-03-01T13:00:00Z"}
    assert engine.step().did_nothing


def test_the_value_goes_to_the_downstream(engine: Engine) -> None:
    begin(engine)
    send(engine, 120)
    engine.run_until_idle()
    assert engine.states() == {"pay": "success", "after": "queued"}
    assert engine.attempt("after").payload["env"] == {"SUM": 120}
    assert takers(engine) == ["pay"]


def test_a_signal_before_the_start_of_the_run_is_kept(engine: Engine) -> None:
    engine.trigger(engine.save("etl", PAY))
    send(engine, {"amount": 1})
    engine.run_until_idle()
    assert engine.states()["pay"] == "success"


def test_each_signal_ends_one_wait_the_longest_first(engine: Engine) -> None:
    begin(engine, TWO)
    move(engine, seconds=10)
    send(engine)
    engine.run_until_idle()
    assert engine.states() == {"first": "success", "pause": "success", "second": "deferred"}
    send(engine)
    engine.run_until_idle()
    assert engine.run()["state"] == "success"
    assert takers(engine) == ["first", "second"]


def test_later_waits_take_the_earliest_that_are_kept(engine: Engine) -> None:
    begin(engine, TWO)
    for number in range(3):
        send(engine, number)
    engine.run_until_idle()
    assert takers(engine) == ["first", None, None]
    move(engine, seconds=10)
    assert takers(engine) == ["first", "second", None]


def test_a_signal_goes_to_another_wait_when_a_user_ends_the_first(engine: Engine) -> None:
    begin(engine, TWO)
    move(engine, seconds=10)
    send(engine)
    chosen = TaskSelection(task_ids=["first"])
    request = Mark(state=TaskState.SUCCESS, runs=RunSelection(run_id="r1"), tasks=chosen)
    mark(engine.database, Versions(engine.database), "etl", request, by="ann", now=engine.clock.now())
    engine.run_until_idle()
    assert takers(engine) == ["second"]
    assert engine.run()["state"] == "success"


def test_a_cleared_wait_needs_another_signal(engine: Engine) -> None:
    begin(engine)
    send(engine)
    engine.run_until_idle()
    engine.finish("after")
    request = Clear(runs=RunSelection(run_id="r1"), tasks=TaskSelection(task_ids=["pay"]))
    clear(engine.database, Versions(engine.database), "etl", request, now=engine.clock.now())
    engine.run_until_idle()
    assert engine.states()["pay"] == "deferred"
    send(engine)
    engine.run_until_idle()
    assert engine.run()["state"] == "success"
    assert takers(engine) == ["pay", "pay"]


@pytest.mark.parametrize(("soft", "state", "reason"), [(False, "failed", "timed_out"), (True, "skipped", "soft_fail")])
def test_a_wait_is_given_up_at_its_timeout(engine: Engine, soft: bool, state: str, reason: str) -> None:
    begin(engine, {**PAY, "pay": {**PAY["pay"], "soft_fail": soft, "retries": 2}})
    engine.clock.move(timedelta(hours=1, seconds=1))
    send(engine)  # too late, though no scheduler has looked since
    engine.run_until_idle()
    assert (engine.instances()[0].state, engine.instances()[0].state_reason) == (state, reason)
    assert "the signal 'paid'" in engine.tries("pay")[0].message
    assert takers(engine) == [None]


def test_a_signal_at_the_last_instant_counts(engine: Engine) -> None:
    begin(engine)
    engine.clock.move(timedelta(hours=1))
    send(engine)
    move(engine, hours=1)
    assert engine.states()["pay"] == "success"


def test_an_ended_run_takes_no_signal(engine: Engine) -> None:
    begin(engine)
    runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="by test")
    with pytest.raises(Conflict, match="clear a task first"):
        send(engine)


def test_what_no_task_waits_for_is_refused(engine: Engine) -> None:
    begin(engine)
    with pytest.raises(NotFound, match="did you mean 'paid'"):
        send(engine, name="payed")
    with pytest.raises(NotFound, match="known: paid"):
        send(engine, name="other")
    with pytest.raises(NotFound, match="r2"):
        send(engine, run_id="r2")
    assert takers(engine) == []


def test_the_value_and_the_number_of_signals_are_bounded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(engine, {"before": {}, "pay": {**PAY["pay"], "depends_on": ["before"]}})
    send(engine, "x" * (VALUE_BYTES_MAX - 2))
    with pytest.raises(InvalidInput, match="at most 65536"):
        send(engine, "x" * (VALUE_BYTES_MAX - 1))
    assert KEPT_MAX == 1_000
    monkeypatch.setattr("mainspring_store.resources.signals.KEPT_MAX", 2)
    send(engine)
    with pytest.raises(Conflict, match="keeps 2 signals"):
        send(engine)


def test_two_schedulers_give_a_signal_to_one_wait(make_engine: Callable[..., Engine]) -> None:
    tasks = {f"w{number}": {"type": "wait", "signal": "paid"} for number in range(8)}
    first = make_engine()
    begin(first, tasks)
    engines = [first, make_engine(incarnation="second")]
    for _ in range(5):
        send(first)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda engine: engine.run_until_idle(), engines))
    first.run_until_idle()
    states = list(first.states().values())
    assert (states.count("success"), states.count("deferred")) == (5, 3)
    assert len(set(takers(first))) == 5
