"""One evaluation, bounded.

The CEL library bounds nothing: `map` copies its whole result at each element, so two nested loops over a thousand
items run for a minute. Three things bound an evaluation here, and all are refusals, never different results:

- an evaluation gets only the places that the expression names, and their size times the number of mentions is limited;
- loops call `_step` and `_keep` at each element (`syntax.Analysis.metered`), which count elements and kept bytes;
- `_step` also reads the CPU time of the thread, as a brake for costs that counting misses.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any

from mainspring.durations import format_duration
from mainspring.errors import ExpressionError
from mainspring.expressions.arithmetic import apply_operator
from mainspring.expressions.cel_module import load_cel
from mainspring.expressions.operators import CALLS
from mainspring.expressions.syntax import Analysis, shorten
from mainspring.instants import format_instant
from mainspring.large_values import LargeValue

__all__ = ["CPU_SECONDS_MAX", "STEPS_MAX", "compile_error", "evaluate"]

STEPS_MAX = 100_000
"""Upper bound of the elements visited by all loops of an evaluation."""
COPIES_BYTES_MAX = 16 * 1024 * 1024
"""Size of the handed values times how often values are mentioned; also bounds what loops keep."""
ADDING_BYTES_MAX = 1_000_000_000
"""Size of the handed values times the square of the additions: each `+` copies what was added before."""
MATCHING_UNITS_MAX = 20_000_000
"""Size of the handed values times the weight of a regular expression; 20,000,000 take about 10 ms."""
CPU_SECONDS_MAX = 0.25
_INT64 = 1 << 63


def evaluate(text: str, analysis: Analysis, context: Mapping[str, Any]) -> Any:
    """The JSON value of an expression; a `LargeValue`, or a tree with some, when the expression hands one on whole.

    Raises:
        ExpressionError: an absent name, a wrong type, no JSON value, or more work than the bounds allow.
    """
    if analysis.plain is not None:
        return _look_up(text, analysis.plain, context)
    handed = _handed(text, analysis, context)
    handed_bytes = _size(text, handed)
    try:
        try:
            result = _metered(text, analysis.metered, handed, _Meter(analysis, handed_bytes))
        except TypeError:
            if analysis.mixed is None:
                raise
            # An integer may have met a double, which are one kind of number in JSON.
            result = _metered(text, analysis.mixed, handed, _Meter(analysis, handed_bytes))
    except ExpressionError:
        raise
    except Exception as exc:
        raise _error(text, *_cause(exc)) from exc
    return _to_json(text, result)


def _metered(text: str, source: str, handed: dict[str, Any], meter: "_Meter") -> Any:
    """What CEL makes of `source`; raises the errors of CEL, and `ExpressionError` when the meter stops the
    evaluation."""
    if meter.overdrawn:
        raise _too_much_work(text)
    try:
        result = _run(source, handed, meter)
    except Exception as exc:
        if meter.overdrawn:
            raise _too_much_work(text) from exc
        if meter.problem:
            raise _error(text, meter.problem) from exc
        raise
    if meter.overdrawn:  # CEL forgives an error in an operand of `||` when the second operand is true
        raise _too_much_work(text)
    if meter.problem:
        raise _error(text, meter.problem)
    return result


def compile_error(text: str) -> str | None:
    """What the CEL parser says against `text`; `None` when it is a well-formed expression."""
    cel = load_cel()
    try:
        cel.compile(text)
    except Exception as exc:
        return _first_sentence(exc)
    except BaseException as exc:
        if not _is_panic(exc):
            raise
        return "the expression library cannot compile it"
    return None


def _look_up(text: str, path: tuple[str | int, ...], context: Mapping[str, Any]) -> Any:
    """A path and nothing else needs no library: the value itself is the result."""
    value: Any = context
    for depth, key in enumerate(path):
        if isinstance(value, Mapping) and isinstance(key, str):
            if key not in value:
                raise _missing(text, path[: depth + 1])
            value = value[key]
        elif isinstance(value, (list, tuple)) and isinstance(key, int):
            if key >= len(value):
                raise _error(text, f"index {key} is out of bounds: the list has {len(value)} items")
            value = value[key]
        elif isinstance(value, LargeValue):
            raise value.refusal(f"expression {shorten(text)!r}")
        else:
            raise _error(text, f"{_spell(path[:depth])} has no member {key!r}: it is {_type_name(value)}")
    return value


def _handed(text: str, analysis: Analysis, context: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the context that the expression names; absent places are left out, so that `has()` is false for
    them."""
    handed: dict[str, Any] = {}
    for path in analysis.paths:
        if path[0] not in context:
            raise _missing(text, path[:1])
        source: Any = context
        target = handed
        for depth, key in enumerate(path):
            if not isinstance(source, Mapping) or key not in source:
                break
            source = source[key]
            if depth + 1 == len(path) or not isinstance(source, Mapping):
                target[key] = source
            else:
                target = target.setdefault(key, {})
    return handed


