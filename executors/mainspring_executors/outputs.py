"""Outputs of a task: converts a returned value or a written file to one JSON object of bounded size."""

import json
import os
import re
import stat
from collections.abc import Collection, Mapping
from typing import Any

from mainspring.states import StateReason
from mainspring.text_values import INTEGER_MAX, INTEGER_MIN, read_value
from mainspring_executors.protocol.refusals import is_refusal, refusal_of
from mainspring_executors.protocol.results import TaskEnded, failed

__all__ = ["encode", "from_file", "from_returned"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,249}")
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_LONG_INTEGER = re.compile(rb"[0-9]{19}")
_to_json = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode
_DEPTH_MAX = 64


def from_returned(value: object, bytes_max: int) -> bytes:
    """The outputs of a callable: `return_value`, and the string keys of a returned mapping. `None` = no output."""
    if value is None:
        return b"{}"
    outputs: dict[str, object] = {}
    if isinstance(value, Mapping):
        outputs.update((key, item) for key, item in value.items() if isinstance(key, str))
    outputs["return_value"] = value
    return encode(outputs, bytes_max)


def from_file(path: str, bytes_max: int, *, texts: Collection[str] = ()) -> bytes:
    """The outputs in a file of `name=value` lines; the file need not exist.

    texts: names of the outputs with declared type string. Their values stay text; only the quotes of a JSON string are
    removed. `mainspring.text_values` reads all other values. A repeated name replaces the value. Empty lines are
    ignored.

    Raises:
        TaskEnded: The file is not readable as such lines.
        Refused: This machine has no room to read the file now.
    """
    outputs: dict[str, object] = {}
    for number, line in enumerate(_read(path, bytes_max).split("\n"), start=1):
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
    return encode(outputs, bytes_max) if outputs else b"{}"


def encode(outputs: Mapping[str, object], bytes_max: int) -> bytes:
    """`outputs` as JSON. Raises `TaskEnded` when JSON or the store cannot hold them exactly."""
    try:
        encoded = _to_json(outputs).encode()
    except (TypeError, ValueError, RecursionError) as exc:
        raise _invalid(
            f"the output cannot be written as JSON: {_cause(outputs, exc)}; return numbers, text, booleans, None, "
            "lists and mappings of these",
        ) from exc
    if len(encoded) > bytes_max:
        raise _too_large(len(encoded), bytes_max)
    if _depth(outputs, encoded) > _DEPTH_MAX:
        raise _invalid(f"the output is nested more than {_DEPTH_MAX} levels deep; flatten it")
    if b"\\u0000" in encoded and _ESCAPED_NUL.search(encoded):
        raise _invalid("the output holds the character U+0000; remove it")
    if _LONG_INTEGER.search(encoded) and (number := _integer_out_of_range(outputs)) is not None:
        raise _invalid(
            f"the output holds the integer {str(number)[:40]}, which is over 64 bits; return it as text",
        )
    return encoded


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


def _too_large(size: int, bytes_max: int) -> TaskEnded:
    return TaskEnded(
        failed(
            StateReason.OUTPUT_TOO_LARGE,
            f"the outputs are {size} bytes; the limit is {bytes_max} bytes: write the data to a file or a table and "
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
