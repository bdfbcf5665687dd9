"""Outputs as JSON."""

import hashlib
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.large_values import value_id
from mainspring.states import StateReason
from mainspring_executors import outputs
from mainspring_executors.outputs import OutputRoom
from mainspring_executors.protocol.results import TaskEnded

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda children: st.lists(children) | st.dictionaries(st.text("abc\\\u00e9", max_size=5), children),
    max_leaves=20,
)

ROOM = OutputRoom(bytes_max=1_000)


def returned(value: object, bytes_max: int) -> bytes:
    """The outputs of a callable that must fit into one object."""
    return outputs.from_returned(value, OutputRoom(bytes_max=bytes_max)).json


@given(JSON)
def test_every_json_value_survives(value: Any) -> None:
    encoded = returned(value, 1_000_000)
    expected = {} if value is None else {**(value if isinstance(value, dict) else {}), "return_value": value}
    assert json.loads(encoded) == expected
    assert orjson.loads(encoded) == expected


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "a\\", "u0000"])
def test_text_that_looks_like_an_escaped_nul_is_kept(text: str) -> None:
    assert json.loads(returned(text, 1_000)) == {"return_value": text}


@pytest.mark.parametrize("text", ["\0", "a\\\0", "\\\\\0"])
def test_a_nul_is_refused(text: str) -> None:
    with pytest.raises(TaskEnded, match=r"U\+0000"):
        returned([text], 1_000)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param({"a": {1, 2}}, "/a is of type set", id="set"),
        pytest.param({"a": [b"x"]}, "/a/0 is of type bytes", id="bytes"),
        pytest.param([float("inf")], "/return_value/0 is 'inf'", id="infinity"),
        pytest.param({("a", 1): 1}, "keys must be", id="tuple as key"),
        pytest.param("\ud800", "is '\\ud800'", id="surrogate"),
        pytest.param(-(2**63) - 1, "over 64 bits", id="too negative"),
        pytest.param([[2**64]], "over 64 bits", id="too large"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(value: object, problem: str) -> None:
    with pytest.raises(TaskEnded) as caught:
        returned(value, 1_000)
    assert caught.value.result.reason is StateReason.OUTPUT_INVALID
    assert problem in str(caught.value)


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(TaskEnded, match="contains itself"):
        returned(value, 1_000)


def test_sixty_three_levels_are_kept_and_more_refused() -> None:
    value: object = 1
    for _ in range(63):
        value = [value]
    assert returned(value, 1_000)
    with pytest.raises(TaskEnded, match="nested more than 64 levels"):
        returned([value], 1_000)


def test_a_limit_is_exact() -> None:
    assert returned("xx", 21) == b'{"return_value":"xx"}'
    with pytest.raises(TaskEnded, match="21 bytes; the limit is 20 bytes"):
        returned("xx", 20)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", {}),
        ("a=1", {"a": 1}),
        ("a=1\r\nb= 2 \n", {"a": 1, "b": 2}),
        ("a=b=c", {"a": "b=c"}),
        ('a={"x": [1, null]}', {"a": {"x": [1, None]}}),
        ("a.b-c_1=true", {"a.b-c_1": True}),
        (
            "sha=1234e56\nversion=1.10\nid=123456789012345678901",
            {
                "sha": "1234e56",
                "version": "1.10",
                "id": "123456789012345678901",
            },
        ),
    ],
    ids=["empty", "one", "white space", "equals sign", "object", "name", "numbers that would change"],
)
def test_lines_of_a_file_are_outputs(tmp_path: Path, content: str, expected: dict[str, Any]) -> None:
    path = tmp_path / "output"
    path.write_text(content, newline="")
    assert json.loads(outputs.from_file(str(path), ROOM).json) == expected


def test_no_file_is_no_output(tmp_path: Path) -> None:
    assert outputs.from_file(str(tmp_path / "absent"), ROOM).json == b"{}"


@pytest.mark.parametrize("text", ["1234", " 1234 ", "true", "null", "1.5", '{"a":  1}', "[1]", "a b"])
def test_a_declared_string_stays_the_text_that_was_written(tmp_path: Path, text: str) -> None:
    path = tmp_path / "output"
    path.write_text(f"sha={text}\nn=1\n")
    assert json.loads(outputs.from_file(str(path), ROOM, texts=("sha",)).json) == {"sha": text, "n": 1}


