import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.errors import InvalidInput
from mainspring.ids import (
    check_run_id,
    child_run_id,
    is_valid_id,
    new_attempt_id,
    new_run_id,
    parent_attempt_id,
)
from mainspring.states import RunType


def test_attempt_ids_are_32_hexadecimal_digits_and_never_repeat() -> None:
    ids = [new_attempt_id() for _ in range(1_000)]
    assert len(set(ids)) == 1_000
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


def test_the_id_of_a_child_run_names_the_attempt_that_made_the_run() -> None:
    attempt_id = new_attempt_id()
    for task_id in ("call", "a__b", "x" * 250):
        assert parent_attempt_id(child_run_id(task_id, attempt_id)) == attempt_id
    for other in ("manual__2026-01-01", f"call__{attempt_id}", f"operator_triggered__call__{attempt_id}0", ""):
        assert parent_attempt_id(other) is None


@pytest.mark.parametrize("run_type", list(RunType))
def test_two_runs_of_one_instant_get_different_ids_that_are_valid(run_type: RunType) -> None:
    instant = datetime(2026, 1, 1, 6, tzinfo=UTC)
    one, other = new_run_id(run_type, instant), new_run_id(run_type, instant)
    assert one != other
    assert one.startswith(f"{run_type}__2026-01-01T06:00:00+00:00_")
    assert check_run_id(one, run_type) == one


@pytest.mark.parametrize(
    ("run_id", "reason"),
    [
        pytest.param("", "1 to 250", id="empty"),
        pytest.param("x" * 251, "1 to 250", id="too long"),
        pytest.param("a/b", "1 to 250", id="slash"),
        pytest.param("a b", "1 to 250", id="space"),
        pytest.param("a\n", "1 to 250", id="line end"),
        pytest.param("ä", "1 to 250", id="not ASCII"),
        pytest.param("a..b", "'..'", id="two dots"),
        pytest.param(".", "'.'", id="one dot"),
        pytest.param("~", "'~'", id="what stands for all runs"),
        pytest.param("scheduled__2026", "kept for scheduled runs", id="prefix of another type"),
    ],
)
def test_run_ids_that_would_mislead_are_refused(run_id: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(reason)):
        check_run_id(run_id)


@given(st.text(max_size=5))
def test_ids_hold_only_what_is_safe_in_an_address(text: str) -> None:
    if is_valid_id(text):
        assert text not in (".", "..")
        assert re.fullmatch(r"[A-Za-z0-9_.\-]+", text)


@pytest.mark.parametrize(("text", "valid"), [("a" * 250, True), ("a" * 251, False), ("..", False), ("...", True)])
def test_ids_are_bounded_and_no_relative_path(text: str, valid: bool) -> None:
    assert is_valid_id(text) is valid
