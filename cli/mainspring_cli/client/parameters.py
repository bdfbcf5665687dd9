"""Kinds of arguments: read as a definition reads them."""

from datetime import datetime
from typing import Any

import click

from mainspring.durations import parse_duration
from mainspring.instants import parse_instant

__all__ = ["DURATION", "INSTANT"]


class _Duration(click.ParamType[float]):
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return value if isinstance(value, float) else parse_duration(value).total_seconds()
        except ValueError as exc:
            self.fail(str(exc), param, ctx)


class _Instant(click.ParamType[datetime]):
    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return value if isinstance(value, datetime) else parse_instant(value)
        except ValueError as exc:
            self.fail(str(exc), param, ctx)


DURATION = _Duration()
"""`90s`, `1h30m`, `PT15M`. Becomes seconds."""
INSTANT = _Instant()
"""RFC 3339 with an offset, or a date (midnight UTC)."""
