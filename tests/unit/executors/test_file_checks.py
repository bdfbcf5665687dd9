"""The check of a wait for a file: what is there, what is not there yet, and what can never be there."""

import os
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from mainspring.attempts import Attempt, Outcome
from mainspring.instants import parse_instant
from mainspring.states import StateReason
from mainspring_executors.protocol.results import Result, TaskEnded
from mainspring_executors.tasks import plan
from mainspring_executors.tasks.plan import Call, Work


def look(path: Any, **payload: Any) -> Result:
    attempt = Attempt(
        attempt_id="0" * 32,
        dag_id="etl",
        run_id="r",
        task_id="look",
        task_type="file",
        payload={"path": path, **payload},
    )
    call = plan(Work(attempt=attempt))
    assert isinstance(call, Call)
    return call.function()


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "day.csv"
    file.write_bytes(b"1234")
    os.utime(file, (time.time(), time.time() - 60))
    return str(file)


@pytest.mark.parametrize("payload", [{}, {"min_bytes": 4}, {"stable_for": "PT30S"}, {"min_bytes": 0}])
def test_a_file_that_is_large_and_old_enough_ends_the_wait(path: str, payload: dict[str, Any]) -> None:
    result = look(path, **payload)
    outputs = orjson.loads(result.outputs_json)
    assert (result.outcome, outputs["path"], outputs["bytes"]) == (Outcome.SUCCESS, path, 4)
    assert abs(parse_instant(outputs["modified_at"]).timestamp() - os.stat(path).st_mtime) < 0.001


@pytest.mark.parametrize(
    ("payload", "message"), [({"min_bytes": 5}, "has 4 of 5 bytes"), ({"stable_for": "PT2M"}, "unchanged for 120 s")]
)
def test_a_file_that_is_too_small_or_too_new_is_looked_for_again(
    path: str, payload: dict[str, Any], message: str
) -> None:
    result = look(path, **payload)
    assert (result.outcome, result.reason) == (Outcome.FAILED, StateReason.NOT_YET)
    assert message in (result.message or "")


@pytest.mark.parametrize("missing", ["other.csv", "day.csv/below", "no/folder/x"])
def test_a_missing_file_is_looked_for_again(path: str, missing: str) -> None:
    result = look(os.path.join(os.path.dirname(path), missing))
    assert (result.reason, result.message) == (
        StateReason.NOT_YET, f"there is no file {os.path.join(os.path.dirname(path), missing)}"
    )  # fmt: skip


def test_a_file_of_the_future_is_new(path: str) -> None:
    os.utime(path, (time.time(), time.time() + 3_600))
    assert look(path, stable_for="PT1S").reason is StateReason.NOT_YET
    assert look(path).outcome is Outcome.SUCCESS


def test_a_folder_is_no_file(path: str) -> None:
    result = look(os.path.dirname(path))
    assert (result.reason, "no regular file" in (result.message or "")) == (StateReason.REJECTED, True)


def test_a_loop_of_links_fails_the_try(path: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert look(str(tmp_path / "loop")).reason is StateReason.EXCEPTION


@pytest.mark.parametrize("path", ["day.csv", 7, None, "/drop\0", {"secret": "x"}])
def test_a_path_that_is_not_absolute_is_rejected(path: Any) -> None:
    with pytest.raises(TaskEnded) as caught:
        look(path)
    assert caught.value.result.reason is StateReason.REJECTED
