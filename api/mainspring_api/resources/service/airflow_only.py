"""Operations of Airflow without a counterpart in this server.

Some of it is a list that is empty for a good reason; a client that shows all resources then shows an empty list. All
further routes answer 501. No document lists these routes, so no generated client offers them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response
from marshmallow import fields, validate

from mainspring.errors import MainspringError, NotFound
from mainspring_api.http.answers import answer
from mainspring_api.http.authentication import Forbidden
from mainspring_api.http.context import context
from mainspring_api.http.fields import LIMIT_DEFAULT, Answer, JsonObject, MapIndex, Query
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over, Permission
from mainspring_api.http.problems import NotHere
from mainspring_store.access.roles import Role
from mainspring_store.queries.runs import get_run
from mainspring_store.queries.task_instances import get_task_instance

__all__ = ["absent", "blueprint"]


blueprint = Resource("airflow_only", "Airflow only: what it has and what is always empty here")
absent = Blueprint("absent", __name__, url_prefix="/api/v2")

_ANY = ("GET", "POST", "PUT", "PATCH", "DELETE")
_INSTANCE = "/dags/<dag_id>/dagRuns/<dag_run_id>/taskInstances/<task_id>"
_NO_ASSET = "there is no such asset: a DAG starts by schedule, backfill or trigger"
_UNKNOWN: Sequence[tuple[str, Sequence[str]]] = (
    ("/assets/<path:rest>", _ANY),
    ("/dags/<dag_id>/assets/<path:rest>", _ANY),
    ("/assets/events", ("POST",)),
)
"""Routes of a single asset, which never exists, and their methods."""
_HIDDEN = (
    "Your Airflow administrator chose not to expose the configuration, most likely for security reasons. "
    "`mainspring doctor` shows what an administrator may see."
)
"""Airflow's sentence for the setting `expose_config = False`, which programs look for."""
_ABSENT: Mapping[str, Sequence[tuple[str, Sequence[str]]]] = {
    "hooks to test a connection with": (
        ("/connections/test", ("POST",)),
        ("/connections/enqueue-test", ("GET", "POST")),
        ("/connections/defaults", ("POST",)),
    ),
    "errors of import; definitions are checked when they are sent": (("/importErrors/<path:rest>", ("GET",)),),
    "favourites": (("/dags/<dag_id>/favorite", ("POST",)), ("/dags/<dag_id>/unfavorite", ("POST",))),
    "a store of state beside the outputs of tasks": (
        (f"{_INSTANCE}/state-store", _ANY),
        (f"{_INSTANCE}/state-store/<path:rest>", _ANY),
    ),
    "task groups": (("/dags/<dag_id>/dagRuns/<dag_run_id>/taskGroupInstances/<path:rest>", ("PATCH",)),),
    "answers of earlier tries; the one of the latest try stands in `hitlDetails`": (
        (f"{_INSTANCE}/<int(signed=True):map_index>/hitlDetails/<path:rest>", ("GET",)),
    ),
    "partitions": (("/dags/<dag_id>/clearPartitions", ("POST",)),),
    "logs kept elsewhere": ((f"{_INSTANCE}/externalLogUrl/<path:rest>", ("GET",)),),
    "files with DAGs; send the definition by PUT": (("/parseDagFile/<path:rest>", ("PUT",)),),
    "pages to log in; use a bearer token": (("/auth/login", ("GET",)), ("/auth/logout", ("GET",))),
}
"""Missing feature -> routes and their methods."""


def _refuse(routes: Sequence[tuple[str, Sequence[str]]], error: type[MainspringError], message: str) -> None:
    """Add routes that answer every request with an error."""

    def refuse(**_: Any) -> Response:
        raise error(message)

    refuse.permission = Permission(role=Role.VIEWER, over=Over.SELF)  # type: ignore[attr-defined]
    for rule, methods in routes:
        absent.add_url_rule(rule, f"{'_'.join(methods)}_{len(absent.deferred_functions)}", refuse, methods=methods)


for _what, _routes in _ABSENT.items():
    _refuse(_routes, NotHere, f"this server has no {_what}")
_refuse(_UNKNOWN, NotFound, _NO_ASSET)
_refuse([("/config", ("GET",)), ("/config/<path:rest>", ("GET",))], Forbidden, _HIDDEN)


class PageQuery(Query):
    """A page of nothing."""

    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(min=0))
    offset = fields.Integer(load_default=0, validate=validate.Range(min=0))


_EMPTY: Sequence[tuple[str, str, str, str]] = (
    ("/assets", "get_assets", "assets", "There are no assets: always empty"),
    ("/assets/aliases", "get_asset_aliases", "asset_aliases", "There are no assets: always empty"),
    ("/assets/events", "get_asset_events", "asset_events", "There are no assets: always empty"),
    ("/importErrors", "get_import_errors", "import_errors", "Definitions are checked when they are sent: always empty"),
    ("/dagWarnings", "list_dag_warnings", "dag_warnings", "What would be warned of is refused: always empty"),
    ("/plugins", "get_plugins", "plugins", "There are no plug-ins: always empty"),
    ("/plugins/importErrors", "import_errors", "import_errors", "There are no plug-ins: always empty"),
    ("/providers", "get_providers", "providers", "There are no provider packages: always empty"),
)
"""Rule, operation, member with the list, summary."""


class EmptyList(Answer):
    """A base; its list never has an item."""

    total_entries = fields.Integer()


def _register_empty(rule: str, operation_id: str, member: str, summary: str) -> None:
    def view(query: Mapping[str, Any]) -> Response:
        return list_answer(query, {member: [], "total_entries": 0})

    view.__doc__ = summary
    name = "".join(part.title() for part in operation_id.split("_"))
    items = fields.List(JsonObject(), validate=validate.Length(max=0))
    collection = type(name, (EmptyList,), {"__doc__": summary, member: items})
    blueprint.operation(
        "GET", rule, operation_id, role=Role.VIEWER, over=Over.SELF, answer=collection, query=PageQuery
    )(view)


for _each in _EMPTY:
    _register_empty(*_each)


class UpstreamAssetEventCollection(EmptyList):
    """The events of assets that have started a run."""

    asset_events = fields.List(JsonObject(), validate=validate.Length(max=0))


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/dagRuns/<dag_run_id>/upstreamAssetEvents",
    "get_upstream_asset_events",
    role=Role.VIEWER,
    answer=UpstreamAssetEventCollection,
    errors=(404,),
)
def get_upstream_asset_events(dag_id: str, dag_run_id: str) -> Response:
    """There are no assets: always empty."""
    get_run(context().database, dag_id, dag_run_id)
    return answer({"asset_events": [], "total_entries": 0})


class ExtraLinkCollection(Answer):
    """Links to pages about a task instance."""

    extra_links = JsonObject()
    total_entries = fields.Integer()


@blueprint.operation(
    "GET",
    f"{_INSTANCE}/links",
    "get_extra_links",
    role=Role.VIEWER,
    answer=ExtraLinkCollection,
    query=MapIndex,
    errors=(404,),
)
def get_extra_links(query: Mapping[str, Any], dag_id: str, dag_run_id: str, task_id: str) -> Response:
    """No task type has such links: always empty."""
    get_task_instance(context().database, dag_id, dag_run_id, task_id, map_index=query["map_index"])
    return answer({"extra_links": {}, "total_entries": 0})
