"""Counters: they follow from the states."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from tests.invariants.facts import ACTIVE, FROM_OUTSIDE, STOP_REASONS, Check, Facts, Line
from tests.simulation.oracle import FINISHED

__all__ = ["CHECKS"]


def run_counters_follow_from_states(facts: Facts) -> Line:
    """I30: total, unfinished, active and failed of each run."""
    for run in facts.runs.values():
        states = [one.state for one in facts.instances[run.id]]
        expected = {
            "tasks_total": len(states),
            "tasks_unfinished": sum(state not in FINISHED for state in states),
            "tasks_active": sum(one.state in ACTIVE or facts.is_call(one) for one in facts.instances[run.id]),
            "tasks_failed": sum(state in ("failed", "upstream_failed") for state in states),
        }
        for name, value in expected.items():
            if getattr(run, name) != value:
                yield f"run {run.run_id} has {name} {getattr(run, name)}, its states say {value}: {Counter(states)}"


def upstream_counters_follow_from_states(facts: Facts) -> Line:
    """All upstream instances, and by their states. Where a run was ended at once, nobody counted the ends."""
    stopped = {run_id for run_id, events in facts.events.items() if any(map(_is_stop, events))}
    # Where handlers run after it, the end has no event yet.
    stopped |= {run.id for run in facts.runs.values() if run.ending in FROM_OUTSIDE}
    # A mark of a run counted the tear-downs that it set aside as removed, for tasks that it skipped.
    marked = {run_id for run_id, events in facts.events.items() if any(map(_is_mark, events))}
    stopped |= {id_ for id_ in marked if any(one.teardown for one in facts.definition(facts.runs[id_]).tasks.values())}
    for instance in facts.all_instances:
        run = facts.runs[instance.dag_run_id]
        if not facts.has_task(instance) or (instance.state == "removed" and facts.task(instance).handler is not None):
            continue
        if instance.state == "removed" and facts.task(instance).map_group is not None:
            continue  # when an item needs it again, it gets the counters of the placeholder
        if run.id in stopped and (instance.state in FINISHED or run.state in ("success", "failed")):
            continue
        states = Counter(facts.upstream_states(instance))
        expected = {"up_total": states.total()} | {f"up_{state}": states[state] for state in FINISHED}
        for name, value in expected.items():
            if getattr(instance, name) != value:
                yield f"{facts.name(instance)} has {name} {getattr(instance, name)}, upstream says {value}: {states}"


def _is_stop(event: Row[Any]) -> bool:
    return event.task_instance_id is None and event.state_reason in STOP_REASONS


def _is_mark(event: Row[Any]) -> bool:
    return event.task_instance_id is None and event.state_reason == "marked"


def pools_count_the_slots_of_active_instances(facts: Facts) -> Line:
    """I11, first half."""
    used: Counter[str] = Counter()
    deferred: Counter[str] = Counter()
    calling: Counter[str] = Counter()
    for instance in facts.all_instances:
        used[instance.pool] += instance.pool_slots * (instance.state in ACTIVE)
        deferred[instance.pool] += instance.pool_slots * (instance.state == "deferred")
        calling[instance.pool] += instance.pool_slots * facts.is_call(instance)
    for pool_ in facts.pools:
        expected = used[pool_.name] + (deferred[pool_.name] if pool_.include_deferred else 0)
        if pool_.used != expected:
            yield f"pool {pool_.name} says {pool_.used} slots are used, its active instances hold {expected}"
        if pool_.calling != calling[pool_.name]:
            yield f"pool {pool_.name} says {pool_.calling} slots wait for runs, its instances {calling[pool_.name]}"


def pools_are_never_overdrawn(facts: Facts) -> Line:
    """I11, second half. For databases in which no pool was made smaller while it was in use."""
    for pool_ in facts.pools:
        if 0 <= pool_.slots < pool_.used:
            yield f"pool {pool_.name} has {pool_.slots} slots, {pool_.used} are used"
        if 0 <= pool_.slots < pool_.calling:
            yield f"pool {pool_.name} has {pool_.slots} slots, {pool_.calling} wait for runs"


def limits_of_one_version_hold(facts: Facts) -> Line:
    """I12, for the limits that a run is pinned to: `max_active_tasks` and `max_active_tis`."""
    for run in facts.runs.values():
        active = [one for one in facts.instances[run.id] if one.state in ACTIVE or facts.is_call(one)]
        if len(active) > run.max_active_tasks:
            yield f"run {run.run_id} has {len(active)} active tasks, max_active_tasks is {run.max_active_tasks}"
        for task_id, count in Counter(one.task_id for one in active).items():
            limit = facts.definition(run).tasks[task_id].max_active_tis
            if limit is not None and count > limit:
                yield f"run {run.run_id}: {count} instances of {task_id} are active, max_active_tis is {limit}"


CHECKS: Sequence[Check] = (
    run_counters_follow_from_states,
    upstream_counters_follow_from_states,
    pools_count_the_slots_of_active_instances,
    pools_are_never_overdrawn,
    limits_of_one_version_hold,
)
