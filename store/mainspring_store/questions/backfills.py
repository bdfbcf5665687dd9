"""What backfills there are and how far they have come."""

from typing import Any

from sqlalchemy import bindparam, func, select

from mainspring.errors import NotFound
from mainspring.states import RunState
from mainspring_store.database import Database
from mainspring_store.questions.dags import require_dag
from mainspring_store.questions.filters import Kind
from mainspring_store.questions.listing import Listed, Listing, ListQuery, SortKey, list_rows
from mainspring_store.questions.runs import RUNS
from mainspring_store.tables import backfill, dag, dag_run

__all__ = ["BACKFILLS", "backfill_not_found", "get_backfill", "list_backfill_runs", "list_backfills"]

_BACKFILL = select(*backfill.c, dag.c.display_name).join(dag, dag.c.dag_id == backfill.c.dag_id)

BACKFILLS = Listing(
    rows=_BACKFILL,
    filters={},
    sort_keys={
        "id": SortKey(column=backfill.c.id, kind=Kind.INTEGER, is_nullable=False),
        "created_at": SortKey(column=backfill.c.created_at, kind=Kind.INSTANT, is_nullable=False),
        "from_date": SortKey(column=backfill.c.from_date, kind=Kind.INSTANT, is_nullable=False),
        "to_date": SortKey(column=backfill.c.to_date, kind=Kind.INSTANT, is_nullable=False),
        "completed_at": SortKey(column=backfill.c.completed_at, kind=Kind.INSTANT),
    },
    default_order=("id",),
    tie_breaker=("id",),
)


def get_backfill(database: Database, key: int) -> dict[str, Any]:
    """One backfill; `runs` counts its runs by state, absent = 0.

    Raises:
        NotFound: There is no such backfill.
    """
    with database.read() as connection:
        row = connection.execute(_ONE, {"key": key}).one_or_none()
        if row is None:
            raise backfill_not_found(key)
        found = row._asdict()
        _add_run_counts(connection, [found])
    return found


def list_backfills(database: Database, query: ListQuery, *, dag_id: str) -> Listed:
    """A page of the backfills of a DAG, each as `get_backfill` gives it.

    Raises:
        NotFound: There is no such DAG.
        InvalidPage: See `list_rows`.
    """
    with database.read() as connection:
        require_dag(connection, dag_id)
        listed = list_rows(connection, BACKFILLS, query, backfill.c.dag_id == dag_id)
        _add_run_counts(connection, listed.rows)
    return listed


def list_backfill_runs(database: Database, query: ListQuery, *, key: int) -> Listed:
    """A page of the runs that a backfill made or had run again.

    Raises:
        NotFound: There is no such backfill.
        InvalidPage: See `list_rows`.
    """
    with database.read() as connection:
        if connection.execute(_ONE, {"key": key}).one_or_none() is None:
            raise backfill_not_found(key)
        return list_rows(connection, RUNS, query, dag_run.c.backfill_id == key)


def backfill_not_found(key: int) -> NotFound:
    return NotFound(f"The Backfill with id: {key} was not found")


def _add_run_counts(connection: Any, rows: Any) -> None:
    by_key: dict[int, dict[RunState, int]] = {row["id"]: {} for row in rows}
    if by_key:
        for row in connection.execute(_COUNTS, {"keys": list(by_key)}):
            by_key[row.backfill_id][RunState(row.state)] = row.runs
    for row in rows:
        row["runs"] = by_key[row["id"]]


_ONE = _BACKFILL.where(backfill.c.id == bindparam("key"))
_COUNTS = (
    select(dag_run.c.backfill_id, dag_run.c.state, func.count().label("runs"))
    .where(dag_run.c.backfill_id.in_(bindparam("keys", expanding=True)))
    .group_by(dag_run.c.backfill_id, dag_run.c.state)
)
