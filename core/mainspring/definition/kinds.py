"""Kinds of values in a definition: each kind reads a value, reports its faults, and has a JSON Schema.

`read` returns the value in the stored spelling (durations, instants, whole numbers), or `INVALID` after a reported
problem.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from mainspring.definition.model import Catchup
from mainspring.definition.report import INVALID, Report, show
from mainspring.durations import DURATION_MAX, format_duration, parse_duration
from mainspring.ids import ID_PATTERN, is_valid_id
from mainspring.instants import format_instant, parse_instant
from mainspring.pointers import join_pointer
from mainspring.retention import FOREVER, LIFETIME_MIN

__all__ = [
    "AnyJson",
    "Boolean",
    "Choice",
    "Duration",
    "Either",
    "Field",
    "HttpStatus",
    "Identifier",
    "Instant",
    "Integer",
    "Kind",
    "Lifetime",
    "ListOf",
    "MapOf",
    "MissedSlots",
    "Number",
    "Record",
    "Scalar",
    "Secret",
    "Text",
]


class Kind(Protocol):
    """One kind of value."""

    def read(self, value: Any, at: str, report: Report) -> Any:
        """`value` as it is stored, or `INVALID`; `at` is its pointer."""
        ...

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A string of bounded length."""

    chars_min: int = 0
    chars_max: int = 1_000
    pattern: str | None = None
    what: str = "a string"
    """Completes "must be ..." where the pattern says too little."""
    templated: bool = False
    """May hold `${{ ... }}`; a text with an expression is matched with the pattern only after rendering."""
    verbatim_hint: str | None = None
    """When set, the text is passed on as written, and `${{` in the text is an error with this hint."""

    def read(self, value: Any, at: str, report: Report) -> Any:
        if not isinstance(value, str):
            return _wrong_type(value, self.what, at, report)
        if not self.chars_min <= len(value) <= self.chars_max:
            bounds = f"{self.chars_min} to {self.chars_max}"
            return report.add("out_of_range", at, f"the text has {len(value)} characters; allowed are {bounds}")
        if "${{" in value:
            if self.templated:
                return value
            if self.verbatim_hint:
                return report.add("expression_not_allowed", at, "'${{' is not evaluated here", self.verbatim_hint)
        if self.pattern and not re.fullmatch(self.pattern, value, re.ASCII):
            return report.add("invalid_value", at, f"{show(value)} must be {self.what}")
        return value

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string", "maxLength": self.chars_max}
        if self.chars_min:
            schema["minLength"] = self.chars_min
        if self.pattern and not self.templated:
            schema["pattern"] = f"^(?:{self.pattern})$"
        return schema


