"""Deleting history: runs, and task instances of ended runs."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from sqlalchemy import bindparam, delete, func, select, update

from mainspring.errors import Conflict
from mainspring.states import RUN_FINISHED, RunState, TaskState
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.transactions import Database, lift_time_limit
from mainspring_store.queries.runs import run_not_found
from mainspring_store.state.blocking import wake_blocked
from mainspring_store.state.effects import lock_runs
from mainspring_store.state.runs import wake_waiting
from mainspring_store.tables import dag_run, task_instance

__all__ = ["delete_instances", "delete_run"]


def delete_run(database: Database, dag_id: str, run_id: str, *, now: datetime) -> None:
    """Delete a run with its task instances, logs and outputs. A `dag` task that waits for the run fails.

    Raises:
        NotFound: There is no such run.
        Conflict: The run is running.
    """
    with database.write() as connection:
        key = connection.scalar(_KEY, {"dag_id": dag_id, "run_id": run_id})
        if key is None or key not in lock_runs(connection, [key]):
            raise run_not_found(dag_id, run_id)
        row = connection.execute(_RUN, {"key": key}).one_or_none()
        if row is None:
            raise run_not_found(dag_id, run_id)
        if row.state == RunState.RUNNING:
            raise Conflict(f"run '{run_id}' of dag '{dag_id}' is running; cancel it first, by PATCH with state failed")
        wake_blocked(connection, key)
        wake_waiting(connection, [(key, row.parent_attempt_id)], now=now)
        lift_time_limit(connection)
        connection.execute(_DELETE_RUN, {"key": key})


def delete_instances(database: Database, ids: Iterable[int], *, now: datetime) -> list[int]:
    """Delete task instances with their tries, logs and outputs; returns the deleted ids. An error deletes none.

    Raises:
        Conflict: The run of an instance has not ended.
    """
    batch = {"rows": dump_rows({"id": instance_id} for instance_id in ids)}
    with database.write() as connection:
        statements = _statements(database.is_sqlite)
        runs = lock_runs(connection, connection.scalars(statements.runs, batch).all())
        for run in connection.execute(statements.states, {"rows": dump_rows({"id": key} for key in runs)}):
            if RunState(run.state) not in RUN_FINISHED:
                raise Conflict(f"run '{run.run_id}' has not ended; the instances of a run that goes on stay")
        deleted = list(connection.scalars(statements.delete, batch))
        connection.execute(statements.recount, {"rows": dump_rows({"id": key} for key in runs), "now": now})
    return deleted


_KEY = select(dag_run.c.id).where(dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.run_id == bindparam("run_id"))
_RUN = select(dag_run.c.state, dag_run.c.parent_attempt_id).where(dag_run.c.id == bindparam("key"))
_DELETE_RUN = delete(dag_run).where(dag_run.c.id == bindparam("key"))


class _Statements:
    def __init__(self, is_sqlite: bool) -> None:
        ids = as_rows({"id": int}, is_sqlite=is_sqlite)
        table, run = task_instance.c, dag_run.c
        self.runs = select(table.dag_run_id).where(table.id.in_(select(ids.c.id))).distinct()
        self.states = select(run.run_id, run.state).where(run.id.in_(select(ids.c.id)))
        self.delete = delete(task_instance).where(table.id.in_(select(ids.c.id))).returning(table.id)
        of_run = table.dag_run_id == run.id
        counted = select(func.count()).select_from(task_instance).where(of_run)
        failed = table.state.in_([TaskState.FAILED, TaskState.UPSTREAM_FAILED])
        self.recount = (
            update(dag_run)
            .where(run.id.in_(select(ids.c.id)))
            .values(
                tasks_total=counted.scalar_subquery(),
                tasks_failed=counted.where(failed).scalar_subquery(),
                updated_at=bindparam("now"),
            )
        )


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)
