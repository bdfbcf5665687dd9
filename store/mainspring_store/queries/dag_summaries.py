"""Summaries over DAGs: the tags of all DAGs, and the number of runs by DAG and state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from mainspring.states import RunState
from mainspring_store.database.transactions import Database
from mainspring_store.queries.filters import Kind, patterns
from mainspring_store.queries.listing import Listed, Listing, ListQuery, Seen, SortKey, is_seen, list_rows
from mainspring_store.tables import dag, dag_run, dag_tag

__all__ = ["TAGS", "RunCounts", "count_runs", "list_tags"]

TAGS = Listing(
    rows=select(dag_tag.c.name).distinct(),
    filters=patterns("tag_name", dag_tag.c.name),
    sort_keys={"name": SortKey(column=dag_tag.c.name, kind=Kind.TEXT, is_nullable=False)},
    default_order=("name",),
    tie_breaker=("name",),
    dag_id=dag_tag.c.dag_id,
)


@dataclass(frozen=True, slots=True)
class RunCounts:
    """The number of runs of a DAG by state."""

    dag_id: str
    display_name: str
    by_state: dict[RunState, int]
    """Absent = 0."""


def list_tags(database: Database, query: ListQuery) -> Listed:
    """A page of the distinct tag names of all DAGs. Raises InvalidPage, see `list_rows`."""
    with database.read() as connection:
        return list_rows(connection, TAGS, query)


def count_runs(database: Database, dag_ids: Sequence[str] | None, *, seen: Seen | None) -> list[RunCounts]:
    """Run counts of DAGs, sorted by DAG id; skips DAGs that are missing or not `seen` (see `ListQuery`).

    dag_ids: `None` = all DAGs.
    """
    with database.read() as connection:
        dags = connection.execute(_narrowed(_DAGS, dag.c.dag_id, dag_ids, seen))
        counts = {row.dag_id: RunCounts(row.dag_id, row.display_name, {}) for row in dags}
        for row in connection.execute(_narrowed(_COUNTS, dag_run.c.dag_id, dag_ids, seen)):
            if row.dag_id in counts:
                counts[row.dag_id].by_state[RunState(row.state)] = row.runs
    return list(counts.values())


def _narrowed(
    rows: Select[Any], dag_id: ColumnElement[str], dag_ids: Sequence[str] | None, seen: Seen | None
) -> Select[Any]:
    chosen = rows if dag_ids is None else rows.where(dag_id.in_(dag_ids))
    return chosen if seen is None else chosen.where(is_seen(dag_id, seen))


_DAGS = select(dag.c.dag_id, dag.c.display_name).order_by(dag.c.dag_id)
_COUNTS = select(dag_run.c.dag_id, dag_run.c.state, func.count().label("runs")).group_by(
    dag_run.c.dag_id, dag_run.c.state
)
