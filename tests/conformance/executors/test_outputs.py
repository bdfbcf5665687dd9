"""What attempts hand on."""

import pytest

from mainspring.attempts import Limits, Outcome
from mainspring.states import StateReason

from .harness import Harness, attempt, call, sh


@pytest.mark.parametrize("value", [0, "text", True, 1.5, [1, [2]], {"rows": 3}, "é \N{SNOWMAN}"], ids=repr)
def test_a_returned_value_is_the_output_return_value(harness: Harness, value: object) -> None:
    assert harness.run(call("echo", value)).outputs["return_value"] == value


def test_the_keys_of_a_returned_mapping_are_outputs_too(harness: Harness) -> None:
    end = harness.run(call("echo", payload={"kwargs": {"rows": 3, "rate": 0.5}}))
    assert end.outputs == {"rows": 3, "rate": 0.5, "return_value": {"rows": 3, "rate": 0.5}}


def test_none_is_no_output(harness: Harness) -> None:
    assert harness.run(call("echo")).outputs == {}


def test_a_program_writes_its_outputs_as_lines_of_json(harness: Harness) -> None:
    end = harness.run(sh('printf \'rows=3\\nname="eu"\\n\\nlist=[1,2]\\nrows=4\\n\' >> "$MAINSPRING_OUTPUT"'))
    assert end.outputs == {"rows": 4, "name": "eu", "list": [1, 2]}


def test_an_output_that_is_not_json_is_text(harness: Harness) -> None:
    end = harness.run(sh("printf 'day=2026-11-22\\nnan=NaN\\nempty=\\n' >> \"$MAINSPRING_OUTPUT\""))
    assert end.outputs == {"day": "2026-11-22", "nan": "NaN", "empty": ""}


def test_inline_source_reads_inputs_and_writes_outputs(harness: Harness) -> None:
    source = """
import json, os
with open(os.environ["MAINSPRING_INPUT"]) as file:
    total = sum(json.load(file)["numbers"])
with open(os.environ["MAINSPRING_OUTPUT"], "a") as file:
    print(f"total={total}", file=file)
"""
    end = harness.run(attempt("python", {"source": source, "inputs": {"numbers": [1, 2, 3]}}))
    assert end.outputs == {"total": 6}


def test_a_failed_program_keeps_its_outputs(harness: Harness) -> None:
    end = harness.run(sh("echo rows=1 >> $MAINSPRING_OUTPUT; exit 3"))
    assert (end.outcome, end.exit_code, end.outputs) == (Outcome.FAILED, 3, {"rows": 1})


def test_outputs_of_a_failed_program_that_cannot_be_kept_change_nothing_else(harness: Harness) -> None:
    end = harness.run(sh("echo 'not an output' >> $MAINSPRING_OUTPUT; exit 3"))
    assert (end.reason, end.exit_code, end.outputs) == (StateReason.EXIT_CODE, 3, {})


def test_a_program_that_asks_to_be_skipped_keeps_its_outputs(harness: Harness) -> None:
    end = harness.run(sh("echo rows=0 >> $MAINSPRING_OUTPUT; exit 9", payload={"skip_exit_code": 9}))
    assert (end.outcome, end.outputs) == (Outcome.SKIPPED, {"rows": 0})


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        pytest.param(call("unspeakable"), "/rows/0/when is of type object", id="no JSON type"),
        pytest.param(call("not_a_number"), "/rate is 'nan'", id="NaN"),
        pytest.param(call("huge_integer"), "over 64 bits", id="huge integer"),
        pytest.param(call("nested", 70), "levels deep", id="deep"),
        pytest.param(call("nested", 3_000), "nested", id="very deep"),
        pytest.param(call("echo", "a\0b"), "U+0000", id="NUL"),
        pytest.param(sh("echo rows >> $MAINSPRING_OUTPUT"), "line 1 of the file", id="no equals sign"),
        pytest.param(sh("echo 1rows=1 >> $MAINSPRING_OUTPUT"), "line 1 of the file", id="bad name"),
        pytest.param(sh("printf 'a=\\377' >> $MAINSPRING_OUTPUT"), "not UTF-8 at byte 2", id="not UTF-8"),
        pytest.param(sh("mkfifo $MAINSPRING_OUTPUT"), "regular file", id="a pipe"),
        pytest.param(sh("ln -s /etc/passwd $MAINSPRING_OUTPUT"), "cannot be read", id="a link"),
    ],
)
def test_outputs_that_cannot_be_kept_say_why(harness: Harness, task: object, problem: str) -> None:
    end = harness.run(task)  # type: ignore[arg-type]
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.OUTPUT_INVALID)
    assert problem in (end.message or "")
    assert end.outputs == {}


@pytest.mark.parametrize(
    "task",
    [
        pytest.param(call("long_text", 2_000, limits=Limits(output_bytes_max=1_000, value_bytes_max=0)), id="callable"),
        pytest.param(
            call("long_text", 5_000_000, limits=Limits(output_bytes_max=1_000, value_bytes_max=0)),
            id="callable, by far",
        ),
        pytest.param(
            sh(
                "head -c 2000 /dev/zero | tr '\\0' x >> $MAINSPRING_OUTPUT",
                limits=Limits(output_bytes_max=1_000, value_bytes_max=0),
            ),
            id="program",
        ),
    ],
)
def test_outputs_over_the_limit_say_the_cure(harness: Harness, task: object) -> None:
    end = harness.run(task)  # type: ignore[arg-type]
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.OUTPUT_TOO_LARGE)
    assert "the limit is 1000 bytes" in (end.message or "")
    assert "to a file or a table" in (end.message or "")


def test_outputs_just_within_the_limit_are_kept(harness: Harness) -> None:
    size = 200_000
    end = harness.run(call("long_text", size, limits=Limits(output_bytes_max=size + len('{"return_value":""}'))))
    assert end.outputs == {"return_value": "z" * size}
