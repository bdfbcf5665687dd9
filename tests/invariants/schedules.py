"""Schedules and backfills: no slot twice, none backwards."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from tests.invariants.facts import Check, Facts, Line

__all__ = ["CHECKS"]


def no_two_runs_stand_for_one_date(facts: Facts) -> Line:
    """I2."""
    dates = Counter((run.dag_id, run.logical_date) for run in facts.runs.values() if run.logical_date is not None)
    for (dag_id, date), count in dates.items():
        if count > 1:
            yield f"dag {dag_id} has {count} runs of {date}"


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


CHECKS: Sequence[Check] = (
    no_two_runs_stand_for_one_date,
    slots_of_a_schedule_rise,
    backfills_stay_within_their_bounds,
)
