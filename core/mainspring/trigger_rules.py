"""Trigger rules: what upstream states let a task run. Airflow's rules, as one pure function over counters."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag, StrEnum

__all__ = [
    "RuleResult",
    "TriggerRule",
    "UpstreamCounts",
    "WakeOn",
    "evaluate",
    "handles_failure",
    "may_run_after_failure",
    "wake_on",
]


class TriggerRule(StrEnum):
    """The names and meanings are Airflow's. *Failed* includes `upstream_failed`; *done* is any terminal state."""

    ALL_SUCCESS = "all_success"
    ALL_FAILED = "all_failed"
    ALL_DONE = "all_done"
    ALL_DONE_MIN_ONE_SUCCESS = "all_done_min_one_success"
    ALL_DONE_SETUP_SUCCESS = "all_done_setup_success"
    """The rule of tear-downs: by the counters as `all_done`; then `teardown_result` looks at the set-ups."""
    ALL_SKIPPED = "all_skipped"
    ONE_SUCCESS = "one_success"
    ONE_FAILED = "one_failed"
    ONE_DONE = "one_done"
    NONE_FAILED = "none_failed"
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    NONE_SKIPPED = "none_skipped"
    ALWAYS = "always"


class RuleResult(StrEnum):
    """The result of a rule for an instance."""

    WAIT = "wait"
    RUN = "run"
    SKIP = "skip"
    UPSTREAM_FAILED = "upstream_failed"


@dataclass(frozen=True, slots=True)
class UpstreamCounts:
    """How many direct upstream instances are in each terminal state. `total` counts all of them."""

    total: int
    success: int = 0
    failed: int = 0
    upstream_failed: int = 0
    skipped: int = 0
    removed: int = 0

    @property
    def done(self) -> int:
        return self.success + self.failed + self.upstream_failed + self.skipped + self.removed


def handles_failure(rule: TriggerRule) -> bool:
    """Whether a task with this rule counts as handling an upstream failure.

    `all_done` and `always` run after every result, so they clean up after a failure without handling the failure.
    """
    return rule in (TriggerRule.ONE_FAILED, TriggerRule.ALL_FAILED)


def may_run_after_failure(rule: TriggerRule) -> bool:
    """Whether a task with this rule runs after a failure upstream that no other result outweighs."""
    return (
        any(
            evaluate(rule, counts) is RuleResult.RUN
            for counts in (UpstreamCounts(1, failed=1), UpstreamCounts(2, failed=1, success=1))
        )
        and rule is not TriggerRule.ONE_SUCCESS
    )


def evaluate(rule: TriggerRule, counts: UpstreamCounts) -> RuleResult:
    """What `rule` decides on these counts. A task without upstream always runs.

    A decision other than `WAIT` is final: no further upstream result could lead to a different decision that was
    possible earlier. Rules decide as early as in Airflow, so a doomed task does not wait for its slowest upstream.
    """
    if counts.total == 0 or rule is TriggerRule.ALWAYS:
        return RuleResult.RUN
    if rule in (TriggerRule.ONE_SUCCESS, TriggerRule.ONE_FAILED, TriggerRule.ONE_DONE):
        return _evaluate_one(rule, counts)
    blocked_as = _forbidden(rule, counts)
    if blocked_as is not None:
        return blocked_as
    if counts.done < counts.total:
        return RuleResult.WAIT
    if counts.success or rule not in _MIN_ONE_SUCCESS:
        return RuleResult.RUN
    return _MIN_ONE_SUCCESS[rule]


def _evaluate_one(rule: TriggerRule, counts: UpstreamCounts) -> RuleResult:
    """The rules that one upstream result satisfies before all upstream is done."""
    bad = counts.failed + counts.upstream_failed
    satisfied = {
        TriggerRule.ONE_SUCCESS: counts.success,
        TriggerRule.ONE_FAILED: bad,
        # A skipped instance, and an instance that its own upstream failed, did not run.
        TriggerRule.ONE_DONE: counts.success + counts.failed,
    }
    if satisfied[rule]:
        return RuleResult.RUN
    if counts.done < counts.total:
        return RuleResult.WAIT
    return RuleResult.UPSTREAM_FAILED if rule is TriggerRule.ONE_SUCCESS and bad else RuleResult.SKIP


_MIN_ONE_SUCCESS: Mapping[TriggerRule, RuleResult] = {
    TriggerRule.ALL_DONE_MIN_ONE_SUCCESS: RuleResult.UPSTREAM_FAILED,
    TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS: RuleResult.SKIP,
}
"""Rules that need a success -> the result when all upstream is done without a success."""


def _forbidden(rule: TriggerRule, counts: UpstreamCounts) -> RuleResult | None:
    """The result when an upstream state makes the rule impossible; None while the rule may still hold."""
    bad = counts.failed + counts.upstream_failed
    match rule:
        case TriggerRule.ALL_SUCCESS if bad:
            return RuleResult.UPSTREAM_FAILED
        case TriggerRule.NONE_FAILED | TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS if bad:
            return RuleResult.UPSTREAM_FAILED
        # As in Airflow, a skip does not count as done for all_done_min_one_success.
        case TriggerRule.ALL_SUCCESS | TriggerRule.ALL_DONE_MIN_ONE_SUCCESS if counts.skipped:
            return RuleResult.SKIP
        case TriggerRule.NONE_SKIPPED if counts.skipped:
            return RuleResult.SKIP
        case TriggerRule.ALL_FAILED if counts.success or counts.skipped:
            return RuleResult.SKIP
        case TriggerRule.ALL_SKIPPED if counts.success or bad:
            return RuleResult.SKIP
    return None


class WakeOn(IntFlag):
    """Which single events make a rule worth asking before all upstream is done."""

    NOTHING = 0
    SUCCESS = 1
    FAILED = 2
    SKIPPED = 4
    START = 8
    """The start of the run itself: the rule waits for no task."""
    UPSTREAM_FAILED = 16
    RUN_END = 32
    """The end of the run from outside: a tear-down runs after that end too."""


def wake_on(rule: TriggerRule, upstream_total: int) -> WakeOn:
    """Events that may decide `rule` before all upstream is done.

    Derived from `evaluate`, so that both agree: a kind of result wakes the rule when the first result of this kind
    decides.
    """
    if evaluate(rule, UpstreamCounts(upstream_total)) is not RuleResult.WAIT:
        return WakeOn.START
    # One of two upstream instances has a result, so a decision now is an early decision.
    firsts = {
        WakeOn.SUCCESS: UpstreamCounts(2, success=1),
        WakeOn.FAILED: UpstreamCounts(2, failed=1),
        WakeOn.UPSTREAM_FAILED: UpstreamCounts(2, upstream_failed=1),
        WakeOn.SKIPPED: UpstreamCounts(2, skipped=1),
    }
    result = WakeOn.RUN_END if rule is TriggerRule.ALL_DONE_SETUP_SUCCESS else WakeOn.NOTHING
    for kind, counts in firsts.items():
        if evaluate(rule, counts) is not RuleResult.WAIT:
            result |= kind
    return result
