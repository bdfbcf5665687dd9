"""The version of the server."""

from flask import Response
from marshmallow import fields

from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer
from mainspring_api.http.operations import Resource

__all__ = ["AIRFLOW_VERSION", "blueprint"]

AIRFLOW_VERSION = "3.3.2"
"""The version of Airflow whose API this is: clients of Airflow choose their dialect by this value. What it promises
stands in docs/api.md."""

blueprint = Resource("version", "Version: which one this is")


class Version(Answer):
    """The version of Airflow whose API this server speaks, and its own."""

    version = fields.String(metadata={"description": "Version of Airflow whose API the server speaks"})
    mainspring_version = fields.String(metadata={"description": "Version of Mainspring"})
    git_version = fields.String(allow_none=True, metadata={"description": "Always null"})


@blueprint.operation("GET", "/version", "get_version", role=None, answer=Version)
def get_version() -> Response:
    """Which version this is."""
    content = {"version": AIRFLOW_VERSION, "mainspring_version": context().settings.version, "git_version": None}
    return answer(content)
