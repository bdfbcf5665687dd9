"""DAGs: listed, paused, deleted."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Response, g
from marshmallow import fields, validate

from mainspring.errors import Problem
from mainspring_api.http.answers import answer, no_content
from mainspring_api.http.audit import audit_detail
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Body, Flag, UpdateMask, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over
from mainspring_api.http.preconditions import Guard
from mainspring_api.http.problems import BadRequest
from mainspring_api.resources.definitions.dag_answers import Dag, DagDetails, current_state, dag_body, details_body
from mainspring_store.access.roles import Role
from mainspring_store.queries import dags as questions
from mainspring_store.resources.dag_deletion import delete_dag
from mainspring_store.resources.dag_pauses import set_all_paused, set_paused
from mainspring_store.resources.row_locks import lock_dag, lock_dag_and_runs

__all__ = ["blueprint"]

blueprint = Resource("dags", "DAGs: definitions sent as data, and their versions")


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


@blueprint.operation(
    "GET", "/dags", "get_dags", role=Role.VIEWER, over=Over.DAGS, answer=DagCollection, query=DagList, errors=(400,)
)
def get_dags(query: Mapping[str, Any]) -> Response:
    """List DAGs."""
    listed = questions.list_dags(context().database, **_asked(query, Role.VIEWER))
    return list_answer(query, {"dags": [dag_body(row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation("GET", "/dags/<dag_id>", "get_dag", role=Role.VIEWER, has_etag=True, answer=Dag, errors=(404,))
def get_dag(dag_id: str) -> Response:
    """One DAG."""
    return answer(dag_body(questions.get_dag(context().database, dag_id)))


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
    return answer(details_body(dag_id))


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
        state=current_state,
    ),
)
def patch_dag(body: Mapping[str, Any], query: Mapping[str, Any], dag_id: str) -> Response:
    """Pause a DAG, or let its runs start again."""
    _check_mask(query)
    ctx = context()
    audit_detail(is_paused=body["is_paused"])
    set_paused(ctx.database, dag_id, body["is_paused"], by=g.user.name, now=datetime.now(UTC))
    ctx.notifier.notify()
    return answer(dag_body(questions.get_dag(ctx.database, dag_id)))


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
    return answer({"dags": [dag_body(row) for row in dags], "total_entries": page.total})


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
        state=current_state,
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
