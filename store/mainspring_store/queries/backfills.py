"""Backfills, their states and their progress."""

from typing import Any

from sqlalchemy import Select, Table, bindparam, func, select

from mainspring.errors import NotFound
from mainspring.states import RUN_FINISHED, BackfillState, RunState
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.dags import require_dag
from mainspring_store.queries.filters import Filter, Kind
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, list_rows
from mainspring_store.queries.runs import RUNS
from mainspring_store.tables import backfill, dag, dag_run, pruned_run

__all__ = ["BACKFILLS", "backfill_not_found", "dag_of_backfill", "get_backfill", "list_backfill_runs", "list_backfills"]

_KEY_MAX = 2**63 - 1
PACE_RUNS = 100
"""The maximum of latest ended runs from which the API computes the pace of a backfill."""

_BACKFILL = select(*backfill.c, dag.c.display_name, dag.c.is_paused.label("is_dag_paused")).join(
    dag, dag.c.dag_id == backfill.c.dag_id
)

BACKFILLS = Listing(
    rows=_BACKFILL,
    filters={
        "is_active": Filter(
            kind=Kind.BOOLEAN,
            clause=lambda flag: backfill.c.completed_at.is_(None) if flag else backfill.c.completed_at.is_not(None),
        )
    },
    sort_keys={
        "id": SortKey(column=backfill.c.id, kind=Kind.INTEGER, is_nullable=False),
        "created_at": SortKey(column=backfill.c.created_at, kind=Kind.INSTANT, is_nullable=False),
        "from_date": SortKey(column=backfill.c.from_date, kind=Kind.INSTANT, is_nullable=False),
        "to_date": SortKey(column=backfill.c.to_date, kind=Kind.INSTANT, is_nullable=False),
        "completed_at": SortKey(column=backfill.c.completed_at, kind=Kind.INSTANT),
    },
    default_order=("id",),
    tie_breaker=("id",),
    dag_id=backfill.c.dag_id,
)


def get_backfill(database: Database, key: int) -> dict[str, Any]:
    """A backfill with the columns of the table and these members:

    - `state`: a `BackfillState`.
    - `runs`: run state -> number of runs; an absent state means 0.
    - `pace_runs`, `pace_since`: the number and the earliest start of the latest ended runs, at most `PACE_RUNS`;
      0 and None unless the backfill is running.

    Raises:
        NotFound: There is no such backfill.
    """
    with database.read() as connection:
        row = connection.execute(_ONE, {"key": key}).one_or_none()
        if row is None:
            raise backfill_not_found(key)
        values = row._asdict()
        _add_states([values])
        _add_run_counts(connection, [values])
        _add_pace(connection, [values])
    return values


def dag_of_backfill(database: Database, key: int) -> str:
    """The dag_id of a backfill. Raises NotFound when there is no such backfill."""
    dag_id: str | None = None
    if key <= _KEY_MAX:
        with database.read() as connection:
            dag_id = connection.scalar(select(backfill.c.dag_id).where(backfill.c.id == key))
    if dag_id is None:
        raise backfill_not_found(key)
    return dag_id


def list_backfills(database: Database, query: ListQuery, *, dag_id: str | None) -> Listed:
    """A page of the backfills of a DAG, or of all DAGs (`None`), with the members of `get_backfill`.

    Raises:
        NotFound: There is no such DAG.
        InvalidPage: See `list_rows`.
    """
    with database.read() as connection:
        if dag_id is not None:
            require_dag(connection, dag_id)
        listed = list_rows(connection, BACKFILLS, query, *([] if dag_id is None else [backfill.c.dag_id == dag_id]))
        _add_states(listed.rows)
        _add_run_counts(connection, listed.rows)
        _add_pace(connection, listed.rows)
    return listed


def list_backfill_runs(database: Database, query: ListQuery, *, key: int) -> Listed:
    """A page of the runs that a backfill created or reran.

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


def _add_states(rows: Any) -> None:
    for row in rows:
        row["state"] = _state(row)


def _state(row: Any) -> BackfillState:
    # A paused backfill never finishes, and a cancel pauses the backfill that it ends.
    if row["completed_at"] is not None:
        return BackfillState.CANCELLED if row["is_paused"] else BackfillState.FINISHED
    return BackfillState.WAITING if row["is_paused"] or row["is_dag_paused"] else BackfillState.RUNNING


def _add_run_counts(connection: Any, rows: Any) -> None:
    by_key: dict[int, dict[RunState, int]] = {row["id"]: {} for row in rows}
    if by_key:
        for row in connection.execute(_COUNTS, {"keys": list(by_key)}):
            counts = by_key[row.backfill_id]
            counts[RunState(row.state)] = counts.get(RunState(row.state), 0) + row.runs
    for row in rows:
        row["runs"] = by_key[row["id"]]


def _add_pace(connection: Any, rows: Any) -> None:
    for row in rows:
        # A DAG has at most one unfinished backfill, so a page of a DAG's backfills needs at most one query.
        is_running = row["state"] is BackfillState.RUNNING
        pace = connection.execute(_PACE, {"key": row["id"]}).one() if is_running else None
        row["pace_runs"], row["pace_since"] = (0, None) if pace is None else pace


_ONE = _BACKFILL.where(backfill.c.id == bindparam("key"))
_latest_ended = (
    select(dag_run.c.start_date)
    .where(dag_run.c.backfill_id == bindparam("key"), dag_run.c.state.in_(tuple(RUN_FINISHED)))
    .order_by(dag_run.c.id.desc())
    .limit(PACE_RUNS)
    .subquery()
)
_PACE = select(func.count(), func.min(_latest_ended.c.start_date, type_=UtcDateTime)).select_from(_latest_ended)


def _count_by_state(table: Table) -> Select[Any]:
    return (
        select(table.c.backfill_id, table.c.state, func.count().label("runs"))
        .where(table.c.backfill_id.in_(bindparam("keys", expanding=True)))
        .group_by(table.c.backfill_id, table.c.state)
    )


# Pruned runs count, so that the figures of a backfill stay.
_COUNTS = _count_by_state(dag_run).union_all(_count_by_state(pruned_run))