@dataclass(frozen=True, slots=True)
class Identifier:
    """The id of a DAG or a task."""

    def read(self, value: Any, at: str, report: Report) -> Any:
        if not isinstance(value, str):
            return _wrong_type(value, "an id", at, report)
        if not is_valid_id(value):
            rule = "1 to 250 of the characters A-Z a-z 0-9 _ . -, and not '.' or '..'"
            return report.add("invalid_id", at, f"{show(value)} is no id: ids are {rule}")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{ID_PATTERN}$"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Boolean:
    """True or false."""

    def read(self, value: Any, at: str, report: Report) -> Any:
        return value if isinstance(value, bool) else _wrong_type(value, "true or false", at, report)

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, kw_only=True, slots=True)
class MissedSlots:
    """`all`, `latest` or `none`; true and false, the older spellings of `all` and `latest`, are what is stored."""

    def read(self, value: Any, at: str, report: Report) -> Any:
        stored = {Catchup.ALL: True, Catchup.LATEST: False}
        if isinstance(value, bool):
            return value
        if not isinstance(value, str):
            return _wrong_type(value, "all, latest, none, true or false", at, report)
        names = tuple(choice.value for choice in Catchup)
        if value not in names:
            return report.add_unknown("invalid_value", at, "unknown value", value, names)
        return stored.get(Catchup(value), value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "boolean"}, {"type": "string", "enum": [choice.value for choice in Catchup]}]}


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number; `2.0` is an integer too, as in JSON Schema."""

    minimum: int
    maximum: int

    def read(self, value: Any, at: str, report: Report) -> Any:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            return _wrong_type(value, "a whole number", at, report)
        return _in_range(value, self.minimum, self.maximum, at, report)

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True, slots=True)
class Number:
    """A number, stored as a float."""

    minimum: float
    maximum: float

    def read(self, value: Any, at: str, report: Report) -> Any:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return _wrong_type(value, "a number", at, report)
        return _in_range(float(value), self.minimum, self.maximum, at, report)

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some strings."""

    values: tuple[str, ...]
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Refused strings that a user may expect -> the reason of the refusal."""
    name: str = ""
    """Given: the schema becomes a component with this name, and generated clients have a type with this name."""

    def read(self, value: Any, at: str, report: Report) -> Any:
        if not isinstance(value, str):
            return _wrong_type(value, f"one of {', '.join(self.values)}", at, report)
        if value in self.values:
            return value
        if value in self.reasons:
            return report.add("invalid_value", at, f"{show(value)} is not possible: {self.reasons[value]}")
        return report.add_unknown("invalid_value", at, "unknown value", value, self.values)

    def schema(self) -> dict[str, Any]:
        return {**_title(self.name), "type": "string", "enum": list(self.values)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Duration:
    """A length of time, stored as canonical ISO 8601."""

    minimum: timedelta = timedelta(0)
    maximum: timedelta = DURATION_MAX

    def read(self, value: Any, at: str, report: Report) -> Any:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            hint = f"write '{value}s' for seconds"
            return report.add("wrong_type", at, f"the duration {value} has no unit", hint)
        if not isinstance(value, str):
            return _wrong_type(value, "a duration such as '20s' or 'PT20S'", at, report)
        try:
            duration = parse_duration(value)
        except ValueError as exc:
            return report.add("invalid_duration", at, str(exc))
        if not self.minimum <= duration <= self.maximum:
            bounds = f"{format_duration(self.minimum)} to {format_duration(self.maximum)}"
            return report.add("out_of_range", at, f"{show(value)} is out of range; allowed are {bounds}")
        return format_duration(duration)

    def schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "description": "ISO 8601 (`PT15M`) or short (`15m`, `1h30m`, `20s`, `250ms`).",
            "examples": ["PT15M", "20s"],
        }


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long history stays: a duration, stored as canonical ISO 8601, or `forever`."""

    def read(self, value: Any, at: str, report: Report) -> Any:
        if value == FOREVER:
            return FOREVER
        return Duration(minimum=LIFETIME_MIN).read(value, at, report)

    def schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "description": f"A duration of at least {format_duration(LIFETIME_MIN)} (`90d`, `P90D`), or `{FOREVER}`.",
            "examples": ["90d", FOREVER],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Instant:
    """A point in time, stored in UTC."""

    templated: bool = False

    def read(self, value: Any, at: str, report: Report) -> Any:
        if not isinstance(value, str):
            return _wrong_type(value, "an instant such as '2026-01-31T06:00:00Z'", at, report)
        if self.templated and "${{" in value:
            return value
        try:
            return format_instant(parse_instant(value))
        except ValueError as exc:
            return report.add("invalid_instant", at, str(exc))

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "description": "RFC 3339 with an offset, or a date (midnight UTC)."}