def _size(text: str, value: Any) -> int:
    """About the bytes of a JSON value; refuses what CEL would silently change."""
    size = 0
    waiting = [value]
    while waiting:
        value = waiting.pop()
        size += 8
        if size > COPIES_BYTES_MAX:
            raise _too_much_work(text)
        if isinstance(value, str):
            size += len(value)
        elif isinstance(value, Mapping):
            waiting += value
            waiting += value.values()
        elif isinstance(value, (list, tuple)):
            waiting += value
        elif isinstance(value, LargeValue):
            raise value.refusal(f"expression {shorten(text)!r}")
        elif isinstance(value, int) and not -_INT64 <= value < _INT64:
            raise _error(text, f"integer {str(value)[:24]} is beyond 64 bits", "hand it over as a string")
    return size


class _Meter:
    """Counts the work of one evaluation. CEL calls the methods, so they return a value instead of raising: an answer of
    the wrong type ends the evaluation there."""

    def __init__(self, analysis: Analysis, handed_bytes: int) -> None:
        self.room_bytes = min(
            COPIES_BYTES_MAX // max(1, analysis.mentions), ADDING_BYTES_MAX // (1 + analysis.additions) ** 2
        )
        self.handed_bytes = handed_bytes
        self.kept_bytes = 0
        self.steps = 0
        self.overdrawn = handed_bytes > self.room_bytes
        self.problem = ""
        """Why a call that stands for an operator, or for `size`, has no result."""
        self.stop_at = time.thread_time() + CPU_SECONDS_MAX

    def step(self) -> bool | int:
        """True for each element that may be visited; 0, which is no condition in CEL, after too many steps."""
        self.steps += 1
        if self.steps > STEPS_MAX or self.kept_bytes > self.room_bytes or time.thread_time() > self.stop_at:
            self.overdrawn = True
        return 0 if self.overdrawn else True

    def keep(self, value: Any) -> Any:
        """`value`, counted as an element of a growing list."""
        self.kept_bytes += _rough_size(value, self.room_bytes)
        return value

    def pattern(self, pattern: Any) -> Any:
        """`pattern`, unless matching it against the largest text there can be is too much work; then null."""
        if isinstance(pattern, str):
            units = _pattern_weight(pattern) * (self.handed_bytes + self.kept_bytes)
            self.overdrawn = self.overdrawn or units > MATCHING_UNITS_MAX
        return None if self.overdrawn else pattern

    def size(self, value: Any) -> int | None:
        """Characters of a text, items of a list or a map."""
        if self._is_late():
            return None
        if isinstance(value, str | list | dict):
            return len(value)
        self.problem = f"size() of {_type_name(value)}; it is known of texts, lists and maps"
        return None

    def apply(self, sign: str, left: Any, right: Any) -> Any:
        """`left sign right`, where an integer and a double give a double."""
        if self._is_late():
            return None
        try:
            return apply_operator(sign, left, right)
        except (TypeError, ArithmeticError) as exc:
            self.problem = f"{_type_name(left)} {sign} {_type_name(right)}: {exc}"
            return None

    def _is_late(self) -> bool:
        self.overdrawn = self.overdrawn or time.thread_time() > self.stop_at
        return self.overdrawn


def _rough_size(value: Any, size_max: int) -> int:
    size = 0
    waiting = [value]
    while waiting and size <= size_max:
        value = waiting.pop()
        size += 8
        if isinstance(value, str):
            size += len(value)
        elif isinstance(value, dict):
            waiting += value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return size


