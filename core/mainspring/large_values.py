"""Outputs that are too large for an expression: a reference stands for the value, and tasks hand the reference on.

A `LargeValue` is an object of Python among the JSON values of a run. No JSON value that a task returns can be taken for
one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from mainspring.errors import ExpressionError
from mainspring.pointers import join_pointer, split_pointer

__all__ = [
    "EXCERPT_CHARS",
    "KINDS",
    "PIECE_BYTES",
    "VALUES_BYTES_MAX",
    "VALUES_MAX",
    "VALUE_BYTES_MAX",
    "LargeValue",
    "filled",
    "kind_of_json",
    "located",
    "opened",
    "shown",
    "split_payload",
    "value_id",
    "without_values",
    "wrapped",
]

VALUE_BYTES_MAX = 16 * 1024 * 1024
"""Size of the JSON of one output."""
VALUES_BYTES_MAX = 2 * VALUE_BYTES_MAX
"""Size of all large outputs of a try, and of all that a try is handed. Twice the largest value, because a mapping that
a callable returns is an output as a whole, and its items are outputs too."""
VALUES_MAX = 64
"""Large outputs of one try."""
PIECE_BYTES = 1024 * 1024
"""Bytes of a value that travel and are stored together; the last piece is shorter."""
EXCERPT_CHARS = 100
KINDS = ("string", "array", "object")
_BEGINNINGS: Mapping[int, str] = {ord('"'): "string", ord("["): "array", ord("{"): "object"}
_VALUES, _PAYLOAD = "$values", "$payload"
"""The keys of a payload with references. A definition has no such fields, and an expression never gives a whole
payload."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LargeValue:
    """The reference to one output of one try."""

    id: str
    """`value_id` of the try and the output."""
    name: str
    """Of the output."""
    bytes: int
    """Size of the JSON text in UTF-8."""
    sha256: str
    """Digest of the JSON text, in hexadecimal digits."""
    kind: str
    """One of `KINDS`."""
    excerpt: str
    """The first characters of the JSON text."""
    path: str | None = None
    """The file that holds the JSON text on this machine; `None` = the value is in the store alone."""

    def to_json(self) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "kind": self.kind,
            "excerpt": self.excerpt,
        }
        return fields if self.path is None else {**fields, "path": self.path}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "LargeValue":
        """The inverse of `to_json`. Ignores fields of later releases."""
        return cls(
            id=fields["id"],
            name=fields["name"],
            bytes=fields["bytes"],
            sha256=fields["sha256"],
            kind=fields["kind"],
            excerpt=fields["excerpt"],
            path=fields.get("path"),
        )

    @classmethod
    def stored(cls, fields: Any, large_id: str | None) -> "LargeValue | None":
        """The reference in the row of an output; `None` = the row holds the value itself.

        large_id: the column of this name. A service of the release before replaces an output without a change of this
            column, so the id in the reference must be the same.
        """
        if large_id is None or not isinstance(fields, Mapping) or fields.get("id") != large_id:
            return None
        return cls.from_json(fields)

    @property
    def pieces(self) -> int:
        """Number of pieces."""
        return -(-self.bytes // PIECE_BYTES)

    def piece_bytes(self, position: int) -> int:
        """Size of a piece; positions count from 0."""
        return min(PIECE_BYTES, self.bytes - position * PIECE_BYTES)

    def refusal(self, place: str) -> ExpressionError:
        """The error of an expression that needs the content. place: what needs the content."""
        return ExpressionError(
            f"{place}: output '{self.name}' has {self.bytes} bytes and is kept by reference. An expression can hand it "
            "on whole, as the input of a task, and cannot look into it: let the task return what is needed here as a "
            "smaller output of its own"
        )


def value_id(attempt_id: str, name: str) -> str:
    """The id of an output of a try: a try that sends its outputs again writes the same rows."""
    return sha256(f"{attempt_id}/{name}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def kind_of_json(text: bytes) -> str:
    """The kind of a JSON text of several bytes that begins without white space. Raises `ValueError` for a number."""
    kind = _BEGINNINGS.get(text[0])
    if kind is None:
        raise ValueError("a value that is kept by reference is a text, a list or an object")
    return kind


def split_payload(rendered: Any) -> tuple[Any, dict[str, LargeValue]]:
    """The payload with null at the places of references, and JSON pointer -> reference.

    Raises:
        ExpressionError: The task would be handed more than `VALUES_BYTES_MAX`.
    """
    places = dict(_references(rendered, ""))
    if not places:
        return rendered, places
    size = sum({value.id: value.bytes for value in places.values()}.values())
    if size > VALUES_BYTES_MAX:
        raise ExpressionError(
            f"the task would be handed outputs of {size} bytes by reference; at most {VALUES_BYTES_MAX} are possible. "
            "Hand over fewer, or the address of a file or a table"
        )
    return without_values(rendered), places


def without_values(value: Any) -> Any:
    """A JSON tree with null at the places of references."""
    return _mapped(value, lambda _: None)


def shown(value: Any) -> Any:
    """A JSON tree that tells people about the references in it."""
    return _mapped(value, lambda reference: {"large_value": reference.to_json()})


def wrapped(payload: Any, values: Mapping[str, LargeValue]) -> Any:
    """The JSON of a payload with its references. `opened` is the inverse."""
    if not values:
        return payload
    return {_PAYLOAD: payload, _VALUES: {place: value.to_json() for place, value in values.items()}}


def opened(payload: Any) -> tuple[Any, dict[str, LargeValue]]:
    """The payload and its references, from the JSON that `wrapped` gave."""
    if not isinstance(payload, Mapping) or payload.keys() != {_PAYLOAD, _VALUES}:
        return payload, {}
    return payload[_PAYLOAD], {place: LargeValue.from_json(item) for place, item in payload[_VALUES].items()}


def filled(payload: Any, contents: Mapping[str, Any]) -> Any:
    """A copy of a payload with a value at each of these JSON pointers."""
    result = payload
    for place, value in contents.items():
        result = _with(result, split_pointer(place), value)
    return result


def _with(tree: Any, keys: list[str], value: Any) -> Any:
    if not keys:
        return value
    key, *rest = keys
    if isinstance(tree, Mapping):
        return {**tree, key: _with(tree[key], rest, value)}
    position = int(key)
    return [*tree[:position], _with(tree[position], rest, value), *tree[position + 1 :]]


def _references(value: Any, pointer: str) -> Iterator[tuple[str, LargeValue]]:
    if isinstance(value, LargeValue):
        yield pointer, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _references(item, join_pointer(pointer, key))
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _references(item, join_pointer(pointer, position))


def _mapped(value: Any, change: Any) -> Any:
    if isinstance(value, LargeValue):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _mapped(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(item, change) for item in value]
    return value


def located(values: Mapping[str, LargeValue], paths: Mapping[str, str]) -> dict[str, LargeValue]:
    """The references with the paths of their files. paths: value id -> path."""
    return {place: replace(value, path=paths[value.id]) for place, value in values.items()}
