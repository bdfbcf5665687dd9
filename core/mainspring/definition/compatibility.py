"""Whether callers of an older version of a DAG can call a newer one: params may take more, outputs may promise more."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mainspring.patterns import is_found
from mainspring.pointers import join_pointer, split_pointer
from mainspring.schema_bounds import DATA_KEYWORDS, PARTS_MAX, SCHEMA_MAPS

__all__ = ["Incompatibility", "incompatibilities"]

FAULTS_MAX = 50
_DEPTH_MAX = 20
_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
_OTHERS = (
    "pattern",
    "multipleOf",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "propertyNames",
)
"""Keywords that narrow a schema when they are new or changed."""
_FORMATS = frozenset(
    {
        *("date", "date-time", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6"),
        *("uri", "uri-reference", "iri", "iri-reference", "uri-template", "uuid", "regex"),
        *("json-pointer", "relative-json-pointer"),
    }
)
"""Values of `format` that the server checks. Any other value takes everything."""
_ANY = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_TYPES: Mapping[type, str] = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "integer",
    list: "array",
    str: "string",
    type(None): "null",
}
_ANNOTATIONS = frozenset({"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Incompatibility:
    """What a newer version no longer takes, or no longer gives."""

    path: str
    """RFC 6901 pointer into the newer definition, or to a removed part of the older one."""
    text: str


def incompatibilities(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Incompatibility]:
    """What breaks callers between two normalised definitions; at most `FAULTS_MAX`.

    Params are compared by structure, so a change that takes the same values in other words may count as a fault.

    A further param is no fault where the older schema names params and says nothing about other members. Callers of
    such a schema are expected to send only the named params.
    """
    narrowed = _param_faults(old.get("params", {}), new.get("params", {}))
    faults = [*narrowed, *_lost_outputs(old.get("outputs", {}), new.get("outputs", {}))]
    return faults[:FAULTS_MAX]


def _lost_outputs(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Incompatibility]:
    for name in sorted(old.keys() - new.keys()):
        yield Incompatibility(path=join_pointer("/outputs", name), text=f"the run no longer has the output '{name}'")


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in two schemas."""

    pointer: str
    what: str
    """The value there, in a message."""
    depth: int = 0
    is_filled: bool = True
    """Whether a trigger fills in the defaults of the members: at no place below items, patterns and further members."""

    def fault(self, text: str) -> Incompatibility:
        return Incompatibility(path=self.pointer, text=text)

    def member(self, name: str) -> "_Place":
        return _Place(join_pointer(f"{self.pointer}/properties", name), f"'{name}'", self.depth + 1, self.is_filled)

    def below(self, *path: str, what: str) -> "_Place":
        return _Place(join_pointer(self.pointer, *path), f"{what} of {self.what}", self.depth + 1, is_filled=False)


def _param_faults(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Incompatibility]:
    if new and not _is_same(old, new):
        # `conf` is an object, also where the schema says nothing.
        old = {"type": "object", **old}
        yield from _compare(_WrittenOut(old).schema, _WrittenOut(new).schema, _Place("/params", "params"))


def _compare(old: Any, new: Any, place: _Place) -> Iterator[Incompatibility]:
    """What the schema `old` takes and the schema `new` refuses; both without references."""
    if old is False or new in ({}, True) or place.depth > _DEPTH_MAX or _is_same(old, new):
        return
    if new is False or not isinstance(new, Mapping):
        yield place.fault(f"{place.what} is no longer taken")
        return
    old = old if isinstance(old, Mapping) else {}
    lost = _types(old) - _types(new) - ({"integer"} if "number" in _types(new) else set())
    if lost:
        yield place.fault(f"{place.what} may no longer be {', '.join(sorted(lost))}")
        return
    for keyword in _narrowing(old, new):
        yield place.fault(f"`{keyword}` of {place.what} takes less")
    if "object" in _types(old):
        yield from _members(old, new, place)
        yield from _further_members(old, new, place)
    if "array" in _types(old):
        yield from _items(old, new, place)


