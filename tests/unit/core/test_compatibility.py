"""What callers of an older version of a DAG can no longer do with a newer one."""

from typing import Any

import pytest

from mainspring.definition.compatibility import FAULTS_MAX, incompatibilities
from mainspring.params import compile_schema

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
        ({"params": {}}, params({"a": INT}, required=["a"]), ["/params/properties/a"] * 2),
        (params({"a": INT}, required=["a"]), {"params": {}}, []),
        ({"outputs": {"x": 1}}, {"outputs": {}}, ["/outputs/x"]),
        ({"outputs": {}}, {"outputs": {"x": 1}}, []),
        ({}, {}, []),
    ],
)
def test_only_what_callers_lose_counts(old: Any, new: Any, paths: list[str]) -> None:
    assert [fault.path for fault in incompatibilities(old, new)] == paths


ITEMS = {"type": "array", "items": {"type": "object", "required": ["n"], "properties": {"n": {**INT, "default": 1}}}}
REFERENCE = {"$ref": "#/$defs/n"}


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        ({"enum": [False, True]}, {"const": False}, ["/params/properties/a"]),
        ({}, {"const": None}, ["/params/properties/a"]),
        ({"const": 1}, {"const": True}, ["/params/properties/a"]),
        ({"enum": [1]}, {"enum": [True]}, ["/params/properties/a"]),
        ({"const": None}, {"enum": [None, 1]}, []),
        (TEXT, {**TEXT, "format": "date"}, ["/params/properties/a"]),
        (TEXT, {**TEXT, "format": "markdown"}, []),
        ({**TEXT, "format": "date"}, TEXT, []),
        ({"type": "array"}, {"type": "array", "uniqueItems": False}, []),
        ({"type": "array"}, {"type": "array", "prefixItems": [INT]}, ["/params/properties/a/prefixItems/0"]),
        ({"type": "array", "prefixItems": [INT]}, {"type": "array", "items": TEXT},
         ["/params/properties/a/items", "/params/properties/a/items"]),
        ({"type": "array", "items": INT}, {"type": "array", "prefixItems": [INT]}, []),
        ({"type": "array", "items": {"type": "object"}}, ITEMS,
         ["/params/properties/a/items/properties/n", "/params/properties/a/items/properties/n"]),
        ({"type": "object"}, {"type": "object", "additionalProperties": INT},
         ["/params/properties/a/additionalProperties"]),
        ({"type": "object", "additionalProperties": INT}, {"type": "object", "additionalProperties": {}}, []),
        ({"type": "object"}, {"type": "object", "patternProperties": {"^x": INT}},
         ["/params/properties/a/patternProperties/^x"]),
        ({"type": "object", **CLOSED}, {"type": "object", "patternProperties": {"^x": INT}, **CLOSED}, []),
        ({"type": "object", "properties": {"xy": INT}, **CLOSED},
         {"type": "object", "patternProperties": {"^x": {"type": "number"}}, **CLOSED}, []),
        ({"type": "object"}, {"type": "object", "properties": {"b": INT}}, ["/params/properties/a/properties/b"]),
        ({"type": "object", "properties": {}}, {"type": "object", "properties": {"b": INT}}, []),
        ({"type": "object", "additionalProperties": TEXT}, {"type": "object", "properties": {"b": INT}},
         ["/params/properties/a/properties/b"]),
        ({}, INT, ["/params/properties/a"]),
        ({"oneOf": [INT]}, {"oneOf": [INT, TEXT]}, []),
        ({"oneOf": [INT]}, {"oneOf": [INT, {"minimum": 0}]}, ["/params/properties/a"]),
        ({"type": "array", "contains": INT, "minContains": 0}, {"type": "array", "contains": INT},
         ["/params/properties/a"]),
    ],
)  # fmt: skip
def test_every_keyword_that_takes_less_counts(old: Any, new: Any, paths: list[str]) -> None:
    faults = incompatibilities(params({"a": old}), params({"a": new}))
    assert [fault.path for fault in faults] == paths


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (params({"a": {"items": REFERENCE}}, **{"$defs": {"n": INT}}), {"n": TEXT}),
        (params({"a": {"not": REFERENCE}}, **{"$defs": {"n": INT}}), {"n": {}}),
        (params({"a": {"items": {**REFERENCE, "minimum": 5}}}, **{"$defs": {"n": {}}}), {"n": INT}),
    ],
)
def test_a_target_that_takes_less_counts_wherever_it_is_referred_to(old: Any, new: Any) -> None:
    assert incompatibilities(old, {"params": {**old["params"], "$defs": new}})
    assert (
        incompatibilities(old, {"params": {**old["params"], "$defs": {**old["params"]["$defs"], "unused": INT}}}) == []
    )


