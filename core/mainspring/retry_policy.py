"""Which rule of a task's retry policy fits a failure."""

from collections.abc import Sequence

from mainspring.attempts import Finished
from mainspring.definition.model import RetryRule
from mainspring.patterns import is_found

__all__ = ["ERROR_CHARS_MAX", "fitting_rule"]

ERROR_CHARS_MAX = 10_000
"""Of a failure's message, in which `error` is searched."""


def fitting_rule(policy: Sequence[RetryRule], failure: Finished) -> RetryRule | None:
    """The first rule whose given conditions all hold; a rule without conditions fits every failure."""
    return next((rule for rule in policy if _fits(rule, failure)), None)


def _fits(rule: RetryRule, failure: Finished) -> bool:
    if rule.exit_codes and failure.exit_code not in rule.exit_codes:
        return False
    if rule.reasons and failure.reason not in rule.reasons:
        return False
    return rule.error_pattern is None or is_found(rule.error_pattern, (failure.message or "")[:ERROR_CHARS_MAX])
