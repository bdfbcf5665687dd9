"""Saving DAGs: a definition is sent, checked, or taken from an earlier version."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Response, g, request
from marshmallow import fields, validate

from mainspring.definition import parse_definition
from mainspring.definition.model import Definition
from mainspring.errors import InvalidDag, NotFound
from mainspring_api.http.answers import answer
from mainspring_api.http.audit import audit_detail
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Body, JsonObject, Query
from mainspring_api.http.operations import JSON, Resource, read_body
from mainspring_api.http.owners import current_owner
from mainspring_api.http.permissions import Over
from mainspring_api.http.preconditions import CurrentState, check_preconditions, has_precondition
from mainspring_api.http.problems import BadRequest
from mainspring_api.http.reference_authorization import check_references
from mainspring_api.resources.definitions.bundle_names import bundle_of, is_bundle_name
from mainspring_api.resources.definitions.dag_answers import DagDetails, current_state, details_body, saved_version
from mainspring_api.resources.definitions.dag_versions import DEFINITION
from mainspring_api.resources.definitions.definition_warnings import WARNINGS, warnings_of
from mainspring_api.settings import DEFINITION_BYTES_MAX
from mainspring_store.access.roles import Role
from mainspring_store.queries import dags as questions
from mainspring_store.resources.dags import Bundle, Expected, Saved, Source, check_dag, save_dag

__all__ = ["blueprint"]

blueprint = Resource("dag_saves", "Saving DAGs", tag="dags")
_YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")


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
    params = JsonObject(metadata={"description": "JSON Schema of the params; empty = none are declared"})


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


_DEFINITION_CONTENT = {
    JSON: {"schema": DEFINITION},
    _YAML_TYPES[0]: {"schema": {"type": "string", "format": "binary", "description": "The same, spelt in YAML 1.2"}},
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
    expected = _expected_state(dag_id) if has_precondition() else None
    definition, source = _read_definition(dag_id)
    message = query["message"] or None
    saved, details = _save(definition, source, message=message, bundle=bundle_of(query), expected=expected)
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
    message = body["message"] or f"back to version {version_number}"
    _, details = _save(definition, source, message=message, expected=expected)
    return answer(details)


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
            "params": dict(definition.params),
            "warnings": warnings_of(definition, source),
        }
    )


def _save(
    definition: Definition,
    source: Source | None,
    *,
    message: str | None,
    bundle: Bundle | None = None,
    expected: Expected | None,
) -> tuple[Saved, dict[str, Any]]:
    """Save a definition as the sender of the current request; returns a `SavedDagDetails` too."""
    ctx = context()
    check_references(definition)
    audit_detail(content_hash=definition.content_hash)
    saved = save_dag(
        ctx.database,
        definition,
        by=g.user.name,
        owner=current_owner(),
        source=source,
        message=message,
        bundle=bundle,
        expected=expected,
        now=datetime.now(UTC),
    )
    ctx.versions.keep(saved.version)
    ctx.notifier.notify()
    return saved, {**details_body(definition.dag_id), "warnings": warnings_of(definition, source)}


def _expected_state(dag_id: str) -> Expected:
    """The state in which a save must find the DAG, after the preconditions of the current request held.

    Raises:
        PreconditionFailed: A precondition does not hold.
    """
    # Read before the bodies: `save_dag` refuses when the version has changed in between.
    version = saved_version(dag_id)
    try:
        state = current_state(dag_id)
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
    text = read_body(DEFINITION_BYTES_MAX, JSON, *_YAML_TYPES)
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
