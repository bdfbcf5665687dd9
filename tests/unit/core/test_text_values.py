"""What people and programs write as text keeps its value."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.text_values import read_json, read_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42),
        (" 42 ", 42),
        ("-7", -7),
        ("1.5", 1.5),
        ("1.0", 1.0),
        ("true", True),
        ("null", None),
        ('"1.10"', "1.10"),
        ('{"a": [1, 2.50]}', {"a": [1, 2.5]}),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("", ""),
        ("monday", "monday"),
        ("1234e56", "1234e56"),
        ("1e3", "1e3"),
        ("1E5", "1E5"),
        ("1.10", "1.10"),
        ("-0", "-0"),
        ("007", "007"),
        ("1_000", "1_000"),
        ("1e400", "1e400"),
        ("0.1000000000000000055", "0.1000000000000000055"),
        ("18446744073709551616", "18446744073709551616"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("9" * 5_000, "9" * 5_000),
        ("NaN", "NaN"),
        ("[Infinity]", "[Infinity]"),
        ("[1e400]", "[1e400]"),
        ('{"id": 123456789012345678901, "n": 1}', {"id": "123456789012345678901", "n": 1}),
        ('"\\ud800"', '"\\ud800"'),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_a_value_is_what_was_meant(text: str, value: Any) -> None:
    read = read_value(text)
    assert (read, type(read)) == (value, type(value))


@given(st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_a_number_is_spelled_the_same_when_it_is_written_back(text: str) -> None:
    read = read_value(text)
    assert (read if isinstance(read, str) else json.dumps(read)) == text


def test_what_is_no_json_is_refused() -> None:
    for text in ("", "{", "NaN", "[1e999]", "[" * 100_000):
        with pytest.raises(ValueError, match=r"."):
            read_json(text)
