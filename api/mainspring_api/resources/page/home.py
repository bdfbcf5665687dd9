"""The first page in one request."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import fields

from mainspring_api.http.answers import answer
from mainspring_api.http.fields import Answer
from mainspring_api.http.operations import Resource
from mainspring_api.http.permissions import Over
from mainspring_api.resources.page.activity import Activity, activity_body, activity_members
from mainspring_api.resources.page.overview import DagOverviewCollection, overview_arguments, overview_body
from mainspring_api.resources.page.summary import Summary, summary_body
from mainspring_store.access.roles import Role

__all__ = ["blueprint"]

blueprint = Resource("home", "The first page", tag="page_views")


class Home(Answer):
    """What the first page shows."""

    summary = fields.Nested(Summary, metadata={"description": "As the answer of `GET /summary`"})
    activity = fields.Nested(Activity, metadata={"description": "As the answer of `GET /activity`"})
    overview = fields.Nested(DagOverviewCollection, metadata={"description": "As the answer of `GET /dagOverview`"})


HomeQuery = overview_arguments("HomeQuery", **activity_members())


@blueprint.operation(
    "GET", "/home", "get_home", role=Role.VIEWER, over=Over.DAGS, answer=Home, query=HomeQuery, errors=(400,)
)
def get_home(query: Mapping[str, Any]) -> Response:
    """The summary, the activity in a span, and a page of DAGs with their latest runs, in one answer."""
    return answer(
        {
            "summary": summary_body(),
            "activity": activity_body(query["start"], query["end"], query["bins"]),
            "overview": overview_body(query),
        }
    )
