"""The operators `+ - * /` of CEL, and in addition those on an integer and a double, which give a double."""

import math
from datetime import datetime, timedelta
from typing import Any

__all__ = ["apply_operator"]

_INT64 = 1 << 63
_NO_CONVERSION = "CEL never converts types by itself: use int(x), double(x) or string(x)"


def apply_operator(sign: str, left: Any, right: Any) -> Any:
    """`left sign right`.

    Raises:
        TypeError: The operator is not defined for values of these types. ArithmeticError: The result is beyond 64 bits,
        or the divisor is 0.
    """
    if _is_number(left) and _is_number(right):
        result = _on_numbers(sign, left, right)
        if isinstance(result, int) and not -_INT64 <= result < _INT64:
            raise ArithmeticError("the result is beyond 64 bits")
        return result
    if sign == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    if sign == "+" and isinstance(left, list) and isinstance(right, list):
        return [*left, *right]
    if sign in "+-" and isinstance(left, datetime | timedelta) and isinstance(right, datetime | timedelta):
        return left + right if sign == "+" else left - right  # type: ignore[operator]
    raise TypeError(_NO_CONVERSION)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _on_numbers(sign: str, left: int | float, right: int | float) -> int | float:
    if sign == "+":
        return left + right
    if sign == "-":
        return left - right
    if sign == "*":
        return left * right
    if right == 0:
        raise ArithmeticError("division by zero")
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)  # CEL cuts off towards 0, Python rounds down
        return quotient if (left < 0) == (right < 0) else -quotient
    return math.nan if math.isnan(left) else left / right
