"""How attempts end."""

import re
import signal
from typing import Any

import pytest

from mainspring.attempts import Attempt, Outcome, Started
from mainspring.states import StateReason
from mainspring_executors import SubmitResult

from .harness import Harness, attempt, call, needs, sh


def test_a_callable_succeeds_with_what_it_returned(harness: Harness) -> None:
    end = harness.run(call("one"))
    assert (end.outcome, end.reason, end.message) == (Outcome.SUCCESS, None, None)
    assert end.outputs == {"return_value": 1}


def test_a_command_that_ends_with_zero_succeeds(harness: Harness) -> None:
    end = harness.run(attempt("shell", {"command": ["true"]}))
    assert (end.outcome, end.exit_code) == (Outcome.SUCCESS, 0)


def test_inline_source_succeeds(harness: Harness) -> None:
    end = harness.run(attempt("python", {"source": "print('hello')"}))
    assert (end.outcome, end.exit_code) == (Outcome.SUCCESS, 0)


def test_a_noop_starts_and_succeeds(harness: Harness) -> None:
    task = attempt("noop", {})
    assert harness.run(task).outcome is Outcome.SUCCESS
    assert harness.of(task, Started)


@pytest.mark.parametrize("code", [1, 3, 126, 255])
def test_the_exit_code_of_a_failed_command_is_told(harness: Harness, code: int) -> None:
    end = harness.run(sh(f"exit {code}"))
    assert (end.outcome, end.reason, end.exit_code) == (Outcome.FAILED, StateReason.EXIT_CODE, code)
    assert f"exit code {code}" in (end.message or "")


def test_exit_code_127_is_explained(harness: Harness) -> None:
    end = harness.run(sh("no-such-program"))
    assert end.exit_code == 127
    assert "did not find a command" in (end.message or "")


@pytest.mark.parametrize(
    ("task", "outcome"),
    [
        pytest.param(sh("exit 99", payload={"skip_exit_code": 99}), Outcome.SKIPPED, id="the code"),
        pytest.param(sh("exit 98", payload={"skip_exit_code": 99}), Outcome.FAILED, id="another code"),
        pytest.param(sh("exit 0", payload={"skip_exit_code": 99}), Outcome.SUCCESS, id="zero"),
    ],
)
def test_one_exit_code_may_mean_skip(harness: Harness, task: Attempt, outcome: Outcome) -> None:
    assert harness.run(task).outcome is outcome


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM], ids=lambda number: number.name)
def test_a_program_ended_by_a_foreign_signal_was_killed(harness: Harness, number: signal.Signals) -> None:
    end = harness.run(sh(f"kill -{number.value} $$"))
    assert (end.outcome, end.reason, end.exit_code) == (Outcome.FAILED, StateReason.KILLED, -number.value)
    assert number.name in (end.message or "")


@pytest.mark.parametrize(
    ("payload", "cure"),
    [
        pytest.param({"command": ["no-such-program"]}, "install it", id="absent"),
        pytest.param({"command": ["./no-such-program"]}, "install it", id="absent path"),
        pytest.param({"command": ["/etc/passwd"]}, r"chmod \+x", id="not executable"),
        pytest.param({"script": "#!/no/such/interpreter\n"}, "install it", id="absent interpreter"),
    ],
)
def test_a_command_that_cannot_be_started_says_the_cure(harness: Harness, payload: dict[str, Any], cure: str) -> None:
    end = harness.run(attempt("shell", payload))
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.COMMAND_NOT_FOUND)
    assert re.search(cure, end.message or "")


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        pytest.param("no_such_module:go", "MAINSPRING_CODE_PATH", id="no module"),
        pytest.param("jobs:no_such_function", "has no 'no_such_function'", id="no function"),
        pytest.param("jobs:Mute.no_such_method", "has no 'no_such_method'", id="no method"),
        pytest.param("jobs:LIMIT_SECONDS", "cannot be called", id="no callable"),
        pytest.param("jobs", "package.module:function", id="no colon"),
        pytest.param("email.no_such_module:go", "email.no_such_module", id="no submodule"),
    ],
)
def test_a_callable_that_is_not_there_says_the_cure(harness: Harness, name: str, cure: str) -> None:
    end = harness.run(attempt("python", {"callable": name}))
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.CALLABLE_NOT_FOUND)
    assert name in (end.message or "")
    assert cure in (end.message or "")


def test_a_module_missing_inside_of_the_callables_module_is_its_own_error(harness: Harness) -> None:
    end = harness.run(call("import_missing"))
    assert end.reason is StateReason.EXCEPTION
    assert end.message == "ModuleNotFoundError: No module named 'a_module_that_is_not_installed'"


def test_callables_of_one_module_can_be_called_while_it_is_being_imported(harness: Harness) -> None:
    tasks = harness.submit(*(attempt("python", {"callable": "slow_to_import:answer"}) for _ in range(4)))
    for task in tasks:
        assert harness.finish(task).outputs == {"return_value": 42}


def test_an_exception_is_told_with_its_traceback_in_the_log(harness: Harness) -> None:
    task = call("boom", "no rows for 2026-11-22")
    end = harness.run(task)
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.EXCEPTION)
    assert end.message == "ValueError: no rows for 2026-11-22"
    log = harness.log(task).decode()
    assert log.startswith("Traceback (most recent call last):")
    assert 'jobs.py", line' in log
    assert "mainspring_executors" not in log


