"""The root of the server: the page for browsers, and for programs the addresses of the parts."""

from flask import Response
from marshmallow import fields

from mainspring_api.http.answers import answer
from mainspring_api.http.fields import Answer
from mainspring_api.http.operations import Resource
from mainspring_api.resources.service.page import page_response, wants_page

__all__ = ["blueprint"]

blueprint = Resource("root", "Root: the page, its settings, and where the parts of the server are", url_prefix=None)


class Addresses(Answer):
    """Where the parts of this server are."""

    api = fields.String(metadata={"description": "Path of the API"})
    docs = fields.String(metadata={"description": "Path of the documentation, for people"})
    openapi = fields.String(metadata={"description": "Path of the OpenAPI document"})
    health = fields.String(metadata={"description": "Path of the health of the services"})
    ready = fields.String(metadata={"description": "Path of the readiness of this process"})


@blueprint.operation(
    "GET", "/", "get_root", role=None, answer=Addresses, other_media={"text/html": {"schema": {"type": "string"}}}
)
def get_root() -> Response:
    """The page for a browser, and for programs the addresses of the parts of this server."""
    if wants_page():
        return page_response()
    response = answer(
        {
            "api": "/api/v2",
            "docs": "/docs",
            "openapi": "/openapi.json",
            "health": "/api/v2/monitor/health",
            "ready": "/ready",
        }
    )
    response.headers.add("Vary", "Accept")
    return response
