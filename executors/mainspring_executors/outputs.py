"""Outputs of a task: converts a returned value or a written file to one JSON object of bounded size.

Outputs that do not fit into the object go to files, the largest first. A reference stands for each of them.
"""

import contextlib
import json
import os
import re
import stat
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from mainspring.large_values import EXCERPT_CHARS, VALUES_MAX, LargeValue, kind_of_json, value_id
from mainspring.states import StateReason
from mainspring.text_values import INTEGER_MAX, INTEGER_MIN, read_value
from mainspring_executors.protocol.refusals import is_refusal, refusal_of
from mainspring_executors.protocol.results import TaskEnded, failed

__all__ = ["Encoded", "OutputRoom", "discard_files", "encode", "from_file", "from_returned"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,249}")
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_LONG_INTEGER = re.compile(rb"[0-9]{19}")
_to_json = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode
_DEPTH_MAX = 64
_VALUE_BYTES_MIN = 1024
"""A smaller output never goes to a file: a reference would hardly be shorter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputRoom:
    """The bounds of the outputs of one attempt, and where large ones go."""

    bytes_max: int
    """Size of the JSON object."""
    value_bytes_max: int = 0
    """Size of one output in a file; all together may have twice as much. 0 = no output goes to a file."""
    folder: str = ""
    attempt_id: str = ""
    types: Mapping[str, Any] = field(default_factory=dict)
    """Output name -> JSON Schema that an output in a file must fit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """The outputs of an attempt."""

    json: bytes
    """A JSON object: output name -> value."""
    large: tuple[LargeValue, ...] = ()
    """The outputs in files."""


def from_returned(value: object, room: OutputRoom) -> Encoded:
    """The outputs of a callable: `return_value`, and the string keys of a returned mapping. `None` = no output."""
    if value is None:
        return Encoded(json=b"{}")
    outputs: dict[str, object] = {}
    if isinstance(value, Mapping):
        outputs.update((key, item) for key, item in value.items() if isinstance(key, str))
    outputs["return_value"] = value
    return encode(outputs, room)


def from_file(path: str, room: OutputRoom, *, texts: Collection[str] = ()) -> Encoded:
    """The outputs in a file of `name=value` lines; the file need not exist.

    texts: names of the outputs with declared type string. Their values stay text; only the quotes of a JSON string are
    removed. `mainspring.text_values` reads all other values. A repeated name replaces the value. Empty lines are
    ignored.

    Raises:
        TaskEnded: The file is not readable as such lines.
        Refused: This machine has no room to read the file now.
    """
    outputs: dict[str, object] = {}
    for number, line in enumerate(_read(path, room.bytes_max + 2 * room.value_bytes_max).split("\n"), start=1):
        if not line.strip():
            continue
        name, equals, text = line.rstrip("\r").partition("=")
        if not equals or _NAME.fullmatch(name) is None:
            raise _invalid(
                f"line {number} of the file MAINSPRING_OUTPUT is {line[:80]!r}; write `name=value` lines, "
                "the name made of letters, digits, `_`, `.` and `-`",
            )
        value = read_value(text)
        outputs[name] = text if name in texts and not isinstance(value, str) else value
    return encode(outputs, room) if outputs else Encoded(json=b"{}")


def encode(outputs: Mapping[str, object], room: OutputRoom) -> Encoded:
    """`outputs` as JSON. Raises `TaskEnded` when JSON or the store cannot hold them exactly."""
    try:
        encoded = _to_json(outputs).encode()
    except (TypeError, ValueError, RecursionError) as exc:
        raise _invalid(
            f"the output cannot be written as JSON: {_cause(outputs, exc)}; return numbers, text, booleans, None, "
            "lists and mappings of these",
        ) from exc
    if len(encoded) > room.bytes_max and not room.value_bytes_max:
        raise _too_large(len(encoded), room.bytes_max)
    if _depth(outputs, encoded) > _DEPTH_MAX:
        raise _invalid(f"the output is nested more than {_DEPTH_MAX} levels deep; flatten it")
    if b"\\u0000" in encoded and _ESCAPED_NUL.search(encoded):
        raise _invalid("the output holds the character U+0000; remove it")
    if _LONG_INTEGER.search(encoded) and (number := _integer_out_of_range(outputs)) is not None:
        raise _invalid(
            f"the output holds the integer {str(number)[:40]}, which is over 64 bits; return it as text",
        )
    return Encoded(json=encoded) if len(encoded) <= room.bytes_max else _with_files(outputs, room)


def discard_files(values: Iterable[LargeValue]) -> None:
    """Delete the files of large outputs."""
    for value in values:
        if value.path is not None:
            with contextlib.suppress(OSError):
                os.unlink(value.path)


