import time

import pytest

from mainspring.patterns import is_found, is_linear_pattern
from tests.services.reference_work import is_within


@pytest.mark.parametrize(
    ("pattern", "is_linear"),
    [
        (r"^\w+@\w+\.org$", True),
        (r"^\p{L}{1,20}$", True),
        (r"(a)\1", False),
        ("(?<=a)b", False),
        ("(?=a)", False),
        ("[", False),
        ("(a{99}){99}{9}", False),
    ],
)
def test_only_patterns_that_are_matched_in_linear_time_and_small_are_allowed(pattern: str, is_linear: bool) -> None:
    assert is_linear_pattern(pattern) is is_linear


def test_a_pattern_is_searched_anywhere_in_the_text() -> None:
    assert is_found("time(d )?out", "connection timed out after 5 s")
    assert not is_found("^timed", "connection timed out")


def test_patterns_that_stall_other_engines_do_not() -> None:
    started = time.process_time()
    assert not is_found("^(a+)+$", "a" * 100_000 + "b")
    assert is_within(time.process_time() - started, 1)
