"""What a deferred task instance waits for: the document in its `waits_for`, by kind.

Each document holds `kind`, and `give_up_at` (RFC 3339 text, null = never), when the wait ends without what it waited
for. `soft_fail`, true or absent, says that this end skips the task and does not fail it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from mainspring.instants import parse_instant

__all__ = ["APPROVE", "CHOICES", "REJECT", "WaitKind", "attempt_timeout"]

APPROVE, REJECT = "approve", "reject"
CHOICES = (APPROVE, REJECT)
"""Of an approval that names none. `reject` fails the task; every different choice succeeds."""


class WaitKind(StrEnum):
    """What a task instance waits for. Each kind names the further members of its document."""

    TIME = "time"
    """An instant. `until`: that instant, as RFC 3339 text."""
    HTTP = "http"
    """An HTTP answer that fits. No further members: the next request is due at `not_before` of the instance."""
    RUN = "run"
    """The end of a run. `dag_id` and `run_id` of that run."""
    APPROVAL = "approval"
    """The answer of a user. `message`, `choices`, `default` (null = none), and after the answer `answer`: `choice`,
    `by`, `note` and `at`."""


_SECONDS_MIN = 1.0


def attempt_timeout(
    execution_timeout: timedelta | None, waits_for: Mapping[str, Any] | None, now: datetime
) -> timedelta | None:
    """How long an attempt may take: a request of a wait ends with its wait, but has a second at least; None = for ever.

    waits_for: of its instance; None = it is no request of a wait.
    """
    if waits_for is None or waits_for["give_up_at"] is None:
        return execution_timeout
    remaining_seconds = max((parse_instant(waits_for["give_up_at"]) - now).total_seconds(), _SECONDS_MIN)
    return min(filter(None, (execution_timeout, timedelta(seconds=remaining_seconds))))
