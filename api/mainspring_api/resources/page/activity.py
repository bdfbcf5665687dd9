"""Runs of all DAGs over time: counts in bins, and what is planned."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, g
from marshmallow import fields, validate

from mainspring.errors import Problem
from mainspring.states import RunState
from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Instant, Query
from mainspring_api.http.operations import Resource
from mainspring_api.http.permissions import Over
from mainspring_api.http.problems import InvalidQuery
from mainspring_api.resources.page.compact import Row
from mainspring_api.resources.page.planned import planned_slots
from mainspring_store.access.roles import Role
from mainspring_store.queries.page.activity import count_by_bin, future_runs, planned_dags

__all__ = ["Activity", "activity_body", "activity_members", "blueprint", "check_span"]

blueprint = Resource("activity", "Activity: runs over time", tag="page_views")

BINS_MAX = 400
SPAN_MAX = timedelta(days=366)
PLANNED_MAX = 5_000
"""Planned runs that one answer counts or lists."""
UPCOMING_MAX = 500
_POSITIONS: Mapping[str, int] = {RunState.SUCCESS: 1, RunState.FAILED: 2, RunState.RUNNING: 3, RunState.QUEUED: 3}
_PLANNED = 4


class Activity(Answer):
    """Counts of runs in bins of equal length."""

    bins = fields.List(
        Row("start of the bin, success, failed, running or queued, planned"),
        metadata={"description": "Bins by time. A run counts where it was due"},
    )


class UpcomingRun(Answer):
    """A run in the future."""

    dag_id = fields.String()
    run_after = Instant(metadata={"description": "Instant at which the run is due"})
    logical_date = Instant(allow_none=True)
    dag_run_id = fields.String(allow_none=True, metadata={"description": "Null = the schedule plans the run"})
    kind = fields.String(
        metadata={"description": "`planned` = by the schedule; `queued` = the run exists and waits for its instant"}
    )


class Upcoming(Answer):
    """Runs in the future."""

    runs = fields.List(fields.Nested(UpcomingRun), metadata={"description": "Soonest first"})


def activity_members() -> dict[str, fields.Field[Any]]:
    """The query parameters of a span in bins."""
    return {
        "start": Instant(data_key="from", required=True, metadata={"description": "Begin of the first bin"}),
        "end": Instant(data_key="to", required=True, metadata={"description": "End of the last bin, exclusive"}),
        "bins": fields.Integer(
            load_default=48, validate=validate.Range(min=1, max=BINS_MAX), metadata={"description": "Number of bins"}
        ),
    }


ActivityQuery = type("ActivityQuery", (Query,), activity_members())


class UpcomingQuery(Query):
    start = Instant(data_key="from", load_default=None, metadata={"description": "Begin; absent = now"})
    end = Instant(data_key="to", load_default=None, metadata={"description": "End, inclusive; absent = a day later"})
    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(min=1, max=UPCOMING_MAX),
        metadata={"description": "Runs in the answer"},
    )


@blueprint.operation(
    "GET", "/activity", "get_activity", role=Role.VIEWER, over=Over.DAGS, answer=Activity, query=ActivityQuery
)
def get_activity(query: Mapping[str, Any]) -> Response:
    """Count runs in bins of time, with the runs that schedules plan."""
    return answer(activity_body(query["start"], query["end"], query["bins"]))


def activity_body(start: datetime, end: datetime, count: int) -> dict[str, Any]:
    """An `Activity` of `count` bins for the sender of the request. Raises InvalidQuery."""
    check_span(start, end)
    ctx, now = context(), datetime.now(UTC)
    width = (end - start).total_seconds() / count
    bins: list[list[Any]] = [[start + timedelta(seconds=width * index), 0, 0, 0, 0] for index in range(count)]

    def add(index: float, position: int, number: int = 1) -> None:
        bins[min(max(int(index), 0), count - 1)][position] += number

    past_end = min(end, now)
    if start < past_end:
        for index, state, number in count_by_bin(
            ctx.database, start=start, end=past_end, bin_seconds=width, seen=g.user.seen
        ):
            add(index, _POSITIONS[state], number)
    if end > now:
        for run_after in _future(end, now):
            if start <= run_after < end:
                add((run_after - start).total_seconds() / width, _PLANNED)
    return {"bins": bins}


@blueprint.operation(
    "GET", "/upcoming", "get_upcoming", role=Role.VIEWER, over=Over.DAGS, answer=Upcoming, query=UpcomingQuery
)
def get_upcoming(query: Mapping[str, Any]) -> Response:
    """List planned runs, and runs that wait for a future instant, of all DAGs."""
    ctx, now = context(), datetime.now(UTC)
    start = max(query["start"] or now, now)
    end = query["end"] or start + timedelta(days=1)
    check_span(start, end)
    limit = query["limit"]
    runs = [
        {name: run[name] for name in ("dag_id", "run_after", "logical_date")}
        | {"dag_run_id": run["run_id"], "kind": "queued"}
        for run in future_runs(ctx.database, start=start, end=end, limit=limit, seen=g.user.seen)
    ]
    slots_max = PLANNED_MAX if start > now else limit
    dags = planned_dags(ctx.database, seen=g.user.seen)
    runs += [
        {
            "dag_id": dag_id,
            "run_after": slot.run_after,
            "logical_date": slot.logical_date,
            "dag_run_id": None,
            "kind": "planned",
        }
        for dag_id, slot in planned_slots(ctx, dags, until=end, now=now, slots_max=slots_max)
        if slot.run_after >= start
    ]
    runs.sort(key=lambda run: (run["run_after"], run["dag_id"]))
    return answer({"runs": runs[:limit]})


def check_span(start: datetime, end: datetime) -> None:
    """Refuse a span that is empty or longer than `SPAN_MAX`. Raises InvalidQuery."""
    if end <= start:
        raise InvalidQuery([Problem(pointer="/to", message="must be later than `from`", code="invalid_value")])
    if end - start > SPAN_MAX:
        message = f"must be at most {SPAN_MAX.days} days later than `from`"
        raise InvalidQuery([Problem(pointer="/to", message=message, code="invalid_value")])


def _future(end: datetime, now: datetime) -> list[datetime]:
    """When runs are due later than now and until `end`: runs that wait, and planned runs."""
    ctx = context()
    waiting = future_runs(ctx.database, start=now, end=end, limit=PLANNED_MAX, seen=g.user.seen)
    dags = planned_dags(ctx.database, seen=g.user.seen)
    planned = planned_slots(ctx, dags, until=end, now=now, slots_max=PLANNED_MAX)
    return [run["run_after"] for run in waiting] + [max(slot.run_after, now) for _, slot in planned]
