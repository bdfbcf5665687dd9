"""Rights on some DAGs, in the spelling of the command line: `etl=operator`, `sales_*=viewer`."""

from collections.abc import Mapping
from typing import Any

import click

__all__ = ["GRANT", "with_told_grants"]

_ROLES = ("viewer", "operator", "author")


class _Grant(click.ParamType[dict[str, str]]):
    name = "grant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, str]:
        if isinstance(value, dict):
            return value
        pattern, _, role = value.rpartition("=")
        if not pattern or role not in _ROLES:
            self.fail(f"{value!r}: write DAG=ROLE or BEGINNING*=ROLE; roles: {', '.join(_ROLES)}", param, ctx)
        return {"pattern": pattern, "role": role}


GRANT = _Grant()
"""Becomes what the API takes."""


def with_told_grants(holder: Mapping[str, Any]) -> dict[str, Any]:
    """A user or a token of the API, with `grants` as text."""
    return {**holder, "grants": ", ".join(f"{grant['pattern']}={grant['role']}" for grant in holder["grants"]) or None}
