"""Each rule by a table, and what must hold for all of them whatever the upstream does."""

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.trigger_rules import (
    RuleResult,
    TriggerRule,
    UpstreamCounts,
    WakeOn,
    evaluate,
    handles_failure,
    may_run_after_failure,
    wake_on,
)
from tests.unit.strategies import trigger_rules, upstream_states

WAIT, RUN, SKIP, FAIL = RuleResult.WAIT, RuleResult.RUN, RuleResult.SKIP, RuleResult.UPSTREAM_FAILED

COLUMNS = (
    "....",
    "s...",
    "f...",
    "u...",
    "k...",
    "ssss",
    "ffff",
    "uuuu",
    "kkkk",
    "sffk",
    "ssff",
    "sskk",
    "ffkk",
    "sssf",
)
"""Four upstream instances: s success, f failed, u upstream_failed, k skipped, . not done."""

TABLE = {
    "all_success":                 (WAIT, WAIT, FAIL, FAIL, SKIP, RUN, FAIL, FAIL, SKIP, FAIL, FAIL, SKIP, FAIL, FAIL),
    "all_failed":                  (WAIT, SKIP, WAIT, WAIT, SKIP, SKIP, RUN, RUN, SKIP, SKIP, SKIP, SKIP, SKIP, SKIP),
    "all_done":                    (WAIT, WAIT, WAIT, WAIT, WAIT, RUN, RUN, RUN, RUN, RUN, RUN, RUN, RUN, RUN),
    "all_done_setup_success":      (WAIT, WAIT, WAIT, WAIT, WAIT, RUN, RUN, RUN, RUN, RUN, RUN, RUN, RUN, RUN),
    "all_done_min_one_success":    (WAIT, WAIT, WAIT, WAIT, SKIP, RUN, FAIL, FAIL, SKIP, SKIP, RUN, SKIP, SKIP, RUN),
    "all_skipped":                 (WAIT, SKIP, SKIP, SKIP, WAIT, SKIP, SKIP, SKIP, RUN, SKIP, SKIP, SKIP, SKIP, SKIP),
    "one_success":                 (WAIT, RUN, WAIT, WAIT, WAIT, RUN, FAIL, FAIL, SKIP, RUN, RUN, RUN, FAIL, RUN),
    "one_failed":                  (WAIT, WAIT, RUN, RUN, WAIT, SKIP, RUN, RUN, SKIP, RUN, RUN, SKIP, RUN, RUN),
    "one_done":                    (WAIT, RUN, RUN, WAIT, WAIT, RUN, RUN, SKIP, SKIP, RUN, RUN, RUN, RUN, RUN),
    "none_failed":                 (WAIT, WAIT, FAIL, FAIL, WAIT, RUN, FAIL, FAIL, RUN, FAIL, FAIL, RUN, FAIL, FAIL),
    "none_failed_min_one_success": (WAIT, WAIT, FAIL, FAIL, WAIT, RUN, FAIL, FAIL, SKIP, FAIL, FAIL, RUN, FAIL, FAIL),
    "none_skipped":                (WAIT, WAIT, WAIT, WAIT, SKIP, RUN, RUN, RUN, SKIP, SKIP, RUN, SKIP, SKIP, RUN),
    "always":                      (RUN,) * 14,
}  # fmt: skip


def _counts(states: list[str], total: int) -> UpstreamCounts:
    return UpstreamCounts(total, **Counter(states))


@pytest.mark.parametrize("rule", list(TriggerRule))
@pytest.mark.parametrize("column", COLUMNS)
def test_rule_decides_as_its_table_says(rule: TriggerRule, column: str) -> None:
    names = {"s": "success", "f": "failed", "u": "upstream_failed", "k": "skipped"}
    states = [names[letter] for letter in column if letter != "."]
    assert evaluate(rule, _counts(states, len(column))) is TABLE[rule][COLUMNS.index(column)]


@given(trigger_rules)
def test_a_task_without_upstream_runs_under_every_rule(rule: TriggerRule) -> None:
    assert evaluate(rule, UpstreamCounts(0)) is RUN


@given(trigger_rules, st.lists(upstream_states, min_size=1, max_size=6))
def test_nothing_waits_once_all_upstream_is_done(rule: TriggerRule, states: list[str]) -> None:
    assert evaluate(rule, _counts(states, len(states))) is not WAIT


@given(trigger_rules, st.lists(upstream_states, min_size=1, max_size=6))
def test_a_final_decision_stays_right_when_more_results_come_in(rule: TriggerRule, states: list[str]) -> None:
    decisions = [evaluate(rule, _counts(states[:done], len(states))) for done in range(len(states) + 1)]
    first = next(decision for decision in decisions if decision is not WAIT)
    later = set(decisions[decisions.index(first) :])
    if rule is TriggerRule.ALL_SUCCESS and first is SKIP:
        # Decided at the first skip: a failure that comes later would have named another reason, never a run.
        assert later <= {SKIP, FAIL}
    else:
        assert later == {first}


@given(st.lists(st.sampled_from(["success", "removed"]), min_size=1, max_size=5))
def test_an_instance_that_was_removed_counts_as_done_and_stops_nothing(states: list[str]) -> None:
    counts = _counts(states, len(states))
    assert counts.done == counts.total
    for rule in (TriggerRule.ALL_SUCCESS, TriggerRule.NONE_FAILED, TriggerRule.ALL_DONE):
        assert evaluate(rule, counts) is RUN


def test_only_rules_that_ask_for_a_failure_handle_one() -> None:
    assert {rule for rule in TriggerRule if handles_failure(rule)} == {TriggerRule.ONE_FAILED, TriggerRule.ALL_FAILED}


@given(trigger_rules, st.lists(upstream_states, min_size=1, max_size=6))
def test_a_rule_is_asked_at_the_result_that_decides_it_and_is_never_asked_in_vain(
    rule: TriggerRule, states: list[str]
) -> None:
    total = len(states)
    wakes = wake_on(rule, total)
    for done in range(total):
        before, after = (
            evaluate(rule, _counts(states[:done], total)),
            evaluate(rule, _counts(states[: done + 1], total)),
        )
        is_asked = done + 1 == total or bool(wakes & WakeOn[states[done].upper()])
        if before is WAIT:
            assert is_asked == (after is not WAIT)
    assert bool(wakes & WakeOn.START) == (evaluate(rule, UpstreamCounts(total)) is not WAIT)


PAGE = (Path(__file__).parents[3] / "docs" / "trigger-rules.md").read_text()
WORDS = {WAIT: "waits", RUN: "runs", SKIP: "skipped", FAIL: "upstream_failed"}


@pytest.mark.parametrize("rule", TriggerRule)
def test_the_page_says_what_the_rule_does(rule: TriggerRule) -> None:
    [section] = re.findall(rf"^## `{rule}`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| (\w+) \| (\w+) \| (\w+) \|$", section, re.MULTILINE)
    assert len(rows) >= 10
    for *states, said in rows:
        ended = [state for state in states if state != "waits"]
        assert said == WORDS[evaluate(rule, _counts(ended, 2))], (states, said)


@pytest.mark.parametrize("rule", TriggerRule)
def test_a_rule_that_may_run_after_a_failure_is_known(rule: TriggerRule) -> None:
    after_failure = {
        "all_done", "all_done_min_one_success", "all_done_setup_success", "all_failed",
        "always", "none_skipped", "one_done", "one_failed",
    }  # fmt: skip
    assert may_run_after_failure(rule) is (rule in after_failure)
