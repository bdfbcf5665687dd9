import json
import time
from typing import Any

import pytest
from hypothesis import given

from mainspring.definition import load_json
from mainspring.errors import InvalidInput
from tests.services.reference_work import is_within
from tests.unit.strategies import json_values


def _problems(data: bytes, **bounds: int) -> list[tuple[str, str, str]]:
    with pytest.raises(InvalidInput) as caught:
        load_json(data, **{"bytes_max": 3_000_000, **bounds})
    return [(problem.code, problem.pointer, problem.message) for problem in caught.value.problems]


@given(json_values)
def test_json_is_read_as_it_was_written(value: Any) -> None:
    assert load_json(json.dumps(value).encode(), bytes_max=100_000) == value


@pytest.mark.parametrize(
    ("data", "code", "pointer", "message"),
    [
        pytest.param(b"", "syntax", "", "Expecting value at line 1 column 1", id="nothing"),
        pytest.param(b'{"a": 1,\n "b" 2}', "syntax", "", "at line 2 column 6", id="place of a fault"),
        pytest.param(b"{} {}", "syntax", "", "Extra data", id="more than one value"),
        pytest.param(b'"\xff"', "syntax", "", "not UTF-8: byte 1 is 0xff", id="not UTF-8"),
        pytest.param("{}".encode("utf-16"), "syntax", "", "not UTF-8", id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf{}", "syntax", "", "line 1 column 1", id="byte order mark"),
        pytest.param(
            b'{"a": [{"b": 1, "b": 2}]}', "duplicate_key", "/a/0", "'b' stands here more than once", id="twice"
        ),
        pytest.param(b'{"a": NaN}', "invalid_number", "/a", "NaN is no JSON number", id="NaN"),
        pytest.param(b"[-Infinity]", "invalid_number", "/0", "-Infinity is no JSON", id="infinity"),
        pytest.param(b"[1e999]", "invalid_number", "/0", "inf is no JSON number", id="a float too large"),
        pytest.param(b"[9223372036854775808]", "invalid_number", "/0", "beyond 64 bits", id="an integer of 65 bits"),
        pytest.param(b"[" + b"9" * 5_000 + b"]", "invalid_number", "/0", "beyond 64 bits", id="5,000 digits"),
        pytest.param(b"[0." + b"9" * 5_000 + b"]", "invalid_number", "/0", "digits", id="5,000 decimals"),
        pytest.param(b'["\\ud800"]', "invalid_text", "/0", "lone surrogate", id="lone surrogate"),
        pytest.param(b'{"\\udfff": 1}', "invalid_text", "/\udfff", "lone surrogate", id="lone surrogate in a key"),
        pytest.param(b'{"a\\u0000": 1}', "invalid_text", "/a\0", "U+0000", id="NUL in a key"),
        pytest.param(b'["\\u0000"]', "invalid_text", "/0", "U+0000", id="NUL"),
        pytest.param(b"[" * 51 + b"]" * 51, "too_deep", "/0" * 50, "deeper than 50", id="one level too deep"),
        pytest.param(b"[" * 100_000, "too_deep", "", "deeper than 50", id="deeper than the stack"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, "too_deep", "", "deeper than 50", id="deep and closed"),
        pytest.param(b'{"a":' * 100_000, "too_deep", "", "deeper than 50", id="deep objects"),
        pytest.param(b"[" + b"1," * 200_000 + b"1]", "too_many_nodes", "", "more than 200000", id="too many values"),
        pytest.param(b" " * 3_000_001, "too_large", "", "3000001 bytes; at most 3000000", id="too large"),
    ],
)
def test_what_is_no_such_json_is_refused_with_its_place(data: bytes, code: str, pointer: str, message: str) -> None:
    started = time.process_time()
    ((found, place, text), *more) = _problems(data)
    assert (found, place, more) == (code, pointer, [])
    assert message in text
    assert is_within(time.process_time() - started, 1)


def test_every_fault_is_told_in_document_order() -> None:
    data = b'{"a": {"b": NaN, "c": [1, Infinity]}, "a": {"b": NaN, "c": [1, Infinity]}, "d": "\\u0000"}'
    assert [(code, pointer) for code, pointer, _ in _problems(data)] == [
        ("duplicate_key", ""),
        ("invalid_text", "/d"),
        ("invalid_number", "/a/b"),
        ("invalid_number", "/a/c/1"),
    ]


def test_what_is_within_the_bounds_is_read() -> None:
    assert load_json(b"[" * 50 + b"]" * 50, bytes_max=100)
    assert load_json(b"[" + b"1," * 199_998 + b"1]", bytes_max=500_000)
    assert load_json(b"[-9223372036854775808, 9223372036854775807]", bytes_max=100)
    assert load_json('"\U0001f600 é"'.encode(), bytes_max=100) == "\U0001f600 é"