def test_the_quotes_of_a_declared_string_are_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "output"
    path.write_text('sha="12\\n34"\n')
    assert json.loads(outputs.from_file(str(path), ROOM, texts=("sha",)).json) == {"sha": "12\n34"}


ATTEMPT_ID = "a" * 32


def room(folder: Path, **fields: Any) -> OutputRoom:
    """Room for 1,000 bytes in the object, and 10,000 in one file."""
    bounds: dict[str, Any] = {"bytes_max": 1_000, "value_bytes_max": 10_000}
    return OutputRoom(folder=str(folder), attempt_id=ATTEMPT_ID, **{**bounds, **fields})


def test_the_largest_outputs_go_to_files_until_the_others_fit(tmp_path: Path) -> None:
    values = {"small": 1, "middle": "m" * 900, "big": ["x" * 3_000], "bigger": {"k": "y" * 4_000}}
    encoded = outputs.encode(values, room(tmp_path))
    assert json.loads(encoded.json) == {"small": 1, "middle": "m" * 900}
    assert [(value.name, value.kind) for value in encoded.large] == [("bigger", "object"), ("big", "array")]
    for value in encoded.large:
        text = Path(value.path or "").read_bytes()
        assert json.loads(text) == values[value.name]
        assert (value.bytes, value.sha256) == (len(text), hashlib.sha256(text).hexdigest())
        assert value.id == value_id(ATTEMPT_ID, value.name)
        assert text.decode().startswith(value.excerpt)


@pytest.mark.parametrize("size", [999, 1_000])
def test_what_fits_into_the_object_stays_there(tmp_path: Path, size: int) -> None:
    text = "x" * (size - len('{"return_value":""}'))
    encoded = outputs.from_returned(text, room(tmp_path))
    assert (len(encoded.json), encoded.large) == (size, ())


def test_an_output_of_exactly_the_bound_is_kept_and_a_byte_more_refused(tmp_path: Path) -> None:
    assert outputs.from_returned("x" * 9_998, room(tmp_path)).large[0].bytes == 10_000
    with pytest.raises(TaskEnded, match=r"output 'return_value' is 10001 bytes; the limit is 10000 bytes"):
        outputs.from_returned("x" * 9_999, room(tmp_path))


def test_all_files_together_have_a_bound(tmp_path: Path) -> None:
    with pytest.raises(TaskEnded, match=r"27006 bytes; the limit is 20000 bytes"):
        outputs.encode({name: name * 9_000 for name in "abc"}, room(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_many_small_outputs_are_refused_as_before(tmp_path: Path) -> None:
    with pytest.raises(TaskEnded, match="the limit is 1000 bytes") as caught:
        outputs.encode({f"n{number}": number for number in range(1_000)}, room(tmp_path))
    assert caught.value.result.reason is StateReason.OUTPUT_TOO_LARGE


def test_an_output_in_a_file_must_fit_its_declared_type(tmp_path: Path) -> None:
    types = {"return_value": {"type": "array", "items": {"type": "integer"}}}
    assert outputs.from_returned([1] * 2_000, room(tmp_path, types=types)).large
    with pytest.raises(TaskEnded, match="does not fit its declared type") as caught:
        outputs.from_returned([*[1] * 2_000, "x"], room(tmp_path, types=types))
    assert caught.value.result.reason is StateReason.OUTPUT_INVALID


def test_a_value_that_looks_like_a_reference_stays_what_it_is(tmp_path: Path) -> None:
    fake = {
        "id": "a" * 32,
        "name": "x",
        "bytes": 5,
        "sha256": "0" * 64,
        "kind": "string",
        "excerpt": "",
        "path": "/etc",
    }
    encoded = outputs.from_returned({"$values": {"": fake}, "$payload": fake}, room(tmp_path))
    assert json.loads(encoded.json)["return_value"] == {"$values": {"": fake}, "$payload": fake}
    assert encoded.large == ()
