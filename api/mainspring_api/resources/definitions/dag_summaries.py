"""What all DAGs have together: their tags, and how many runs each has in which state."""

from collections.abc import Mapping
from typing import Any

from flask import Response, g
from marshmallow import fields, validate

from mainspring.states import RunState
from mainspring_api.http.answers import answer
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Choice, Query, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over
from mainspring_store.access.roles import Role
from mainspring_store.queries import dag_summaries as questions

__all__ = ["blueprint"]

blueprint = Resource("dag_summaries", "Tags of DAGs, and counts of their runs", tag="dags")


class DagTagCollection(Answer):
    """A page of tags."""

    tags = fields.List(fields.String(), metadata={"description": "Tags of this page"})
    total_entries = fields.Integer()


class DagStatsState(Answer):
    """How many runs are in one state."""

    state = Choice(RunState)
    count = fields.Integer(metadata={"description": "Number of runs in the state"})


class DagStats(Answer):
    """The runs of one DAG."""

    dag_id = fields.String()
    dag_display_name = fields.String()
    stats = fields.List(
        fields.Nested(DagStatsState), metadata={"description": "Number of runs for each state, zeros included"}
    )


class DagStatsCollection(Answer):
    """The runs of DAGs, all on one page."""

    dags = fields.List(
        fields.Nested(DagStats), metadata={"description": "DAGs with their numbers of runs, all on one page"}
    )
    total_entries = fields.Integer(metadata={"description": "Number of entries"})


class StatsQuery(Query):
    dag_ids = fields.List(
        fields.String(),
        load_default=None,
        validate=validate.Length(max=1000),
        metadata={"description": "Absent = all DAGs"},
    )


TagList = list_arguments("DagTagList", questions.TAGS)


@blueprint.operation(
    "GET",
    "/dagTags",
    "get_dag_tags",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=DagTagCollection,
    query=TagList,
    errors=(400,),
)
def get_dag_tags(query: Mapping[str, Any]) -> Response:
    """List the names of the tags that any DAG has."""
    listed = questions.list_tags(context().database, list_query(query))
    return list_answer(query, {"tags": [row["name"] for row in listed.rows], "total_entries": listed.total})


@blueprint.operation(
    "GET",
    "/dagStats",
    "get_dag_stats",
    role=Role.VIEWER,
    over=Over.DAGS,
    answer=DagStatsCollection,
    query=StatsQuery,
)
def get_dag_stats(query: Mapping[str, Any]) -> Response:
    """How many runs of each DAG are in which state, by DAG id."""
    counts = questions.count_runs(context().database, query["dag_ids"], seen=g.user.seen)
    dags = [
        {
            "dag_id": count.dag_id,
            "dag_display_name": count.display_name,
            "stats": [{"state": state, "count": count.by_state.get(state, 0)} for state in RunState],
        }
        for count in counts
    ]
    return answer({"dags": dags, "total_entries": len(dags)})
