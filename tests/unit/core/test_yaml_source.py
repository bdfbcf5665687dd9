import json
import time
from typing import Any

import pytest
import yaml
from hypothesis import given

from mainspring.definition.tree import check_tree
from mainspring.definition.yaml_source import load_yaml
from mainspring.errors import InvalidInput
from tests.services.reference_work import is_within
from tests.unit.strategies import printable_json_values


def _load(text: str | bytes) -> Any:
    return load_yaml(text.encode() if isinstance(text, str) else text, bytes_max=3_000_000)[0]


@pytest.mark.parametrize(
    ("scalar", "value"),
 [
("no", "no"), ("on", "on"), ("yes", "yes"), ("y", "y"), ("12:30", "12:30"), ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"), ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), ("010", 10), ("0o10", 8),
        ("0x1F", 31), ("-7", -7), ("+7", 7), ("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("-1e3", -1000.0), ("1e", "1e"),
        (".", "."), ("true", True), ("FALSE", False), ("tRue", "tRue"), ("null", None), ("~", None), ("", None),
        ("'1'", "1"), ('"true"', "true"), ("!!str 1", "1"), ("! 1", "1"), ("!!int 1", 1), ("!!float 1.5", 1.5),
        ("!!null ~", None), ("=", "="), ("<", "<"), ("${{ params.a }}", "${{ params.a }}"),
    ],
)  # fmt: skip
def test_plain_scalars_follow_the_core_schema_of_yaml_1_2(scalar: str, value: Any) -> None:
    read = _load(f"a: {scalar}\nb: [x]")["a"]
    assert read == value
    assert type(read) is type(value)


@given(printable_json_values)
def test_json_is_yaml(value: Any) -> None:
    assert _load(json.dumps(value, ensure_ascii=False)) == value


@given(printable_json_values)
def test_what_another_writer_of_yaml_writes_is_read_the_same(value: Any) -> None:
    assert _load(yaml.safe_dump(value, allow_unicode=True)) == value


@pytest.mark.parametrize(
    ("text", "line", "code", "message"),
    [
        pytest.param(
            "a: 1\nb: 2\na: 3\n", 3, "duplicate_key", "'a' stands here more than once, first on line 1", id="twice"
        ),
        pytest.param("x:\n  a: 1\n  a: 2", 3, "duplicate_key", "first on line 2", id="twice, below"),
        pytest.param("a: 1\n2: b", 2, "wrong_type", "the key '2' is not a string", id="a number as key"),
        pytest.param("true: b", 1, "wrong_type", "the key 'true' is not a string", id="a boolean as key"),
        pytest.param("? [a]\n: b", 1, "wrong_type", "a key must be a string", id="a list as key"),
        pytest.param("a: &x y\n*x : 1", 2, "wrong_type", "an alias cannot be a key", id="an alias as key"),
        pytest.param("a: &x {b: 1}\nc:\n  <<: *x", 3, "merge_key", "merge keys", id="merge key"),
        pytest.param("a: !!python/object:os.system x", 1, "tag", "is not allowed", id="a tag of Python"),
        pytest.param("a: !!set {b}", 1, "tag", "is not allowed", id="a tag of YAML 1.1"),
        pytest.param("a: !own [b]", 1, "tag", "is not allowed", id="a tag of one's own"),
        pytest.param("a: !!int x", 1, "tag", "does not fit", id="a tag that does not fit"),
        pytest.param("a: !!binary aGk=", 1, "tag", "is not allowed", id="binary"),
        pytest.param("a: *x", 1, "syntax", "stands for nothing", id="unknown alias"),
        pytest.param("a: &x [*x]", 1, "syntax", "stands for nothing", id="an alias within itself"),
        pytest.param("a: 1\n---\nb: 2", 2, "syntax", "second document", id="two documents"),
        pytest.param("a: [1,\nb: 2", 2, "syntax", "not YAML", id="open bracket"),
        pytest.param("a:\n\t- b", 2, "syntax", "not YAML", id="a tab"),
        pytest.param('a: "\\ud800"', 1, "syntax", "Unicode", id="lone surrogate"),
        pytest.param(b"a: \xff", None, "syntax", "not UTF-8", id="not UTF-8"),
        pytest.param("a: \x01", None, "syntax", "not YAML", id="control character"),
        pytest.param("- " * 60, 1, "too_deep", "deeper than 50", id="deep block"),
        pytest.param("[" * 100_000, 1, "too_deep", "deeper than 50", id="deep flow"),
        pytest.param(
            "a: &a " + "[" * 30 + "]" * 30 + "\nb: " + "[" * 30 + "*a" + "]" * 30, 2, "too_deep", "deeper", id="alias"
        ),
        pytest.param("- a\n" * 200_001, 200_000, "too_many_nodes", "more than 200000", id="many values"),
        pytest.param("&a " * 100_000, 1, "syntax", "not YAML", id="many anchors"),
        pytest.param("a" * 3_000_001, None, "too_large", "3000001 bytes", id="large"),
    ],
)
def test_what_is_more_than_json_is_refused_with_its_line(
    text: str | bytes, line: int | None, code: str, message: str
) -> None:
    started = time.process_time()
    with pytest.raises(InvalidInput) as caught:
        _load(text)
    problem = caught.value.problems[0]
    assert (problem.code, problem.line) == (code, line)
    assert message in problem.message
    assert is_within(time.process_time() - started, 2)


def test_an_alias_bomb_is_refused_before_it_is_built() -> None:
    levels = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    with pytest.raises(InvalidInput, match="more than 200000 values, aliases written out"):
        _load("\n".join(["a0: &a0 [x]", *levels]))


def test_aliases_stand_for_their_value_and_may_be_used_often() -> None:
    assert _load("a: &x {k: [1]}\nb: *x\nc: [*x, &y z, *y]") == {
        "a": {"k": [1]},
        "b": {"k": [1]},
        "c": [{"k": [1]}, "z", "z"],
    }


def test_every_problem_of_a_document_is_told() -> None:
    with pytest.raises(InvalidInput) as caught:
        _load("a: 1\na: 2\n<<: {}\n3: !x y\nb: {c: 1, c: 2}")
    assert [(problem.code, problem.line) for problem in caught.value.problems] == [
        ("duplicate_key", 2),
        ("merge_key", 3),
        ("wrong_type", 4),
        ("tag", 4),
        ("duplicate_key", 5),
    ]


@pytest.mark.parametrize(
    "text", ["a: .nan", "a: -.inf", "a: 9223372036854775808", "a: " + "9" * 5_000, "a: 1e999", "a: 0x1" + "0" * 16]
)
def test_numbers_that_json_lacks_are_left_for_the_check_of_the_tree(text: str) -> None:
    assert [(problem.code, problem.pointer) for problem in check_tree(_load(text))] == [("invalid_number", "/a")]


def test_every_value_has_a_line() -> None:
    text = "a:\n  b: 1\n  c:\n  - x\n  - y: &k\n      z: 1\nd: *k\n"
    tree, lines = load_yaml(text.encode(), bytes_max=1_000)
    places = {
        "": 1,
        "/a": 1,
        "/a/b": 2,
        "/a/c": 3,
        "/a/c/0": 4,
        "/a/c/1": 5,
        "/a/c/1/y/z": 6,
        "/d": 7,
        "/d/z": 6,
        "/a/nope": 1,
    }
    assert {pointer: lines.of(tree, pointer) for pointer in places} == places
