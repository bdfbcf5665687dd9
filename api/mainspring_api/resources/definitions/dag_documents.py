"""The OpenAPI document of one DAG."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import INCLUDE, fields

from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer
from mainspring_api.http.operations import Resource
from mainspring_api.resources.definitions.dag_document import dag_document
from mainspring_api.resources.definitions.dag_versions import VersionChoice
from mainspring_store.access.roles import Role
from mainspring_store.queries.dags import get_version

__all__ = ["blueprint"]

blueprint = Resource("dag_documents", "Documents of DAGs, for generators of clients", tag="dags")


class DagDocument(Answer):
    """An OpenAPI 3.1 document of one DAG."""

    class Meta:
        unknown = INCLUDE

    openapi = fields.String(metadata={"description": "Version of OpenAPI"})


@blueprint.operation(
    "GET",
    "/dags/<dag_id>/openapi.json",
    "get_dag_openapi",
    role=Role.VIEWER,
    has_etag=True,
    answer=DagDocument,
    query=VersionChoice,
    errors=(404,),
)
def get_dag_openapi(query: Mapping[str, Any], dag_id: str) -> Response:
    """An OpenAPI 3.1 document of one DAG: a trigger with its params, and runs with its declared outputs, as schemas.

    Clients with types are generated from the document. Names, texts and values that a generator could take for code are
    left out, and defaults of `writeOnly` params too. The `ETag` follows the version.
    """
    ctx = context()
    version = get_version(ctx.database, dag_id, query["version_number"])
    return answer(dag_document(ctx.versions.definition(version["id"]), version["version_number"]))
