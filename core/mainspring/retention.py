"""Policies of retention: how long ended runs and other history stay, and what a DAG may change of that.

A lifetime is a duration, or `forever`. An instance that was made by a version with retention begins with defaults; an
instance that was upgraded from an earlier version keeps everything until its settings give a policy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from mainspring.durations import DURATION_MAX, format_duration, parse_duration

__all__ = ["FOREVER", "LIFETIME_MIN", "Policy", "RetentionSettings", "RunPolicy", "parse_lifetime", "policy_of"]

FOREVER = "forever"
LIFETIME_MIN = timedelta(hours=1)
"""A shorter lifetime would delete runs that clients still look at."""

_KEEP_LAST = 100
_DEFAULTS: Mapping[str, str] = {"runs": "P180D", "failed_runs": "P365D", "versions": "P365D", "services": "P30D"}
"""Lifetimes of an instance that was made with retention; other kinds stay for ever."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPolicy:
    """When ended runs of a DAG are pruned; the newest `keep_last` of them always stay."""

    runs: timedelta | None = None
    """Lifetime after the end of the run; None = for ever."""
    failed_runs: timedelta | None = None
    """The same for failed runs."""
    keep_last: int = _KEEP_LAST
    """At least 1."""
    runs_max: int | None = None
    """More ended runs than this are pruned before their lifetime is over, oldest first; None = no bound."""

    @property
    def kept(self) -> int:
        """The number of newest ended runs that always stay: `runs_max` bounds `keep_last`."""
        return self.keep_last if self.runs_max is None else min(self.keep_last, self.runs_max)

    @property
    def is_empty(self) -> bool:
        """Whether the policy prunes no run."""
        return self.runs is None and self.failed_runs is None and self.runs_max is None

    def changed_by(self, document: Mapping[str, Any] | None) -> "RunPolicy":
        """The policy of a DAG: the fields of its `retention` replace fields of the policy of the instance.

        `failed_runs` follows `runs` where neither the DAG nor the instance gives it.
        """
        if not document:
            return self
        runs = parse_lifetime(document["runs"]) if "runs" in document else self.runs
        failed_runs = self.failed_runs
        if "failed_runs" in document:
            failed_runs = parse_lifetime(document["failed_runs"])
        elif "runs" in document and self.runs is None and self.failed_runs is None:
            failed_runs = runs
        return RunPolicy(
            runs=runs,
            failed_runs=failed_runs,
            keep_last=document.get("keep_last", self.keep_last),
            runs_max=document.get("runs_max", self.runs_max),
        )

    def describe(self) -> dict[str, Any]:
        """The policy as JSON, with lifetimes as text."""
        return {
            "runs": _text(self.runs),
            "failed_runs": _text(self.failed_runs),
            "keep_last": self.keep_last,
            "runs_max": self.runs_max,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The policy of an instance."""

    is_on: bool = True
    """False = no row is deleted, also of DAGs with `retention`."""
    of_runs: RunPolicy = RunPolicy()
    versions: timedelta | None = None
    """Lifetime of a version without runs that is not the current version; None = for ever, here and below."""
    services: timedelta | None = None
    """Lifetime of the row of a process after its last heartbeat."""
    audit: timedelta | None = None
    """Lifetime of events of the audit log."""

    @property
    def is_empty(self) -> bool:
        """Whether only DAGs with a `retention` of their own lose runs."""
        return self.of_runs.is_empty and not (self.versions or self.services or self.audit)

    def describe(self) -> dict[str, Any]:
        """The policy as JSON, with lifetimes as text."""
        others = {name: _text(getattr(self, name)) for name in ("versions", "services", "audit")}
        return {**self.of_runs.describe(), **others}

    def __str__(self) -> str:
        if not self.is_on:
            return "off: nothing is deleted"
        if self.is_empty:
            return "no policy: nothing is deleted, except runs of DAGs with `retention`; see docs/operations.md"
        return " ".join(f"{name}={value}" for name, value in self.describe().items() if value is not None)


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionSettings:
    """The settings of retention. None = the default of the instance, see `policy_of`."""

    mode: str = "auto"
    """`auto`; `on` = the defaults also hold on an upgraded instance; `off` = nothing is deleted."""
    runs: str | None = None
    failed_runs: str | None = None
    keep_last: int | None = None
    runs_max: int | None = None
    versions: str | None = None
    services: str | None = None
    audit: str | None = None


def policy_of(settings: RetentionSettings, *, has_defaults: bool) -> Policy:
    """The policy that follows from the settings.

    has_defaults: the instance was made by a version with retention.
    """
    defaults = _DEFAULTS if has_defaults or settings.mode == "on" else {}
    lifetimes = {
        item.name: parse_lifetime(getattr(settings, item.name) or defaults.get(item.name, FOREVER))
        for item in fields(RetentionSettings)
        if item.name in ("runs", "failed_runs", "versions", "services", "audit")
    }
    of_runs = RunPolicy(
        runs=lifetimes.pop("runs"),
        failed_runs=lifetimes.pop("failed_runs"),
        keep_last=settings.keep_last or _KEEP_LAST,
        runs_max=settings.runs_max,
    )
    return Policy(is_on=settings.mode != "off", of_runs=of_runs, **lifetimes)


def parse_lifetime(text: str) -> timedelta | None:
    """The lifetime that `text` spells; None = for ever.

    Raises:
        ValueError: The text is no duration, or out of bounds; the message is for users.
    """
    if text == FOREVER:
        return None
    lifetime = parse_duration(text)
    if lifetime < LIFETIME_MIN:
        raise ValueError(
            f"{text[:40]!r} is too short: history stays for at least {format_duration(LIFETIME_MIN)};"
            f" write a duration up to {format_duration(DURATION_MAX)} such as '90d', or '{FOREVER}'"
        )
    return lifetime


def _text(lifetime: timedelta | None) -> str:
    return FOREVER if lifetime is None else format_duration(lifetime)
