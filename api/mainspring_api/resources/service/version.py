"""Which version this is, and the document of this API."""

from flask import Response
from marshmallow import INCLUDE, fields

from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer
from mainspring_api.http.operations import Resource
from mainspring_api.http.permissions import Over
from mainspring_store.access.tokens import Role

__all__ = ["blueprint", "document_blueprint"]

blueprint = Resource("version", "Version: which one this is")
document_blueprint = Resource("document", "Document: what you read here, for programs and for people", url_prefix=None)


class Version(Answer):
    """The version of Mainspring."""

    version = fields.String()
    git_version = fields.String(allow_none=True)


class OpenApiDocument(Answer):
    """An OpenAPI 3.1 document."""

    class Meta:
        unknown = INCLUDE

    openapi = fields.String()


@blueprint.operation("GET", "/version", "get_version", role=None, answer=Version)
def get_version() -> Response:
    """Which version this is."""
    return answer({"version": context().settings.version, "git_version": None})


@document_blueprint.operation(
    "GET", "/openapi.json", "get_openapi", role=Role.VIEWER, over=Over.SELF, answer=OpenApiDocument
)
def get_openapi() -> Response:
    """This document."""
    from mainspring_api.document.openapi import document

    return answer(document())


@document_blueprint.operation(
    "GET", "/docs", "get_docs", role=None, answer=None, other_media={"text/html": {"schema": {"type": "string"}}}
)
def get_docs() -> Response:
    """This document as a page for people. It holds nothing of this server, so it is open to everybody."""
    from mainspring_api.document.docs_page import CONTENT_SECURITY_POLICY, docs_page

    return Response(docs_page(), headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY}, mimetype="text/html")


@document_blueprint.operation(
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
    from mainspring_api.document.docs_page import CONTENT_SECURITY_POLICY
    from mainspring_api.document.problem_page import problem_page

    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return Response(problem_page(code), headers=headers, mimetype="text/html")
