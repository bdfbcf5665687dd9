"""The version of the server."""

from flask import Response
from marshmallow import fields

from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer
from mainspring_api.http.operations import Resource

__all__ = ["blueprint"]

blueprint = Resource("version", "Version: which one this is")


class Version(Answer):
    """The version of Mainspring."""

    version = fields.String()
    git_version = fields.String(allow_none=True)


@blueprint.operation("GET", "/version", "get_version", role=None, answer=Version)
def get_version() -> Response:
    """Which version this is."""
    return answer({"version": context().settings.version, "git_version": None})
