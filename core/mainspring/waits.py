"""What a deferred task instance waits for: the document in its `waits_for`, by kind.

The kinds of `CHECKS` are checked by attempts on an executor: one at once, and a further one each interval, until a
check says that the wait is over.

Each document holds `kind`, and `give_up_at` (RFC 3339 text, null = never), when the wait ends without what it waited
for. `soft_fail`, true or absent, says that this end skips the task and does not fail it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from mainspring.durations import parse_duration
from mainspring.instants import parse_instant

__all__ = [
    "APPROVE",
    "CHECKS",
    "CHECK_TIMEOUT",
    "CHOICES",
    "REJECT",
    "WaitKind",
    "attempt_timeout",
    "check_kind",
    "check_timeout",
    "defaults_of",
]

APPROVE, REJECT = "approve", "reject"
CHOICES = (APPROVE, REJECT)
"""Of an approval that names none. `reject` fails the task; every different choice succeeds."""


class WaitKind(StrEnum):
    """What a task instance waits for. Each kind names the further members of its document."""

    TIME = "time"
    """An instant. `until`: that instant, as RFC 3339 text."""
    HTTP = "http"
    """An HTTP answer that fits. The next check is due at `not_before` of the instance, as for all kinds of checks.
    Members of these kinds, each absent before the first check: `checked_at`, the end of the latest check;
    `losses`, how many checks in a row have lost their worker."""
    SHELL = "shell"
    """A command that ends with exit code 0. `command`: the beginning of its first line, as it is written."""
    PYTHON = "python"
    """A callable that returns a true value. `callable`: its name."""
    FILE = "file"
    """A file. `path`: its absolute path where the queue of the task runs."""
    RUN = "run"
    """The end of a run. `dag_id` and `run_id` of that run."""
    APPROVAL = "approval"
    """The answer of a user. `message`, `choices`, `default` (null = none; a list for several choices). Where the
    task has them: `multiple` (true), `params` (a JSON Schema of the values), `assigned` (`users`, `roles`). After the
    answer `answer`: `choice` (the first one), `choices`, `values`, `by`, `note` and `at`."""
    SIGNAL = "signal"
    """A signal that a client sends to the run. `name`: of the signal."""


CHECKS = (WaitKind.HTTP, WaitKind.SHELL, WaitKind.PYTHON, WaitKind.FILE)
"""Kinds of waits with checks. Each is also the name of a field of a `wait` task, and the type of its attempts."""
CHECK_TIMEOUT = timedelta(seconds=30)
"""How long a check without `check_timeout` may take. The exchange of an HTTP request has a bound of its own."""
_SECONDS_MIN = 1.0


def defaults_of(default: str | list[str] | None) -> list[str] | None:
    """The choices that a `default` names; None = none."""
    return [default] if isinstance(default, str) else default


def check_kind(fields: Mapping[str, Any]) -> WaitKind | None:
    """The kind of check of a `wait` task. None = the task waits for an instant.

    fields: those of the task in its definition, or its payload.
    """
    return next((kind for kind in CHECKS if kind in fields), None)


def check_timeout(fields: Mapping[str, Any]) -> timedelta | None:
    """How long one check of a `wait` task may take; None = without a bound. fields: as of `check_kind`."""
    if "check_timeout" in fields:
        return parse_duration(fields["check_timeout"])
    return None if check_kind(fields) is WaitKind.HTTP else CHECK_TIMEOUT


def attempt_timeout(
    execution_timeout: timedelta | None,
    fields: Mapping[str, Any],
    waits_for: Mapping[str, Any] | None,
    now: datetime,
) -> timedelta | None:
    """How long an attempt may take: a check of a wait ends with its wait, but has a second at least; None = for ever.

    fields: those of its task. waits_for: of its instance; None = the attempt is no check of a wait.
    """
    if waits_for is None:
        return execution_timeout
    remaining = None
    if waits_for["give_up_at"] is not None:
        seconds = (parse_instant(waits_for["give_up_at"]) - now).total_seconds()
        remaining = timedelta(seconds=max(seconds, _SECONDS_MIN))
    return min(filter(None, (execution_timeout, check_timeout(fields), remaining)), default=None)
