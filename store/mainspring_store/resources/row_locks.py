"""Row locks for conditional writes: no other client changes a resource between the check of its state and the write.

On SQLite the write transaction is the lock. On PostgreSQL each function locks rows in the order of the later write:
runs come before their DAG.
"""

from sqlalchemy import Connection, bindparam, func, literal, select

from mainspring.states import RUN_FINISHED
from mainspring_store.state.effects import lock_runs
from mainspring_store.tables import connection as connection_table
from mainspring_store.tables import dag, dag_run, pool, user_account, variable

__all__ = [
    "lock_connection",
    "lock_dag",
    "lock_dag_and_runs",
    "lock_pool",
    "lock_run",
    "lock_secret",
    "lock_user",
    "lock_variable",
]


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


def lock_pool(connection: Connection, name: str) -> None:
    """Lock a pool; a missing pool locks nothing."""
    connection.execute(_POOL, {"name": name})


def lock_connection(connection: Connection, connection_id: str) -> None:
    """Lock a connection of tasks; a missing one locks nothing."""
    connection.execute(_CONNECTION, {"id": connection_id})


def lock_secret(connection: Connection, name: str) -> None:
    """Lock the name of a secret, which may be missing: of two clients that create a secret, one waits."""
    if connection.dialect.name == "postgresql":
        connection.execute(_SECRET_NAME, {"name": name})


def lock_user(connection: Connection, username: str) -> None:
    """Lock a user; a missing user locks nothing."""
    connection.execute(_USER, {"name": username})


_DAG = select(dag.c.dag_id).where(dag.c.dag_id == bindparam("dag_id")).with_for_update()
_UNFINISHED_RUNS = select(dag_run.c.id).where(
    dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.state.not_in(RUN_FINISHED)
)
_RUN = select(dag_run.c.id).where(dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.run_id == bindparam("run_id"))
_VARIABLE = select(variable.c.key).where(variable.c.key == bindparam("key")).with_for_update()
_POOL = select(pool.c.name).where(pool.c.name == bindparam("name")).with_for_update()
_CONNECTION = (
    select(connection_table.c.connection_id)
    .where(connection_table.c.connection_id == bindparam("id"))
    .with_for_update()
)
_SECRET_NAME = select(func.pg_advisory_xact_lock(func.hashtextextended(literal("secret ") + bindparam("name"), 0)))
_USER = select(user_account.c.id).where(user_account.c.username == bindparam("name")).with_for_update()
