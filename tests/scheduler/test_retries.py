"""Which failures are tried again, and until when."""

from datetime import timedelta
from typing import Any

import pytest

from mainspring.attempts import Outcome
from mainspring.errors import InvalidDag
from mainspring.states import StateReason
from tests.scheduler.engine import Engine


def begin(engine: Engine, **task: Any) -> None:
    engine.trigger(engine.save("etl", {"a": {"retries": 3, "retry_delay": "10s", **task}}))
    engine.run_until_idle()


@pytest.mark.parametrize(
    ("policy", "failure", "state"),
    [
        pytest.param(
            [{"exit_code": [64, 65], "action": "fail"}], {"exit_code": 65}, "failed", id="exit code of a rule"
        ),
        pytest.param([{"exit_code": [64], "action": "fail"}], {"exit_code": 1}, "up_for_retry", id="another exit code"),
        pytest.param(
            [{"reason": ["timed_out"], "action": "fail"}], {"reason": StateReason.TIMED_OUT}, "failed", id="reason"
        ),
        pytest.param([{"error": "quota|denied", "action": "fail"}], {"message": "is denied"}, "failed", id="message"),
        pytest.param(
            [{"error": "^denied", "action": "fail"}], {"message": "is denied"}, "up_for_retry", id="anchored message"
        ),
        pytest.param([{"error": "x", "action": "fail"}], {"message": None}, "up_for_retry", id="no message"),
        pytest.param(
            [{"exit_code": [1], "error": "no", "action": "fail"}],
            {"exit_code": 1, "message": "yes"},
            "up_for_retry",
            id="all conditions must hold",
        ),
        pytest.param(
            [{"exit_code": [75], "action": "retry"}, {"action": "fail"}],
            {"exit_code": 75},
            "up_for_retry",
            id="first rule wins",
        ),
        pytest.param(
            [{"exit_code": [75], "action": "retry"}, {"action": "fail"}],
            {"exit_code": 1},
            "failed",
            id="catch-all rule",
        ),
        pytest.param(
            [{"action": "retry"}],
            {"reason": StateReason.FAIL_REQUESTED},
            "failed",
            id="a task that asks for no further try gets none",
        ),
    ],
)
def test_the_first_fitting_rule_of_the_retry_policy_decides(
    engine: Engine, policy: list[Any], failure: dict[str, Any], state: str
) -> None:
    begin(engine, retry_policy=policy)
    engine.fail("a", **failure)
    assert engine.states() == {"a": state}


def test_a_rule_that_retries_gives_no_more_tries_than_there_are(engine: Engine) -> None:
    begin(engine, retries=0, retry_policy=[{"action": "retry"}])
    engine.fail("a")
    assert engine.states() == {"a": "failed"}


def test_a_lost_worker_can_be_made_final(engine: Engine) -> None:
    begin(engine, retry_policy=[{"reason": ["worker_lost"], "action": "fail"}])
    engine.finish("a", Outcome.LOST, reason=StateReason.WORKER_LOST)
    assert engine.states() == {"a": "failed"}


def test_default_args_may_hold_the_retry_policy_of_all_tasks(engine: Engine) -> None:
    policy = [{"exit_code": [2], "action": "fail"}]
    engine.trigger(engine.save("etl", {"a": {"retries": 1}}, default_args={"retry_policy": policy}))
    engine.run_until_idle()
    engine.fail("a", exit_code=2)
    assert engine.states() == {"a": "failed"}


@pytest.mark.parametrize("place", ["task", "default_args"])
def test_a_pattern_that_could_stall_the_scheduler_is_refused_when_it_is_saved(engine: Engine, place: str) -> None:
    policy = {"retry_policy": [{"error": "(?=a)b", "action": "fail"}]}
    task, defaults = (policy, {}) if place == "task" else ({}, policy)
    with pytest.raises(InvalidDag) as caught:
        engine.save("etl", {"a": task}, default_args=defaults)
    assert [problem.code for problem in caught.value.problems] == ["invalid_pattern"]
    assert caught.value.problems[0].pointer.endswith("/retry_policy/0/error")


def test_no_try_starts_later_than_the_retry_deadline(engine: Engine) -> None:
    begin(engine, retry_deadline="25s")
    engine.fail("a")
    engine.clock.move(timedelta(seconds=10))
    engine.run_until_idle()
    engine.fail("a")
    assert engine.states() == {"a": "up_for_retry"}, "20 s after the first start another try may begin"
    engine.clock.move(timedelta(seconds=10))
    engine.run_until_idle()
    engine.fail("a")
    (instance,) = engine.instances()
    assert (instance.state, instance.state_reason, instance.try_number) == ("failed", "deadline", 3)
    assert engine.tries("a")[-1].state_reason == "exit_code", "why the try itself failed is kept"


def test_the_retry_deadline_counts_from_the_first_start_not_from_the_trigger(engine: Engine) -> None:
    begin(engine, retry_deadline="15s")
    engine.clock.move(timedelta(minutes=5))
    engine.fail("a")
    assert engine.states() == {"a": "up_for_retry"}


def test_a_retry_that_finds_no_slot_before_its_deadline_fails(engine: Engine) -> None:
    begin(engine, retry_deadline="15s")
    engine.fail("a")
    engine.executor.slots = 0
    engine.clock.move(timedelta(seconds=10))
    engine.run_until_idle()
    assert engine.states() == {"a": "scheduled"}
    engine.executor.slots = 64
    engine.clock.move(timedelta(seconds=10))
    engine.run_until_idle()
    (instance,) = engine.instances()
    assert (instance.state, instance.state_reason) == ("failed", "deadline")
    assert engine.run()["state"] == "failed"


def test_a_jittered_delay_is_never_longer_than_the_plain_one_and_varies(engine: Engine) -> None:
    tasks = {f"t{n}": {"retries": 1, "retry_delay": "100s", "retry_jitter": True} for n in range(20)}
    engine.trigger(engine.save("etl", tasks))
    engine.run_until_idle()
    for task_id in tasks:
        engine.fail(task_id)
    waits = {one.not_before - engine.clock.now() for one in engine.instances()}
    assert len(waits) > 10
    assert max(waits) <= timedelta(seconds=100)
