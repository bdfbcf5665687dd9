"""Tasks that wait until somebody has answered."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from mainspring.errors import Conflict, InvalidDag, InvalidInput, NotFound
from mainspring_store.queries.approvals import list_open_approvals
from mainspring_store.queries.listing import ListQuery
from mainspring_store.state import runs
from tests.scheduler.approvals import answer_approval
from tests.scheduler.engine import START, Engine

ASK: dict[str, Any] = {
    "ask": {"type": "approval", "message": "Publish ${{ run_id }}?", "timeout": "1h"},
    "after": {"depends_on": ["ask"]},
}


def begin(engine: Engine, **ask: Any) -> None:
    engine.trigger(engine.save("etl", {**ASK, "ask": {**ASK["ask"], **ask}}))
    engine.run_until_idle()


def say(engine: Engine, choice: str, *, by: str = "ann", note: str | None = None, **more: Any) -> Any:
    names: dict[str, Any] = {"dag_id": "etl", "run_id": "r1", "task_id": "ask", **more}
    return answer_approval(engine.database, **names, choice=choice, by=by, note=note, now=engine.clock.now())


def open_approvals(engine: Engine) -> list[str]:
    listed = list_open_approvals(engine.database, ListQuery(filters={}), now=engine.clock.now())
    return [row["waits_for"]["message"] for row in listed.rows]


def test_it_asks_and_waits_without_a_slot(engine: Engine) -> None:
    begin(engine)
    assert engine.states() == {"ask": "deferred", "after": "scheduled"}
    assert engine.run()["tasks_active"] == 0
    assert open_approvals(engine) == ["Publish r1?"]
    assert engine.instances()[0].waits_for["choices"] == ["approve", "reject"]


def test_an_approval_lets_the_run_go_on_with_who_and_why(engine: Engine) -> None:
    words = {"WHO": "${{ tasks.ask.outputs.by }}", "WHY": "${{ tasks.ask.outputs.note }}"}
    engine.trigger(engine.save("etl", {**ASK, "after": {**ASK["after"], "env": words}}))
    engine.run_until_idle()
    engine.clock.move(timedelta(minutes=5))
    answer = say(engine, "approve", note="looks good")
    assert answer == {
        "choice": "approve",
        "choices": ["approve"],
        "values": {},
        "by": "ann",
        "note": "looks good",
        "at": "2026-03-01T12:05:00Z",
    }
    engine.run_until_idle()
    assert engine.states() == {"ask": "success", "after": "queued"}
    assert engine.attempt("after").payload["env"] == {"WHO": "ann", "WHY": "looks good"}
    assert open_approvals(engine) == []


def test_a_rejection_fails_the_task_for_good(engine: Engine) -> None:
    begin(engine, retries=3)
    say(engine, "reject", note="wrong figures")
    engine.run_until_idle()
    assert engine.states() == {"ask": "failed", "after": "upstream_failed"}
    assert engine.instances()[0].state_reason == "approval_rejected"
    assert engine.tries("ask")[0].message == "rejected by ann: wrong figures"


def test_choices_of_ones_own_are_for_what_comes_after(engine: Engine) -> None:
    tasks = {
        "ask": {**ASK["ask"], "choices": ["blue", "green"]},
        "blue": {"depends_on": ["ask"], "when": "${{ tasks.ask.outputs.choice == 'blue' }}"},
        "green": {"depends_on": ["ask"], "when": "${{ tasks.ask.outputs.choice == 'green' }}"},
    }
    engine.trigger(engine.save("etl", tasks))
    engine.run_until_idle()
    say(engine, "green")
    engine.run_until_idle()
    assert engine.states() == {"ask": "success", "blue": "skipped", "green": "queued"}


def test_nobody_answering_in_time_fails_the_task(engine: Engine) -> None:
    begin(engine, retries=3)
    engine.clock.move(timedelta(hours=1))
    engine.run_until_idle()
    assert (engine.states()["ask"], engine.instances()[0].state_reason) == ("failed", "timed_out")


@pytest.mark.parametrize(("default", "state"), [("approve", "success"), ("reject", "failed")])
def test_the_default_answers_at_the_timeout(engine: Engine, default: str, state: str) -> None:
    begin(engine, default=default)
    engine.clock.move(timedelta(hours=1))
    engine.run_until_idle()
    assert engine.states()["ask"] == state


def test_without_a_timeout_it_waits_for_ever(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"ask": {"type": "approval", "message": "?"}}))
    engine.run_until_idle()
    engine.clock.move(timedelta(days=3000))
    engine.run_until_idle()
    assert engine.states() == {"ask": "deferred"}
    say(engine, "approve")
    engine.run_until_idle()
    assert engine.run()["state"] == "success"


def test_of_two_answers_at_once_one_counts(engine: Engine) -> None:
    begin(engine)

    def answer(choice: str) -> str:
        try:
            say(engine, choice, by=choice)
        except Conflict:
            return "too late"
        return choice

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(answer, ["approve", "reject"]))
    assert sorted(said).count("too late") == 1
    engine.run_until_idle()
    won = next(choice for choice in said if choice != "too late")
    assert engine.states()["ask"] == {"approve": "success", "reject": "failed"}[won]


def test_an_answer_that_came_before_the_timeout_counts_though_nobody_looked(engine: Engine) -> None:
    begin(engine)
    engine.clock.move(timedelta(minutes=59))
    say(engine, "approve")
    engine.clock.move(timedelta(hours=9))
    engine.run_until_idle()
    assert engine.states()["ask"] == "success"


class TestRefused:
    def test_a_second_answer(self, engine: Engine) -> None:
        begin(engine)
        say(engine, "approve")
        for _ in range(2):
            with pytest.raises(Conflict, match=r"answered already, with 'approve' by ann|it does not wait"):
                say(engine, "reject")
            engine.run_until_idle()
        assert engine.states()["ask"] == "success"

    def test_an_answer_after_the_timeout_though_nobody_looked(self, engine: Engine) -> None:
        begin(engine)
        engine.clock.move(timedelta(hours=1))
        assert open_approvals(engine) == []
        with pytest.raises(Conflict, match="no longer"):
            say(engine, "approve")

    def test_a_choice_that_there_is_not(self, engine: Engine) -> None:
        begin(engine)
        with pytest.raises(InvalidInput, match=r"no choice 'aprove'.*did you mean 'approve'"):
            say(engine, "aprove")
        assert engine.states()["ask"] == "deferred"

    @pytest.mark.parametrize("names", [{"dag_id": "x"}, {"run_id": "x"}, {"task_id": "x"}, {"map_index": 0}])
    def test_an_instance_that_there_is_not(self, engine: Engine, names: dict[str, Any]) -> None:
        begin(engine)
        with pytest.raises(NotFound):
            say(engine, "approve", **names)

    def test_a_task_that_is_no_approval(self, engine: Engine) -> None:
        begin(engine)
        with pytest.raises(NotFound, match="only approvals"):
            say(engine, "approve", task_id="after")

    @pytest.mark.parametrize("more", [{"default": "later"}, {"choices": ["a"], "default": "approve"}])
    def test_a_default_that_is_no_choice(self, engine: Engine, more: dict[str, Any]) -> None:
        with pytest.raises(InvalidDag, match="no choice"):
            begin(engine, **more)

    def test_an_answer_to_a_cancelled_run(self, engine: Engine) -> None:
        begin(engine)
        runs.cancel_run(engine.database, "etl", "r1", now=START, message="cancelled by test")
        with pytest.raises(Conflict, match="is failed"):
            say(engine, "approve")


def test_a_cancel_that_comes_after_the_answer_but_before_it_was_acted_on_wins(engine: Engine) -> None:
    begin(engine)
    say(engine, "approve")
    runs.cancel_run(engine.database, "etl", "r1", now=START, message="cancelled by test")
    engine.run_until_idle()
    assert engine.states() == {"ask": "failed", "after": "skipped"}


def test_each_item_is_asked_about_by_itself(engine: Engine) -> None:
    tasks = {"ask": {"type": "approval", "expand": {"city": ["Rome", "Oslo"]}, "message": "${{ map.city }}?"}}
    engine.trigger(engine.save("etl", tasks))
    engine.run_until_idle()
    assert sorted(open_approvals(engine)) == ["Oslo?", "Rome?"]
    say(engine, "approve", map_index=1)
    engine.run_until_idle()
    assert engine.states() == {"ask[0]": "deferred", "ask[1]": "success"}


@pytest.mark.parametrize("is_answered", [False, True])
def test_another_scheduler_takes_it_up(make_engine: Callable[..., Engine], is_answered: bool) -> None:
    first = make_engine()
    begin(first)
    if is_answered:
        say(first, "approve")
    second = make_engine(incarnation="second")
    second.run_until_idle()
    if not is_answered:
        assert second.states()["ask"] == "deferred"
        say(second, "approve")
        second.run_until_idle()
    assert second.states() == {"ask": "success", "after": "queued"}
