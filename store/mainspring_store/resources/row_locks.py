"""Row locks for conditional writes: no other client changes a resource between the check of its state and the write.

On SQLite the write transaction is the lock. On PostgreSQL each function locks rows in the order of the later write:
runs come before their DAG.
"""

from sqlalchemy import Connection, bindparam, select

from mainspring.states import RUN_FINISHED
from mainspring_store.state.effects import lock_runs
from mainspring_store.tables import dag, dag_run, variable

__all__ = ["lock_dag", "lock_dag_and_runs", "lock_run", "lock_variable"]


def lock_dag(connection: Connection, dag_id: str) -> None:
    """Lock a DAG; a missing DAG locks nothing."""
    connection.execute(_DAG, {"dag_id": dag_id})


def lock_dag_and_runs(connection: Connection, dag_id: str) -> None:
    """Lock the unfinished runs of a DAG, then the DAG, as its deletion does."""
    lock_runs(connection, connection.scalars(_UNFINISHED_RUNS, {"dag_id": dag_id}).all())
    lock_dag(connection, dag_id)


def lock_run(connection: Connection, dag_id: str, run_id: str) -> None:
    """Lock a run; a missing run locks nothing."""
    lock_runs(connection, connection.scalars(_RUN, {"dag_id": dag_id, "run_id": run_id}).all())


def lock_variable(connection: Connection, key: str) -> None:
    """Lock a variable; a missing variable locks nothing."""
    connection.execute(_VARIABLE, {"key": key})


_DAG = select(dag.c.dag_id).where(dag.c.dag_id == bindparam("dag_id")).with_for_update()
_UNFINISHED_RUNS = select(dag_run.c.id).where(
    dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.state.not_in(RUN_FINISHED)
)
_RUN = select(dag_run.c.id).where(dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.run_id == bindparam("run_id"))
_VARIABLE = select(variable.c.key).where(variable.c.key == bindparam("key")).with_for_update()
