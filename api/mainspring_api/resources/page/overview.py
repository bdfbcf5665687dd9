"""All DAGs with their latest runs, for the first page."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import fields, validate

from mainspring.states import RunState
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import Answer, Choice, Instant, Query, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over
from mainspring_api.resources.definitions.schedule_parts import ScheduleParts, schedule_parts
from mainspring_api.resources.page.compact import Row
from mainspring_store.access.roles import Role
from mainspring_store.queries.dags import DAG_RUN_FILTERS
from mainspring_store.queries.page.latest_runs import RunInStrip, median_duration
from mainspring_store.queries.page.overview import OVERVIEW, list_overview

__all__ = ["DagOverviewCollection", "blueprint", "overview_arguments", "overview_body"]

blueprint = Resource("page_views", "Views: whole panels of the page, each in one request")

RUNS_MAX = 100


class NextRun(Answer):
    """The planned run of a DAG."""

    run_after = Instant(metadata={"description": "Instant at which the run is due"})
    logical_date = Instant(allow_none=True, metadata={"description": "Null = the scheduler is about to plan the run"})


class CurrentVersion(Answer):
    """The current version of a DAG."""

    version_number = fields.Integer(metadata={"description": "Number of the version, from 1"})
    created_at = Instant()
    created_by = fields.String(allow_none=True, metadata={"description": "Author of the version; null = unknown"})


class DagOverviewRow(Answer):
    """A DAG with its latest runs."""

    dag_id = fields.String()
    tags = fields.List(fields.String(), metadata={"description": "Labels of the DAG, sorted"})
    owners = fields.List(fields.String(), metadata={"description": "Owners of the DAG's tasks"})
    is_paused = fields.Boolean()
    paused_by = fields.String(
        allow_none=True, metadata={"description": "Who paused the DAG; null = unknown, or no pause"}
    )
    paused_at = Instant(allow_none=True, metadata={"description": "Begin of the pause; null = unknown, or no pause"})
    state = Choice(RunState, allow_none=True, metadata={"description": "State of the latest run; null = no run"})
    timetable_description = fields.String(allow_none=True)
    timezone = fields.String(allow_none=True)
    schedule = fields.Nested(ScheduleParts, allow_none=True, metadata={"description": "Null = no schedule"})
    next = fields.Nested(NextRun, allow_none=True, metadata={"description": "Null = no run is planned"})
    version = fields.Nested(CurrentVersion)
    median_duration = fields.Float(
        allow_none=True,
        metadata={"description": "Median seconds of the successful runs in `runs`; null = none succeeded"},
    )
    runs = fields.List(
        Row("dag_run_id, state, run_type, start, duration in seconds, version_number"),
        metadata={"description": "Latest due runs, oldest first"},
    )


class DagOverviewCollection(Answer):
    """A page of DAGs with their latest runs."""

    dags = fields.List(fields.Nested(DagOverviewRow))
    total_entries = fields.Integer()


def overview_arguments(name: str, **members: fields.Field[Any]) -> type[Query]:
    """The query parameters of a list of DAGs with their latest runs, and `members` for the view."""
    return list_arguments(
        name,
        OVERVIEW,
        filters=DAG_RUN_FILTERS,
        without=frozenset(),
        has_cursor=False,
        tags=fields.List(fields.String(), load_default=list, validate=validate.Length(max=50)),
        tags_match_mode=fields.String(load_default="any", validate=validate.OneOf(["any", "all"])),
        runs=fields.Integer(
            load_default=20,
            validate=validate.Range(min=1, max=RUNS_MAX),
            metadata={"description": "Latest runs of each DAG"},
        ),
        **members,
    )


OverviewList = overview_arguments("OverviewList")


@blueprint.operation(
    "GET",
    "/dagOverview",
    "get_dag_overview",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=DagOverviewCollection,
    query=OverviewList,
    errors=(400,),
)
def get_dag_overview(query: Mapping[str, Any]) -> Response:
    """List DAGs with their latest runs. The order `attention` has failing DAGs first."""
    return list_answer(query, overview_body(query))


def overview_body(query: Mapping[str, Any]) -> dict[str, Any]:
    """A `DagOverviewCollection` for loaded `overview_arguments`."""
    ctx = context()
    overview = list_overview(
        ctx.database,
        list_query(query),
        run_count=query["runs"],
        tags=query["tags"],
        all_tags=query["tags_match_mode"] == "all",
        now=datetime.now(UTC),
    )
    dags = [_dag(ctx, row, overview.runs.get(row["dag_id"], [])) for row in overview.rows]
    return {"dags": dags, "total_entries": overview.total}


def _dag(ctx: Context, row: Mapping[str, Any], runs: list[RunInStrip]) -> dict[str, Any]:
    schedule = ctx.versions.definition(row["version_id"]).schedule
    is_planned = row["next_run_after"] is not None
    return {
        "dag_id": row["dag_id"],
        "tags": row["tags"],
        "owners": row["owners"],
        "is_paused": row["is_paused"],
        "paused_by": row["paused_by"],
        "paused_at": row["paused_at"],
        "state": runs[-1].state if runs else None,
        "timetable_description": row["timetable_description"],
        "timezone": schedule.timezone if schedule else None,
        "schedule": schedule_parts(schedule),
        "next": {"run_after": row["next_run_after"], "logical_date": row["next_logical_date"]} if is_planned else None,
        "version": {
            "version_number": row["version_number"],
            "created_at": row["version_created_at"],
            "created_by": row["version_created_by"],
        },
        "median_duration": median_duration(runs),
        "runs": [
            (run.run_id, run.state, run.run_type, run.start_date, run.duration, run.version_number) for run in runs
        ],
    }
