"""The schedule of a DAG: the next runs, from the rule of the schedule."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response
from marshmallow import fields, validate

from mainspring.definition import Definition
from mainspring.timetables import ContinuousTimetable, Slot, Timetable, next_slot, slots_after, timetable_of
from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Instant, Query
from mainspring_api.http.operations import Resource
from mainspring_store.access.roles import Role
from mainspring_store.queries.schedules import SchedulePlan, schedule_plan

__all__ = ["COUNT_MAX", "blueprint", "next_slots"]

blueprint = Resource("schedules", "Schedules: when the next runs of a DAG are due")

COUNT_MAX = 100
DROPPED_MAX = 10_000
"""Upper bound of the examined times of day."""


class PlannedRun(Answer):
    """One run that the schedule asks for."""

    logical_date = Instant(metadata={"description": "Instant that the run stands for"})
    data_interval_start = Instant()
    data_interval_end = Instant()
    run_after = Instant(metadata={"description": "Instant at which the run is due"})
    local_time = fields.String(
        metadata={"description": "`run_after` in the schedule's time zone, ISO 8601 with offset"}
    )
    moved = fields.String(
        allow_none=True, metadata={"description": "Effect of a change of the clocks on the due time; null = none"}
    )


class DroppedTime(Answer):
    """A scheduled time of day at which no run is due."""

    local_time = fields.String(metadata={"description": "Time in the schedule's time zone, ISO 8601 without offset"})
    reason = fields.String(metadata={"description": "Cause of the omission"})


class SchedulePreview(Answer):
    """What a schedule means."""

    dag_id = fields.String()
    is_paused = fields.Boolean(metadata={"description": "Pause of the DAG: no run is due while the DAG is paused"})
    timetable_summary = fields.String(allow_none=True)
    timetable_description = fields.String()
    timezone = fields.String()
    schedule_error = fields.String(
        allow_none=True,
        metadata={"description": "Fault that keeps the scheduler from planning the next run; null = none"},
    )
    runs = fields.List(fields.Nested(PlannedRun), metadata={"description": "Planned runs, soonest first"})
    dropped = fields.List(
        fields.Nested(DroppedTime),
        metadata={"description": "Times that the clocks or the calendar leave out before the last of `runs`"},
    )


class PreviewQuery(Query):
    count = fields.Integer(load_default=10, validate=validate.Range(min=1, max=COUNT_MAX))
    after = Instant(
        load_default=None, metadata={"description": "Runs that are due later than this; left out = as the DAG stands"}
    )


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/schedule",
    "get_dag_schedule",
    role=Role.VIEWER,
    answer=SchedulePreview,
    query=PreviewQuery,
    errors=(404,),
)
def get_dag_schedule(query: Mapping[str, Any], dag_id: str) -> Response:
    """The next runs that the scheduler makes if the DAG does not change; also those that are due already."""
    ctx = context()
    planned = schedule_plan(ctx.database, dag_id)
    definition = ctx.versions.definition(planned.version_id)
    schedule = definition.schedule
    timetable = timetable_of(schedule, dag_id) if schedule else None
    now = datetime.now(UTC)
    slots: Iterator[Slot] = iter(())
    if timetable is not None and query["after"] is not None:
        slots = slots_after(timetable, query["after"], start=definition.start_date, end=definition.end_date)
        slots = islice(slots, 1 if isinstance(timetable, ContinuousTimetable) else None)
    elif timetable is not None:
        slots = next_slots(timetable, definition, planned, now)
    zone = schedule.timezone if schedule else "UTC"
    planned_slots = list(islice(slots, query["count"]))
    return answer(
        {
            "dag_id": dag_id,
            "is_paused": planned.is_paused,
            "timetable_summary": timetable.summary if timetable else None,
            "timetable_description": timetable.description if timetable else "Never, external triggers only",
            "timezone": zone,
            "schedule_error": planned.error,
            "runs": [_planned_run(timetable, slot, zone) for slot in planned_slots if timetable],
            "dropped": _dropped(timetable, planned_slots, query["after"] or now) if timetable else [],
        }
    )


def next_slots(timetable: Timetable, definition: Definition, planned: SchedulePlan, now: datetime) -> Iterator[Slot]:
    """The slots in the order of the scheduler."""
    latest = planned.latest_logical_date
    start = max(filter(None, (definition.start_date, planned.next_logical_date)), default=None)
    # Only the end of a run tells when the next run of a continuous schedule begins.
    for _ in range(1 if isinstance(timetable, ContinuousTimetable) else COUNT_MAX):
        slot = next_slot(
            timetable,
            after=latest,
            start=start,
            end=definition.end_date,
            catchup_max=definition.made_up_for,
            now=now,
            renewed_at=planned.renewed_at,
        )
        if slot is None:
            return
        yield slot
        latest = slot.logical_date


def _dropped(timetable: Timetable, slots: Sequence[Slot], start: datetime) -> list[dict[str, Any]]:
    """What is left out between `after` and the last run that is shown."""
    if not slots:
        return []
    dropped = timetable.dropped(start, max(start, slots[-1].data_interval_end))
    first = sorted(set(islice(dropped, DROPPED_MAX)))[:COUNT_MAX]
    return [{"local_time": time.local_time.isoformat(), "reason": time.reason} for time in first]


def _planned_run(timetable: Timetable, slot: Slot, zone: str) -> dict[str, Any]:
    return {
        "logical_date": slot.logical_date,
        "data_interval_start": slot.logical_date,
        "data_interval_end": slot.data_interval_end,
        "run_after": slot.run_after,
        "local_time": slot.run_after.astimezone(ZoneInfo(zone)).isoformat(),
        "moved": timetable.why_moved(slot),
    }
