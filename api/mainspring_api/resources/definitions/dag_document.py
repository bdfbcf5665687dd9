"""The OpenAPI document of one DAG: a trigger with the DAG's params, and runs with the DAG's outputs.

Clients are generated from the document, so nothing of a definition may leave the place that a generator gives it. Names
of components have safe characters. Texts hold no end of a comment or of a string. References point to components alone.
A keyword that generators cannot be trusted with is left out, so the document takes more than the server, never less.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mainspring.definition import Definition
from mainspring.pointers import split_pointer
from mainspring.states import RunState

__all__ = ["dag_document"]

_PROPERTY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
_TEXT_CHARS_MAX = 500
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_FORMATS = frozenset({"date", "date-time", "email", "uri", "uuid"})
_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_ALTERNATIVES = ("anyOf", "oneOf", "allOf")
_OUTPUT = re.compile(r"\$\{\{\s*tasks\.([A-Za-z_]\w*)\.outputs\.([A-Za-z_]\w*)\s*\}\}")
_NAMES_MAX = 200
"""Components of one document. Beyond, a reference takes any value."""


def dag_document(definition: Definition, version_number: int) -> dict[str, Any]:
    """The document of one version. Equal versions have equal documents."""
    components = _Components()
    root = f"/api/v2/dags/{definition.dag_id}/dagRuns"
    components.add("Params", definition.params)
    components.add("Outputs", _outputs_schema(definition))
    schemas = {**components.schemas, **_FIXED}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": definition.dag_id,
            "version": str(version_number),
            "description": prose(definition.description or "") or f"Runs of the DAG {definition.dag_id}",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearerAuth": []}],
        "paths": {root: {"post": _TRIGGER}, f"{root}/{{dag_run_id}}": {"get": _GET_RUN}},
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer"}},
        },
    }


def prose(text: str) -> str:
    """A text of a definition as a line that ends no comment and no string of any language."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    safe = re.sub(r"[\\`\"'*/<>{}$#%]", " ", printable)
    return " ".join(safe.split())[:_TEXT_CHARS_MAX].strip()


def _is_plain(text: str) -> bool:
    """Whether a generator can write the text into a literal of any language."""
    return len(text) <= _TEXT_CHARS_MAX and prose(text) == text


class _Components:
    """The schemas of a document by safe names."""

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}
        self._taken = {name.lower() for name in (*_FIXED, "Params", "Outputs")}

    def add(self, name: str, schema: Mapping[str, Any]) -> None:
        """Add a schema of a definition, and what it refers to, under a name that is kept for it."""
        source = _Source(self, name, schema)
        self.schemas[name] = {"type": "object", **source.converted(schema)}

    def new_name(self, prefix: str, text: str) -> str | None:
        """A new name; `None` = the document has enough."""
        if len(self._taken) >= _NAMES_MAX:
            return None
        words = re.findall(r"[A-Za-z0-9]+", text.replace("$defs", ""))
        base = (prefix + "".join(word[:1].upper() + word[1:] for word in words))[:80]
        name, number = base, 1
        while name.lower() in self._taken:
            number += 1
            name = f"{base}{number}"
        self._taken.add(name.lower())
        return name


class _Source:
    """One schema of a definition on its way into components."""

    def __init__(self, components: _Components, name: str, root: Mapping[str, Any]) -> None:
        self._components = components
        self._name = name
        self._root = root
        self._names: dict[tuple[str, bool], str] = {("#", False): name}
        """(pointer, is_hidden) -> the component: what is hidden at one place may show its values at another."""

    def converted(self, schema: Any, *, is_hidden: bool = False) -> dict[str, Any]:
        """A schema as generators can take it. is_hidden: a schema around it is `writeOnly`."""
        if not isinstance(schema, Mapping):
            return {}
        if isinstance(schema.get("$ref"), str):
            return self._reference(schema, is_hidden)
        hidden = is_hidden or self._is_write_only(schema)
        result = dict(self._alternatives(schema, hidden))
        types = _types(schema)
        if len(types) > 1:
            members = [self._of_type(schema, kind, hidden) for kind in types]
            result.setdefault("anyOf", members)
        else:
            result |= self._of_type(schema, types[0] if types else None, hidden)
        text = schema.get("description")
        if isinstance(text, str) and prose(text):
            result["description"] = prose(text)
        result |= {flag: True for flag in ("deprecated", "readOnly", "writeOnly") if schema.get(flag) is True}
        return result

    def _reference(self, schema: Mapping[str, Any], is_hidden: bool) -> dict[str, Any]:
        pointer = schema["$ref"]
        hidden = is_hidden or self._is_write_only(schema)
        name = self._names.get((pointer, hidden))
        if name is None:
            name = self._components.new_name(self._name, pointer)
            if name is None:
                return {}
            self._names[pointer, hidden] = name
            target = _at(self._root, pointer)
            self._components.schemas[name] = self.converted(target, is_hidden=hidden)
        return {"$ref": f"#/components/schemas/{name}"}

    def _is_write_only(self, schema: Any) -> bool:
        """Whether a schema says `writeOnly`: itself, in a member of `allOf`, or where its reference leads."""
        seen: set[str] = set()
        parts = [schema]
        while parts:
            part = parts.pop()
            if not isinstance(part, Mapping):
                continue
            if part.get("writeOnly") is True:
                return True
            members = part.get("allOf")
            parts += members if isinstance(members, list) else ()
            pointer = part.get("$ref")
            if isinstance(pointer, str) and pointer not in seen:
                seen.add(pointer)
                # A reference into a schema that is `writeOnly` names a part of a secret.
                parts += _along(self._root, pointer)
        return False

    def _alternatives(self, schema: Mapping[str, Any], is_hidden: bool) -> Iterator[tuple[str, Any]]:
        for keyword in _ALTERNATIVES:
            members = schema.get(keyword)
            if isinstance(members, Sequence) and members:
                # Without the keywords that are left out, a value may fit two members, which `oneOf` would refuse.
                known = "anyOf" if keyword == "oneOf" else keyword
                yield known, [self.converted(member, is_hidden=is_hidden) for member in members]
                return  # generators take one of them

    def _of_type(self, schema: Mapping[str, Any], kind: str | None, is_hidden: bool) -> dict[str, Any]:
        result: dict[str, Any] = {} if kind is None else {"type": kind}
        result |= {word: schema[word] for word in (*_NUMBERS, *_COUNTS) if _is_number(schema.get(word))}
        if kind == "object":
            result |= self._members(schema, is_hidden)
        elif kind == "array":
            result["items"] = self.converted(schema.get("items"), is_hidden=is_hidden)
        else:
            result |= _values(schema, kind, is_hidden)
        return result

    def _members(self, schema: Mapping[str, Any], is_hidden: bool) -> dict[str, Any]:
        """The keywords of an object. A name that generators cannot take is left out, and any member is taken then."""
        sent = schema.get("properties", {})
        names = _property_names(sent)
        result: dict[str, Any] = {}
        if names:
            result["properties"] = {name: self.converted(sent[name], is_hidden=is_hidden) for name in names}
        required = [name for name in schema.get("required", ()) if name in names and not _has_default(sent[name])]
        if required:
            result["required"] = required
        more = schema.get("additionalProperties", True)
        is_open = len(names) < len(sent) or bool(schema.get("patternProperties")) or "unevaluatedProperties" in schema
        if isinstance(more, Mapping) and not is_open:
            result["additionalProperties"] = self.converted(more, is_hidden=is_hidden) or True
        else:
            result["additionalProperties"] = is_open or more is not False
        return result


def _types(schema: Mapping[str, Any]) -> list[str]:
    sent = schema.get("type")
    types = [sent] if isinstance(sent, str) else list(sent or ())
    return [kind for kind in types if kind in _TYPES]


def _values(schema: Mapping[str, Any], kind: str | None, is_hidden: bool) -> dict[str, Any]:
    """`format`, `enum` and `default` of a scalar. What is `writeOnly` tells no value."""
    result: dict[str, Any] = {}
    if kind == "string" and schema.get("format") in _FORMATS:
        result["format"] = schema["format"]
    if is_hidden or kind is None:
        return result
    choices = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(choices, Sequence) and _are_choices(choices, kind):
        result["enum"] = list(choices)
    value = schema.get("default")
    if "format" not in result and _is_scalar(value, kind) and value in result.get("enum", [value]):
        result["default"] = value
    return result


def _are_choices(values: Sequence[Any], kind: str) -> bool:
    """Whether generators can name the values: texts or integers whose letters and digits differ."""
    if kind not in ("string", "integer") or not values or len(values) > _NAMES_MAX:
        return False
    if not all(_is_scalar(value, kind) for value in values):
        return False
    if kind == "integer":
        return len(set(values)) == len(values)
    names = {re.sub(r"[^a-z0-9]", "", value.lower()) for value in values}
    return "" not in names and len(names) == len(values)


def _is_scalar(value: Any, kind: str) -> bool:
    match kind:
        case "string":
            return isinstance(value, str) and _is_plain(value)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return _is_number(value)
    return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _property_names(properties: Mapping[str, Any]) -> dict[str, None]:
    """Names that generators can take, each with letters and digits of its own."""
    names: dict[str, str] = {}
    for name in properties:
        if _PROPERTY.fullmatch(name):
            names.setdefault(re.sub(r"[^a-z0-9]", "", name.lower()), name)
    return dict.fromkeys(names.values())


def _has_default(schema: Any) -> bool:
    # A trigger may leave such a param out: the server fills it in before the check.
    return isinstance(schema, Mapping) and "default" in schema


def _at(root: Mapping[str, Any], pointer: str) -> Any:
    """The part of a schema that a reference `#/...` names; `None` = no part."""
    return list(_along(root, pointer))[-1]


def _along(root: Mapping[str, Any], pointer: str) -> Iterator[Any]:
    """The parts of a schema on the way of a reference `#/...`, from the root; `None` = no part."""
    part: Any = root
    yield part
    for key in split_pointer(pointer[1:]):
        if isinstance(part, Mapping):
            part = part.get(key)
        elif isinstance(part, Sequence) and not isinstance(part, str) and key.isdigit() and int(key) < len(part):
            part = part[int(key)]
        else:
            part = None
        yield part


def _outputs_schema(definition: Definition) -> dict[str, Any]:
    """The schema of a run's outputs, by the declarations of the tasks that they come from. Their references are taken
    out, because each has another root."""
    properties = {name: _output_schema(definition, value) for name, value in _sent_outputs(definition).items()}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _sent_outputs(definition: Definition) -> Mapping[str, Any]:
    outputs: Mapping[str, Any] = definition.document.get("outputs", {})
    return outputs


def _output_schema(definition: Definition, value: Any) -> Mapping[str, Any]:
    source = _OUTPUT.fullmatch(value) if isinstance(value, str) else None
    task = definition.flat.tasks.get(source[1]) if source else None
    if source is None or task is None:
        return {}
    declared = task.get("outputs", {}).get(source[2])
    if not isinstance(declared, Mapping) or "$ref" in str(declared):
        return {}
    return {"type": "array", "items": declared} if definition.tasks[source[1]].is_mapped else declared


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_FIXED: Mapping[str, Any] = {
    "Trigger": {
        "type": "object",
        "properties": {
            "conf": _ref("Params"),
            "dag_run_id": {"type": "string", "description": "Identifier of the run; absent = made by the server"},
            "note": {"type": "string", "description": "Text for people who look at the run"},
        },
        "additionalProperties": False,
    },
    "Run": {
        "type": "object",
        "properties": {
            "dag_id": {"type": "string"},
            "dag_run_id": {"type": "string"},
            "state": {"type": "string", "enum": [state.value for state in RunState]},
            "is_finished": {"type": "boolean"},
            "message": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "params": _ref("Params"),
            "outputs": {"anyOf": [_ref("Outputs"), {"type": "null"}]},
        },
        "required": ["dag_id", "dag_run_id", "is_finished", "outputs", "params", "state"],
        "additionalProperties": True,
    },
    "Problem": {
        "type": "object",
        "properties": {"code": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}},
        "required": ["code", "status", "title"],
        "additionalProperties": True,
    },
}
_ANSWERS = {
    "200": {"description": "The run", "content": {"application/json": {"schema": _ref("Run")}}},
    "default": {
        "description": "The fault of the request",
        "content": {"application/problem+json": {"schema": _ref("Problem")}},
    },
}
_TRIGGER: Mapping[str, Any] = {
    "operationId": "trigger",
    "summary": "Start a run",
    "description": "With wait, the answer comes when the run has ended or the seconds are over.",
    "parameters": [
        {
            "name": "wait",
            "in": "query",
            "description": "Seconds to wait for the end of the run",
            "schema": {"type": "integer", "minimum": 0},
        }
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Trigger")}}},
    "responses": _ANSWERS,
}
_GET_RUN: Mapping[str, Any] = {
    "operationId": "get_run",
    "summary": "One run",
    "description": "The state of a run, with its outputs once the run has succeeded.",
    "parameters": [{"name": "dag_run_id", "in": "path", "required": True, "schema": {"type": "string"}}],
    "responses": _ANSWERS,
}
