"""Trigger rules: what upstream states let a task run. Airflow's rules, as one pure function over counters."""

from dataclasses import dataclass
from enum import IntFlag, StrEnum

__all__ = ["RuleResult", "TriggerRule", "UpstreamCounts", "WakeOn", "evaluate", "handles_failure", "wake_on"]


class TriggerRule(StrEnum):
    """The names and meanings are Airflow's. *Failed* includes `upstream_failed`; *done* is any terminal state."""

    ALL_SUCCESS = "all_success"
    ALL_FAILED = "all_failed"
    ALL_DONE = "all_done"
    ALL_DONE_MIN_ONE_SUCCESS = "all_done_min_one_success"
    ALL_SKIPPED = "all_skipped"
    ONE_SUCCESS = "one_success"
    ONE_FAILED = "one_failed"
    ONE_DONE = "one_done"
    NONE_FAILED = "none_failed"
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    NONE_SKIPPED = "none_skipped"
    ALWAYS = "always"


class RuleResult(StrEnum):
    """What a rule says about an instance now."""

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

    `all_done` and `always` run whatever happened, so they clean up after a failure without mending it.
    """
    return rule in (TriggerRule.ONE_FAILED, TriggerRule.ALL_FAILED)


def evaluate(rule: TriggerRule, counts: UpstreamCounts) -> RuleResult:
    """What `rule` decides on these counts. A task without upstream always runs.

    A decision other than `WAIT` is final: no further upstream result could change it to another one that would
    have been right earlier. Rules decide as early as Airflow's do, so a doomed task does not wait for its slowest
    upstream.
    """
    if counts.total == 0 or rule is TriggerRule.ALWAYS:
        return RuleResult.RUN
    bad = counts.failed + counts.upstream_failed
    all_done = counts.done >= counts.total
    match rule:
        case TriggerRule.ALL_SUCCESS:
            if bad:
                return RuleResult.UPSTREAM_FAILED
            if counts.skipped:
                return RuleResult.SKIP
            return _run_when(all_done)
        case TriggerRule.ALL_FAILED:
            if counts.success or counts.skipped:
                return RuleResult.SKIP
            return _run_when(all_done)
        case TriggerRule.ALL_DONE:
            return _run_when(all_done)
        case TriggerRule.ALL_DONE_MIN_ONE_SUCCESS:
            # Airflow does not count a skip as done here: one is enough to skip.
            if counts.skipped:
                return RuleResult.SKIP
            if not all_done:
                return RuleResult.WAIT
            return RuleResult.RUN if counts.success else RuleResult.UPSTREAM_FAILED
        case TriggerRule.ALL_SKIPPED:
            if counts.success or bad:
                return RuleResult.SKIP
            return _run_when(all_done)
        case TriggerRule.ONE_SUCCESS:
            if counts.success:
                return RuleResult.RUN
            if not all_done:
                return RuleResult.WAIT
            return RuleResult.UPSTREAM_FAILED if bad else RuleResult.SKIP
        case TriggerRule.ONE_FAILED:
            if bad:
                return RuleResult.RUN
            return RuleResult.SKIP if all_done else RuleResult.WAIT
        case TriggerRule.ONE_DONE:
            # One that has run itself: neither skipped nor failed by its own upstream.
            if counts.success or counts.failed:
                return RuleResult.RUN
            return RuleResult.SKIP if all_done else RuleResult.WAIT
        case TriggerRule.NONE_FAILED:
            if bad:
                return RuleResult.UPSTREAM_FAILED
            return _run_when(all_done)
        case TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS:
            if bad:
                return RuleResult.UPSTREAM_FAILED
            if not all_done:
                return RuleResult.WAIT
            return RuleResult.RUN if counts.success else RuleResult.SKIP
        case TriggerRule.NONE_SKIPPED:
            if counts.skipped:
                return RuleResult.SKIP
            return _run_when(all_done)


def _run_when(condition: bool) -> RuleResult:
    return RuleResult.RUN if condition else RuleResult.WAIT


class WakeOn(IntFlag):
    """Which single events make a rule worth asking before all upstream is done."""

    NOTHING = 0
    SUCCESS = 1
    FAILED = 2
    SKIPPED = 4
    START = 8
    """The start of the run itself: the rule waits for nobody."""
    UPSTREAM_FAILED = 16


def wake_on(rule: TriggerRule, upstream_total: int) -> WakeOn:
    """When to ask `rule` besides the moment when all upstream is done.

    Derived from `evaluate`, so that the two cannot disagree: a kind of result wakes the rule when the first one of
    it already decides.
    """
    if evaluate(rule, UpstreamCounts(upstream_total)) is not RuleResult.WAIT:
        return WakeOn.START
    # Of two upstream instances one result is in, so whatever is decided now is decided early.
    firsts = {
        WakeOn.SUCCESS: UpstreamCounts(2, success=1),
        WakeOn.FAILED: UpstreamCounts(2, failed=1),
        WakeOn.UPSTREAM_FAILED: UpstreamCounts(2, upstream_failed=1),
        WakeOn.SKIPPED: UpstreamCounts(2, skipped=1),
    }
    result = WakeOn.NOTHING
    for kind, counts in firsts.items():
        if evaluate(rule, counts) is not RuleResult.WAIT:
            result |= kind
    return result
