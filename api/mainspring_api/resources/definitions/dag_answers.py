"""What is answered about a DAG, and the state that entity tags stand for."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from mainspring.definition.model import Catchup, Definition
from mainspring.durations import format_duration
from mainspring.errors import NotFound
from mainspring.states import RunType
from mainspring_api.http.answers import dump
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Choice, Instant, JsonObject
from mainspring_api.http.preconditions import CurrentState
from mainspring_api.resources.definitions.dag_versions import DagVersion, version_body
from mainspring_api.resources.definitions.schedule_parts import ScheduleParts, schedule_parts
from mainspring_store.queries import dags as questions

__all__ = ["Dag", "DagDetails", "current_state", "dag_body", "details_body", "saved_version"]


class DagTag(Answer):
    """A tag of a DAG."""

    name = fields.String(metadata={"description": "Text of the tag"})
    dag_id = fields.String()
    dag_display_name = fields.String()


class Dag(Answer):
    """A DAG."""

    dag_id = fields.String()
    dag_display_name = fields.String()
    is_paused = fields.Boolean()
    is_stale = fields.Boolean(
        metadata={"description": "Whether its bundle no longer has the DAG; a save makes the DAG current again"}
    )
    last_parsed_time = Instant(allow_none=True, metadata={"description": "Instant of the latest change of the DAG"})
    last_parse_duration = fields.Float(
        allow_none=True, metadata={"description": "Always null: the server parses no files"}
    )
    last_expired = Instant(allow_none=True, metadata={"description": "Always null: DAGs do not expire"})
    bundle_name = fields.String(
        allow_none=True, metadata={"description": "Bundle of definitions that applied the DAG; null = none"}
    )
    bundle_version = fields.String(allow_none=True)
    relative_fileloc = fields.String(allow_none=True, metadata={"description": "Always null: the DAG has no file"})
    fileloc = fields.String(metadata={"description": "Always `api`: the DAG has no file"})
    file_token = fields.String(metadata={"description": "The same as `dag_id`"})
    description = fields.String(
        allow_none=True, metadata={"description": "Purpose of the DAG in a sentence; null = none"}
    )
    timetable_summary = fields.String(allow_none=True)
    timetable_description = fields.String(allow_none=True)
    timetable_partitioned = fields.Boolean(metadata={"description": "Always false: no DAG is partitioned"})
    timetable_periodic = fields.Boolean(metadata={"description": "Whether the schedule repeats"})
    tags = fields.List(fields.Nested(DagTag), metadata={"description": "Labels of the DAG"})
    max_active_tasks = fields.Integer(metadata={"description": "Limit of active task instances in a run"})
    max_active_runs = fields.Integer(allow_none=True)
    max_consecutive_failed_dag_runs = fields.Integer(
        metadata={"description": "Always 0: failed runs do not pause the DAG"}
    )
    has_task_concurrency_limits = fields.Boolean(metadata={"description": "Always false"})
    has_import_errors = fields.Boolean(metadata={"description": "Always false: a faulty definition is refused"})
    next_dagrun_logical_date = Instant(
        allow_none=True, metadata={"description": "Logical date of the next scheduled run; null = none is planned"}
    )
    next_dagrun_data_interval_start = Instant(
        allow_none=True,
        metadata={"description": "Start of the next scheduled run's interval, inclusive; null = none is planned"},
    )
    next_dagrun_data_interval_end = Instant(
        allow_none=True,
        metadata={"description": "End of the next scheduled run's interval, exclusive; null = none is planned"},
    )
    next_dagrun_run_after = Instant(
        allow_none=True,
        metadata={"description": "Instant at which the next scheduled run is due; null = none is planned"},
    )
    allowed_run_types = fields.List(
        Choice(RunType), allow_none=True, metadata={"description": "Always null: every type of run is allowed"}
    )
    owners = fields.List(fields.String(), metadata={"description": "Owners of the DAG's tasks"})
    is_backfillable = fields.Boolean(
        metadata={"description": "Whether the schedule has slots that a backfill can fill"}
    )
    schedule_error = fields.String(
        allow_none=True,
        metadata={"description": "Fault that keeps the scheduler from planning the next run; null = none"},
    )


class DagDetails(Dag):
    """A DAG with facts from its definition."""

    catchup = fields.Boolean(metadata={"description": "Whether the scheduler makes runs of all missed slots"})
    missed_slots = Choice(
        Catchup, metadata={"description": "The missed slots that run: `all`, the `latest`, or `none`"}
    )
    dag_run_timeout = fields.String(
        allow_none=True, metadata={"description": "Time limit of a run, as an ISO 8601 duration; null = none"}
    )
    asset_expression = JsonObject(allow_none=True, metadata={"description": "Always null: the server has no assets"})
    doc_md = fields.String(allow_none=True)
    start_date = Instant(
        allow_none=True, metadata={"description": "Earliest instant of a scheduled run; null = no bound"}
    )
    end_date = Instant(allow_none=True, metadata={"description": "Latest instant of a scheduled run; null = no bound"})
    is_paused_upon_creation = fields.Boolean(
        allow_none=True, metadata={"description": "Whether a new DAG begins paused; null = false"}
    )
    params = JsonObject(
        allow_none=True, metadata={"description": "Name -> {value, schema, description} of each parameter"}
    )
    render_template_as_native_obj = fields.Boolean(
        metadata={"description": "Always true: an expression keeps the type of its value"}
    )
    template_search_path = fields.List(
        fields.String(), allow_none=True, metadata={"description": "Always null: templates are not read from files"}
    )
    timezone = fields.String(allow_none=True)
    last_parsed = Instant(allow_none=True, metadata={"description": "Instant at which the current version was saved"})
    default_args = JsonObject(
        allow_none=True, metadata={"description": "Fields that every task of the definition inherits"}
    )
    owner_links = JsonObject(allow_none=True, metadata={"description": "Always empty"})
    is_favorite = fields.Boolean(allow_none=True, metadata={"description": "Always false"})
    rerun_with_latest_version = fields.Boolean(allow_none=True, metadata={"description": "Always null"})
    active_runs_count = fields.Integer(allow_none=True, metadata={"description": "Number of running runs"})
    concurrency = fields.Integer(metadata={"description": "The same as `max_active_tasks`"})
    latest_dag_version = fields.Nested(DagVersion, allow_none=True)
    schedule = fields.Nested(ScheduleParts, allow_none=True, metadata={"description": "Null = no schedule"})


def current_state(dag_id: str) -> CurrentState:
    """Raises NotFound when there is no such DAG. A DAG without a saved version has the tag of `GET /dags/{dag_id}`."""
    database = context().database
    dag = dag_body(questions.get_dag(database, dag_id))
    version = saved_version(dag_id)
    if version is None:
        return CurrentState(bodies=[dump(dag)])
    answers = (dag, details_body(dag_id), version["document"])
    source = [] if version["source"] is None else [version["source"]]
    return CurrentState(bodies=[*map(dump, answers), *source], version_number=version["version_number"])


def saved_version(dag_id: str) -> Mapping[str, Any] | None:
    """The current version with its source; `None` = none was saved, though runs may have brought definitions."""
    try:
        return questions.get_source(context().database, dag_id)
    except NotFound:
        return None


def details_body(dag_id: str) -> dict[str, Any]:
    """The members of `DagDetails`. Raises NotFound when the DAG has no saved version."""
    ctx = context()
    row = questions.get_dag(ctx.database, dag_id)
    version = questions.get_version(ctx.database, dag_id)
    definition = ctx.versions.definition(version["id"])
    timeout = definition.dagrun_timeout
    return {
        **dag_body(row),
        "catchup": definition.catchup is Catchup.ALL,
        "missed_slots": definition.catchup,
        "dag_run_timeout": None if timeout is None else format_duration(timeout),
        "asset_expression": None,
        "doc_md": definition.doc_md,
        "start_date": definition.start_date,
        "end_date": definition.end_date,
        "is_paused_upon_creation": definition.is_paused_upon_creation,
        "params": _params(definition),
        "render_template_as_native_obj": True,
        "template_search_path": None,
        "timezone": definition.schedule.timezone if definition.schedule else "UTC",
        "last_parsed": version["version_created_at"],
        "default_args": dict(definition.document.get("default_args", {})),
        "owner_links": {},
        "is_favorite": False,
        "rerun_with_latest_version": None,
        "active_runs_count": row["running_runs"],
        "concurrency": row["max_active_tasks"],
        "latest_dag_version": version_body(version),
        "schedule": schedule_parts(definition.schedule),
    }


def _params(definition: Definition) -> dict[str, Any]:
    """Airflow's shape: each top-level property with default and schema."""
    properties = definition.params.get("properties", {})
    return {
        name: {
            "value": schema.get("default") if isinstance(schema, Mapping) else None,
            "schema": schema,
            "description": schema.get("description") if isinstance(schema, Mapping) else None,
        }
        for name, schema in properties.items()
    }


