"""Instants as RFC 3339 text: aware, stored in UTC, precise to a microsecond."""

import re
from datetime import UTC, datetime

__all__ = ["SCHEDULES_BEGIN", "format_instant", "parse_instant"]

SCHEDULES_BEGIN = datetime(1990, 1, 1, tzinfo=UTC)
"""No interval of a schedule begins before it."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def parse_instant(text: str) -> datetime:
    """The instant that `text` names, in UTC. A bare date is its midnight in UTC.

    Raises:
        ValueError: no such instant, or a time without an offset; the message is for users.
    """
    full = f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text.upper()
    if not _INSTANT.fullmatch(full):
        raise ValueError(f"{text[:40]!r} is not an instant; write '2026-01-31' or '2026-01-31T06:00:00Z'")
    try:
        return datetime.fromisoformat(full).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is not a date and time that exists") from None


def format_instant(instant: datetime) -> str:
    """RFC 3339 in UTC with `Z`; microseconds only where there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
