"""Counts of runs in bins of time, and the runs that are due in the future."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, bindparam, func, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.filters import seconds_between
from mainspring_store.queries.listing import Seen, is_seen
from mainspring_store.tables import dag, dag_run

__all__ = ["count_by_bin", "future_runs", "planned_dags"]


def count_by_bin(
    database: Database,
    *,
    start: datetime,
    end: datetime,
    bin_seconds: float,
    seen: Seen | None,
    dag_id: str | None = None,
) -> list[tuple[int, str, int]]:
    """Number of the bin from 0, state, and count of the runs that were due from `start` to before `end`.

    seen: the visible DAGs, as in `ListQuery`. dag_id: `None` = the runs of all DAGs.
    """
    seconds = seconds_between(bindparam("start", type_=UtcDateTime), _run.run_after) + _ROUNDING_SECONDS
    index = whole_part(seconds / bin_seconds)
    binned = select(index.label("bin"), _run.state).where(_run.run_after >= start, _run.run_after < end)
    if seen is not None:
        binned = binned.where(is_seen(_run.dag_id, seen))
    if dag_id is not None:
        binned = binned.where(_run.dag_id == dag_id)
    rows = binned.subquery()
    counted = select(rows.c.bin, rows.c.state, func.count()).group_by(rows.c.bin, rows.c.state)
    with database.read() as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(counted, {"start": start})]


def future_runs(
    database: Database, *, start: datetime, end: datetime, limit: int, seen: Seen | None, dag_id: str | None = None
) -> list[dict[str, Any]]:
    """Queued runs that are due later than `start` and until `end`, soonest first. dag_id: `None` = of all DAGs."""
    statement = _FUTURE.where(_run.run_after > start, _run.run_after <= end).limit(limit)
    if seen is not None:
        statement = statement.where(is_seen(_run.dag_id, seen))
    if dag_id is not None:
        statement = statement.where(_run.dag_id == dag_id)
    with database.read() as connection:
        return [row._asdict() for row in connection.execute(statement)]


def planned_dags(
    database: Database, *, seen: Seen | None, dag_ids: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """DAGs whose schedule plans runs: `dag_id`, `version_id`, `next_logical_date`, `next_run_after`, soonest first.

    Paused DAGs plan none. dag_ids: `None` = all DAGs.
    """
    statement = _PLANNED
    if seen is not None:
        statement = statement.where(is_seen(dag.c.dag_id, seen))
    if dag_ids is not None:
        statement = statement.where(dag.c.dag_id.in_(dag_ids))
    with database.read() as connection:
        return [row._asdict() for row in connection.execute(statement)]


class whole_part(FunctionElement[int]):  # noqa: N801 - reads as a function of SQL
    """The integer part of a number that is not negative."""

    type = Integer()
    inherit_cache = True
    name = "whole_part"


@compiles(whole_part, "postgresql")
def _whole_on_postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"CAST(floor({compiler.process(element.clauses, **kwargs)}) AS INTEGER)"


@compiles(whole_part, "sqlite")
def _whole_on_sqlite(element: Any, compiler: Any, **kwargs: Any) -> str:
    # Not every SQLite has floor().
    return f"CAST({compiler.process(element.clauses, **kwargs)} AS INTEGER)"


_ROUNDING_SECONDS = 0.001
"""SQLite computes with days as floats: a run that is due at the begin of a bin must not fall into the bin before."""
_run = dag_run.c
_FUTURE = (
    select(_run.dag_id, _run.run_id, _run.run_type, _run.logical_date, _run.run_after)
    .where(text("dag_run.state = 'queued'"))
    .order_by(_run.run_after, _run.id)
)
_PLANNED = (
    select(dag.c.dag_id, dag.c.version_id, dag.c.next_logical_date, dag.c.next_run_after)
    .where(text("dag.next_run_after IS NOT NULL AND NOT dag.is_paused"))
    .order_by(dag.c.next_run_after, dag.c.dag_id)
)