def dag_body(row: Mapping[str, Any]) -> dict[str, Any]:
    """The members of `Dag`."""
    dag_id, display_name = row["dag_id"], row["display_name"]
    return {
        "dag_id": dag_id,
        "dag_display_name": display_name,
        "is_paused": row["is_paused"],
        "is_stale": row["is_stale"],
        # There are no files that a DAG could fail to be read from.
        "has_import_errors": False,
        "last_parsed_time": row["updated_at"],
        "last_parse_duration": None,
        "last_expired": None,
        "bundle_name": row["bundle_name"],
        "bundle_version": None,
        "relative_fileloc": None,
        "fileloc": "api",
        "file_token": dag_id,
        "description": row["description"],
        "tags": [{"name": name, "dag_id": dag_id, "dag_display_name": display_name} for name in row["tags"]],
        "max_active_tasks": row["max_active_tasks"],
        "max_active_runs": row["max_active_runs"],
        "max_consecutive_failed_dag_runs": 0,
        "has_task_concurrency_limits": False,
        "allowed_run_types": None,
        "owners": row["owners"],
        **_schedule(row),
    }


def _schedule(row: Mapping[str, Any]) -> dict[str, Any]:
    # A row that must be planned again has a due instant and no slot yet.
    is_planned = row["next_logical_date"] is not None
    return {
        "timetable_summary": row["timetable_summary"],
        "timetable_description": row["timetable_description"] or "Never, external triggers only",
        "timetable_partitioned": False,
        "timetable_periodic": row["is_periodic"],
        "next_dagrun_logical_date": row["next_logical_date"],
        "next_dagrun_data_interval_start": row["next_logical_date"],
        "next_dagrun_data_interval_end": row["next_data_interval_end"],
        "next_dagrun_run_after": row["next_run_after"] if is_planned else None,
        "is_backfillable": row["is_periodic"],
        "schedule_error": row["schedule_error"],
    }
