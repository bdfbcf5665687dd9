"""What all DAGs have together: their tags, and how many runs each has in which state."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from mainspring.states import RunState
from mainspring_store.database import Database
from mainspring_store.questions.filters import Kind, patterns
from mainspring_store.questions.listing import Listed, Listing, ListQuery, SortKey, list_rows
from mainspring_store.tables import dag, dag_run, dag_tag

__all__ = ["TAGS", "RunCounts", "count_runs", "list_tags"]

TAGS = Listing(
    rows=select(dag_tag.c.name).distinct(),
    filters=patterns("tag_name", dag_tag.c.name),
    sort_keys={"name": SortKey(column=dag_tag.c.name, kind=Kind.TEXT, is_nullable=False)},
    default_order=("name",),
    tie_breaker=("name",),
)


@dataclass(frozen=True, slots=True)
class RunCounts:
    """The runs of one DAG."""

    dag_id: str
    display_name: str
    by_state: dict[RunState, int]
    """Absent = 0."""


def list_tags(database: Database, query: ListQuery) -> Listed:
    """A page of the names of all tags. Raises InvalidPage, see `list_rows`."""
    with database.read() as connection:
        return list_rows(connection, TAGS, query)


def count_runs(database: Database, dag_ids: Sequence[str] | None) -> list[RunCounts]:
    """The runs of these DAGs, or of all (`None`), by DAG id; what is not there is left out."""
    chosen = _DAGS if dag_ids is None else _DAGS.where(dag.c.dag_id.in_(bindparam("dag_ids", expanding=True)))
    counts = _COUNTS if dag_ids is None else _COUNTS.where(dag_run.c.dag_id.in_(bindparam("dag_ids", expanding=True)))
    names = {} if dag_ids is None else {"dag_ids": list(dag_ids)}
    with database.read() as connection:
        found = {row.dag_id: RunCounts(row.dag_id, row.display_name, {}) for row in connection.execute(chosen, names)}
        for row in connection.execute(counts, names):
            if row.dag_id in found:
                found[row.dag_id].by_state[RunState(row.state)] = row.runs
    return list(found.values())


_DAGS = select(dag.c.dag_id, dag.c.display_name).order_by(dag.c.dag_id)
_COUNTS = select(dag_run.c.dag_id, dag_run.c.state, func.count().label("runs")).group_by(
    dag_run.c.dag_id, dag_run.c.state
)
