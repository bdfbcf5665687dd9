"""Tasks that wait for a time or for an HTTP condition: without a slot, through restarts, without rows that pile up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from mainspring.attempts import Finished, Outcome
from mainspring.errors import InvalidDag
from mainspring.states import StateReason
from mainspring_scheduler.duties.rescue import find_lost
from mainspring_store.state import runs
from tests.scheduler.engine import START, Engine

PARAMS = {"type": "object", "properties": {"until": {}}}
PAUSE: dict[str, Any] = {"pause": {"type": "wait", "for": "10m"}, "after": {"depends_on": ["pause"]}}
POLL: dict[str, Any] = {
    "poll": {
        "type": "wait",
        "http": {"url": "https://example.test/${{ run_id }}", "expected_status": ["204"]},
        "interval": "20s",
        "timeout": "1m",
    },
    "after": {"depends_on": ["poll"]},
}
MINUTE = timedelta(minutes=1)


def begin(engine: Engine, tasks: dict[str, Any], conf: dict[str, Any] | None = None, **fields: Any) -> None:
    engine.trigger(engine.save("etl", tasks, params=PARAMS, **fields), conf=conf)
    engine.run_until_idle()


def pass_time(engine: Engine, by: timedelta) -> None:
    engine.clock.move(by)
    engine.run_until_idle()


def say_not_yet(engine: Engine) -> None:
    engine.fail("poll", reason=StateReason.HTTP_STATUS, message="GET https://example.test/r1 answered 503")


class TestTime:
    def test_a_duration_counts_from_when_the_task_was_ready(self, engine: Engine) -> None:
        begin(engine, {"first": {}, **PAUSE, "pause": {**PAUSE["pause"], "depends_on": ["first"]}})
        engine.clock.move(MINUTE)
        engine.finish("first")
        assert engine.states()["pause"] == "deferred"
        pass_time(engine, timedelta(minutes=9, seconds=59))
        assert engine.states()["pause"] == "deferred"
        pass_time(engine, timedelta(seconds=1))
        assert engine.states() == {"first": "success", "pause": "success", "after": "queued"}

    def test_the_scheduler_wakes_at_the_instant(self, engine: Engine) -> None:
        begin(engine, {"pause": {"type": "wait", "for": "250ms"}})
        assert engine.scheduler.seconds_to_next() == pytest.approx(0.25)
        engine.clock.move(timedelta(milliseconds=250))
        engine.scheduler.run_once()
        assert engine.run()["state"] == "success"

    @pytest.mark.parametrize("until", ["2026-03-01T12:30:00Z", "2026-03-01T13:30:00+01:00"])
    def test_an_instant_may_come_from_an_expression(self, engine: Engine, until: str) -> None:
        begin(engine, {"pause": {"type": "wait", "until": "${{ params.until }}"}}, {"until": until})
        assert engine.instances()[0].not_before == START + timedelta(minutes=30)
        pass_time(engine, timedelta(minutes=30))
        assert engine.run()["state"] == "success"

    @pytest.mark.parametrize("pause", [{"until": "2026-03-01T12:00:00Z"}, {"until": "2020-01-01"}, {"for": "0s"}])
    def test_what_has_come_already_is_not_waited_for(self, engine: Engine, pause: dict[str, Any]) -> None:
        begin(engine, {"pause": {"type": "wait", **pause}})
        assert engine.run()["state"] == "success"

    @pytest.mark.parametrize("until", ["tomorrow", 7, None, "2026-03-01T12:30:00"])
    def test_an_expression_that_gives_no_instant_fails_the_task(self, engine: Engine, until: Any) -> None:
        begin(engine, {"pause": {"type": "wait", "until": "${{ params.until }}"}}, {"until": until})
        assert engine.instances()[0].state_reason == "expression_error"
        assert "until" in engine.tries("pause")[0].message

    def test_a_wait_is_given_up_at_its_timeout(self, engine: Engine) -> None:
        begin(engine, {"pause": {"type": "wait", "for": "1h", "timeout": "10m", "retries": 3}})
        pass_time(engine, timedelta(minutes=10))
        assert (engine.states()["pause"], engine.instances()[0].state_reason) == ("failed", "timed_out")
        assert "timeout" in engine.tries("pause")[0].message

    def test_a_wait_is_one_try_that_began_when_it_did(self, engine: Engine) -> None:
        begin(engine, PAUSE)
        pass_time(engine, timedelta(minutes=10))
        [attempt] = engine.tries("pause")
        assert (attempt.try_number, attempt.state) == (1, "success")
        assert attempt.end_date - attempt.start_date == timedelta(minutes=10)
        assert [event.state for event in engine.events() if event.task_id == "pause"] == ["deferred", "success"]

    def test_waiting_takes_no_slot_and_asks_nothing_of_the_store(self, engine: Engine) -> None:
        begin(engine, {**PAUSE, "busy": {}}, max_active_tasks=1)
        assert engine.states() == {"pause": "deferred", "after": "scheduled", "busy": "queued"}
        assert engine.run()["tasks_active"] == 1
        assert engine.step().did_nothing

    def test_a_wait_begins_although_its_run_is_full(self, engine: Engine) -> None:
        begin(engine, {"busy": {"priority_weight": 9}, **PAUSE}, max_active_tasks=1)
        assert engine.states()["pause"] == "deferred"

    def test_each_item_waits_for_its_own_instant(self, engine: Engine) -> None:
        times = ["2026-03-01T12:10:00Z", "2026-03-01T12:20:00Z"]
        tasks = {"pause": {"type": "wait", "expand": {"at": "${{ params.until }}"}, "until": "${{ map.at }}"}}
        begin(engine, tasks, {"until": times})
        pass_time(engine, timedelta(minutes=10))
        assert engine.states() == {"pause[0]": "success", "pause[1]": "deferred"}
        pass_time(engine, timedelta(minutes=10))
        assert engine.run()["state"] == "success"

    def test_a_wait_goes_on_under_another_scheduler(self, make_engine: Callable[..., Engine]) -> None:
        first = make_engine()
        begin(first, PAUSE)
        second = make_engine(incarnation="second")
        second.run_until_idle()
        assert second.states()["pause"] == "deferred"
        second.clock.move(timedelta(days=3))
        second.run_until_idle()
        assert second.states() == {"pause": "success", "after": "queued"}

    def test_a_clock_that_goes_back_only_makes_the_wait_longer(self, engine: Engine) -> None:
        begin(engine, PAUSE)
        pass_time(engine, timedelta(minutes=-30))
        pass_time(engine, timedelta(minutes=39))
        assert engine.states()["pause"] == "deferred"
        pass_time(engine, timedelta(minutes=1))
        assert engine.states()["pause"] == "success"

    def test_a_cancel_ends_the_wait(self, engine: Engine) -> None:
        begin(engine, PAUSE)
        runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="cancelled by test")
        pass_time(engine, timedelta(hours=1))
        assert engine.states() == {"pause": "failed", "after": "skipped"}
        [attempt] = engine.tries("pause")
        assert (attempt.state, attempt.state_reason) == ("cancelled", "cancelled")
        assert engine.executor.cancelled == []

    def test_the_time_limit_of_the_run_ends_the_wait(self, engine: Engine) -> None:
        begin(engine, PAUSE, dagrun_timeout="5m")
        pass_time(engine, timedelta(minutes=5))
        assert (engine.run()["state_reason"], engine.states()["pause"]) == ("timed_out", "failed")


class TestHttp:
    def test_the_first_request_is_made_at_once_as_an_http_attempt(self, engine: Engine) -> None:
        begin(engine, POLL)
        attempt = engine.attempt("poll")
        assert attempt.task_type == "http"
        assert attempt.payload == {"url": "https://example.test/r1", "expected_status": ["204"]}
        assert engine.states()["poll"] == "queued"

    def test_the_condition_holds_when_the_status_is_expected(self, engine: Engine) -> None:
        begin(engine, {**POLL, "after": {**POLL["after"], "env": {"STATUS": "${{ tasks.poll.outputs.status }}"}}})
        engine.finish("poll", outputs={"status": 204, "body": ""})
        assert engine.attempt("after").payload["env"] == {"STATUS": 204}

    def test_the_answer_must_fit_the_condition(self, engine: Engine) -> None:
        http = {**POLL["poll"]["http"], "until": "${{ answer.body.state == 'done' && answer.status == 204 }}"}
        begin(engine, {**POLL, "poll": {**POLL["poll"], "http": http}})
        assert "until" not in engine.attempt("poll").payload
        engine.finish("poll", outputs={"status": 204, "headers": {}, "body": {"state": "running"}})
        assert (engine.states()["poll"], len(engine.tries("poll"))) == ("deferred", 1)
        assert engine.tries("poll")[0].message == "`until` was false for the answer"
        pass_time(engine, timedelta(seconds=20))
        engine.finish("poll", outputs={"status": 204, "headers": {}, "body": {"state": "done"}})
        assert engine.states() == {"poll": "success", "after": "queued"}
        assert engine.tries("poll")[-1].try_number == 1

    @pytest.mark.parametrize(
        ("until", "message"),
        [("answer.body.state == 'done'", "state"), ("answer.body", "it must give true or false")],
    )
    def test_a_condition_that_cannot_be_evaluated_fails_the_task(
        self, engine: Engine, until: str, message: str
    ) -> None:
        http = {**POLL["poll"]["http"], "until": f"${{{{ {until} }}}}"}
        begin(engine, {**POLL, "poll": {**POLL["poll"], "http": http}})
        engine.finish("poll", outputs={"status": 204, "headers": {}, "body": {"other": 1}})
        assert (engine.states()["poll"], engine.instances()[0].state_reason) == ("failed", "expression_error")
        assert message in engine.tries("poll")[0].message

    @pytest.mark.parametrize(
        ("until", "message"),
        [("params.day == '1'", "params"), ("answer.json == 'done'", "an answer has no"), ("answer.body ==", "express")],
    )
    def test_a_bad_condition_is_refused_at_save(self, engine: Engine, until: str, message: str) -> None:
        http = {"url": "https://example.test/", "until": f"${{{{ {until} }}}}"}
        with pytest.raises(InvalidDag, match=message) as refused:
            engine.save("etl", {"poll": {"type": "wait", "http": http}})
        assert [problem.pointer for problem in refused.value.problems] == ["/tasks/poll/http/until"]

    def test_a_condition_counts_until_the_timeout(self, engine: Engine) -> None:
        http = {**POLL["poll"]["http"], "until": "${{ answer.status == 200 }}"}
        begin(engine, {**POLL, "poll": {**POLL["poll"], "http": http}})
        engine.clock.move(MINUTE)
        engine.finish("poll", outputs={"status": 204, "headers": {}, "body": ""})
        assert (engine.states()["poll"], engine.instances()[0].state_reason) == ("failed", "timed_out")

    def test_between_requests_it_holds_no_slot(self, engine: Engine) -> None:
        begin(engine, POLL)
        say_not_yet(engine)
        assert (engine.states()["poll"], engine.run()["tasks_active"]) == ("deferred", 0)
        assert engine.scheduler.seconds_to_next() == pytest.approx(1.0)
        pass_time(engine, timedelta(seconds=19))
        assert engine.states()["poll"] == "deferred"
        pass_time(engine, timedelta(seconds=1))
        assert engine.states()["poll"] == "queued"
        engine.finish("poll")
        assert engine.states() == {"poll": "success", "after": "queued"}

    @pytest.mark.parametrize(
        ("outcome", "reason"),
        [
            (Outcome.FAILED, StateReason.HTTP_STATUS),
            (Outcome.FAILED, StateReason.HTTP_ERROR),
            (Outcome.FAILED, StateReason.TIMED_OUT),
            (Outcome.LOST, StateReason.WORKER_LOST),
            (Outcome.INTERRUPTED, StateReason.INTERRUPTED),
        ],
    )
    def test_what_may_succeed_next_time_is_asked_again_and_costs_no_try(
        self, engine: Engine, outcome: Outcome, reason: StateReason
    ) -> None:
        begin(engine, POLL)
        for _ in range(2):
            engine.finish("poll", outcome, reason=reason)
            pass_time(engine, timedelta(seconds=20))
        assert engine.states()["poll"] == "queued"
        assert engine.instances()[0].try_number == 1

    def test_many_requests_leave_one_attempt_and_no_events(self, engine: Engine) -> None:
        begin(engine, {"poll": {**POLL["poll"], "timeout": "1h"}})
        for _ in range(20):
            say_not_yet(engine)
            pass_time(engine, timedelta(seconds=20))
        engine.finish("poll")
        [attempt] = engine.tries("poll")
        assert (attempt.try_number, attempt.state) == (1, "success")
        assert attempt.attempt_id == engine.attempt("poll").attempt_id
        events = [event.state for event in engine.events() if event.task_id == "poll"]
        assert events == ["deferred", "success"]
        assert len(engine.executor.submitted) == 21

    def test_the_latest_answer_can_be_read_while_it_waits(self, engine: Engine) -> None:
        begin(engine, POLL)
        say_not_yet(engine)
        [attempt] = engine.tries("poll")
        assert (attempt.state, attempt.end_date) == ("deferred", None)
        assert "503" in attempt.message

    def test_the_wait_is_given_up_at_its_timeout_not_an_interval_later(self, engine: Engine) -> None:
        begin(engine, POLL)
        for _ in range(3):
            say_not_yet(engine)
            pass_time(engine, timedelta(seconds=20))
        assert (engine.states()["poll"], engine.instances()[0].state_reason) == ("failed", "timed_out")
        assert engine.states()["after"] == "upstream_failed"
        assert engine.run()["state"] == "failed"

    def test_a_request_that_is_out_at_the_timeout_decides(self, engine: Engine) -> None:
        begin(engine, POLL)
        engine.clock.move(MINUTE)
        say_not_yet(engine)
        assert (engine.states()["poll"], engine.instances()[0].state_reason) == ("failed", "timed_out")
        assert "503" in engine.tries("poll")[0].message

    def test_no_request_outlives_the_timeout(self, engine: Engine) -> None:
        begin(engine, POLL)
        assert engine.attempt("poll").timeout == MINUTE
        say_not_yet(engine)
        pass_time(engine, timedelta(seconds=20))
        assert engine.attempt("poll").timeout == timedelta(seconds=40)

    def test_a_request_that_can_never_be_made_ends_the_wait(self, engine: Engine) -> None:
        begin(engine, POLL)
        engine.fail("poll", reason=StateReason.REJECTED, message="url is ...")
        assert engine.states()["poll"] == "failed"

    def test_a_failure_that_is_retried_begins_a_new_wait(self, engine: Engine) -> None:
        begin(engine, {"poll": {**POLL["poll"], "retries": 1, "retry_delay": "1m"}})
        engine.fail("poll", reason=StateReason.ADDRESS_REFUSED)
        assert engine.states()["poll"] == "up_for_retry"
        pass_time(engine, MINUTE)
        say_not_yet(engine)
        pass_time(engine, timedelta(seconds=59))
        assert engine.states()["poll"] == "queued"
        engine.finish("poll")
        assert [(one.try_number, one.state) for one in engine.tries("poll")] == [(1, "failed"), (2, "success")]

    def test_a_request_waits_for_a_slot_like_any_task(self, engine: Engine) -> None:
        begin(engine, {**POLL, "busy": {}}, max_active_tasks=1)
        assert sorted(engine.states().values()) == ["queued", "scheduled", "scheduled"]
        held = "poll" if engine.states()["poll"] == "queued" else "busy"
        engine.finish(held)
        assert engine.run()["tasks_active"] == 1

    def test_a_report_that_comes_twice_is_one_answer(self, engine: Engine) -> None:
        begin(engine, POLL)
        attempt_id = engine.attempt("poll").attempt_id
        say_not_yet(engine)
        due = engine.instances()[0].not_before
        engine.clock.move(timedelta(seconds=5))
        engine.executor.report(
            Finished(
                attempt_id=attempt_id, seq=2, at=engine.clock.now(), outcome=Outcome.SUCCESS, outputs={"status": 1}
            )
        )
        engine.run_until_idle()
        assert (engine.states()["poll"], engine.instances()[0].not_before) == ("deferred", due)

    @pytest.mark.parametrize("phase", ["waiting", "asking"])
    def test_the_wait_goes_on_under_another_scheduler(self, make_engine: Callable[..., Engine], phase: str) -> None:
        first = make_engine()
        begin(first, POLL)
        if phase == "waiting":
            say_not_yet(first)
        second = make_engine(incarnation="second")
        second.clock.move(timedelta(seconds=1))
        second.scheduler.inject(
            find_lost(
                second.database,
                {"thread": second.executor},
                incarnation="second",
                is_exclusive=True,
                now=second.clock.now(),
            )
        )
        second.run_until_idle()
        assert second.states()["poll"] == "deferred"
        pass_time(second, timedelta(seconds=20))
        second.finish("poll")
        assert second.states() == {"poll": "success", "after": "queued"}
        assert [one.try_number for one in second.tries("poll")] == [1]

    @pytest.mark.parametrize("phase", ["waiting", "asking"])
    def test_a_cancel_ends_the_wait(self, engine: Engine, phase: str) -> None:
        begin(engine, POLL)
        if phase == "waiting":
            say_not_yet(engine)
        runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="cancelled by test")
        pass_time(engine, MINUTE)
        assert engine.states() == {"poll": "failed", "after": "skipped"}
        assert [one.state for one in engine.tries("poll")] == ["cancelled"]
        assert len(engine.executor.cancelled) == (phase == "asking")