@pytest.mark.parametrize(
    ("function", "message"),
    [
        pytest.param("boom_strangely", "ValueError: a lone surrogate ? and a NUL \N{REPLACEMENT CHARACTER}", id="text"),
        pytest.param("boom_mutely", "Mute: (its text cannot be read)", id="no text"),
        pytest.param("boom_in_base_exception", "GeneratorExit", id="no Exception"),
    ],
)
def test_a_strange_exception_fails_like_any_other(harness: Harness, function: str, message: str) -> None:
    end = harness.run(call(function))
    assert (end.outcome, end.reason, end.message) == (Outcome.FAILED, StateReason.EXCEPTION, message)


def test_a_task_can_ask_to_be_skipped(harness: Harness) -> None:
    end = harness.run(call("skip", "nothing new"))
    assert (end.outcome, end.reason, end.message) == (Outcome.SKIPPED, StateReason.TASK_SKIPPED, "nothing new")


def test_a_task_can_ask_to_fail_for_good(harness: Harness) -> None:
    end = harness.run(call("fail", "the contract has ended"))
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.FAIL_REQUESTED)
    assert end.message == "the contract has ended"


@pytest.mark.parametrize(
    ("code", "outcome", "exit_code"),
    [(0, Outcome.SUCCESS, None), (None, Outcome.SUCCESS, None), (7, Outcome.FAILED, 7), ("text", Outcome.FAILED, 1)],
)
def test_sys_exit_means_what_it_means_in_a_program(
    harness: Harness, code: object, outcome: Outcome, exit_code: int | None
) -> None:
    end = harness.run(call("leave", code))
    assert (end.outcome, end.exit_code) == (outcome, exit_code)


def test_a_callable_that_ends_its_process_fails_alone(harness: Harness) -> None:
    needs(harness, "isolates_crash")
    end = harness.run(call("die", 7))
    assert (end.outcome, end.reason, end.exit_code) == (Outcome.FAILED, StateReason.EXIT_CODE, 7)
    assert harness.run(call("one")).outcome is Outcome.SUCCESS


def test_a_callable_ended_by_a_signal_was_killed(harness: Harness) -> None:
    needs(harness, "isolates_crash")
    end = harness.run(call("die_by", signal.SIGSEGV.value))
    assert (end.outcome, end.reason, end.exit_code) == (Outcome.FAILED, StateReason.KILLED, -signal.SIGSEGV)


@pytest.mark.parametrize(
    ("task_type", "payload", "problem"),
    [
        pytest.param("shell", {}, "either `command`", id="shell without work"),
        pytest.param("shell", {"command": ["true"], "script": "true"}, "either `command`", id="shell with both"),
        pytest.param("shell", {"command": []}, "not empty", id="empty command"),
        pytest.param("shell", {"command": ["echo", "a\0b"]}, "U+0000", id="NUL in an argument"),
        pytest.param("shell", {"command": ["true"], "env": {"A=B": "1"}}, "A=B", id="bad variable"),
        pytest.param("shell", {"command": ["true"], "env": ["A"]}, "cannot be understood", id="env of another shape"),
        pytest.param("shell", {"command": ["true"], "working_dir": "/no/such"}, "/no/such", id="no working_dir"),
        pytest.param("python", {}, "either `callable`", id="python without work"),
        pytest.param("python", {"callable": "jobs:one", "source": "1"}, "either `callable`", id="python with both"),
        pytest.param("http", {}, "http://", id="http without url"),
    ],
)
def test_a_payload_that_cannot_be_run_is_rejected_with_a_sentence(
    harness: Harness, task_type: str, payload: dict[str, Any], problem: str
) -> None:
    end = harness.run(attempt(task_type, payload))
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.REJECTED)
    assert problem in (end.message or "")


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        pytest.param(attempt("cobol", {}), "task type 'cobol'", id="unknown type"),
        pytest.param(attempt("noop", {}, attempt_id="42"), "attempt_id is '42'", id="strange id"),
        pytest.param(attempt("noop", {"x": object()}), "JSON cannot hold", id="no JSON"),
        pytest.param(attempt("noop", {"x": "y" * 9_000_000}), "limit is", id="too long"),
    ],
)
def test_what_can_never_run_is_rejected_when_it_is_submitted(harness: Harness, task: Attempt, problem: str) -> None:
    (answer,) = harness.executor.submit([task])
    assert answer.result is SubmitResult.REJECTED
    assert problem in (answer.detail or "")
    assert harness.run(call("one")).outcome is Outcome.SUCCESS


def test_arguments_that_are_too_long_are_rejected_with_a_sentence(harness: Harness) -> None:
    end = harness.run(attempt("shell", {"command": ["true", "x" * 3_000_000]}))
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.REJECTED)
    assert "hand large values over in a file" in (end.message or "")


def test_a_missing_secret_fails_the_task_before_it_starts(harness: Harness) -> None:
    task = sh("true", env={"TOKEN": {"secret": "api-token"}})
    end = harness.run(task)
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.SECRET_MISSING)
    assert "'api-token'" in (end.message or "")
    assert not harness.of(task, Started)


def test_start_log_and_end_come_in_this_order(harness: Harness) -> None:
    task = call("talk", "hello")
    end = harness.run(task)
    kinds = [type(report).__name__ for report in harness.reports[task.attempt_id]]
    assert kinds[0] == "Started"
    assert set(kinds[1:-1]) == {"LogChunk"}
    assert harness.of(task, Started)[0].at <= end.at
    assert end.log_bytes == len(harness.log(task))


def test_the_started_report_names_the_process(harness: Harness) -> None:
    task = sh("echo $$")
    harness.run(task)
    started = harness.of(task, Started)[0]
    assert started.pid == int(harness.log(task))
    assert started.hostname
