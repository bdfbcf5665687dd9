"""The ends of runs for which schedules of other DAGs wait.

The transaction that ends a run writes a row for each DAG that waits for such an end, so no end is lost. The lock of the
ended run orders its ends, so a run counts once. As in Airflow, an end counts for no DAG that is paused at this moment.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, insert, literal, or_, select
from sqlalchemy.sql.dml import Insert

from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import awaited_dag, awaited_end, dag, dag_run

__all__ = ["has_followers", "note_ends"]


def has_followers() -> ColumnElement[bool]:
    """Whether the schedule of a DAG waits for runs of the DAG of a row of `dag_run`."""
    return exists().where(awaited_dag.c.upstream_dag_id == dag_run.c.dag_id)


@cache
def _insert_ends(is_sqlite: bool) -> Insert:
    rows = as_rows({"id": int, "state": str}, is_sqlite=is_sqlite)
    counted = awaited_end.alias("counted")
    has_counted = exists().where(
        counted.c.dag_run_id == dag_run.c.id,
        counted.c.dag_id == awaited_dag.c.dag_id,
        counted.c.state == awaited_dag.c.state,
    )
    ends = (
        select(
            awaited_dag.c.dag_id,
            dag_run.c.id,
            awaited_dag.c.state,
            bindparam("now", type_=UtcDateTime),
            literal("new"),
        )
        .select_from(rows)
        .join(dag_run, dag_run.c.id == rows.c.id)
        .join(
            awaited_dag,
            and_(awaited_dag.c.upstream_dag_id == dag_run.c.dag_id, awaited_dag.c.state == rows.c.state),
        )
        .join(dag, dag.c.dag_id == awaited_dag.c.dag_id)
        .where(~dag.c.is_paused, ~dag.c.is_stale, or_(awaited_dag.c.again, ~has_counted))
        .order_by(dag_run.c.id, awaited_dag.c.dag_id)
    )
    if not is_sqlite:
        # A request that deletes the waiting DAG at this moment ends first.
        ends = ends.with_for_update(read=True, key_share=True, of=dag)
    return insert(awaited_end).from_select(["dag_id", "dag_run_id", "state", "ended_at", "status"], ends)


def note_ends(connection: Connection, ends: Iterable[tuple[int, str]], *, now: datetime) -> bool:
    """Note the ends of runs for the DAGs that wait for them; returns whether such a DAG is there.

    ends: (key, state) of runs that this transaction ended.
    """
    rows = [{"id": key, "state": state} for key, state in ends]
    if not rows:
        return False
    statement = _insert_ends(connection.dialect.name == "sqlite")
    return connection.execute(statement, {"rows": dump_rows(rows), "now": now}).rowcount > 0
