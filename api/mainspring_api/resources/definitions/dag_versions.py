"""Versions of DAGs with their definitions."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import orjson
from flask import Response, request
from marshmallow import fields, validate
from werkzeug.exceptions import NotAcceptable

from mainspring.definition.build import ungrouped
from mainspring.definition.changes import Change, ChangeKind, ChangeOp, compare_definitions, compare_texts
from mainspring.definition.compatibility import incompatibilities
from mainspring.definition.groups import flatten
from mainspring.errors import NotFound
from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Choice, Instant, JsonValue, Query, list_arguments, list_query
from mainspring_api.http.operations import JSON, Resource
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over
from mainspring_store.access.roles import Role
from mainspring_store.queries import dags as questions

__all__ = [
    "DEFINITION",
    "INCOMPATIBLE",
    "DagVersion",
    "DefinitionChange",
    "blueprint",
    "change_body",
    "incompatible_bodies",
    "version_body",
]

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
    is_inline = fields.Boolean(
        metadata={"description": "Whether the definition was sent with a run and not saved; goes with its last run"}
    )
    bundle_name = fields.String(allow_none=True)
    bundle_version = fields.String(allow_none=True)
    bundle_url = fields.String(allow_none=True)


class DagVersionDetails(DagVersion):
    """One version with its author and its place in the history."""

    created_by = fields.String(
        allow_none=True, metadata={"description": "Name of the user or token that saved the version; null = unknown"}
    )
    message = fields.String(
        allow_none=True, metadata={"description": "Reason of the save, in the author's words; null = none"}
    )
    summary = fields.String(
        allow_none=True,
        metadata={"description": "Changes since the version before; null = saved by a release that did not compare"},
    )
    source_media_type = fields.String(
        allow_none=True, metadata={"description": "Media type of the text as sent; null = no text is kept"}
    )
    run_count = fields.Integer(metadata={"description": "Number of runs that execute the version"})


class DagVersionCollection(Answer):
    """A page of versions."""

    dag_versions = fields.List(fields.Nested(DagVersionDetails))
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


class DefinitionForm(StrEnum):
    """The form of a definition in an answer."""

    NORMALISED = "normalised"
    SENT = "sent"
    FLAT = "flat"


class ComparedForm(StrEnum):
    """The form of two compared definitions."""

    NORMALISED = "normalised"
    SENT = "sent"


class DefinitionChoice(VersionChoice):
    """Which version, and in which form."""

    form = Choice(
        DefinitionForm,
        load_default=DefinitionForm.NORMALISED,
        metadata={
            "description": "`sent` = the text as its author sent it, with comments, as an attachment; `flat` = without"
            " groups: `tasks` has all tasks by full id, with the dependencies and defaults that their groups give them,"
            " and `x-groups` has the tasks of each group; a mapped group gives its `expand` to its"
            " tasks, and has `is_mapped` there"
        },
    )


class DefinitionChange(Answer):
    """One difference between two versions."""

    op = Choice(ChangeOp, metadata={"description": "Way in which the part changed"})
    kind = Choice(ChangeKind, metadata={"description": "Part of the definition that changed"})
    path = fields.String(metadata={"description": "RFC 6901 pointer into the newer version, or to a removed part"})
    task_id = fields.String(allow_none=True, metadata={"description": "Identifier of the changed task; null = none"})
    before = JsonValue(allow_none=True, metadata={"description": "Value in the older version; null = no value"})
    after = JsonValue(allow_none=True, metadata={"description": "Value in the newer version; null = no value"})
    text = fields.String(metadata={"description": "Difference in a sentence"})


class DefinitionIncompatibility(Answer):
    """What callers of the older version can no longer send, or no longer get."""

    path = fields.String(metadata={"description": "RFC 6901 pointer into the newer version, or to a removed part"})
    text = fields.String(metadata={"description": "Difference in a sentence"})


INCOMPATIBLE = fields.List(
    fields.Nested(DefinitionIncompatibility),
    metadata={"description": "What breaks callers of the older version, whether there are any; at most 50"},
)


class DagVersionDiff(Answer):
    """The differences between two versions."""

    dag_id = fields.String()
    older = fields.Nested(DagVersionDetails, metadata={"description": "Version on the left of the comparison"})
    newer = fields.Nested(DagVersionDetails, metadata={"description": "Version on the right of the comparison"})
    changes = fields.List(
        fields.Nested(DefinitionChange), metadata={"description": "Differences by meaning, in the order of the tasks"}
    )
    incompatible = INCOMPATIBLE
    form = Choice(ComparedForm, metadata={"description": "Form of the compared texts: `sent` when both texts are kept"})
    diff = fields.String(metadata={"description": "Differences by lines, as a unified diff; empty = equal texts"})


VersionList = list_arguments(
    "DagVersionList",
    questions.VERSIONS,
    include_inline=fields.Boolean(
        load_default=False, metadata={"description": "True = also versions that were sent with a run and not saved"}
    ),
)


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/definition",
    "get_dag_definition",
    role=Role.VIEWER,
    has_etag=True,
    answer=DEFINITION,
    query=DefinitionChoice,
    errors=(404,),
    other_media={TEXT: {"schema": {"type": "string"}}},
)
def get_dag_definition(query: Mapping[str, Any], dag_id: str) -> Response:
    """The definition itself, of the current version or another.

    With `form=sent` the text as its author sent it, as an attachment of type `text/plain`; 404 for a version that an
    earlier release saved without its text.
    """
    database, number = context().database, query["version_number"]
    if query["form"] != DefinitionForm.SENT:
        document = questions.get_version(database, dag_id, number)["document"]
        return answer(_flat(document) if query["form"] == DefinitionForm.FLAT else document)
    version = questions.get_source(database, dag_id, number)
    if version["source"] is None:
        raise NotFound(f"version {version['version_number']} of dag '{dag_id}' was saved without its text")
    ending = "json" if version["source_media_type"] == JSON else "yaml"
    name = f"{dag_id}.v{version['version_number']}.{ending}"
    # Ids hold no quotes and no control characters.
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(version["source"], mimetype=TEXT, headers=headers)


def _flat(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document without groups. `x-groups` tells which tasks belonged together."""
    groups = flatten(document).groups
    if not groups:
        return document
    members = ("parent_id", "tooltip", "task_ids", "is_mapped")
    named = {
        group_id: {"group_display_name": group.display_name, **{name: getattr(group, name) for name in members}}
        for group_id, group in groups.items()
    }
    return {**ungrouped(document), "x-groups": named}


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
    listed = questions.list_versions(
        context().database, list_query(query), dag_id=dag_filter, includes_inline=query["include_inline"]
    )
    return list_answer(
        query, {"dag_versions": [version_details(row) for row in listed.rows], "total_entries": listed.total}
    )


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagVersions/<int(max=2147483647):version_number>",
    "get_dag_version",
    role=Role.VIEWER,
    answer=DagVersionDetails,
    errors=(404,),
)
def get_dag_version(dag_id: str, version_number: int) -> Response:
    """One version of a DAG."""
    return answer(version_details(questions.describe_version(context().database, dag_id, version_number)))


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagVersions/<int(max=2147483647):older>/diff/<int(max=2147483647):newer>",
    "get_dag_version_diff",
    role=Role.VIEWER,
    answer=DagVersionDiff,
    errors=(404,),
)
def get_dag_version_diff(dag_id: str, older: int, newer: int) -> Response:
    """The differences between two versions of a DAG, by meaning and by lines. Any two versions in any order."""
    database = context().database
    described = [questions.describe_version(database, dag_id, number) for number in (older, newer)]
    sources = [questions.get_source(database, dag_id, number) for number in (older, newer)]
    documents = [source["document"] for source in sources]
    is_sent = all(source["source"] is not None for source in sources)
    texts = [_source_text(source) if is_sent else _normalised_text(source) for source in sources]
    return answer(
        {
            "dag_id": dag_id,
            "older": version_details(described[0]),
            "newer": version_details(described[1]),
            "changes": [change_body(change) for change in compare_definitions(*documents)],
            "incompatible": incompatible_bodies(*documents),
            "form": ComparedForm.SENT if is_sent else ComparedForm.NORMALISED,
            "diff": compare_texts(*texts, old_name=f"version {older}", new_name=f"version {newer}"),
        }
    )


