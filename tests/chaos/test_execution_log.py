"""The verdict of a kill trial on histories that are made up: each broken promise is told."""

from dataclasses import replace

import pytest

from tests.chaos.execution_log import DIAMOND, Line, Outcome, execution_log_violations, expected_output
from tests.chaos.faults import KINDS, drawn, failpoints, kinds_of


def history() -> tuple[list[Line], list[Outcome]]:
    """One run without any fault."""
    lines, outcomes = [], []
    for number, task_id in enumerate(DIAMOND):
        attempt_id = f"attempt-{task_id}"
        lines += [Line(word, "run-1", task_id, attempt_id, 100 + number) for word in ("start", "end")]
        log = f"begun {attempt_id}\nended {attempt_id}\n".encode()
        outcomes.append(_outcome(task_id, attempt_id, log))
    return lines, outcomes


def _outcome(task_id: str, attempt_id: str, log: bytes) -> Outcome:
    return Outcome(
        run_id="run-1",
        run_state="success",
        run_reason=None,
        task_id=task_id,
        instance_state="success",
        attempt_id=attempt_id,
        state="success",
        is_latest=True,
        log=log,
    )


def test_a_history_without_faults_breaks_nothing() -> None:
    assert execution_log_violations(*history(), cancelled=None) == []


def test_a_lost_try_that_was_made_again_breaks_nothing() -> None:
    lines, outcomes = history()
    lines.insert(0, Line("start", "run-1", "first", "lost", 99))
    outcomes.append(replace(_outcome("first", "lost", b"begun lost\n"), state="failed", is_latest=False))
    assert execution_log_violations(lines, outcomes, cancelled=None) == []


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        pytest.param(Line("start", "run-1", "last", "attempt-last", 1), "started 2 times", id="started-twice"),
        pytest.param(Line("start", "run-1", "last", "other", 1), "does not know it", id="unknown-attempt"),
        pytest.param(Line("overlap", "run-1", "last", "attempt-last", 1), "an earlier one still ran", id="overlap"),
        pytest.param(Line("start", "run-2", "join", "attempt-join", 1), "before the end of left", id="too-early"),
    ],
)
def test_what_no_task_may_write_is_told(extra: Line, said: str) -> None:
    lines, outcomes = history()
    assert any(said in one for one in execution_log_violations([*lines, extra], outcomes, cancelled=None))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"attempt_id": "never-ran", "log": b""}, "never ended", id="success-without-work"),
        pytest.param({"instance_state": "failed"}, "is no success", id="lost-task"),
        pytest.param({"run_state": "failed", "run_reason": "task_failed"}, "can succeed", id="failed-run"),
        pytest.param({"state": "failed"}, "its latest attempt is failed", id="state-of-another"),
        pytest.param({"log": b"begun attempt-last\n"}, "the log of attempt", id="log-lost"),
        pytest.param({"log": b"begun attempt-last\n" * 2}, "what it did not say", id="log-twice"),
    ],
)
def test_what_no_database_may_tell_is_told(changes: dict[str, object], said: str) -> None:
    lines, outcomes = history()
    outcomes[-1] = replace(outcomes[-1], **changes)  # type: ignore[arg-type]
    assert any(said in one for one in execution_log_violations(lines, outcomes, cancelled=None))


def test_the_output_of_a_run_follows_from_all_of_its_tasks() -> None:
    assert expected_output() == 8


@pytest.mark.parametrize("executor", ["rq", "local", "thread"])
def test_a_seed_draws_the_same_faults_again_and_each_failpoint_has_its_turn(executor: str) -> None:
    places = failpoints(executor)
    assert drawn(7, executor) == drawn(7, executor)
    struck = {fault.target for seed in range(len(places)) for fault in drawn(seed, executor)}
    assert struck >= set(places)


@pytest.mark.parametrize("executor", ["rq", "local", "thread"])
def test_each_kind_of_fault_has_its_turn(executor: str) -> None:
    never: dict[str, set[str]] = {"rq": set(), "local": {"server", "flapping server"}}
    never["thread"] = {*never["local"], "descriptors"}  # functions on threads share the descriptors of their host
    assert {kind for seed in range(600) for kind in kinds_of(seed, executor)} == set(KINDS) - never[executor]
