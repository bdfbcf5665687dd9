"""Steps of retention: what a sweep takes must be just what the policy lets go and nothing needs."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy import Row

from mainspring.retention import Policy, RunPolicy
from mainspring_store.database.transactions import Database
from mainspring_store.retention import sweep
from tests.invariants import Facts, read_facts

__all__ = ["Pruning", "policies", "prune"]

_lifetimes = st.sampled_from([None, timedelta(0), timedelta(seconds=20), timedelta(minutes=10)])
policies = st.builds(
    RunPolicy,
    runs=_lifetimes,
    failed_runs=_lifetimes,
    keep_last=st.sampled_from([1, 1, 2, 5]),
    runs_max=st.sampled_from([None, None, 1, 3]),
)


def prune(database: Database, policy: RunPolicy, now: datetime) -> set[str]:
    """One sweep; returns the ids of the runs that it took, which are those that it had to take."""
    before = read_facts(database)
    expected = {run.run_id for dag_id in before.dags for run in _prunable(before, dag_id, policy, now)}
    steps = list(sweep(database, Policy(of_runs=policy), now=now))
    after = read_facts(database)
    gone = {run.run_id for run in before.runs.values() if run.id not in after.runs}
    assert gone == expected, f"a sweep by {policy} took {sorted(gone)}, it had to take {sorted(expected)}"
    assert sum(step.removed.runs for step in steps) == len(gone), "a sweep counts other runs than it took"
    remembered = {run_id for _, run_id in after.pruned.keys() - before.pruned.keys()}
    assert remembered == gone, f"of {sorted(gone)}, small rows stay of {sorted(remembered)}"
    return gone


def _prunable(facts: Facts, dag_id: str, policy: RunPolicy, now: datetime) -> Iterator[Row[Any]]:
    mine = [run for run in facts.runs.values() if run.dag_id == dag_id]
    ended = sorted((run for run in mine if run.state in ("success", "failed")), key=lambda run: run.id, reverse=True)
    if any(one.dag_id == dag_id and one.completed_at is None for one in facts.backfills.values()):
        return
    scheduled = [run for run in mine if run.run_type == "scheduled"]
    for place, run in enumerate(ended):
        lifetime = policy.runs if run.state == "success" else policy.failed_runs
        is_old = lifetime is not None and run.end_date < now - lifetime
        is_excess = policy.runs_max is not None and place >= policy.runs_max
        is_newest = place < min(policy.keep_last, policy.runs_max or policy.keep_last)
        is_latest_slot = run in scheduled and run.logical_date == max(one.logical_date for one in scheduled)
        if (is_old or is_excess) and not (is_newest or is_latest_slot or _is_needed(facts, run, mine)):
            yield run


def _is_needed(facts: Facts, run: Row[Any], mine: list[Row[Any]]) -> bool:
    tries = [one for instance in facts.instances[run.id] for one in facts.tries[instance.id]]
    live_parents = {one.parent_attempt_id for one in facts.runs.values() if one.state in ("queued", "running")}
    awaited = [one.waits_for for one in facts.all_instances if one.state == "deferred" and one.operator == "dag"]
    return (
        run.keep
        or run.parent_attempt_id is not None
        or any(one.stopped_at is None for one in tries)
        or any(one.attempt_id in live_parents for one in tries)
        or any((wait.get("dag_id"), wait.get("run_id")) == (run.dag_id, run.run_id) for wait in awaited)
        or _may_be_looked_back_at(facts, run, mine)
    )


def _may_be_looked_back_at(facts: Facts, run: Row[Any], mine: list[Row[Any]]) -> bool:
    unfinished = [one for one in mine if one.state in ("queued", "running")]
    versions = {facts.dags[run.dag_id].version_id, *(one.dag_version_id for one in unfinished)}
    tasks = [task for version in versions for task in facts.definitions[version].tasks.values()]
    if not any(task.depends_on_past for task in tasks):
        return False
    first = min((_moment(one) for one in unfinished), default=None)
    before = [_moment(one) for one in mine if first is None or _moment(one) < first]
    return _moment(run) >= (max(before) if before else first)


def _moment(run: Row[Any]) -> datetime:
    moment: datetime = run.logical_date or run.run_after
    return moment


class Pruning:
    """The steps; mixed into a machine with a model."""

    database: Any
    clock: Any
    model: Any

    @rule(policy=policies)
    def prune(self, policy: RunPolicy) -> None:
        for run_id in prune(self.database, policy, self.clock.now()):
            self.model.prune(run_id)
