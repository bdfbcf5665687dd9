"""Runs day by day: of a DAG what ran, what is planned, and why a day has no run; of all DAGs what is to come."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Response, g
from marshmallow import fields

from mainspring.definition.model import Definition
from mainspring.errors import Problem
from mainspring.states import RunState
from mainspring.timetables import timetable_of
from mainspring_api.http.answers import answer
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import Answer, Query
from mainspring_api.http.operations import Resource
from mainspring_api.http.permissions import Over
from mainspring_api.http.problems import InvalidQuery
from mainspring_api.resources.page.compact import Row
from mainspring_api.resources.page.planned import planned_days, planned_slots
from mainspring_store.access.roles import Role
from mainspring_store.queries.page.activity import count_by_bin, future_runs, planned_dags

__all__ = ["blueprint"]

blueprint = Resource("calendar", "Calendar: runs day by day", tag="page_views")

DAYS_MAX = 400
PLANNED_MAX = 10_000
_DROPPED_MAX = 10_000
UPCOMING_DAYS_MAX = 100
UPCOMING_RUNS_MAX = 10_000
"""Runs of one DAG that are counted, and runs that wait."""
UPCOMING_COMPUTED_MAX = 20_000
"""Planned runs that one answer computes, some 10 µs each; earlier answers have left the counts of their DAGs."""
_BIN = timedelta(minutes=15)
"""Every zone's offset is a multiple of it, so that no bin lies in two days."""
_POSITIONS: Mapping[str, int] = {RunState.SUCCESS: 1, RunState.FAILED: 2, RunState.RUNNING: 3, RunState.QUEUED: 3}
_PLANNED, _DROPPED_REASON = 4, 5


class Calendar(Answer):
    """The runs of a DAG by day."""

    days = fields.List(
        Row("date, success, failed, running or queued, planned, why the schedule leaves out a time of the day or null"),
        metadata={"description": "Days from `from` to `to`. A run counts on the day on which it was due"},
    )
    timezone = fields.String(metadata={"description": "IANA zone of the days"})


class UpcomingDays(Answer):
    """The runs to come of all DAGs, by day."""

    days = fields.List(
        Row("date, runs, whether all runs of the day are counted"),
        metadata={"description": "Days from `from` to `to`. A run counts on the day on which it is due"},
    )
    timezone = fields.String(metadata={"description": "IANA zone of the days"})


class UpcomingDaysQuery(Query):
    first = fields.Date(data_key="from", required=True, metadata={"description": "First day"})
    last = fields.Date(
        data_key="to", required=True, metadata={"description": f"Last day, at most {UPCOMING_DAYS_MAX - 1} days later"}
    )
    timezone = fields.String(load_default="UTC", metadata={"description": "IANA zone of the days"})


class CalendarQuery(Query):
    first = fields.Date(data_key="from", required=True, metadata={"description": "First day"})
    last = fields.Date(
        data_key="to", required=True, metadata={"description": f"Last day, at most {DAYS_MAX} days later"}
    )
    timezone = fields.String(
        load_default=None, metadata={"description": "IANA zone of the days; absent = the zone of the schedule, or UTC"}
    )


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/calendar",
    "get_calendar",
    role=Role.VIEWER,
    answer=Calendar,
    query=CalendarQuery,
    errors=(404,),
)
def get_calendar(query: Mapping[str, Any], dag_id: str) -> Response:
    """Count the runs of a DAG by day, with the runs that its schedule plans and the times that it leaves out."""
    ctx, now = context(), datetime.now(UTC)
    definition = ctx.versions.current(dag_id).definition
    name = query["timezone"] or (definition.schedule.timezone if definition.schedule else "UTC")
    zone, first, last = _zone(name), query["first"], query["last"]
    _check_days(first, last, DAYS_MAX)
    days: dict[date, list[Any]] = {day: [day, 0, 0, 0, 0, None] for day in _days(first, last)}
    start, end = _midnight(first, zone), _midnight(last + timedelta(days=1), zone)
    for index, state, number in count_by_bin(
        ctx.database, start=start, end=min(end, now), bin_seconds=_BIN.total_seconds(), seen=None, dag_id=dag_id
    ):
        days[(start + index * _BIN).astimezone(zone).date()][_POSITIONS[state]] += number
    for run_after in _future(ctx, dag_id, end, now):
        if start <= run_after < end:
            days[run_after.astimezone(zone).date()][_PLANNED] += 1
    for day, reason in _dropped(definition, dag_id, start, end):
        if day in days and days[day][_DROPPED_REASON] is None:
            days[day][_DROPPED_REASON] = reason
    return answer({"days": list(days.values()), "timezone": name})


