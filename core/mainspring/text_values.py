"""Values that people and programs write as text: outputs of programs, params of the command line, variables.

Valid JSON is read as JSON and different input as text, and a value never changes: a number with a different spelling
after a round trip (`1.10`, `1234e56`, `-0`) stays text, and so does an integer beyond 64 bits.
"""

import json
from math import isfinite
from typing import Any

__all__ = ["INTEGER_MAX", "INTEGER_MIN", "read_json", "read_value"]

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**64 - 1
"""Range of integers that every store and every called program can hold."""


def read_value(text: str) -> Any:
    """The value that `text` means: the JSON value, or `text` itself when it is no JSON or would change."""
    try:
        value = read_json(text)
    except ValueError:
        return text
    if isinstance(value, int | float) and json.dumps(value) != text.strip():
        return text
    return value


def read_json(text: str) -> Any:
    """The JSON value that `text` spells. A nested integer beyond 64 bits becomes a string of its digits.

    Raises:
        ValueError: The text is not JSON, or holds a value that cannot be stored: a number that is not finite, half of a
        surrogate pair,
            too many levels.
    """
    try:
        value = _decode(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # an escape may stand for half of a pair
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _integer(digits: str) -> int | str:
    if len(digits) > 20:  # beyond 64 bits; and Python reads no more than 4,300 digits
        return digits
    value = int(digits)
    return value if INTEGER_MIN <= value <= INTEGER_MAX else digits


def _float(digits: str) -> float:
    value = float(digits)
    if not isfinite(value):
        raise ValueError(f"{digits[:40]} is beyond the numbers")
    return value


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_decode = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_refuse).decode
