"""The overview of all DAGs: each with its latest runs."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import case, select, text

from mainspring.states import RUN_FINISHED, RunState
from mainspring_store.database.transactions import Database
from mainspring_store.queries.dags import DAGS, add_tags, dag_conditions
from mainspring_store.queries.filters import Kind
from mainspring_store.queries.listing import ListQuery, SortKey, list_rows
from mainspring_store.queries.page.latest_runs import RunInStrip, latest_runs
from mainspring_store.tables import dag, dag_run, dag_version

__all__ = ["OVERVIEW", "DagOverview", "list_overview"]

_FAILING, _ACTIVE, _GREEN, _NEVER_RAN, _PAUSED = range(5)

_latest_finished = (
    select(dag_run.c.state)
    .where(dag_run.c.dag_id == dag.c.dag_id, dag_run.c.state.in_(sorted(RUN_FINISHED)))
    .order_by(dag_run.c.id.desc())
    .limit(1)
    .correlate(dag)
    .scalar_subquery()
)
_has_running = (
    select(dag_run.c.id)
    .where(dag_run.c.dag_id == dag.c.dag_id, text("dag_run.state = 'running'"))
    .correlate(dag)
    .exists()
)
_attention = case(
    (_latest_finished == RunState.FAILED, _FAILING),
    (_has_running, _ACTIVE),
    (dag.c.is_paused, _PAUSED),
    (_latest_finished.is_(None), _NEVER_RAN),
    else_=_GREEN,
)

OVERVIEW = replace(
    DAGS,
    rows=DAGS.rows.add_columns(
        dag.c.paused_by,
        dag.c.paused_at,
        dag_version.c.version_number,
        dag_version.c.created_at.label("version_created_at"),
        dag_version.c.created_by.label("version_created_by"),
    ).join(dag_version, dag_version.c.id == dag.c.version_id),
    sort_keys={**DAGS.sort_keys, "attention": SortKey(column=_attention, kind=Kind.INTEGER, is_nullable=False)},
    default_order=("attention",),
    counted=(dag,),
)
"""DAGs with their current versions. The order `attention`: failing first, then running, green, new and paused."""


@dataclass(frozen=True, slots=True)
class DagOverview:
    """A page of DAGs with their latest runs."""

    rows: list[dict[str, Any]]
    runs: dict[str, list[RunInStrip]]
    """DAG id -> latest runs, oldest first; a DAG without runs is missing."""
    total: int


def list_overview(
    database: Database,
    query: ListQuery,
    *,
    run_count: int,
    tags: list[str] | None = None,
    all_tags: bool = False,
    now: datetime,
) -> DagOverview:
    """A page of DAGs, each with at most `run_count` latest runs that are due. Raises InvalidPage, see `list_rows`."""
    with database.read() as connection:
        listed = list_rows(connection, OVERVIEW, query, *dag_conditions(query, tags, all_tags=all_tags))
        add_tags(connection, listed.rows)
        dag_ids = [row["dag_id"] for row in listed.rows]
        runs = latest_runs(connection, dag_ids, count=run_count, now=now)
    return DagOverview(rows=list(listed.rows), runs=runs, total=listed.total)
