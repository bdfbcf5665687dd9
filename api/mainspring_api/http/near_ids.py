"""The hint of a 404: the id that may be meant. Only what the sender of the request may see is named."""

import logging

from flask import g, request

from mainspring.errors import MainspringError
from mainspring.hints import did_you_mean
from mainspring_api.http.context import Context, application_context
from mainspring_store.queries.near_ids import dag_ids_of_length, has_dag, latest_run_ids, version_of_run

__all__ = ["near_id_hint"]

_RUN_LIKENESS = 0.9
"""Ids of runs that the server makes differ in a few characters, and yet name other runs."""

log = logging.getLogger(__name__)


def near_id_hint() -> str | None:
    """A guess at the first id of the path that does not exist: DAG, run or task; `None` = all exist, or no guess."""
    parts = request.view_args or {}
    if "dag_id" not in parts or g.get("user") is None:
        return None
    try:
        return _hint(application_context(), parts["dag_id"], parts.get("dag_run_id"), parts.get("task_id"))
    except MainspringError as exc:
        log.info("no hint for an answer of 404: %s", exc)
        return None


def _hint(ctx: Context, dag_id: str, dag_run_id: str | None, task_id: str | None) -> str | None:
    if dag_id == "~":
        return None
    if g.user.role_on(dag_id) is None or not has_dag(ctx.database, dag_id):
        near = dag_ids_of_length(ctx.database, len(dag_id), seen=g.user.seen)
        return did_you_mean(dag_id, (name for name in near if name != dag_id))
    version_id: int | None = None
    if dag_run_id is not None and dag_run_id != "~":
        version_id = version_of_run(ctx.database, dag_id, dag_run_id)
        if version_id is None:
            return did_you_mean(dag_run_id, latest_run_ids(ctx.database, dag_id), likeness=_RUN_LIKENESS)
    if task_id is None:
        return None
    versions = ctx.versions
    definition = versions.current(dag_id).definition if version_id is None else versions.definition(version_id)
    return None if task_id in definition.tasks else did_you_mean(task_id, definition.tasks)