def change_body(change: Change) -> dict[str, Any]:
    """A `DefinitionChange`."""
    return {
        "op": change.op,
        "kind": change.kind,
        "path": change.path,
        "task_id": change.task_id,
        "before": change.old_value,
        "after": change.new_value,
        "text": change.text,
    }


def incompatible_bodies(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The `DefinitionIncompatibility`s between two documents."""
    return [{"path": fault.path, "text": fault.text} for fault in incompatibilities(old, new)]


def version_details(row: Mapping[str, Any]) -> dict[str, Any]:
    """A `DagVersionDetails`, from a row with `run_count`."""
    return {
        **version_body(row),
        "created_by": row["created_by"],
        "message": row["message"],
        "summary": row["summary"],
        "source_media_type": row["source_media_type"],
        "run_count": row["run_count"],
    }


def _source_text(version: Mapping[str, Any]) -> str:
    return str(version["source"].decode("utf-8", "replace"))


def _normalised_text(version: Mapping[str, Any]) -> str:
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(version["document"], option=options).decode()


def version_body(row: Mapping[str, Any]) -> dict[str, Any]:
    """A `DagVersion`, from the row of a version or of a reference."""
    return {
        "id": row["version_uuid"],
        "version_number": row["version_number"],
        "dag_id": row["dag_id"],
        "dag_display_name": row["display_name"],
        "created_at": row["version_created_at"],
        "content_hash": row["content_hash"],
        "is_inline": row["is_inline"],
        "bundle_name": None,
        "bundle_version": None,
        "bundle_url": None,
    }