def _with_files(outputs: Mapping[str, object], room: OutputRoom) -> Encoded:
    """The largest outputs in files, and the others as one JSON object."""
    texts = {name: _to_json(value).encode() for name, value in outputs.items()}
    names = {name: _to_json(name).encode() for name in texts}
    size = 1 + sum(len(names[name]) + len(text) + 2 for name, text in texts.items())
    large: dict[str, bytes] = {}
    for name in sorted(texts, key=lambda name: (-len(texts[name]), name)):
        if size <= room.bytes_max:
            break
        text = texts[name]
        if len(text) < _VALUE_BYTES_MIN or len(large) >= VALUES_MAX:
            raise _too_large(size, room.bytes_max)
        if len(text) > room.value_bytes_max:
            raise _too_large(len(text), room.value_bytes_max, f"output '{name}' is")
        large[name] = text
        size -= len(names[name]) + len(text) + 2
    together = sum(map(len, large.values()))
    if together > 2 * room.value_bytes_max:
        raise _too_large(together, 2 * room.value_bytes_max)
    _check_types({name: outputs[name] for name in large}, room.types)
    rest = b",".join(names[name] + b":" + text for name, text in texts.items() if name not in large)
    files = tuple(_written(room, position, name, text) for position, (name, text) in enumerate(large.items()))
    return Encoded(json=b"{" + rest + b"}", large=files)


def _check_types(values: Mapping[str, object], types: Mapping[str, Any]) -> None:
    if not values.keys() & types.keys():
        return
    # Slow to import, and few tasks declare large outputs.
    from mainspring.output_types import OutputTypes

    declared = OutputTypes(types)
    for name, value in values.items():
        problem = declared.problem_of(name, value)
        if problem is not None:
            raise _invalid(problem)


def _written(room: OutputRoom, position: int, name: str, text: bytes) -> LargeValue:
    """Write the JSON text of an output into a file of the host. Replaces the file of an earlier attempt to write."""
    path = os.path.join(room.folder, f"value-{room.attempt_id}-{position}")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(text)
    except OSError as exc:
        if is_refusal(exc):
            raise refusal_of(exc) from exc
        raise
    return LargeValue(
        id=value_id(room.attempt_id, name),
        name=name,
        bytes=len(text),
        sha256=sha256(text).hexdigest(),
        kind=kind_of_json(text),
        excerpt=text[: 4 * EXCERPT_CHARS].decode("utf-8", "ignore")[:EXCERPT_CHARS],
        path=path,
    )


def _read(path: str, bytes_max: int) -> str:
    try:
        # A task may put anything there: a pipe would block, a link could name any file.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError as exc:
        if is_refusal(exc):
            raise refusal_of(exc) from exc
        raise _invalid(f"the file MAINSPRING_OUTPUT cannot be read: {exc.strerror}") from exc
    try:
        data = _read_regular(descriptor, bytes_max)
    except OSError as exc:
        if is_refusal(exc):
            raise refusal_of(exc) from exc
        raise _invalid(f"the file MAINSPRING_OUTPUT cannot be read: {exc.strerror}") from exc
    finally:
        os.close(descriptor)
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        raise _invalid(f"the file MAINSPRING_OUTPUT is not UTF-8 at byte {exc.start}") from exc


def _read_regular(descriptor: int, bytes_max: int) -> bytes:
    # Before a file object is made: this raises for a folder.
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise _invalid("the file MAINSPRING_OUTPUT is no longer a regular file; append to it")
    if status.st_size > bytes_max:
        raise _too_large(status.st_size, bytes_max)
    with open(descriptor, "rb", closefd=False) as file:
        return file.read(bytes_max)


def _too_large(size: int, bytes_max: int, subject: str = "the outputs are") -> TaskEnded:
    return TaskEnded(
        failed(
            StateReason.OUTPUT_TOO_LARGE,
            f"{subject} {size} bytes; the limit is {bytes_max} bytes: write the data to a file or a table and "
            "return where it is",
        ),
    )


def _depth(outputs: object, encoded: bytes) -> int:
    """Levels of nesting; 0 when there are too few brackets to matter."""
    if encoded.count(b"[") + encoded.count(b"{") <= _DEPTH_MAX:
        return 0
    depth, level = 0, [outputs]
    while level:
        depth += 1
        level = [
            child
            for value in level
            if isinstance(value, dict | list | tuple)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
    return depth - 1


def _invalid(message: str) -> TaskEnded:
    return TaskEnded(failed(StateReason.OUTPUT_INVALID, message))


def _cause(value: object, exc: Exception, place: str = "") -> str:
    """Place and kind of the first value that JSON cannot hold."""
    if isinstance(exc, RecursionError) or "Circular" in str(exc):
        return "it contains itself, or is nested too deeply"
    if isinstance(value, Mapping):
        children: list[tuple[str, Any]] = [(f"{place}/{key}", item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        children = [(f"{place}/{index}", item) for index, item in enumerate(value)]
    else:
        if isinstance(value, float | str | int | bool | None):
            return f"{place} is {str(value)[:40]!r}" if not _is_json(value) else ""
        return f"{place} is of type {type(value).__name__}"
    for child_place, child in children:
        cause = _cause(child, exc, child_place)
        if cause:
            return cause
    return "" if place else str(exc)


def _is_json(value: object) -> bool:
    try:
        _to_json(value).encode()
    except ValueError:
        return False
    return True


def _integer_out_of_range(value: object) -> int | None:
    if isinstance(value, int):
        return None if INTEGER_MIN <= value <= INTEGER_MAX else value
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return next((number for item in value if (number := _integer_out_of_range(item)) is not None), None)
    return None
