"""Durations as people write them, and their stored spelling.

Read are ISO 8601 (`PT15M`, `P1DT12H`, `P2W`, `PT0.5S`) and the short form (`20s`, `1h30m`, `250ms`). Years and months
have no fixed length and a bare number has no unit: both are refused. Bounded to 3,650 days, precise to a microsecond.
"""

import re
from datetime import timedelta

__all__ = ["DURATION_MAX", "format_duration", "parse_duration"]

DURATION_MAX = timedelta(days=3650)

_NUMBER = r"(\d{1,12}(?:\.\d{1,6})?)"
_ISO = re.compile(
    rf"P(?:{_NUMBER}W|(?:{_NUMBER}D)?(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?)", re.ASCII
)
_SHORT = re.compile(
    rf"(?:{_NUMBER}w)?(?:{_NUMBER}d)?(?:{_NUMBER}h)?(?:{_NUMBER}m(?!s))?(?:{_NUMBER}s)?(?:{_NUMBER}ms)?", re.ASCII
)
_UNITS = (604_800_000_000, 86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000)
"""Microseconds of a week, a day, an hour, a minute, a second and, in the short form only, a millisecond."""


def parse_duration(text: str) -> timedelta:
    """The duration that `text` spells; never negative.

    Raises:
        ValueError: it is no duration, has no unit, or is longer than `DURATION_MAX`; the message is for users.
    """
    match = _ISO.fullmatch(text) or _SHORT.fullmatch(text)
    if match is None or not any(match.groups()):
        raise ValueError(f"{text[:40]!r} is not a duration; write '20s', '1h30m' or ISO 8601 such as 'PT20S'")
    microseconds = sum(_times(number, unit) for unit, number in zip(_UNITS, match.groups(), strict=False) if number)
    if microseconds > DURATION_MAX // timedelta(microseconds=1):
        raise ValueError(f"{text[:40]!r} is longer than {DURATION_MAX.days} days")
    return timedelta(microseconds=microseconds)


def format_duration(duration: timedelta) -> str:
    """The canonical ISO 8601 spelling: days, hours, minutes, seconds, no zero parts; `PT0S` for nothing."""
    seconds, microseconds = divmod(duration // timedelta(microseconds=1), 1_000_000)
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3_600)
    minutes, seconds = divmod(seconds, 60)
    fraction = f".{microseconds:06d}".rstrip("0") if microseconds else ""
    time = f"{hours}H" if hours else ""
    time += f"{minutes}M" if minutes else ""
    time += f"{seconds}{fraction}S" if seconds or fraction else ""
    return f"P{days}D" * bool(days) + ("T" if days else "PT") * bool(time) + time or "PT0S"


def _times(number: str, microseconds: int) -> int:
    """Exact: a float would make `0.3s` and `300ms` differ in the last microsecond."""
    whole, _, fraction = number.partition(".")
    return int(whole) * microseconds + int(fraction.ljust(6, "0") or "0") * microseconds // 1_000_000
