"""DAGs: saved, listed, paused, deleted."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Response, g, request
from marshmallow import fields, validate

from mainspring.definition import parse_definition
from mainspring.definition.model import Definition
from mainspring.durations import format_duration
from mainspring.errors import InvalidDag, NotFound, Problem
from mainspring.states import RunType
from mainspring_api.http.answers import answer, dump, no_content
from mainspring_api.http.audit import audit_detail
from mainspring_api.http.context import context
from mainspring_api.http.fields import (
    Answer,
    Body,
    Choice,
    Flag,
    Instant,
    JsonObject,
    Query,
    UpdateMask,
    list_arguments,
    list_query,
)
from mainspring_api.http.operations import JSON, Resource, read_body
from mainspring_api.http.owners import current_owner
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over
from mainspring_api.http.preconditions import CurrentState, Guard, check_preconditions, has_precondition
from mainspring_api.http.problems import BadRequest
from mainspring_api.http.reference_authorization import check_references
from mainspring_api.resources.definitions.bundle_names import bundle_of, is_bundle_name
from mainspring_api.resources.definitions.dag_versions import DEFINITION, DagVersion, version_body
from mainspring_api.resources.definitions.definition_warnings import WARNINGS, warnings_of
from mainspring_api.settings import DEFINITION_BYTES_MAX
from mainspring_store.access.roles import Role
from mainspring_store.queries import dags as questions
from mainspring_store.resources.dag_deletion import delete_dag
from mainspring_store.resources.dag_pauses import set_all_paused, set_paused
from mainspring_store.resources.dags import Expected, Source, check_dag, save_dag
from mainspring_store.resources.row_locks import lock_dag, lock_dag_and_runs

__all__ = ["blueprint"]

blueprint = Resource("dags", "DAGs: definitions sent as data, and their versions")

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")


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

    catchup = fields.Boolean(metadata={"description": "Whether the scheduler makes runs of missed slots"})
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


class DagCollection(Answer):
    """A page of DAGs."""

    dags = fields.List(fields.Nested(Dag))
    total_entries = fields.Integer()


class DagPatch(Body):
    """What may be changed of a DAG without a new definition."""

    is_paused = Flag(
        required=True,
        metadata={"description": "True pauses the DAG, false lets its runs start again"},
    )


class SavedDagDetails(DagDetails):
    """A saved DAG with doubts about its definition."""

    warnings = WARNINGS


class DefinitionCheck(Answer):
    """What a valid definition would become."""

    warnings = WARNINGS

    valid = fields.Boolean(metadata={"description": "Always true: a faulty definition is answered with an error"})
    dag_id = fields.String()
    content_hash = fields.String(
        metadata={
            "description": "SHA-256 (hex) of the normalised definition; equal to the current version's = no change"
        }
    )
    task_count = fields.Integer(metadata={"description": "Number of tasks"})


class SaveQuery(Query):
    message = fields.String(
        load_default="",
        validate=validate.Length(max=1000),
        metadata={"description": "Reason of the change, kept with the version"},
    )
    bundle_name = fields.String(
        load_default=None,
        validate=is_bundle_name,
        metadata={"description": "Bundle that the definition belongs to; absent = the DAG keeps its bundle"},
    )
    take_over = fields.Boolean(
        load_default=False, metadata={"description": "True = the DAG may belong to another bundle until now"}
    )


class RestoreBody(Body):
    """Why a version is saved again."""

    message = fields.String(
        load_default="",
        validate=validate.Length(max=1000),
        metadata={"description": "Reason, kept with the new version; empty = `back to version` and its number"},
    )


class DefinitionAddress(Query):
    dag_id = fields.String(
        load_default=None, metadata={"description": "The id to save it under, as `PUT /dags/{dag_id}` names it"}
    )


DagList = list_arguments(
    "DagList",
    questions.DAGS,
    filters=questions.DAG_RUN_FILTERS,
    tags=fields.List(fields.String(), load_default=list, validate=validate.Length(max=50)),
    tags_match_mode=fields.String(load_default="any", validate=validate.OneOf(["any", "all"])),
    exclude_stale=fields.Boolean(
        load_default=True, metadata={"description": "False = also DAGs that their bundles no longer have"}
    ),
    bundle_name=fields.String(
        validate=validate.Length(max=250), metadata={"description": "Bundle that applied the DAG"}
    ),
)


class DagPatchList(DagList, UpdateMask):  # type: ignore[misc, valid-type]  # mypy sees no class in a variable
    """The selected DAGs, and the members of the body to apply."""


_DEFINITION_CONTENT = {
    JSON: {"schema": DEFINITION},
    YAML_TYPES[0]: {"schema": {"type": "string", "format": "binary", "description": "The same, spelt in YAML 1.2"}},
}


@blueprint.operation(
    "PUT",
    "/dags/<dag_id>",
    "put_dag",
    role=Role.AUTHOR,
    answer=SavedDagDetails,
    also={201: SavedDagDetails},
    body_content=_DEFINITION_CONTENT,
    body_bytes_max=DEFINITION_BYTES_MAX,
    query=SaveQuery,
    errors=(400, 409),
    reads_preconditions=True,
)
def put_dag(query: Mapping[str, Any], dag_id: str) -> Response:
    """Create a DAG or give it a new definition.

    201 when the DAG is new. A definition equal to the current version makes no new version. With `If-Match`, the
    definition is saved only while the DAG, its details or its definition (in either form) has that `ETag`; with
    `If-None-Match: *` only when there is no such DAG.
    """
    ctx = context()
    expected = _expected_state(dag_id) if has_precondition() else None
    definition, source = _read_definition(dag_id)
    check_references(definition)
    audit_detail(content_hash=definition.content_hash)
    saved = save_dag(
        ctx.database,
        definition,
        by=g.user.name,
        owner=current_owner(),
        source=source,
        message=query["message"] or None,
        bundle=bundle_of(query),
        expected=expected,
        now=datetime.now(UTC),
    )
    ctx.versions.keep(saved.version)
    ctx.notifier.notify()
    details = {**_details(dag_id), "warnings": warnings_of(definition, source)}
    return answer(details, 201 if saved.is_new_dag else 200)


@blueprint.operation(
    "POST",
    "/dags/<dag_id>/dagVersions/<int(max=2147483647):version_number>/restore",
    "restore_dag_version",
    role=Role.AUTHOR,
    answer=SavedDagDetails,
    body=RestoreBody,
    errors=(404, 409),
    reads_preconditions=True,
)
def restore_dag_version(body: Mapping[str, Any], dag_id: str, version_number: int) -> Response:
    """Save the definition of a version again, as a new version: the way back after a change that was wrong.

    All checks of a save hold. A version that equals the current version makes no new one. Runs keep their versions.
    With `If-Match`, the definition is saved only while the DAG, its details or its definition has that `ETag`.
    """
    ctx = context()
    expected = _expected_state(dag_id) if has_precondition() else None
    version = questions.get_source(ctx.database, dag_id, version_number)
    # Not its text: written out in full, a definition may be longer than the text that a client may send.
    definition = parse_definition(version["document"], dag_id=dag_id, executors=ctx.settings.executors)
    text, media_type = version["source"], version["source_media_type"]
    source = None if text is None else Source(text=text, media_type=media_type)
    check_references(definition)
    audit_detail(content_hash=definition.content_hash)
    saved = save_dag(
        ctx.database,
        definition,
        by=g.user.name,
        owner=current_owner(),
        source=source,
        message=body["message"] or f"back to version {version_number}",
        expected=expected,
        now=datetime.now(UTC),
    )
    ctx.versions.keep(saved.version)
    ctx.notifier.notify()
    return answer({**_details(dag_id), "warnings": warnings_of(definition, source)})


@blueprint.operation(
    "POST",
    "/dags/validate",
    "validate_dag",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=DefinitionCheck,
    query=DefinitionAddress,
    body_content=_DEFINITION_CONTENT,
    body_bytes_max=DEFINITION_BYTES_MAX,
    errors=(400,),
)
def validate_dag(query: Mapping[str, Any]) -> Response:
    """Check a definition without saving it: 200 for a valid definition, else the exact error of a save."""
    definition, source = _read_definition(query["dag_id"])
    check_dag(context().database, definition)
    return answer(
        {
            "valid": True,
            "dag_id": definition.dag_id,
            "content_hash": definition.content_hash,
            "task_count": len(definition.tasks),
            "warnings": warnings_of(definition, source),
        }
    )


@blueprint.operation(
    "GET", "/dags", "get_dags", role=Role.VIEWER, over=Over.DAGS, answer=DagCollection, query=DagList, errors=(400,)
)
def get_dags(query: Mapping[str, Any]) -> Response:
    """List DAGs."""
    listed = questions.list_dags(context().database, **_asked(query, Role.VIEWER))
    return list_answer(query, {"dags": [_dag(row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation("GET", "/dags/<dag_id>", "get_dag", role=Role.VIEWER, has_etag=True, answer=Dag, errors=(404,))
def get_dag(dag_id: str) -> Response:
    """One DAG."""
    return answer(_dag(questions.get_dag(context().database, dag_id)))


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/details",
    "get_dag_details",
    role=Role.VIEWER,
    has_etag=True,
    answer=DagDetails,
    errors=(404,),
)
def get_dag_details(dag_id: str) -> Response:
    """One DAG with what its definition tells."""
    return answer(_details(dag_id))


@blueprint.operation(
    "PATCH",
    "/dags/<dag_id>",
    "patch_dag",
    role=Role.OPERATOR,
    answer=Dag,
    body=DagPatch,
    query=UpdateMask,
    errors=(400, 404),
    guard=Guard(
        subject="dag",
        lock=lambda connection, dag_id: lock_dag(connection, dag_id),
        state=lambda dag_id: _current_state(dag_id),
    ),
)
def patch_dag(body: Mapping[str, Any], query: Mapping[str, Any], dag_id: str) -> Response:
    """Pause a DAG, or let its runs start again."""
    _check_mask(query)
    ctx = context()
    audit_detail(is_paused=body["is_paused"])
    set_paused(ctx.database, dag_id, body["is_paused"], by=g.user.name, now=datetime.now(UTC))
    ctx.notifier.notify()
    return answer(_dag(questions.get_dag(ctx.database, dag_id)))


@blueprint.operation(
    "PATCH",
    "/dags",
    "patch_dags",
    role=Role.OPERATOR,
    over=Over.DAGS,
    answer=DagCollection,
    body=DagPatch,
    query=DagPatchList,
    errors=(400, 404),
)
def patch_dags(body: Mapping[str, Any], query: Mapping[str, Any]) -> Response:
    """Pause all DAGs that the filters find, or let their runs start again. Answers one page of them.

    Without `dag_id_pattern` or `dag_id_prefix_pattern` none is found; the pattern `~` finds all. Of DAGs that the
    caller may not pause none is found either.
    """
    _check_mask(query)
    if not query.keys() & {"dag_id_pattern", "dag_id_prefix_pattern"}:
        return answer({"dags": [], "total_entries": 0})
    ctx = context()
    selection = _asked(query, Role.OPERATOR)
    page = questions.list_dags(ctx.database, **selection)
    dag_ids = questions.find_dag_ids(ctx.database, **selection)
    set_all_paused(ctx.database, dag_ids, body["is_paused"], by=g.user.name, now=datetime.now(UTC))
    ctx.notifier.notify()
    dags = questions.get_dags(ctx.database, [row["dag_id"] for row in page.rows])
    return answer({"dags": [_dag(row) for row in dags], "total_entries": page.total})


@blueprint.operation(
    "DELETE",
    "/dags/<dag_id>",
    "delete_dag",
    role=Role.AUTHOR,
    answer=None,
    status=204,
    errors=(404, 409),
    guard=Guard(
        subject="dag",
        lock=lambda connection, dag_id: lock_dag_and_runs(connection, dag_id),
        state=lambda dag_id: _current_state(dag_id),
    ),
)
def remove_dag(dag_id: str) -> Response:
    """Delete a DAG with its versions, runs, logs and outputs. Refused while tasks of it are queued or running."""
    ctx = context()
    delete_dag(ctx.database, dag_id, now=datetime.now(UTC))
    ctx.notifier.notify()
    return no_content()


def _check_mask(query: Mapping[str, Any]) -> None:
    if query["update_mask"] not in ([], ["is_paused"]):
        message = "only `is_paused` can be changed by PATCH; send a definition by PUT"
        raise BadRequest([Problem(pointer="/update_mask", message=message)])


def _asked(query: Mapping[str, Any], role: Role) -> dict[str, Any]:
    """What the store is asked for, narrowed to the DAGs on which the sender of the current request holds the role."""
    return {
        "query": replace(list_query(query), seen=g.user.dags_with(role)),
        "tags": query["tags"],
        "all_tags": query["tags_match_mode"] == "all",
    }


def _current_state(dag_id: str) -> CurrentState:
    """Raises NotFound when there is no such DAG. A DAG without a saved version has the tag of `GET /dags/{dag_id}`."""
    database = context().database
    dag = _dag(questions.get_dag(database, dag_id))
    version = _saved_version(dag_id)
    if version is None:
        return CurrentState(bodies=[dump(dag)])
    answers = (dag, _details(dag_id), version["document"])
    source = [] if version["source"] is None else [version["source"]]
    return CurrentState(bodies=[*map(dump, answers), *source], version_number=version["version_number"])


def _saved_version(dag_id: str) -> Mapping[str, Any] | None:
    """The current version with its source; `None` = none was saved, though runs may have brought definitions."""
    try:
        return questions.get_source(context().database, dag_id)
    except NotFound:
        return None


def _expected_state(dag_id: str) -> Expected:
    """The state in which a save must find the DAG, after the preconditions of the current request held.

    Raises:
        PreconditionFailed: A precondition does not hold.
    """
    # Read before the bodies: `save_dag` refuses when the version has changed in between.
    version = _saved_version(dag_id)
    try:
        state = _current_state(dag_id)
    except NotFound:
        state = CurrentState(bodies=())
    if version is None and request.if_none_match.star_tag:
        # What only runs have brought is not saved yet, so a save makes a new DAG of it.
        state = CurrentState(bodies=())
    check_preconditions(state, f"dag '{dag_id}'")
    if version is None:
        return Expected(content_hash=None)
    return Expected(content_hash=version["content_hash"], source=version["source"])


def _read_definition(dag_id: str | None) -> tuple[Definition, Source]:
    text = read_body(DEFINITION_BYTES_MAX, JSON, *YAML_TYPES)
    try:
        definition = parse_definition(
            text,
            media="json" if request.mimetype == JSON else "yaml",
            dag_id=dag_id,
            executors=context().settings.executors,
        )
    except InvalidDag as exc:
        if any(problem.code == "dag_id_mismatch" for problem in exc.problems):
            raise BadRequest(exc.problems) from exc
        raise
    return definition, Source(text=text, media_type=request.mimetype)


def _details(dag_id: str) -> dict[str, Any]:
    ctx = context()
    row = questions.get_dag(ctx.database, dag_id)
    version = questions.get_version(ctx.database, dag_id)
    definition = ctx.versions.definition(version["id"])
    timeout = definition.dagrun_timeout
    return {
        **_dag(row),
        "catchup": definition.catchup,
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


def _dag(row: Mapping[str, Any]) -> dict[str, Any]:
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