def _members(old: Mapping[str, Any], new: Mapping[str, Any], place: _Place) -> Iterator[Incompatibility]:
    """The faults of members that one of the schemas names."""
    old_names, new_names = old.get("properties", {}), new.get("properties", {})
    for name in new.get("required", ()):
        has_default = place.is_filled and isinstance(new_names.get(name), Mapping) and "default" in new_names[name]
        if name not in old.get("required", ()) and not has_default:
            yield place.member(name).fault(f"'{name}' is required now")
    for name in dict.fromkeys((*old_names, *new_names)):
        taken = _schemas_of(old, name)
        if not taken and "properties" in old:
            continue  # a further member: see `incompatibilities`
        for schema in _schemas_of(new, name):
            # A value fits all of its schemas, so one that is no wider is enough.
            faults = (list(_compare(part, schema, place.member(name))) for part in taken or [{}])
            yield from min(faults, key=len)


def _schemas_of(schema: Mapping[str, Any], name: str) -> list[Any]:
    """The schemas that a member must fit."""
    named = [schema["properties"][name]] if name in schema.get("properties", {}) else []
    patterns = schema.get("patternProperties", {})
    schemas = [*named, *(patterns[pattern] for pattern in patterns if is_found(pattern, name))]
    return schemas or ([schema["additionalProperties"]] if "additionalProperties" in schema else [])


def _further_members(old: Mapping[str, Any], new: Mapping[str, Any], place: _Place) -> Iterator[Incompatibility]:
    """The faults of members that neither schema names."""
    old_patterns, new_patterns = old.get("patternProperties", {}), new.get("patternProperties", {})
    old_rest, new_rest = old.get("additionalProperties", {}), new.get("additionalProperties", {})
    for pattern, schema in new_patterns.items():
        # Of the older patterns, any may fit the same names, or none.
        taken = old_patterns.get(pattern, {} if old_patterns else old_rest)
        yield from _compare(taken, schema, place.below("patternProperties", pattern, what=f"a member like '{pattern}'"))
    further = [old_rest, *(old_patterns[pattern] for pattern in old_patterns if pattern not in new_patterns)]
    if new_rest is not False:
        for taken in further:
            yield from _compare(taken, new_rest, place.below("additionalProperties", what="a further member"))
    elif any(taken is not False for taken in further):
        yield place.fault(f"{place.what} takes no further members now")


def _items(old: Mapping[str, Any], new: Mapping[str, Any], place: _Place) -> Iterator[Incompatibility]:
    old_prefix, new_prefix = old.get("prefixItems", ()), new.get("prefixItems", ())
    old_rest, new_rest = old.get("items", {}), new.get("items", {})
    for index in range(max(len(old_prefix), len(new_prefix))):
        path = ("prefixItems", str(index)) if index < len(new_prefix) else ("items",)
        taken = old_prefix[index] if index < len(old_prefix) else old_rest
        schema = new_prefix[index] if index < len(new_prefix) else new_rest
        yield from _compare(taken, schema, place.below(*path, what=f"item {index}"))
    yield from _compare(old_rest, new_rest, place.below("items", what="an item"))


def _narrowing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for keyword in _LEAST:
        if keyword in new and not (keyword in old and old[keyword] >= new[keyword]):
            yield keyword
    for keyword in _MOST:
        if keyword in new and not (keyword in old and old[keyword] <= new[keyword]):
            yield keyword
    for keyword in _OTHERS:
        if keyword in new and not (keyword in old and _is_same(old[keyword], new[keyword])):
            yield keyword
    if "contains" in new and new.get("minContains", 1) > old.get("minContains", 1):
        yield "minContains"
    if new.get("uniqueItems") is True and old.get("uniqueItems") is not True:
        yield "uniqueItems"
    if new.get("format") in _FORMATS and new.get("format") != old.get("format"):
        yield "format"
    values = _values(old)
    for keyword in ("const", "enum"):
        if keyword in new and (values is None or not _are_among(values, _values({keyword: new[keyword]}) or ())):
            yield keyword
    for keyword in ("anyOf", "oneOf", "allOf"):
        if keyword in new and not (keyword in old and _takes_all(old[keyword], new[keyword], keyword)):
            yield keyword