def _pattern_weight(pattern: str) -> int:
    """About the states of a compiled regular expression: its length, times each counted repetition."""
    weight = len(pattern)
    for part in pattern.split("{")[1:]:
        counts = [int(count[:6]) for count in part.split("}")[0].split(",") if count.isdecimal()]
        weight *= max([1, *counts])
    return weight


def _run(metered: str, handed: dict[str, Any], meter: _Meter) -> Any:
    cel = load_cel()
    functions: dict[str, Callable[..., Any]] = {
        "_step": meter.step,
        "_keep": meter.keep,
        "_pattern": meter.pattern,
        "_size": meter.size,
    }
    functions |= {name: partial(meter.apply, sign) for sign, name in CALLS.items()}
    try:
        return _program(metered).execute(cel.Context(handed, functions))
    except BaseException as exc:
        if _is_panic(exc):
            raise RuntimeError("the expression library failed on it") from exc
        raise


@lru_cache(maxsize=2_048)
def _program(metered: str) -> Any:
    return load_cel().compile(metered)


def _is_panic(exc: BaseException) -> bool:
    """A failure inside the Rust library; its class derives from BaseException and has no importable name."""
    return type(exc).__name__ == "PanicException"


def _to_json(text: str, value: Any) -> Any:
    """The JSON value of a CEL result: an instant and a duration as text; keys sorted, for CEL maps have no order."""
    match value:
        case None | bool():
            return value
        case str():
            if "\0" in value:
                raise _error(text, "the result holds the character U+0000, which cannot be stored")
            return value
        case int():
            return value
        case float():
            if value != value or value in (float("inf"), float("-inf")):
                raise _error(text, f"the result is {value}, which is no JSON number")
            return value
        case list():
            return [_to_json(text, item) for item in value]
        case dict():
            if not all(isinstance(key, str) for key in value):
                raise _error(text, "the result is a map with keys that are no strings")
            return {key: _to_json(text, value[key]) for key in sorted(value)}
        case datetime():
            return format_instant(value)
        case timedelta() if value >= timedelta(0):
            return format_duration(value)
        case _:
            raise _error(text, f"the result is {_type_name(value)}, which has no JSON form")


def _error(text: str, cause: str, cure: str | None = None) -> ExpressionError:
    return ExpressionError(f"expression {shorten(text)!r}: {cause}" + (f"; {cure}" if cure else ""))


def _missing(text: str, path: tuple[str | int, ...]) -> ExpressionError:
    if len(path) == 1:
        return _error(text, f"{path[0]!r} has no value here")
    if path[0] == "vars":
        key = str(path[1])
        return _error(
            text, f"there is no variable {key!r}", f"create it by POST /api/v2/variables, or ask has({_spell(path)})"
        )
    return _error(text, f"no such key {_spell(path)}", f"give it a default, or guard it with has({_spell(path)})")


def _too_much_work(text: str) -> ExpressionError:
    return _error(text, "it is more work than an expression may do", "do it in a task of type python")


def _cause(exc: Exception) -> tuple[str, str | None]:
    """CEL's error as a message for the user, with the cure if known."""
    match exc:
        case KeyError():
            return f"no such key {exc.args[0]!r}", "give it a default, or guard it with has(...)"
        case TypeError():
            return _first_sentence(exc), "CEL never converts types by itself: use int(x), double(x) or string(x)"
        case _:
            return _first_sentence(exc), None


def _first_sentence(exc: BaseException) -> str:
    """Without the library's own advice and its drawing of the place."""
    message = str(exc)
    if message.startswith("Failed to parse expression"):
        message = message.partition("ERROR: <input>:")[2].partition(": ")[2]
    return shorten(message.partition("\n")[0].partition(". ")[0].removesuffix("."), 300)


def _spell(path: tuple[str | int, ...]) -> str:
    members = (f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]" for key in path[1:])
    return str(path[0]) + "".join(members)


def _type_name(value: Any) -> str:
    names = {dict: "a map", list: "a list", str: "a string", bool: "a bool", int: "an int", float: "a double"}
    return "null" if value is None else names.get(type(value), f"of type {type(value).__name__}")
