"""JSON as it must be: UTF-8, no key twice, no NaN, no number beyond its type, bounded in size and depth."""

import json
from collections import Counter
from typing import Any

from mainspring.definition.tree import DEPTH_MAX, NODES_MAX, RepeatedKeys, Unusable, check_tree
from mainspring.errors import InvalidInput, Problem

__all__ = ["decode", "load_json", "read_float", "read_integer"]


def load_json(data: bytes, *, bytes_max: int, depth_max: int = DEPTH_MAX, nodes_max: int = NODES_MAX) -> Any:
    """The value that `data` spells.

    Raises:
        InvalidInput: every fault, with its pointer; a syntax error names line and column in its message.
    """
    text = decode(data, bytes_max)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as exc:
        message = f"the body is not JSON: {exc.msg} at line {exc.lineno} column {exc.colno}"
        raise InvalidInput([Problem(pointer="", message=message, code="syntax")]) from None
    except RecursionError:
        message = f"it is nested deeper than {depth_max} levels"
        raise InvalidInput([Problem(pointer="", message=message, code="too_deep")]) from None
    if problems := check_tree(value, depth_max=depth_max, nodes_max=nodes_max):
        raise InvalidInput(problems)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    repeated = RepeatedKeys(value)
    repeated.keys_repeated = tuple(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
    return repeated


def decode(data: bytes, bytes_max: int) -> str:
    """The text of a body.

    Raises:
        InvalidInput: it is too large, or not UTF-8.
    """
    if len(data) > bytes_max:
        message = f"the body has {len(data)} bytes; at most {bytes_max} are allowed"
        raise InvalidInput([Problem(pointer="", message=message, code="too_large")])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        message = f"the body is not UTF-8: byte {exc.start} is {data[exc.start]:#04x}"
        raise InvalidInput([Problem(pointer="", message=message, code="syntax")]) from None


def read_integer(text: str, base: int = 10) -> int | Unusable:
    """The integer of some digits; Python itself raises above 4,300 of them."""
    if len(text) > 100:
        return Unusable(f"an integer of {len(text)} digits is beyond 64 bits; write it as a string")
    return int(text, base)


def read_float(text: str) -> float | Unusable:
    """The number in `text`, if a double can hold every digit."""
    return float(text) if len(text) <= 100 else Unusable(f"a number of {len(text)} digits is not kept exactly")


def _constant(text: str) -> Unusable:
    return Unusable(f"{text} is no JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=read_integer, parse_float=read_float, parse_constant=_constant
)