def _takes_all(old: Sequence[Any], new: Sequence[Any], keyword: str) -> bool:
    """Whether each alternative of the older schema stays, and no condition is new."""
    if keyword == "allOf":
        return _are_among(new, old)
    if keyword == "anyOf":
        return _are_among(old, new)
    # A value that fits two alternatives of `oneOf` is refused.
    added = [schema for schema in new if not _are_among([schema], old)]
    return _are_among(old, new) and all(_are_apart(first, second) for first in old for second in added)


def _are_apart(first: Any, second: Any) -> bool:
    """Whether types or values show that no value fits both schemas."""
    if not isinstance(first, Mapping) or not isinstance(second, Mapping):
        return first is False or second is False
    values, forbidden = _values(first), _values(second)
    if values is not None and forbidden is not None:
        return not any(_are_among([value], forbidden) for value in values)
    types, forbidden_types = _types(first), _types(second)
    return not types & forbidden_types and not {"integer", "number"} <= types | forbidden_types


def _values(schema: Mapping[str, Any]) -> Sequence[Any] | None:
    """The values to which `const` or `enum` limits a schema; None = neither does."""
    if "const" in schema:
        return [schema["const"]]
    values: Sequence[Any] | None = schema.get("enum")
    return values


def _are_among(values: Sequence[Any], allowed: Sequence[Any]) -> bool:
    spellings = {_spelled(value) for value in allowed}
    return all(_spelled(value) in spellings for value in values)


def _is_same(first: Any, second: Any) -> bool:
    """Whether two JSON values are equal. Python takes 1 for true."""
    return _spelled(first) == _spelled(second)


def _spelled(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    sent = schema.get("type")
    if sent is not None:
        return frozenset([sent] if isinstance(sent, str) else sent)
    values = _values(schema)
    return _ANY if values is None else frozenset(_TYPES[type(value)] for value in values)


class _WrittenOut:
    """A schema without references: its `schema` holds the target of each in its place."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._parts_left = PARTS_MAX
        self.schema = self._copy(root, 0)

    def _copy(self, part: Any, depth: int) -> Any:
        if isinstance(part, list):
            return [self._copy(item, depth + 1) for item in part]
        if not isinstance(part, Mapping):
            return part
        self._parts_left -= 1
        if self._parts_left < 0 or depth > 2 * _DEPTH_MAX:
            # Only a schema that no trigger could be checked against is so long or without end.
            return {}
        copy = {key: self._value(key, value, depth) for key, value in part.items() if key not in ("$defs", "$ref")}
        if isinstance(part.get("$ref"), str):
            return _merged(self._copy(_at(self._root, part["$ref"]), depth + 1), copy)
        return copy

    def _value(self, keyword: str, value: Any, depth: int) -> Any:
        if keyword in DATA_KEYWORDS:
            return value
        if keyword in SCHEMA_MAPS and isinstance(value, Mapping):
            return {name: self._copy(schema, depth + 1) for name, schema in value.items()}
        return self._copy(value, depth + 1)


def _merged(target: Any, siblings: Mapping[str, Any]) -> Any:
    """The target of a reference together with what stands beside the reference."""
    if not isinstance(target, Mapping):
        return target if target is False else siblings
    notes = {keyword: value for keyword, value in siblings.items() if keyword in _ANNOTATIONS}
    conditions = {keyword: value for keyword, value in siblings.items() if keyword not in _ANNOTATIONS}
    merged = {**target, **notes}
    return {**merged, "allOf": [*target.get("allOf", ()), conditions]} if conditions else merged


def _at(root: Any, pointer: str) -> Any:
    part = root
    for key in split_pointer(pointer[1:]):
        part = part.get(key, {}) if isinstance(part, Mapping) else {}
    return part