@blueprint.operation(
    "GET",
    "/upcoming/days",
    "get_upcoming_days",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=UpcomingDays,
    query=UpcomingDaysQuery,
)
def get_upcoming_days(query: Mapping[str, Any]) -> Response:
    """Count the runs to come of all DAGs by day: planned runs, and runs that wait for their instant."""
    ctx, now = context(), datetime.now(UTC)
    zone, first, last = _zone(query["timezone"]), query["first"], query["last"]
    _check_days(first, last, UPCOMING_DAYS_MAX)
    end = _midnight(last + timedelta(days=1), zone)
    waiting = future_runs(ctx.database, start=now, end=end, limit=UPCOMING_RUNS_MAX, seen=g.user.seen)
    dags = planned_dags(ctx.database, seen=g.user.seen)
    planned = planned_days(
        ctx,
        dags,
        zone=zone,
        until=end - timedelta(microseconds=1),
        now=now,
        slots_max=UPCOMING_COMPUTED_MAX,
        of_dag_max=UPCOMING_RUNS_MAX,
    )
    complete_until = planned.complete_until or end
    if len(waiting) == UPCOMING_RUNS_MAX:
        complete_until = min(complete_until, waiting[-1]["run_after"])
    runs = planned.slots + Counter(run["run_after"].astimezone(zone).date() for run in waiting)
    days = [(day, runs[day], _midnight(day + timedelta(days=1), zone) <= complete_until) for day in _days(first, last)]
    return answer({"days": days, "timezone": query["timezone"]})


def _check_days(first: date, last: date, days_max: int) -> None:
    """Raises InvalidQuery when there is no day from `first` to `last`, or more than `days_max`."""
    if not first <= last < first + timedelta(days=days_max):
        message = f"must be the day of `from` or at most {days_max - 1} days later"
        raise InvalidQuery([Problem(pointer="/to", message=message, code="invalid_value")])


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        message = f"{name[:60]!r} is no IANA zone; one is Asia/Seoul"
        raise InvalidQuery([Problem(pointer="/timezone", message=message, code="invalid_value")]) from None


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _future(ctx: Context, dag_id: str, end: datetime, now: datetime) -> list[datetime]:
    waiting = future_runs(ctx.database, start=now, end=end, limit=PLANNED_MAX, seen=None, dag_id=dag_id)
    dags = planned_dags(ctx.database, seen=None, dag_ids=[dag_id])
    planned = planned_slots(ctx, dags, until=end, now=now, slots_max=PLANNED_MAX, of_dag_max=PLANNED_MAX)
    return [run["run_after"] for run in waiting] + [max(slot.run_after, now) for _, slot in planned]


def _dropped(definition: Definition, dag_id: str, start: datetime, end: datetime) -> list[tuple[date, str]]:
    """Days and reasons of the times that the clocks or the calendar of the schedule leave out, by time."""
    if definition.schedule is None:
        return []
    dropped = timetable_of(definition.schedule, dag_id).dropped(start - timedelta(microseconds=1), end)
    return [(omission.local_time.date(), omission.reason) for omission in sorted(islice(dropped, _DROPPED_MAX))]
