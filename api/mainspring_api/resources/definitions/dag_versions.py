"""Versions of DAGs with their definitions."""

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response, request
from marshmallow import fields, validate
from werkzeug.exceptions import NotAcceptable

from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Instant, Query, list_arguments, list_query
from mainspring_api.http.operations import JSON, Resource
from mainspring_api.http.permissions import Over
from mainspring_store.access.roles import Role
from mainspring_store.queries import dags as questions

__all__ = ["DEFINITION", "DagVersion", "blueprint", "version_body"]

blueprint = Resource("dag_versions", "Versions of DAGs: each change of a definition is kept", tag="dags")

DEFINITION = {"$ref": "#/components/schemas/Definition"}
TEXT = "text/plain"


class DagVersion(Answer):
    """One version of a DAG's definition."""

    id = fields.UUID(metadata={"description": "Identifier of the version"})
    version_number = fields.Integer(metadata={"description": "Number of the version, from 1 for each DAG"})
    dag_id = fields.String()
    dag_display_name = fields.String()
    created_at = Instant()
    content_hash = fields.String(metadata={"description": "SHA-256 (hex) of the normalised definition"})
    bundle_name = fields.String(allow_none=True)
    bundle_version = fields.String(allow_none=True)
    bundle_url = fields.String(allow_none=True)


class DagVersionCollection(Answer):
    """A page of versions."""

    dag_versions = fields.List(fields.Nested(DagVersion))
    total_entries = fields.Integer()


class DagSource(Answer):
    """A definition as text."""

    content = fields.String(allow_none=True, metadata={"description": "Definition as JSON, normalised and indented"})
    dag_id = fields.String()
    dag_display_name = fields.String()
    version_number = fields.Integer(
        allow_none=True, metadata={"description": "Number of the version, from 1 for each DAG"}
    )


class VersionChoice(Query):
    version_number = fields.Integer(validate=validate.Range(min=1, max=2**31 - 1), load_default=None)


VersionList = list_arguments("DagVersionList", questions.VERSIONS)


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/definition",
    "get_dag_definition",
    role=Role.VIEWER,
    has_etag=True,
    answer=DEFINITION,
    query=VersionChoice,
    errors=(404,),
)
def get_dag_definition(query: Mapping[str, Any], dag_id: str) -> Response:
    """The definition itself, of the current version or another."""
    return answer(questions.get_version(context().database, dag_id, query["version_number"])["document"])


@blueprint.operation(
    "GET",
    "/dagSources/<dag_id>",
    "get_dag_source",
    role=Role.VIEWER,
    answer=DagSource,
    query=VersionChoice,
    errors=(404, 406),
    other_media={TEXT: {"schema": {"type": "string"}}},
)
def get_dag_source(query: Mapping[str, Any], dag_id: str) -> Response:
    """The definition of the current or a named version as text; with `Accept: text/plain` the text alone."""
    media_type = request.accept_mimetypes.best_match([JSON, TEXT]) if request.accept_mimetypes else JSON
    if media_type is None:
        raise NotAcceptable(f"a source can be had as {JSON} or {TEXT}")
    version = questions.get_version(context().database, dag_id, query["version_number"])
    content = orjson.dumps(version["document"], option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if media_type == TEXT:
        return Response(content, mimetype=TEXT)
    return answer(
        {
            "content": content.decode(),
            "dag_id": version["dag_id"],
            "dag_display_name": version["display_name"],
            "version_number": version["version_number"],
        }
    )


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagVersions",
    "get_dag_versions",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=DagVersionCollection,
    query=VersionList,
    errors=(400, 404),
)
def get_dag_versions(query: Mapping[str, Any], dag_id: str) -> Response:
    """List the versions of a DAG, or of all DAGs when dag_id is `~`."""
    dag_filter = None if dag_id == "~" else dag_id
    listed = questions.list_versions(context().database, list_query(query), dag_id=dag_filter)
    return answer({"dag_versions": [version_body(row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagVersions/<int(max=2147483647):version_number>",
    "get_dag_version",
    role=Role.VIEWER,
    answer=DagVersion,
    errors=(404,),
)
def get_dag_version(dag_id: str, version_number: int) -> Response:
    """One version of a DAG."""
    return answer(version_body(questions.get_version(context().database, dag_id, version_number)))


def version_body(row: Mapping[str, Any]) -> dict[str, Any]:
    """A `DagVersion`, from the row of a version or of a reference."""
    return {
        "id": row["version_uuid"],
        "version_number": row["version_number"],
        "dag_id": row["dag_id"],
        "dag_display_name": row["display_name"],
        "created_at": row["version_created_at"],
        "content_hash": row["content_hash"],
        "bundle_name": None,
        "bundle_version": None,
        "bundle_url": None,
    }
