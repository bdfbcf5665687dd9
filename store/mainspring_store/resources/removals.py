"""Deleting history: runs, and task instances of ended runs."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, Update, bindparam, delete, func, select, update
from sqlalchemy.sql.dml import ReturningDelete

from mainspring.errors import Conflict
from mainspring.events import EventKind
from mainspring.states import RUN_FINISHED, RunState, TaskState
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.transactions import Database, lift_time_limit
from mainspring_store.queries.runs import run_not_found
from mainspring_store.state.blocking import wake_blocked
from mainspring_store.state.effects import lock_runs
from mainspring_store.state.events import write_event
from mainspring_store.state.run_removal import remove_runs
from mainspring_store.state.runs import wake_waiting
from mainspring_store.tables import dag_run, task_instance

__all__ = ["delete_instances", "delete_run"]


_KEY = select(dag_run.c.id).where(dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.run_id == bindparam("run_id"))
_RUN = select(dag_run.c.state, dag_run.c.parent_attempt_id, dag_run.c.event_seq).where(dag_run.c.id == bindparam("key"))


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
        remove_runs(connection, [key])
        data = {"dag_run_id": run_id, "seq": row.event_seq + 1}
        write_event(connection, EventKind.RUN, "deleted", at=now, dag_id=dag_id, data=data)


def _ids(is_sqlite: bool) -> Select[Any]:
    return select(as_rows({"id": int}, is_sqlite=is_sqlite).c.id)


@cache
def _select_runs(is_sqlite: bool) -> Select[Any]:
    return select(task_instance.c.dag_run_id).where(task_instance.c.id.in_(_ids(is_sqlite))).distinct()


@cache
def _select_states(is_sqlite: bool) -> Select[Any]:
    return select(dag_run.c.run_id, dag_run.c.state).where(dag_run.c.id.in_(_ids(is_sqlite)))


@cache
def _delete_instances(is_sqlite: bool) -> ReturningDelete[Any]:
    return delete(task_instance).where(task_instance.c.id.in_(_ids(is_sqlite))).returning(task_instance.c.id)


@cache
def _recount(is_sqlite: bool) -> Update:
    counted = select(func.count()).select_from(task_instance).where(task_instance.c.dag_run_id == dag_run.c.id)
    failed = task_instance.c.state.in_([TaskState.FAILED, TaskState.UPSTREAM_FAILED])
    return (
        update(dag_run)
        .where(dag_run.c.id.in_(_ids(is_sqlite)))
        .values(
            tasks_total=counted.scalar_subquery(),
            tasks_failed=counted.where(failed).scalar_subquery(),
            updated_at=bindparam("now"),
        )
    )


def delete_instances(database: Database, ids: Iterable[int], *, now: datetime) -> list[int]:
    """Delete task instances with their tries, logs and outputs; returns the deleted ids. An error deletes none.

    Raises:
        Conflict: The run of an instance has not ended.
    """
    batch = {"rows": dump_rows({"id": instance_id} for instance_id in ids)}
    is_sqlite = database.is_sqlite
    with database.write() as connection:
        runs = lock_runs(connection, connection.scalars(_select_runs(is_sqlite), batch).all())
        rows_of_runs = dump_rows({"id": key} for key in runs)
        for run in connection.execute(_select_states(is_sqlite), {"rows": rows_of_runs}):
            if RunState(run.state) not in RUN_FINISHED:
                raise Conflict(f"run '{run.run_id}' has not ended; the instances of a run that goes on stay")
        deleted = list(connection.scalars(_delete_instances(is_sqlite), batch))
        connection.execute(_recount(is_sqlite), {"rows": rows_of_runs, "now": now})
        for key in sorted(runs) if deleted else ():
            write_event(connection, EventKind.MANY, "changed", at=now, dag_run_id=key)
    return deleted
