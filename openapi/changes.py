"""Which changes of the document break clients that were made for the last release; see docs/sdk.md.

    python openapi/changes.py OLD NEW [ACCEPTED]
    python openapi/changes.py --release DOCUMENT OLD

The second form writes the part of a document that is compared, a line for each operation and each component.

The first form prints each change that breaks clients and is not a line of the file ACCEPTED. The command ends with 1
when it printed a change. A request may require less and allow more; a response may promise more. Generated clients read
enums as closed, so a new value in a response breaks them too. Descriptions, examples and bounds (lengths, ranges) are
not compared.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["breaking_changes", "compared_part", "write_release"]

JSON = "application/json"
_NOTHING: Mapping[str, Any] = {}
_COMPARED = {
    *("$ref", "type", "anyOf", "oneOf", "enum", "const", "properties", "required", "items", "additionalProperties"),
    *("in", "name", "schema", "content", "operationId", "parameters", "requestBody", "responses"),
}
"""Keywords of schemas, parameters, bodies and operations that the comparison reads."""
_BY_NAME = frozenset(("properties", "content", "responses"))
"""Keywords whose members are names, not keywords."""
_DEFINITION = {"$ref": "#/components/schemas/Definition"}
"""As an answer it holds what somebody sent, so that it may hold whatever may be sent."""


def breaking_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """A line for each change that breaks clients, in the order of the old document."""
    found: dict[str, None] = {}
    for (method, path), operation in _operations(old).items():
        at = f"{method.upper()} {path}"
        changed = _operations(new).get((method, path))
        if changed is None:
            found[f"{at}: the operation is gone"] = None
            continue
        if operation["operationId"] != changed["operationId"]:
            found[f"{at}: operationId was {operation['operationId']}"] = None
        comparison = _Comparison(old, new)
        for changes in (_parameters, _body, _answers):
            found |= dict.fromkeys(f"{at}: {change}" for change in changes(comparison, operation, changed))
    return list(found)


class _Comparison:
    """Of the schemas of two documents; each pair of components is compared once for each direction."""

    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self._old, self._new = old, new
        self._seen: set[tuple[str, str, bool]] = set()

    def schema(self, old: Any, new: Any, at: str, *, is_sent: bool) -> Iterator[str]:
        pair = (old.get("$ref", ""), new.get("$ref", ""), is_sent)
        if pair[0] and pair in self._seen:
            return
        self._seen.add(pair)
        before, after = _resolved(self._old, old), _resolved(self._new, new)
        old, new = _beside(old, before, after), _beside(new, after, before)
        yield from self._alternatives(old, new, at, is_sent)
        yield from self._values(old, new, at, is_sent)
        yield from self._members(old, new, at, is_sent)
        for key in ("items", "additionalProperties"):
            if isinstance(old.get(key), Mapping) and isinstance(new.get(key), Mapping):
                yield from self.schema(old[key], new[key], f"{at}[]", is_sent=is_sent)

    def _alternatives(self, old: Mapping[str, Any], new: Mapping[str, Any], at: str, is_sent: bool) -> Iterator[str]:
        before, after = self._kinds(self._old, old), self._kinds(self._new, new)
        for kind in before.keys() & after.keys():
            if before[kind] is not old or after[kind] is not new:
                yield from self.schema(before[kind], after[kind], at, is_sent=is_sent)
        # A schema that says nothing takes everything.
        if is_sent and after:
            yield from (f"{at}: may be no {kind} any more" for kind in sorted(before.keys() - after.keys()))
        if not is_sent and before:
            yield from (f"{at}: may be {kind} now" for kind in sorted(after.keys() - before.keys()))

    def _kinds(self, document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """What a value may be, by name: its types, or the components and types it is one of."""
        choices = schema.get("anyOf") or schema.get("oneOf")
        if not choices:
            kinds = schema.get("type", [])
            return {kinds: schema} if isinstance(kinds, str) else {kind: {**schema, "type": kind} for kind in kinds}
        found: dict[str, Mapping[str, Any]] = {}
        for choice in choices:
            inner = {} if "$ref" in choice else self._kinds(document, choice)
            found |= inner or {choice.get("$ref", "value").rpartition("/")[2]: choice}
        return found

    def _values(self, old: Mapping[str, Any], new: Mapping[str, Any], at: str, is_sent: bool) -> Iterator[str]:
        before, after = _enum(old), _enum(new)
        if is_sent and after is not None:
            gone = (before or set()) - after if before is not None else {"values that were allowed"}
            yield from (f"{at}: {value!r} is not taken any more" for value in sorted(gone))
        if not is_sent and before is not None:
            more = after - before if after is not None else {"any value"}
            yield from (f"{at}: {value!r} may be answered now" for value in sorted(more))

    def _members(self, old: Mapping[str, Any], new: Mapping[str, Any], at: str, is_sent: bool) -> Iterator[str]:
        before, after = old.get("properties", _NOTHING), new.get("properties", _NOTHING)
        needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in before:
            if name in after:
                yield from self.schema(before[name], after[name], f"{at}.{name}", is_sent=is_sent)
            elif not is_sent or new.get("additionalProperties") is False:
                yield f"{at}.{name} is gone"
        if is_sent:
            yield from (f"{at}.{name} is needed now" for name in sorted(needed_after - needed_before))
        else:
            missing = needed_before - needed_after
            yield from (f"{at}.{name} may be missing now" for name in sorted(missing & after.keys()))


def _parameters(comparison: _Comparison, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    before, after = (
        {(each["in"], each["name"]): each for each in operation.get("parameters", ())} for operation in (old, new)
    )
    for (place, name), parameter in before.items():
        if (place, name) not in after:
            yield f"{place} {name} is gone"
            continue
        yield from comparison.schema(
            parameter.get("schema", _NOTHING),
            after[place, name].get("schema", _NOTHING),
            f"{place} {name}",
            is_sent=True,
        )
    for key, parameter in after.items():
        if parameter.get("required") and not before.get(key, _NOTHING).get("required"):
            yield f"{key[0]} {key[1]} is needed now"


def _body(comparison: _Comparison, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    before, after = old.get("requestBody", _NOTHING), new.get("requestBody", _NOTHING)
    if after.get("required") and not before.get("required"):
        yield "a body is needed now"
    for media, content in before.get("content", _NOTHING).items():
        if media not in after.get("content", _NOTHING):
            yield f"{media} is not taken any more"
        else:
            yield from comparison.schema(content["schema"], after["content"][media]["schema"], "body", is_sent=True)


def _answers(comparison: _Comparison, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for status, answer in old["responses"].items():
        if not status.startswith("2"):
            continue
        if status not in new["responses"]:
            yield f"{status} is not answered any more"
            continue
        after = new["responses"][status].get("content", _NOTHING)
        for media, content in answer.get("content", _NOTHING).items():
            if media not in after:
                yield f"{status} has no {media} any more"
            elif content["schema"] != _DEFINITION:
                yield from comparison.schema(content["schema"], after[media]["schema"], "answer", is_sent=False)


def _operations(document: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """(method, path) -> operation, with the parameters that its path has."""
    return {
        (method, path): {**each, "parameters": [*item.get("parameters", ()), *each.get("parameters", ())]}
        for path, item in document["paths"].items()
        for method, each in item.items()
        if method != "parameters"
    }


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _beside(schema: Mapping[str, Any], resolved: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    """What to compare with `other`: beside choices, a reference is a choice of one; otherwise what it refers to."""
    if "$ref" in schema and _is_choice(other) and not _is_choice(resolved):
        return {"anyOf": [schema]}
    return resolved


def _is_choice(schema: Mapping[str, Any]) -> bool:
    return "anyOf" in schema or "oneOf" in schema


def _enum(schema: Mapping[str, Any]) -> set[Any] | None:
    """The values that there are; `None` when there is no such limit."""
    if "const" in schema:
        return {schema["const"]}
    return set(schema["enum"]) if "enum" in schema else None


def compared_part(document: Mapping[str, Any]) -> dict[str, Any]:
    """The operations with their successful responses, and the components, without anything that is not compared."""
    methods = ("get", "put", "post", "patch", "delete")
    paths = {
        path: {key: _stripped(value) for key, value in item.items() if key == "parameters" or key in methods}
        for path, item in document["paths"].items()
    }
    schemas = {name: _stripped(schema) for name, schema in document["components"]["schemas"].items()}
    return {"paths": paths, "components": {"schemas": schemas}}


def write_release(document: Mapping[str, Any], path: Path) -> None:
    """Write the compared part of a document as JSON, one operation or component in a line."""
    part = compared_part(document)
    paths = {name: _lines(item, "    ") for name, item in part["paths"].items()}
    schemas = {name: json.dumps(schema) for name, schema in part["components"]["schemas"].items()}
    content = f'{{"paths": {_object(paths)}, "components": {{"schemas": {_object(schemas)}}}}}\n'
    path.write_text(content, encoding="utf-8")


def _lines(item: Mapping[str, Any], indent: str) -> str:
    return _object({key: json.dumps(value) for key, value in item.items()}, indent)


def _object(members: Mapping[str, str], indent: str = "  ") -> str:
    """A JSON object of encoded values, one member in a line."""
    lines = ",\n".join(f"{indent}{json.dumps(name)}: {value}" for name, value in members.items())
    return f"{{\n{lines}\n{indent[2:]}}}"


def _stripped(part: Any, *, is_by_name: bool = False) -> Any:
    if isinstance(part, list):
        return [_stripped(each) for each in part]
    if not isinstance(part, Mapping):
        return part
    kept = part if is_by_name else {key: value for key, value in part.items() if key in _COMPARED}
    if not is_by_name and "responses" in kept:
        kept["responses"] = {status: each for status, each in part["responses"].items() if status.startswith("2")}
    return {key: _stripped(value, is_by_name=not is_by_name and key in _BY_NAME) for key, value in kept.items()}


def main(old: str, new: str, accepted: str | None = None) -> int:
    if old == "--release":
        write_release(json.loads(Path(new).read_bytes()), Path(str(accepted)))
        return 0
    known = Path(accepted).read_text(encoding="utf-8").splitlines() if accepted else []
    documents = (json.loads(Path(path).read_bytes()) for path in (old, new))
    found = [change for change in breaking_changes(*documents) if change not in known]
    for change in found:
        print(change)
    if found:
        print(f"{len(found)} changes break clients of the last release; see docs/sdk.md", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
