import re
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given

from mainspring.errors import InvalidParams
from mainspring.params import SCHEMA_BYTES_MAX, check_schema, resolve_params
from tests.services.environment import child_environment
from tests.services.reference_work import is_within
from tests.unit.strategies import json_values, texts

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "regions": {"type": "array", "items": {"enum": ["eu", "us"]}, "default": ["eu"]},
        "count": {"$ref": "#/$defs/count"},
        "db": {"type": "object", "properties": {"host": {"default": "localhost"}, "port": {"type": "integer"}}},
        "cache": {"type": "object", "default": {}, "properties": {"size": {"default": 5}}},
        "linked": {"$ref": "#/$defs/linked"},
    },
    "required": ["count"],
    "$defs": {
        "count": {"type": "integer", "minimum": 0},
        "linked": {"type": "object", "properties": {"a": {"default": 1}}},
    },
}


@pytest.mark.parametrize(
    ("conf", "params"),
    [
        pytest.param({"count": 1}, {}, id="defaults are filled in"),
        pytest.param({"count": 1, "regions": ["us"]}, {"regions": ["us"]}, id="what is given stays"),
        pytest.param({"count": 1, "db": {}}, {"db": {"host": "localhost"}}, id="nested, where the object is there"),
        pytest.param({"count": 1, "cache": {"size": 9}}, {"cache": {"size": 9}}, id="nested and given"),
        pytest.param({"count": 1, "linked": {}}, {"linked": {"a": 1}}, id="through a reference"),
        pytest.param({"count": 1, "more": None}, {"more": None}, id="what the schema does not name"),
    ],
)
def test_params_are_the_defaults_of_the_schema_and_the_conf(conf: dict[str, Any], params: dict[str, Any]) -> None:
    assert resolve_params(SCHEMA, conf) == {"count": 1, "regions": ["eu"], "cache": {"size": 5}} | params


def test_conf_and_schema_are_never_changed() -> None:
    conf: dict[str, Any] = {"count": 1, "db": {}}
    params = resolve_params(SCHEMA, conf)
    params["regions"].append("us")
    assert conf == {"count": 1, "db": {}}
    assert resolve_params(SCHEMA, conf)["regions"] == ["eu"]


@pytest.mark.parametrize(
    ("conf", "pointers"),
    [
        pytest.param({}, [""], id="a required param is missing"),
        pytest.param(
            {"count": -1, "regions": ["eu", "xx", 3]}, ["/count", "/regions/1", "/regions/2"], id="all faults"
        ),
        pytest.param({"count": "1"}, ["/count"], id="no conversion"),
        pytest.param({"count": 1, "db": {"port": None}}, ["/db/port"], id="nested"),
    ],
)
def test_params_that_do_not_fit_are_told_with_their_places(conf: dict[str, Any], pointers: list[str]) -> None:
    with pytest.raises(InvalidParams) as caught:
        resolve_params(SCHEMA, conf)
    assert sorted(problem.pointer for problem in caught.value.problems) == pointers
    assert {problem.code for problem in caught.value.problems} == {"params_mismatch"}


def test_a_fault_does_not_repeat_a_huge_value() -> None:
    with pytest.raises(InvalidParams) as caught:
        resolve_params(SCHEMA, {"count": "x" * 100_000})
    assert len(caught.value.problems[0].message) <= 300


@given(json_values, texts)
def test_without_a_schema_conf_is_taken_as_it_is(value: Any, name: str) -> None:
    assert resolve_params({}, {name: value}) == {name: value}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _doubling(levels: int) -> dict[str, Any]:
    """A short schema that is checked 2 ** levels times."""
    parts: dict[str, Any] = {
        f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}, {"$ref": f"#/$defs/d{level + 1}"}]}
        for level in range(levels)
    }
    return {"type": "object", "$ref": "#/$defs/d0", "$defs": parts | {f"d{levels}": {}}}


