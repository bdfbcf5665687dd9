"""Ids that resemble an unknown id. Only answers of 404 read them, by one bounded query each."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from mainspring_store.database.transactions import Database
from mainspring_store.queries.listing import Seen, is_seen
from mainspring_store.tables import dag, dag_run

__all__ = ["dag_ids_of_length", "has_dag", "latest_run_ids", "version_of_run"]

IDS_MAX = 500
LENGTH_DIFFERENCE = 2
"""In characters, between an id and those that may be meant."""


def has_dag(database: Database, dag_id: str) -> bool:
    """Whether there is a DAG with this id."""
    with database.read() as connection:
        return connection.scalar(_DAG, {"dag_id": dag_id}) is not None


def dag_ids_of_length(database: Database, length: int, *, seen: Seen | None) -> Sequence[str]:
    """Ids of visible DAGs of about this length in characters, at most `IDS_MAX`, ascending.

    seen: the visible DAGs, as in `ListQuery`; `None` = all.
    """
    near = func.length(dag.c.dag_id).between(length - LENGTH_DIFFERENCE, length + LENGTH_DIFFERENCE)
    chosen = select(dag.c.dag_id).where(near).order_by(dag.c.dag_id).limit(IDS_MAX)
    with database.read() as connection:
        return connection.scalars(chosen if seen is None else chosen.where(is_seen(dag.c.dag_id, seen))).all()


def latest_run_ids(database: Database, dag_id: str) -> Sequence[str]:
    """Ids of the latest runs of a DAG, at most `IDS_MAX`, the latest first."""
    with database.read() as connection:
        return connection.scalars(_LATEST_RUNS, {"dag_id": dag_id}).all()


def version_of_run(database: Database, dag_id: str, run_id: str) -> int | None:
    """The id of the version that a run executes; `None` = there is no such run."""
    with database.read() as connection:
        found: Any = connection.scalar(_VERSION, {"dag_id": dag_id, "run_id": run_id})
    return None if found is None else int(found)


_DAG = select(dag.c.dag_id).where(dag.c.dag_id == bindparam("dag_id"))
_LATEST_RUNS = (
    select(dag_run.c.run_id).where(dag_run.c.dag_id == bindparam("dag_id")).order_by(dag_run.c.id.desc()).limit(IDS_MAX)
)
_VERSION = select(dag_run.c.dag_version_id).where(
    dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.run_id == bindparam("run_id")
)
