"""Whether callers of an older version of a DAG can call a newer one: params may take more, outputs may promise more."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mainspring.pointers import join_pointer, split_pointer

__all__ = ["Incompatibility", "incompatibilities"]

FAULTS_MAX = 50
_DEPTH_MAX = 20
_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_OTHERS = (
    "pattern",
    "const",
    "multipleOf",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "dependentRequired",
    "uniqueItems",
)
"""Keywords that narrow a schema when they are new or changed."""
_ANY = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Incompatibility:
    """What a newer version no longer takes, or no longer gives."""

    path: str
    """RFC 6901 pointer into the newer definition, or to a removed part of the older one."""
    text: str


def incompatibilities(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Incompatibility]:
    """What breaks callers between two normalised definitions; at most `FAULTS_MAX`.

    Params are compared by structure, so a change that takes the same values in other words may count as a fault.
    """
    narrowed = _Comparison(old.get("params", {}), new.get("params", {})).faults()
    faults = [*narrowed, *_lost_outputs(old.get("outputs", {}), new.get("outputs", {}))]
    return faults[:FAULTS_MAX]


def _lost_outputs(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Incompatibility]:
    for name in sorted(old.keys() - new.keys()):
        yield Incompatibility(path=join_pointer("/outputs", name), text=f"the run no longer has the output '{name}'")


class _Comparison:
    """Two schemas of params: what the older takes and the newer refuses."""

    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self._roots = (old, new)

    def faults(self) -> Iterator[Incompatibility]:
        old, new = self._roots
        if old != new and new:
            # `conf` is an object, also where the schema says nothing.
            yield from self._compare({"type": "object", **old}, new, "/params", "params", 0)

    def _compare(self, old: Any, new: Any, at: str, what: str, depth: int) -> Iterator[Incompatibility]:
        old, new = self._resolved(old, 0), self._resolved(new, 1)
        if old == new or new in ({}, True) or depth > _DEPTH_MAX:
            return
        if new is False or not isinstance(new, Mapping):
            yield Incompatibility(path=at, text=f"{what} is no longer taken")
            return
        old = old if isinstance(old, Mapping) else {}
        lost = _types(old) - _types(new) - ({"integer"} if "number" in _types(new) else set())
        if lost:
            yield Incompatibility(path=at, text=f"{what} may no longer be {', '.join(sorted(lost))}")
            return
        for keyword in _narrowing(old, new):
            yield Incompatibility(path=at, text=f"`{keyword}` of {what} takes less")
        yield from self._members(old, new, at, what, depth)
        if "items" in new:
            yield from self._compare(old.get("items", {}), new["items"], f"{at}/items", f"an item of {what}", depth + 1)

    def _members(
        self, old: Mapping[str, Any], new: Mapping[str, Any], at: str, what: str, depth: int
    ) -> Iterator[Incompatibility]:
        before, after = old.get("properties", {}), new.get("properties", {})
        is_closed = new.get("additionalProperties", True) is False
        for name in new.get("required", ()):
            has_default = isinstance(after.get(name), Mapping) and "default" in after[name]
            if name not in old.get("required", ()) and not has_default:
                yield Incompatibility(path=join_pointer(f"{at}/properties", name), text=f"'{name}' is required now")
        for name, schema in before.items():
            place = join_pointer(f"{at}/properties", name)
            if name in after:
                yield from self._compare(schema, after[name], place, f"'{name}'", depth + 1)
            elif is_closed and not new.get("patternProperties"):
                yield Incompatibility(path=place, text=f"'{name}' is no longer taken")
        if is_closed and old.get("additionalProperties", True) is not False:
            yield Incompatibility(path=at, text=f"{what} takes no further members now")

    def _resolved(self, schema: Any, side: int) -> Any:
        for _ in range(_DEPTH_MAX):
            if not (isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str)):
                return schema
            schema = _at(self._roots[side], schema["$ref"])
        return {}


def _narrowing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for keyword in _LEAST:
        if keyword in new and not (keyword in old and old[keyword] >= new[keyword]):
            yield keyword
    for keyword in _MOST:
        if keyword in new and not (keyword in old and old[keyword] <= new[keyword]):
            yield keyword
    for keyword in _OTHERS:
        if keyword in new and old.get(keyword) != new[keyword] and new[keyword] is not False:
            yield keyword
    if "enum" in new and not ("enum" in old and all(value in new["enum"] for value in old["enum"])):
        yield "enum"
    for keyword in ("anyOf", "oneOf", "allOf"):
        if keyword in new and not _has_all(old.get(keyword), new[keyword], is_all=keyword == "allOf"):
            yield keyword


def _has_all(old: Any, new: Sequence[Any], *, is_all: bool) -> bool:
    """Whether each alternative of the older stays, and no condition is new."""
    if old is None:
        return False
    return all(part in old for part in new) if is_all else all(part in new for part in old)


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    sent = schema.get("type")
    if sent is None:
        return _ANY
    return frozenset([sent] if isinstance(sent, str) else sent)


def _at(root: Any, pointer: str) -> Any:
    part = root
    for key in split_pointer(pointer[1:]):
        part = part.get(key, {}) if isinstance(part, Mapping) else {}
    return part