def test_what_stands_beside_a_reference_counts() -> None:
    more = {"$defs": {"n": INT}}
    old, new = params({"a": REFERENCE}, **more), params({"a": {**REFERENCE, "minimum": 5, "title": "A"}}, **more)
    assert [fault.path for fault in incompatibilities(old, new)] == ["/params/properties/a"]
    assert incompatibilities(new, old) == []


SCHEMAS: list[Any] = [
    *({}, True, INT, TEXT, {"type": "number"}, {"type": ["null", "integer"]}, {"type": "boolean"}, {"type": "null"}),
    *({"const": value} for value in (False, True, None, 0, 1, "x")),
    *({"enum": values} for values in ([0, 1], [False, True], [None, "x"], ["x", "2026-01-01"])),
    *({**INT, **bound} for bound in ({"minimum": 1}, {"maximum": 1}, {"exclusiveMinimum": 1}, {"multipleOf": 2})),
    *({**TEXT, **bound} for bound in ({"minLength": 2}, {"maxLength": 2}, {"pattern": "^x"}, {"format": "date"})),
    *({"not": INT}, {"anyOf": [INT, TEXT]}, {"oneOf": [INT, TEXT]}, {"oneOf": [INT, {"minimum": 1}]}, {"allOf": [INT]}),
    *({"if": INT, "then": {"minimum": 1}}, {"if": INT, "else": False}),
    *({"type": "array", **of} for of in (
        {}, {"items": INT}, {"items": False}, {"prefixItems": [INT]}, {"prefixItems": [INT, TEXT], "items": False},
        {"prefixItems": [TEXT], "items": INT}, {"contains": INT}, {"contains": INT, "minContains": 0},
        {"contains": INT, "maxContains": 1}, {"uniqueItems": True}, {"minItems": 1}, {"maxItems": 1}, {"items": True},
    )),
    *({"type": "object", **of} for of in (
        {}, {"additionalProperties": INT}, CLOSED, {"properties": {"b": INT}}, {"properties": {"b": TEXT}, **CLOSED},
        {"properties": {"b": INT}, "required": ["b"]}, {"patternProperties": {"^b": INT}},
        {"patternProperties": {"^b": TEXT}, **CLOSED}, {"patternProperties": {"^b": INT, "c$": TEXT}},
        {"properties": {"b": {}}, "additionalProperties": TEXT}, {"properties": {"b": False}},
        {"propertyNames": {"maxLength": 1}}, {"minProperties": 1}, {"maxProperties": 1},
        {"dependentRequired": {"b": ["c"]}}, {"dependentSchemas": {"b": {"required": ["c"]}}}, {"required": ["c"]},
    )),
]  # fmt: skip
VALUES: list[Any] = [
    *(None, False, True, 0, 1, 2, -1, 1.5, "", "x", "xy", "xyz", "2026-01-01"),
    *([], [1], ["x"], [1, 2], [1, 1], [1, "x"], ["x", 1], [1, "x", 2], [None]),
    *({}, {"b": 1}, {"b": "x"}, {"c": 1}, {"c": "x"}, {"b": 1, "c": "x"}, {"bc": 1}, {"bc": "x"}, {"b": None}),
]


def test_no_pair_of_schemas_takes_less_without_a_fault() -> None:
    takes = [[compile_schema({"allOf": [schema]}).is_valid(value) for value in VALUES] for schema in SCHEMAS]
    silent = [
        (old, new)
        for old, taken in zip(SCHEMAS, takes, strict=True)
        for new, taken_now in zip(SCHEMAS, takes, strict=True)
        if any(before and not after for before, after in zip(taken, taken_now, strict=True))
        and not incompatibilities(params({"a": old}), params({"a": new}))
    ]
    assert silent == []
    assert not any(incompatibilities(params({"a": schema}), params({"a": schema})) for schema in SCHEMAS)


def test_a_schema_without_end_and_one_with_many_faults_are_compared() -> None:
    endless = params({"a": {"$ref": "#"}}, **{"$defs": {"x": {"$ref": "#/$defs/x"}}})
    assert incompatibilities(endless, {**endless, "params": {**endless["params"], "minProperties": 1}})
    many = params({f"p{number}": INT for number in range(500)})
    assert len(incompatibilities(many, params({f"p{number}": TEXT for number in range(500)}))) == FAULTS_MAX
