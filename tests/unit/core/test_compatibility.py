"""What callers of an older version of a DAG can no longer do with a newer one."""

from typing import Any

import pytest

from mainspring.definition.compatibility import FAULTS_MAX, incompatibilities

INT, TEXT = {"type": "integer"}, {"type": "string"}


def params(properties: Any = (), **more: Any) -> dict[str, Any]:
    return {"params": {"type": "object", "properties": dict(properties), **more}}


CLOSED = {"additionalProperties": False}


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        (params(), params({"a": INT}), []),
        (params({"a": INT}), params({"a": INT, "b": {**INT, "default": 1}}, required=["b"]), []),
        (params({"a": INT}), params({"a": INT, "b": INT}, required=["b"]), ["/params/properties/b"]),
        (params({"a": INT}), params({}), []),
        (params({"a": INT}, **CLOSED), params({}, **CLOSED), ["/params/properties/a"]),
        (params({"a": INT}), params({"a": INT}, **CLOSED), ["/params"]),
        (params({"a": INT}), params({"a": {"type": "number"}}), []),
        (params({"a": {"type": "number"}}), params({"a": INT}), ["/params/properties/a"]),
        (params({"a": INT}), params({"a": TEXT}), ["/params/properties/a"]),
        (params({"a": INT}), params({"a": {"type": ["integer", "null"]}}), []),
        (params({"a": {**INT, "maximum": 5}}), params({"a": {**INT, "maximum": 9}}), []),
        (params({"a": {**INT, "maximum": 9}}), params({"a": {**INT, "maximum": 5}}), ["/params/properties/a"]),
        (params({"a": INT}), params({"a": {**INT, "minimum": 1}}), ["/params/properties/a"]),
        (params({"a": TEXT}), params({"a": {**TEXT, "pattern": "x"}}), ["/params/properties/a"]),
        (params({"a": {"enum": [1, 2]}}), params({"a": {"enum": [2, 1, 3]}}), []),
        (params({"a": {"enum": [1, 2]}}), params({"a": {"enum": [1]}}), ["/params/properties/a"]),
        (
            params({"a": {"$ref": "#/$defs/n"}}, **{"$defs": {"n": INT}}),
            params({"a": {"$ref": "#/$defs/n"}}, **{"$defs": {"n": TEXT}}),
            ["/params/properties/a"],
        ),
        (
            params({"a": {"type": "array", "items": INT}}),
            params({"a": {"type": "array", "items": TEXT}}),
            ["/params/properties/a/items"],
        ),
        ({"params": {}}, params({"a": INT}, required=["a"]), ["/params/properties/a"]),
        (params({"a": INT}, required=["a"]), {"params": {}}, []),
        ({"outputs": {"x": 1}}, {"outputs": {}}, ["/outputs/x"]),
        ({"outputs": {}}, {"outputs": {"x": 1}}, []),
        ({}, {}, []),
    ],
)
def test_only_what_callers_lose_counts(old: Any, new: Any, paths: list[str]) -> None:
    assert [fault.path for fault in incompatibilities(old, new)] == paths


def test_a_schema_without_end_and_one_with_many_faults_are_compared() -> None:
    endless = params({"a": {"$ref": "#"}}, **{"$defs": {"x": {"$ref": "#/$defs/x"}}})
    assert incompatibilities(endless, {**endless, "params": {**endless["params"], "minProperties": 1}})
    many = params({f"p{number}": INT for number in range(500)})
    assert len(incompatibilities(many, params({f"p{number}": TEXT for number in range(500)}))) == FAULTS_MAX
