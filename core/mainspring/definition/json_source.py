"""JSON as it must be: UTF-8, no key twice, no NaN, no number beyond its type, bounded in size and depth."""

import json
from collections import Counter
from typing import Any

from mainspring.definition.tree import DEPTH_MAX, NODES_MAX, RepeatedKeys, Unusable, check_tree
from mainspring.errors import InvalidInput, Problem

__all__ = ["load_json"]


def load_json(data: bytes, *, bytes_max: int, depth_max: int = DEPTH_MAX, nodes_max: int = NODES_MAX) -> Any:
    """The value that `data` spells.

    Raises:
        InvalidInput: every fault, with its pointer; a fault of the syntax tells line and column in its message.
    """
    if len(data) > bytes_max:
        message = f"the body has {len(data)} bytes; at most {bytes_max} are allowed"
        raise InvalidInput([Problem(pointer="", message=message, code="too_large")])
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except UnicodeDecodeError as exc:
        message = f"the body is not UTF-8: byte {exc.start} is {data[exc.start]:#04x}"
        raise InvalidInput([Problem(pointer="", message=message, code="syntax")]) from None
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


def _integer(text: str) -> int | Unusable:
    # 64 bits have at most 19 digits; Python itself refuses to read more than 4,300.
    return int(text) if len(text) <= 20 else Unusable("the integer is beyond 64 bits; write it as a string")


def _float(text: str) -> float | Unusable:
    return float(text) if len(text) <= 400 else Unusable(f"a number of {len(text)} digits is not kept exactly")


def _constant(text: str) -> Unusable:
    return Unusable(f"{text} is no JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)