@dataclass(frozen=True, kw_only=True, slots=True)
class AnyJson:
    """Any JSON value that holds no `{secret: name}`, which no worker would replace."""

    is_schema: bool = False
    """It is a JSON Schema: `{secret: ...}` in it is a property or an example."""

    def read(self, value: Any, at: str, report: Report) -> Any:
        pointer = None if self.is_schema else _secret_in(value, at)
        return value if pointer is None else report.add("secret_not_allowed", pointer, _NOT_HANDED_OVER, _MEANT_AS_DATA)

    def schema(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Scalar:
    """A string, number or boolean that becomes text at its use."""

    def read(self, value: Any, at: str, report: Report) -> Any:
        if isinstance(value, (str, int, float, bool)):
            return value
        return _wrong_type(value, "a string, a number, true or false", at, report)

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean"]}


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """`{secret: name}`: replaced by the secret's value where the task runs, and nowhere else."""

    def read(self, value: Any, at: str, report: Report) -> Any:
        if set(value) != {"secret"}:
            return report.add("wrong_type", at, "an object here must be {secret: name} and nothing else")
        return INVALID if Identifier().read(value["secret"], f"{at}/secret", report) is INVALID else dict(value)

    def schema(self) -> dict[str, Any]:
        return {
            "title": "SecretReference",
            "type": "object",
            "properties": {"secret": {**Identifier().schema(), "description": "Name of the secret."}},
            "required": ["secret"],
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class HttpStatus:
    """A status, a class of statuses (`2xx`) or a range, stored as text."""

    pattern = r"[1-5]xx|[1-5]\d\d(-[1-5]\d\d)?"

    def read(self, value: Any, at: str, report: Report) -> Any:
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str):
            return _wrong_type(value, "a status such as 200, '2xx' or '200-299'", at, report)
        low, _, high = text.partition("-")
        if not re.fullmatch(self.pattern, text, re.ASCII) or (high and high < low):
            return report.add("invalid_value", at, f"{show(value)} must be a status such as 200, '2xx' or '200-299'")
        return text

    def schema(self) -> dict[str, Any]:
        return {
            "anyOf": [
                {"type": "integer", "minimum": 100, "maximum": 599},
                {"type": "string", "pattern": f"^(?:{self.pattern})$"},
            ]
        }


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of one kind."""

    item: Kind
    items_min: int = 0
    items_max: int = 10_000
    is_set: bool = False
    """No item twice."""

    def read(self, value: Any, at: str, report: Report) -> Any:
        if not isinstance(value, (list, tuple)):
            hint = f"write [{value}]" if isinstance(value, str) and len(value) < 60 else None
            return _wrong_type(value, "a list", at, report, hint)
        if not self.items_min <= len(value) <= self.items_max:
            bounds = f"{self.items_min} to {self.items_max}"
            return report.add("out_of_range", at, f"the list has {len(value)} items; allowed are {bounds}")
        items = [self.item.read(item, f"{at}/{position}", report) for position, item in enumerate(value)]
        if self.is_set and len(set(items)) < len(items):
            self._report_repeated(items, at, report)
        return INVALID if any(item is INVALID for item in items) else items

    def _report_repeated(self, items: list[Any], at: str, report: Report) -> None:
        seen = set()
        for position, item in enumerate(items):
            if item in seen and item is not INVALID:
                report.add("duplicate_item", f"{at}/{position}", f"{show(item)} stands in the list already")
            seen.add(item)

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "array", "items": self.item.schema(), "maxItems": self.items_max}
        if self.items_min:
            schema["minItems"] = self.items_min
        if self.is_set:
            schema["uniqueItems"] = True
        return schema


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with free keys and values of one kind."""

    value: Kind
    key_pattern: str = r"[^=\x00-\x1f]{1,250}"
    items_max: int = 1_000
    name: str = ""
    """As that of a `Choice`."""

    def read(self, value: Any, at: str, report: Report) -> Any:
        if not isinstance(value, Mapping):
            return _wrong_type(value, "an object", at, report)
        if len(value) > self.items_max:
            return report.add("out_of_range", at, f"it has {len(value)} keys; at most {self.items_max} are allowed")
        result = {}
        for key, item in value.items():
            if not re.fullmatch(self.key_pattern, key):
                report.add("invalid_key", at, f"the key {show(key)} is not allowed here")
            else:
                result[key] = self.value.read(item, join_pointer(at, key), report)
        return INVALID if len(result) < len(value) or any(item is INVALID for item in result.values()) else result

    def schema(self) -> dict[str, Any]:
        return {
            **_title(self.name),
            "type": "object",
            "additionalProperties": self.value.schema(),
            "propertyNames": {"pattern": f"^(?:{self.key_pattern})$"},
            "maxProperties": self.items_max,
        }


@dataclass(frozen=True, slots=True)
class Either:
    """A value whose kind depends on its JSON type: object, list, or anything else."""

    of_object: Kind | None = None
    of_list: Kind | None = None
    otherwise: Kind | None = None

    def read(self, value: Any, at: str, report: Report) -> Any:
        kind = self.otherwise
        if isinstance(value, Mapping):
            kind = self.of_object or kind
        elif isinstance(value, (list, tuple)):
            kind = self.of_list or kind
        if kind is None:
            expected = [name for name, member in (("an object", self.of_object), ("a list", self.of_list)) if member]
            return _wrong_type(value, " or ".join(expected), at, report)
        return kind.read(value, at, report)

    def schema(self) -> dict[str, Any]:
        kinds = (("object", self.of_object), ("array", self.of_list), (None, self.otherwise))
        schemas = [{**({"type": name} if name else {}), **kind.schema()} for name, kind in kinds if kind is not None]
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


@dataclass(frozen=True, slots=True)
class Field:
    """A named member of an object."""

    name: str
    kind: Kind
    required: bool = False
    nullable: bool = False
    """Null is the same as absent."""
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """An object with known fields. Unknown fields are errors, except `x-...`, which are stored."""

    fields: tuple[Field, ...]
    exactly_one: tuple[str, ...] = ()
    """Of these fields one must be given."""
    at_most_one: tuple[str, ...] = ()
    at_least_one: tuple[str, ...] = ()
    only_with: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    """Field -> the second field that the first field requires, or several of which one suffices."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Unknown field that a user may expect -> hint that names the right place."""
    what: str = "an object"
    name: str = ""
    """As that of a `Choice`."""

    def read(self, value: Any, at: str, report: Report) -> Any:
        if not isinstance(value, Mapping):
            return _wrong_type(value, self.what, at, report)
        result: dict[str, Any] = {}
        by_name = {field.name: field for field in self.fields}
        for name, item in value.items():
            if name in by_name:
                if item is None and by_name[name].nullable:
                    continue
                result[name] = by_name[name].kind.read(item, f"{at}/{name}", report)
            elif name.startswith("x-"):
                result[name] = item
            elif name in self.elsewhere:
                report.add("unknown_field", join_pointer(at, name), f"unknown field {name!r}", self.elsewhere[name])
            else:
                report.add_unknown("unknown_field", join_pointer(at, name), "unknown field", name, by_name)
        self._check_presence(result, at, report)
        # What is left can still be checked: the rest of an object is not at fault for one field.
        return {name: item for name, item in result.items() if item is not INVALID}

    def _check_presence(self, result: Mapping[str, Any], at: str, report: Report) -> None:
        for member in self.fields:
            if member.required and member.name not in result:
                report.add("missing_field", at, f"the field {member.name!r} is missing")
        present = [name for name in self.exactly_one if name in result]
        if self.exactly_one and not present:
            report.add("missing_field", at, f"one of {' or '.join(self.exactly_one)} is needed")
        if self.at_least_one and not any(name in result for name in self.at_least_one):
            first, *others = self.at_least_one
            hint = f"or give {' or '.join(others)}"
            report.add("missing_field", at, f"the field {first!r} is missing", hint)
        for group in (present, [name for name in self.at_most_one if name in result]):
            if len(group) > 1:
                report.add("exclusive_fields", f"{at}/{group[1]}", f"only one of {' and '.join(group)} may be given")
        for name, partners in self._needs():
            if name in result and not any(partner in result for partner in partners):
                names = " or ".join(map(repr, partners))
                report.add("exclusive_fields", f"{at}/{name}", f"{name!r} means something only beside {names}")

    def _needs(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each field of `only_with`, and the fields of which it requires at least one."""
        for name, partners in self.only_with.items():
            yield name, (partners,) if isinstance(partners, str) else partners

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {
            **_title(self.name),
            "type": "object",
            "properties": {member.name: _field_schema(member) for member in self.fields},
            "patternProperties": {"^x-": {}},
            "additionalProperties": False,
        }
        if required := [member.name for member in self.fields if member.required]:
            schema["required"] = required
        # `oneOf` would be shorter, but client generators read `oneOf` as a union of types and lose the fields.
        if needed := self.exactly_one or self.at_least_one:
            schema["not"] = {"properties": dict.fromkeys(needed, _ABSENT)}
        if exclusive := self.exactly_one or self.at_most_one:
            schema["dependentSchemas"] = {
                name: {"properties": {other: _ABSENT for other in exclusive if other != name}} for name in exclusive
            }
        if required_by := {name: list(partners) for name, partners in self._needs() if len(partners) == 1}:
            schema["dependentRequired"] = required_by
        for name, partners in self._needs():
            if len(partners) > 1:
                some = {"not": {"properties": dict.fromkeys(partners, _ABSENT)}}
                schema.setdefault("dependentSchemas", {})[name] = some
        return schema


_NOT_HANDED_OVER = "a secret is handed over in `env` and in `headers` alone"
_MEANT_AS_DATA = "write such an object as an expression where no secret is meant: ${{ {'secret': 'text'} }}"


def _secret_in(value: Any, at: str) -> str | None:
    """Pointer of the first object in `value` that reads `{secret: name}`."""
    if isinstance(value, Mapping):
        if set(value) == {"secret"} and isinstance(value["secret"], str):
            return at
        children = ((join_pointer(at, key), item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        children = ((f"{at}/{position}", item) for position, item in enumerate(value))
    else:
        return None
    return next((pointer for place, item in children if (pointer := _secret_in(item, place)) is not None), None)


_ABSENT: Mapping[str, Any] = {"not": {}}
"""A schema that fits no value, so that a property with this schema is forbidden."""


def _title(name: str) -> dict[str, Any]:
    return {"title": name} if name else {}


def _field_schema(member: Field) -> dict[str, Any]:
    schema = member.kind.schema()
    if member.nullable:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "description": member.doc} if member.doc else schema


def _wrong_type(value: Any, expected: str, at: str, report: Report, hint: str | None = None) -> Any:
    return report.add("wrong_type", at, f"must be {expected}, not {_type_name(value)}", hint)


def _in_range(value: Any, minimum: float, maximum: float, at: str, report: Report) -> Any:
    if minimum <= value <= maximum:
        return value
    return report.add("out_of_range", at, f"{value} is out of range; allowed are {minimum} to {maximum}")


def _type_name(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), "an object")
