"""Schedules and backfills: no slot twice, none backwards."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from tests.invariants.facts import Check, Facts, Line

__all__ = ["CHECKS"]


def no_two_runs_stand_for_one_date(facts: Facts) -> Line:
    """I2; a pruned run keeps its date."""
    whole = [run for run in facts.runs.values() if not facts.is_being_pruned(run)]
    dates = Counter(
        (run.dag_id, run.logical_date) for run in (*whole, *facts.pruned.values()) if run.logical_date is not None
    )
    for (dag_id, date), count in dates.items():
        if count > 1:
            yield f"dag {dag_id} has {count} runs of {date}"


def pruned_runs_have_ended_and_nothing_waits_for_them(facts: Facts) -> Line:
    """Only ended runs are pruned, and no task waits for a pruned run."""
    for key, pruned in facts.pruned.items():
        if pruned.state not in ("success", "failed"):
            yield f"run {key} was pruned while it was {pruned.state}"
        if pruned.moment != (pruned.logical_date or pruned.moment):
            yield f"run {key} of {pruned.logical_date} was pruned as one of {pruned.moment}"
    for run in facts.runs.values():
        if facts.is_being_pruned(run) and run.state not in ("success", "failed"):
            yield f"run {run.run_id} is {run.state}, and a part of it is pruned"
    for one in facts.all_instances:
        wait = one.waits_for or {}
        if (
            one.state == "deferred"
            and one.operator == "dag"
            and (wait.get("dag_id"), wait.get("run_id")) in facts.pruned
        ):
            yield f"{facts.name(one)} waits for run {wait['run_id']}, which was pruned"


def slots_of_a_schedule_rise(facts: Facts) -> Line:
    """I24: each scheduled run is later than those that were made before it, and none starts before its time."""
    latest: dict[str, Row[Any]] = {}
    for run in facts.runs.values():
        if run.run_type != "scheduled":
            continue
        earlier = latest.get(run.dag_id)
        if earlier is not None and earlier.logical_date >= run.logical_date:
            yield f"run {run.run_id} was made after {earlier.run_id}"
        if run.start_date is not None and run.start_date < run.run_after:
            yield f"run {run.run_id} started at {run.start_date}, before {run.run_after}"
        latest[run.dag_id] = run


def backfills_stay_within_their_bounds(facts: Facts) -> Line:
    """Their dates, their `max_active_runs` among what runs, and their count of slots."""
    for one in facts.backfills.values():
        mine = [run for run in facts.runs.values() if run.backfill_id == one.id]
        running = sum(run.state == "running" for run in mine)
        if running > one.max_active_runs:
            yield f"backfill {one.id} has {running} running runs, its max_active_runs is {one.max_active_runs}"
        if one.slots_done > one.slots_total:
            yield f"backfill {one.id} did {one.slots_done} of {one.slots_total} slots"
        for run in mine:
            if not one.from_date <= run.logical_date <= one.to_date:
                yield f"run {run.run_id} of {run.logical_date} is not of backfill {one.id}"


def ends_make_one_run_each(facts: Facts) -> Line:
    """Each end that a schedule waits for makes at most one run, an end that waits makes none, and a run names as its
    sources what its schedule waited for."""
    noted = Counter((row.dag_id, row.dag_run_id, row.state) for row in facts.awaited_ends if row.status == "used")
    keys = {(run.dag_id, run.run_id): run.id for run in facts.runs.values()}
    named: Counter[tuple[str, int, str]] = Counter()
    for run in facts.runs.values():
        if (run.sources is None) != (run.run_type != "asset_triggered"):
            yield f"run {run.run_id} is {run.run_type}, and its sources are {run.sources}"
        for source in run.sources or ():
            key = keys.get((source["dag_id"], source["dag_run_id"]))
            if key is not None:
                named[run.dag_id, key, source["state"]] += 1
    for (dag_id, key, state), count in named.items():
        if count > (ends := noted[dag_id, key, state]):
            yield f"{count} runs of {dag_id} name {ends} ends ({state}) of {facts.runs[key].run_id}"


def runs_of_a_key_stay_within_its_limit(facts: Facts) -> Line:
    """At most `max` running runs of a DAG have the same concurrency key. Versions may differ in it."""
    running: dict[tuple[str, str], list[int]] = {}
    for run in facts.runs.values():
        if run.state == "running" and run.concurrency_key is not None:
            running.setdefault((run.dag_id, run.concurrency_key), []).append(run.concurrency_max)
    for (dag_id, key), limits in running.items():
        if len(limits) > max(limits):
            yield f"dag {dag_id} has {len(limits)} running runs with the key {key}, at most {max(limits)} may be"


def signals_are_taken_in_order(facts: Facts) -> Line:
    """The earliest first, each by one wait at most; and a wait that could take a kept signal is due."""
    for run_id, signals in facts.signals.items():
        kept: dict[str, datetime] = {}
        for signal in signals:
            if signal.taken_at is None:
                kept.setdefault(signal.name, signal.sent_at)
            elif signal.name in kept:
                yield f"signal {signal.name} of run {facts.runs[run_id].run_id} was taken before an earlier one"
        for one in facts.instances[run_id]:
            wait = one.waits_for or {}
            is_waiting = one.state == "deferred" and wait.get("kind") == "signal" and wait["name"] in kept
            if is_waiting and (one.not_before is None or one.not_before > max(one.updated_at, kept[wait["name"]])):
                yield f"{facts.name(one)} waits for a signal that is there, and is not due: it is stuck"


def triggers_of_a_key_wait_in_one_run(facts: Facts) -> Line:
    """At most one queued run of a version takes further triggers of a debounce key."""
    waiting = [run for run in facts.runs.values() if run.state == "queued" and run.debounce_key is not None]
    for (dag_id, _, key), count in Counter(
        (run.dag_id, run.dag_version_id, run.debounce_key) for run in waiting
    ).items():
        if count > 1:
            yield f"dag {dag_id} has {count} runs that wait for triggers of the key {key}"


def ranks_follow_the_priority_of_the_run(facts: Facts) -> Line:
    """Instances of a task in two runs of one version differ in rank by the priorities of the runs alone."""
    ranks: dict[tuple[int, str], int] = {}
    for one in facts.all_instances:
        run = facts.runs[one.dag_run_id]
        if not facts.has_task(one):
            continue
        rank = one.rank + 20_000_000 * run.priority
        if ranks.setdefault((run.dag_version_id, one.task_id), rank) != rank:
            yield f"{facts.name(one)} has the rank {one.rank}, the priority of its run is {run.priority}"


CHECKS: Sequence[Check] = (
    no_two_runs_stand_for_one_date,
    pruned_runs_have_ended_and_nothing_waits_for_them,
    slots_of_a_schedule_rise,
    backfills_stay_within_their_bounds,
    ends_make_one_run_each,
    runs_of_a_key_stay_within_its_limit,
    signals_are_taken_in_order,
    ranks_follow_the_priority_of_the_run,
    triggers_of_a_key_wait_in_one_run,
)
