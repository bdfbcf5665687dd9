"""Regular expressions that users write: matched in time linear in the text, so that no pattern can stall a service.

The engine is the one of the JSON Schema library (Rust's `regex`): no look-around, no back references.
"""

from functools import lru_cache
from typing import Any

__all__ = ["PATTERN_BYTES_MAX", "is_found", "is_linear_pattern", "pattern_options"]

PATTERN_BYTES_MAX = 1024 * 1024
"""Of one compiled pattern; without a bound, `(a{99}){99}{9}` takes ten megabytes."""


def is_linear_pattern(pattern: str) -> bool:
    """Whether `pattern` is a regular expression that is matched in time linear in the text."""
    try:
        _validator(pattern)
    except ValueError:
        return False
    return True


def is_found(pattern: str, text: str) -> bool:
    """Whether `pattern`, for which `is_linear_pattern` holds, matches anywhere in `text`."""
    matches: bool = _validator(pattern).is_valid(text)
    return matches


@lru_cache(maxsize=64)
def _validator(pattern: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=pattern_options())


def pattern_options() -> Any:
    """How the library compiles patterns: linear in time, and not beyond `PATTERN_BYTES_MAX`."""
    import jsonschema_rs

    return jsonschema_rs.RegexOptions(size_limit=PATTERN_BYTES_MAX, dfa_size_limit=PATTERN_BYTES_MAX)