@pytest.mark.parametrize(
    ("schema", "pointer", "message"),
    [
        pytest.param([], "", "must be a JSON Schema of type object", id="no object"),
        pytest.param({"type": "array"}, "/type", "of type object", id="another type"),
        pytest.param({"properties": {}}, "", "of type object", id="no type"),
        pytest.param(_object(a={"type": "int"}), "/properties/a/type", "int", id="unknown type"),
        pytest.param(_object(a={"minimum": "x"}), "/properties/a/minimum", "x", id="bad keyword"),
        pytest.param(_object(a={"$ref": "http://x.test"}), "", "another document", id="reference to a host"),
        pytest.param(_object(a={"$ref": "file:///etc/passwd"}), "", "another document", id="reference to a file"),
        pytest.param(_object(a={"$ref": "#/no"}), "", "does not exist", id="dangling reference"),
        pytest.param(_object() | {"$schema": "http://x.test"}, "/$schema", "2020-12", id="another dialect"),
        pytest.param(_object(a={"pattern": "(?=a)"}), "/properties/a/pattern", "regex", id="look-ahead"),
        pytest.param(_object(a={"pattern": "("}), "/properties/a/pattern", "regex", id="bad pattern"),
        pytest.param(
            _object(a=_object(b={"type": "integer", "default": "x"})),
            "/properties/a/properties/b/default",
            "default does not fit",
            id="a default that does not fit",
        ),
        pytest.param(
            _object(a={"$ref": "#/$defs/n", "default": "x"}) | {"$defs": {"n": {"type": "integer"}}},
            "/properties/a/default",
            "default does not fit",
            id="a default against a reference",
        ),
        pytest.param(
            _object(a={"$ref": "#", "default": {}}, b={"$ref": "#", "default": {}}),
            "/properties/a/$ref",
            "leads back to itself",
            id="recursion",
        ),
        pytest.param(
            _object(a={"$ref": "#/$defs/x"})
            | {"$defs": {"x": {"items": {"$ref": "#/$defs/y"}}, "y": {"$ref": "#/$defs/x"}}},
            "/properties/a/$ref",
            "leads back to itself",
            id="recursion through another",
        ),
        pytest.param(_object(a={"$id": "x"}), "/properties/a/$id", "not understood", id="another base"),
        pytest.param(_object(a={"$dynamicRef": "#x"}), "/properties/a/$dynamicRef", "not understood", id="dynamic"),
        pytest.param(_doubling(40), "", "with its references written out", id="references that multiply"),
        pytest.param(
            _object(**{f"p{number}": {"default": number} for number in range(201)}),
            "",
            "more than 200 defaults",
            id="many defaults",
        ),
        pytest.param(
            _object(**{f"p{number}": {"pattern": "a"} for number in range(51)}),
            "",
            "51 regular expressions; at most 50",
            id="many patterns",
        ),
        pytest.param(_object(a={"pattern": "(a{99}){99}{9}"}), "/properties/a/pattern", "regex", id="huge pattern"),
        pytest.param(_object() | {"title": "x" * SCHEMA_BYTES_MAX}, "", "at most 65536", id="too large"),
    ],
)
def test_a_schema_that_cannot_check_triggers_is_refused(schema: Any, pointer: str, message: str) -> None:
    (problem,) = check_schema(schema)
    assert problem.pointer == pointer
    assert re.search(message, problem.message)


@pytest.mark.parametrize(
    "schema",
    [{}, SCHEMA, {"type": "object", "required": ["a"]}, _doubling(8), _object(**{"$id": {"const": {"$anchor": 1}}})],
)
def test_a_schema_whose_params_are_required_but_have_no_default_is_fine(schema: dict[str, Any]) -> None:
    assert check_schema(schema) == []


def test_patterns_match_in_linear_time() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    assert check_schema(schema) == []
    started = time.process_time()
    with pytest.raises(InvalidParams):
        resolve_params(schema, {"a": "a" * 100_000 + "b"})
    assert is_within(time.process_time() - started, 1)


def test_a_large_conf_is_not_held_against_a_large_schema() -> None:
    schema = _object(**{f"p{number}": {"type": "string"} for number in range(1_000)})
    assert resolve_params(schema, {"p1": "x"}) == {"p1": "x"}
    with pytest.raises(InvalidParams, match="too large to be checked against a schema of"):
        resolve_params(schema, {"p1": "x" * 1_000_000})


def test_no_schema_needs_no_schema_library() -> None:
    program = (
        "import sys\nfrom mainspring.params import check_schema, resolve_params\n"
        "assert resolve_params({}, {'a': 1}) == {'a': 1} and check_schema({}) == []\n"
        "assert 'jsonschema_rs' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], env=child_environment(), check=True, timeout=60)
