"""How attempts end, and what they hand on."""

import pytest

from mainspring.attempts import Outcome, Started
from mainspring.states import StateReason

from .bed import Bed, attempt, call, sh


def test_a_callable_returns_its_output(bed: Bed) -> None:
    end = bed.run(call("one"))
    assert end.outcome is Outcome.SUCCESS
    assert end.reason is None
    assert end.outputs == {"return_value": 1}


def test_a_command_that_ends_with_zero_succeeds(bed: Bed) -> None:
    end = bed.run(attempt("shell", {"command": ["true"]}))
    assert (end.outcome, end.exit_code) == (Outcome.SUCCESS, 0)


def test_a_noop_succeeds(bed: Bed) -> None:
    assert bed.run(attempt("noop", {})).outcome is Outcome.SUCCESS


@pytest.mark.parametrize("code", [1, 3, 126, 255])
def test_the_exit_code_of_a_failed_command_is_told(bed: Bed, code: int) -> None:
    end = bed.run(sh(f"exit {code}"))
    assert (end.outcome, end.reason, end.exit_code) == (Outcome.FAILED, StateReason.EXIT_CODE, code)


def test_the_start_is_reported_before_the_end(bed: Bed) -> None:
    task = call("talk", "hello")
    end = bed.run(task)
    kinds = [type(report).__name__ for report in bed.reports[task.attempt_id]]
    assert kinds == ["Started", "LogChunk", "Finished"]
    assert bed.of(task, Started)[0].at <= end.at
    assert end.log_bytes == len(bed.log(task))
