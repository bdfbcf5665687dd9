"""What a backfill would do with each slot of its range."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from mainspring.definition.model import Definition
from mainspring.states import RUN_FINISHED, RunState
from mainspring.timetables import Slot, timetable_of
from mainspring_api.http.context import Context
from mainspring_store.queries.page.plans import runs_in_range, usual_seconds
from mainspring_store.resources.backfills import ReprocessBehavior

__all__ = ["slot_plan"]

_DROPPED_MAX = 10_000
_ACTIONS = ("create", "rerun", "keep", "excluded")


def slot_plan(
    ctx: Context, definition: Definition, slots: Sequence[Slot], body: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """The members `slots`, `totals` and `estimated_seconds` of a dry run. body: a loaded `BackfillBody`."""
    first, last = body["from_date"], body["to_date"]
    runs = runs_in_range(ctx.database, definition.dag_id, first, last)
    behavior = ReprocessBehavior(body["reprocess_behavior"])
    planned = [_slot(slot.logical_date, runs.get(slot.logical_date), behavior) for slot in slots]
    planned += _excluded(definition, first, last, now)
    planned.sort(key=lambda slot: slot["logical_date"])
    counts = Counter(slot["action"] for slot in planned)
    usual = usual_seconds(ctx.database, definition.dag_id, now=now)
    rounds = ceil((counts["create"] + counts["rerun"]) / body["max_active_runs"])
    return {
        "slots": planned,
        "totals": {action: counts[action] for action in _ACTIONS},
        "estimated_seconds": None if usual is None else usual * rounds,
    }


def _slot(date: datetime, run: tuple[str, str] | None, behavior: ReprocessBehavior) -> dict[str, Any]:
    if run is None:
        return _planned(date, "create")
    run_id, text = run
    state = RunState(text)
    if state not in RUN_FINISHED:
        return _planned(date, "keep", run_id, state, "the run of the slot has not ended")
    if not behavior.allows(state):
        reason = f"the run of the slot ended as {state}, and reprocess_behavior is {behavior}"
        return _planned(date, "keep", run_id, state, reason)
    return _planned(date, "rerun", run_id, state)


def _excluded(definition: Definition, first: datetime, last: datetime, now: datetime) -> list[dict[str, Any]]:
    """The times of the range that the clocks or the calendar of the schedule leave out."""
    if definition.schedule is None:
        return []
    zone = ZoneInfo(definition.schedule.timezone)
    timetable = timetable_of(definition.schedule, definition.dag_id)
    dropped = timetable.dropped(first - timedelta(microseconds=1), min(last, now))
    times = islice(dropped, _DROPPED_MAX)
    return [
        _planned(omission.local_time.replace(tzinfo=zone).astimezone(UTC), "excluded", reason=omission.reason)
        for omission in times
    ]


def _planned(
    date: datetime, action: str, run_id: str | None = None, state: RunState | None = None, reason: str | None = None
) -> dict[str, Any]:
    return {"logical_date": date, "action": action, "dag_run_id": run_id, "state": state, "reason": reason}
