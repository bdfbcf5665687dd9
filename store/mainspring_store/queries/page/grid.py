"""The latest runs of a DAG with the states of all their instances."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, or_, select

from mainspring_store.database.transactions import Database
from mainspring_store.queries.dags import require_dag
from mainspring_store.tables import dag_run, dag_version, task_instance

__all__ = ["GridInstance", "GridRun", "grid_instances", "grid_runs"]

GridInstance = tuple[int, str, int, str, int]
"""Key of the run, task id, map index, state, number of the latest try."""


@dataclass(frozen=True, slots=True)
class GridRun:
    """A column of the grid."""

    key: int
    run_id: str
    run_type: str
    state: str
    run_after: datetime
    start_date: datetime | None
    end_date: datetime | None
    version_id: int
    version_number: int


def grid_runs(
    database: Database,
    dag_id: str,
    *,
    count: int,
    edge: tuple[datetime, int] | None,
    run_types: Sequence[str] = (),
    states: Sequence[str] = (),
) -> list[GridRun]:
    """At most `count` runs of a DAG, latest `run_after` first.

    edge: `run_after` and key of a run; the answer has earlier runs only.
    run_types, states: empty = all.

    Raises:
        NotFound: There is no such DAG.
    """
    statement = _RUNS
    if edge is not None:
        run_after, key = edge
        is_earlier = or_(_run.run_after < run_after, and_(_run.run_after == run_after, _run.id < key))
        # The first condition bounds the range of the index.
        statement = statement.where(_run.run_after <= run_after, is_earlier)
    if run_types:
        statement = statement.where(_run.run_type.in_(run_types))
    if states:
        statement = statement.where(_run.state.in_(states))
    with database.read() as connection:
        require_dag(connection, dag_id)
        return [GridRun(*row) for row in connection.execute(statement.limit(count), {"dag_id": dag_id})]


def grid_instances(database: Database, keys: Sequence[int]) -> Iterator[GridInstance]:
    """The instances of runs, in no order. A deleted run has none."""
    if not keys:
        return
    with database.read() as connection:
        rows: Any = connection.execute(_INSTANCES, {"keys": list(keys)})
        yield from rows


_run = dag_run.c
_ti = task_instance.c
_RUNS = (
    select(
        _run.id,
        _run.run_id,
        _run.run_type,
        _run.state,
        _run.run_after,
        _run.start_date,
        _run.end_date,
        _run.dag_version_id,
        dag_version.c.version_number,
    )
    .join(dag_version, dag_version.c.id == _run.dag_version_id)
    .where(_run.dag_id == bindparam("dag_id"))
    .order_by(_run.run_after.desc(), _run.id.desc())
)
_INSTANCES = select(_ti.dag_run_id, _ti.task_id, _ti.map_index, _ti.state, _ti.try_number).where(
    _ti.dag_run_id.in_(bindparam("keys", expanding=True))
)
