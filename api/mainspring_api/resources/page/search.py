"""Search for DAGs, tasks and runs by name."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from flask import Response, g
from marshmallow import fields, validate

from mainspring_api.http.answers import answer
from mainspring_api.http.context import Context, context
from mainspring_api.http.fields import Answer, Query
from mainspring_api.http.operations import Resource
from mainspring_api.http.permissions import Over
from mainspring_store.access.roles import Role
from mainspring_store.queries.page.search import find_dags, find_runs, find_versions_with

__all__ = ["blueprint"]

blueprint = Resource("search", "Search: DAGs, tasks and runs by name", tag="page_views")

HITS_MAX = 20
_DAGS_WITH_TASKS_MAX = 50
"""DAGs whose definitions one search looks into."""
KINDS = ("dag", "task", "run")


class SearchHit(Answer):
    """A DAG, a task or a run."""

    kind = fields.String(metadata={"description": "`dag`, `task` or `run`"})
    title = fields.String(metadata={"description": "Name for people"})
    dag_id = fields.String()
    dag_run_id = fields.String(allow_none=True, metadata={"description": "Null = no run"})
    task_id = fields.String(allow_none=True, metadata={"description": "Null = no task"})


class SearchResult(Answer):
    """What a search hits_by_kind."""

    hits = fields.List(fields.Nested(SearchHit), metadata={"description": "DAGs, then tasks, then runs; at most 20"})


class SearchQuery(Query):
    q = fields.String(
        required=True,
        validate=validate.Length(min=1, max=250),
        metadata={"description": "Part of a name of a DAG or a task, or the beginning of the id of a run"},
    )
    kinds = fields.List(
        fields.String(validate=validate.OneOf(KINDS)),
        load_default=list,
        metadata={"description": "`dag`, `task`, `run`; absent = all"},
    )


@blueprint.operation(
    "GET", "/search", "search", role=Role.VIEWER, over=Over.DAGS, answer=SearchResult, query=SearchQuery
)
def search(query: Mapping[str, Any]) -> Response:
    """Find DAGs and tasks by a part of their names, and runs by the beginning of their ids."""
    ctx, words = context(), query["q"].strip() or query["q"]
    kinds = query["kinds"] or KINDS
    hits_of: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    if "dag" in kinds:
        rows = find_dags(ctx.database, words, limit=HITS_MAX, seen=g.user.seen)
        hits_of["dag"] = [_hit("dag", row.display_name, row.dag_id) for row in rows]
    if "task" in kinds:
        hits_of["task"] = list(islice(_tasks(ctx, words), HITS_MAX))
    if "run" in kinds:
        rows = find_runs(ctx.database, words, limit=HITS_MAX, seen=g.user.seen)
        hits_of["run"] = [_hit("run", row.run_id, row.dag_id, dag_run_id=row.run_id) for row in rows]
    return answer({"hits": _shared(list(hits_of.values()))})


def _shared(kinds: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Hits of all kinds, each kind with its share, and more where other kinds need less."""
    room = HITS_MAX
    counts = [0] * len(kinds)
    while room and any(count < len(hits) for count, hits in zip(counts, kinds, strict=True)):
        for place, hits in enumerate(kinds):
            if room and counts[place] < len(hits):
                counts[place] += 1
                room -= 1
    return [hit for count, hits in zip(counts, kinds, strict=True) for hit in hits[:count]]


def _tasks(ctx: Context, words: str) -> Iterator[dict[str, Any]]:
    """Tasks of current versions whose id or name contains the words in any letter case."""
    lower = words.lower()
    rows = find_versions_with(ctx.database, words, limit=_DAGS_WITH_TASKS_MAX, seen=g.user.seen)
    for row in rows:
        for task in ctx.versions.definition(row.version_id).tasks.values():
            if lower in task.task_id.lower() or lower in (task.display_name or "").lower():
                yield _hit("task", task.display_name or task.task_id, row.dag_id, task_id=task.task_id)


def _hit(kind: str, title: str, dag_id: str, **members: str) -> dict[str, Any]:
    return {"kind": kind, "title": title, "dag_id": dag_id, "dag_run_id": None, "task_id": None, **members}
