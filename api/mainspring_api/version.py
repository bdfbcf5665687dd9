"""Which version this is, and the document of this API."""

from flask import Response
from marshmallow import INCLUDE, fields

from mainspring_api.answers import answer
from mainspring_api.context import context
from mainspring_api.fields import Answer
from mainspring_api.operations import Resource
from mainspring_api.permissions import Over
from mainspring_store.tokens import Role

__all__ = ["blueprint", "document_blueprint"]

blueprint = Resource("version", "Which version this is")
document_blueprint = Resource("document", "The document of this API", url_prefix=None)


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
    from mainspring_api.openapi import document

    return answer(document())
