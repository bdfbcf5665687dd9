"""The operations that serve the document: as JSON, as a page, and a page for each error code."""

from flask import Response, current_app
from marshmallow import INCLUDE, fields

from mainspring_api.document.docs_page import CONTENT_SECURITY_POLICY, docs_page
from mainspring_api.document.openapi import build_document
from mainspring_api.document.problem_page import problem_page
from mainspring_api.http.answers import answer
from mainspring_api.http.fields import Answer
from mainspring_api.http.operations import Resource

__all__ = ["blueprint"]

blueprint = Resource("document", "Document: what you read here, for programs and for people", url_prefix=None)


class OpenApiDocument(Answer):
    """An OpenAPI 3.1 document."""

    class Meta:
        unknown = INCLUDE

    openapi = fields.String(metadata={"description": "Version of OpenAPI"})


@blueprint.operation("GET", "/openapi.json", "get_openapi", role=None, answer=OpenApiDocument)
def get_openapi() -> Response:
    """This document. It holds nothing of this server, so it is open to everybody."""
    return answer(build_document(_documented()))


@blueprint.operation(
    "GET", "/docs", "get_docs", role=None, answer=None, other_media={"text/html": {"schema": {"type": "string"}}}
)
def get_docs() -> Response:
    """This document as a page for people. It holds nothing of this server, so it is open to everybody."""
    return Response(
        docs_page(_documented()), headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY}, mimetype="text/html"
    )


@blueprint.operation(
    "GET",
    "/problems/<code>",
    "get_problem",
    role=None,
    answer=None,
    errors=(404,),
    other_media={"text/html": {"schema": {"type": "string"}}},
)
def get_problem(code: str) -> Response:
    """What a code of an error means, as a page for people. The `type` of an error leads here."""
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return Response(problem_page(code), headers=headers, mimetype="text/html")


def _documented() -> tuple[Resource, ...]:
    """The blueprints of the serving application, in order of registration."""
    return tuple(resource for resource in current_app.blueprints.values() if isinstance(resource, Resource))
