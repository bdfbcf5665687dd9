"""What a deferred task instance waits for: the document in its `waits_for`, by kind.

Each holds `kind`, and `give_up_at` (RFC 3339 text, null = never), when the wait ends without what it waited for.
"""

from enum import StrEnum

__all__ = ["APPROVE", "CHOICES", "REJECT", "WaitKind"]

APPROVE, REJECT = "approve", "reject"
CHOICES = (APPROVE, REJECT)
"""Of an approval that names none. `reject` fails its task, every other choice is a success."""


class WaitKind(StrEnum):
    """The kinds, and what their documents hold besides."""

    TIME = "time"
    """`until`: the instant it waits for."""
    HTTP = "http"
    """Nothing: the next request is due at the instance's `not_before`."""
    RUN = "run"
    """`dag_id` and `run_id` of the run whose end it waits for."""
    APPROVAL = "approval"
    """`message`, `choices`, `default` (null = none), and once somebody has answered `answer`: `choice`, `by`, `note`
    and `at`."""
