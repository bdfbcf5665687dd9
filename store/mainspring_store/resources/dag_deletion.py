"""Deleting a DAG with all that belongs to it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic, sleep
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, delete, func, select

from mainspring.errors import Conflict
from mainspring.events import EventKind
from mainspring.states import RUN_FINISHED, TASK_ACTIVE, RunState, StateReason
from mainspring_store.database.transactions import Database, commit_before_the_flush, lift_time_limit
from mainspring_store.queries.dags import dag_not_found
from mainspring_store.resources.dag_pauses import pause_for_deletion
from mainspring_store.resources.pools import give_back_deferred
from mainspring_store.state.effects import Effects, lock_runs
from mainspring_store.state.events import write_event
from mainspring_store.state.run_removal import remove_instances, remove_runs
from mainspring_store.state.runs import end_run, wake_waiting
from mainspring_store.tables import dag, dag_run, pruned_run, task_instance

__all__ = ["delete_dag"]

_ROWS_AT_ONCE = 300
"""Most runs and task instances that one transaction deletes. With more, runs that are not running go first."""
_ROWS_AT_ONCE_MIN = 10
_RUNS_READ = 2_000
"""Runs of which the keys are read at once."""
_DELETION_SECONDS = 0.02
"""Aim for the length of one transaction."""
_REST_SECONDS_MIN = 0.002
"""Between two transactions, so that each writer that waits gets a turn."""
_ENDED = "the DAG was being deleted"


def delete_dag(database: Database, dag_id: str, *, now: datetime) -> None:
    """Delete a DAG with its versions, runs, logs and outputs. `dag` tasks that wait for its runs fail.

    A long history goes first, in short transactions, so that other writers hardly wait; the DAG is paused meanwhile. If
    the call breaks off, the DAG stays with fewer runs, and a further call goes on.

    Raises:
        NotFound: There is no such DAG.
        Conflict: Task instances of the DAG are queued or running, or handlers of a run are still to run.
    """
    _delete_long_history(database, dag_id, now=now)
    with database.write() as connection:
        _lock_idle(connection, dag_id)
        awaited = connection.execute(_AWAITED_RUNS, {"dag_id": dag_id})
        wake_waiting(connection, [(row.id, row.parent_attempt_id) for row in awaited], now=now)
        give_back_deferred(connection, dag_id)
        lift_time_limit(connection)
        connection.execute(_DELETE_RUNS, {"dag_id": dag_id})
        if connection.execute(_DELETE_DAG, {"dag_id": dag_id}).rowcount == 0:
            raise dag_not_found(dag_id)
        write_event(connection, EventKind.DAG, "deleted", at=now, dag_id=dag_id)


def _delete_long_history(database: Database, dag_id: str, *, now: datetime) -> None:
    """Delete the runs of a DAG that are not running in short transactions, unless they are few. Raises Conflict."""
    with database.read() as connection:
        runs, instances = connection.execute(_HISTORY, {"dag_id": dag_id}).one()
        pruned = connection.scalar(_COUNT_PRUNED, {"dag_id": dag_id}) or 0
        if runs + (instances or 0) + pruned <= _ROWS_AT_ONCE:
            return
        _refuse_active(connection, dag_id)
    with database.write() as connection:
        pause_for_deletion(connection, dag_id, now=now)
    transactions = _ShortTransactions(database)
    last_key = 0
    while runs := _oldest_idle(database, dag_id, last_key):
        last_key = runs[-1].id
        while runs:
            keys = _first_of(runs, transactions.rows_max)
            if transactions.run(lambda connection, rows_max: _delete_runs(connection, keys, rows_max, now=now)):  # noqa: B023
                runs = runs[len(keys) :]
    while transactions.run(lambda connection, rows_max: _delete_pruned(connection, dag_id, rows_max)):
        pass


class _ShortTransactions:
    """Transactions that delete as many rows as take about `_DELETION_SECONDS`, with a rest after each."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.rows_max = _ROWS_AT_ONCE // 4
        """Most runs and task instances that the next transaction deletes."""

    def run(self, delete_rows: Callable[[Connection, int], bool]) -> bool:
        """What the function returns that gets the connection and `rows_max`."""
        with self._database.write() as connection:
            began = monotonic()
            result = delete_rows(connection, self.rows_max)
            # Without the commit: a slow disk takes as long for few rows as for many.
            seconds = monotonic() - began
        fitting = int(self.rows_max * _DELETION_SECONDS / max(seconds, _DELETION_SECONDS / 2))
        self.rows_max = max(_ROWS_AT_ONCE_MIN, min(_ROWS_AT_ONCE, fitting))
        sleep(max(_REST_SECONDS_MIN, min(seconds, _DELETION_SECONDS) / 4))
        return result


def _oldest_idle(database: Database, dag_id: str, last_key: int) -> Sequence[Any]:
    """The oldest runs of a DAG behind a key that are not running, for many transactions.

    Where PostgreSQL has no statistics of new rows yet, this reads all runs of the DAG. In each transaction it took
    longer than the deletion.
    """
    with database.read() as connection:
        return connection.execute(_OLDEST_IDLE, {"dag_id": dag_id, "after": last_key, "limit_": _RUNS_READ}).all()


def _delete_runs(connection: Connection, keys: Sequence[int], rows_max: int, *, now: datetime) -> bool:
    """Delete the runs that are not running. False = a large run is deleted in part only."""
    lock_runs(connection, keys)
    # The scheduler or a user may have started some of them before this transaction locked them.
    idle = connection.execute(_STILL_IDLE, {"keys": keys}).all()
    wake_waiting(connection, [(row.id, row.parent_attempt_id) for row in idle], now=now)
    if len(idle) == 1 and idle[0].tasks_total > rows_max:
        if idle[0].state == RunState.QUEUED:
            # If the call breaks off, no scheduler may start what is left of the run.
            effects = Effects()
            end_run(connection, idle[0].id, effects, now=now, reason=StateReason.CANCELLED, message=_ENDED)
            effects.apply(connection)
        remove_instances(connection, idle[0].id, rows_max)
        return False
    remove_runs(connection, [row.id for row in idle], keeps_dag=True)
    if all(row.state in RUN_FINISHED and row.parent_attempt_id is None for row in idle):
        # The last transaction of the deletion is flushed, and all before it with it.
        commit_before_the_flush(connection)
    return True


def _delete_pruned(connection: Connection, dag_id: str, rows_max: int) -> bool:
    """Delete small rows of pruned runs of a DAG; whether there were any."""
    return connection.execute(_DELETE_PRUNED, {"dag_id": dag_id, "limit_": rows_max}).rowcount > 0


def _first_of(rows: Sequence[Any], rows_max: int) -> list[int]:
    """Keys of the first runs that have `rows_max` rows together; at least one run."""
    keys: list[int] = []
    total = 0
    for row in rows:
        total += 1 + row.tasks_total
        if keys and total > rows_max:
            break
        keys.append(row.id)
    return keys


def _lock_idle(connection: Connection, dag_id: str) -> None:
    """Lock the unfinished runs of a DAG. Raises Conflict when task instances are queued or running, or handlers of a
    run are still to run."""
    # Lock runs before their DAG, in the order of the scheduler.
    lock_runs(connection, connection.scalars(_UNFINISHED_RUNS, {"dag_id": dag_id}).all())
    _refuse_active(connection, dag_id)


def _refuse_active(connection: Connection, dag_id: str) -> None:
    if ending := connection.scalar(_ENDING_RUNS, {"dag_id": dag_id}):
        raise Conflict(
            f"dag '{dag_id}' has {ending} runs whose handlers or tear-downs have not ended; wait for the ends of its"
            " runs"
        )
    active = connection.scalar(_ACTIVE_INSTANCES, {"dag_id": dag_id})
    if active:
        raise Conflict(
            f"dag '{dag_id}' has {active} task instances queued or running; cancel its runs first, "
            "by PATCH .../dagRuns/{run_id} with state failed"
        )


_UNFINISHED_RUNS = select(dag_run.c.id).where(
    dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.state.not_in(RUN_FINISHED)
)
_AWAITED_RUNS = select(dag_run.c.id, dag_run.c.parent_attempt_id).where(
    dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.parent_attempt_id.is_not(None)
)
_limit = bindparam("limit_", type_=Integer())
_OF_DAG = pruned_run.c.dag_id == bindparam("dag_id")
_COUNT_PRUNED = select(func.count()).select_from(pruned_run).where(_OF_DAG)
_DELETE_PRUNED = delete(pruned_run).where(
    _OF_DAG, pruned_run.c.run_id.in_(select(pruned_run.c.run_id).where(_OF_DAG).limit(_limit))
)
_HISTORY = select(func.count(), func.sum(dag_run.c.tasks_total)).where(dag_run.c.dag_id == bindparam("dag_id"))
# A queued run has no active instance and no deferred one, so its instances hold no slots.
_IDLE = select(dag_run.c.id, dag_run.c.state, dag_run.c.parent_attempt_id, dag_run.c.tasks_total).where(
    dag_run.c.state.in_({*RUN_FINISHED, RunState.QUEUED})
)
_OLDEST_IDLE = (
    _IDLE.where(dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.id > bindparam("after"))
    .order_by(dag_run.c.id)
    .limit(_limit)
)
_STILL_IDLE = _IDLE.where(dag_run.c.id.in_(bindparam("keys", expanding=True))).order_by(dag_run.c.id)
_ACTIVE_INSTANCES = (
    select(func.count())
    .select_from(task_instance)
    .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
    .where(
        dag_run.c.dag_id == bindparam("dag_id"),
        dag_run.c.state.not_in(RUN_FINISHED),
        task_instance.c.state.in_(TASK_ACTIVE),
    )
)
_ENDING_RUNS = select(func.count()).where(
    dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.state == RunState.RUNNING, dag_run.c.ending.is_not(None)
)
_DELETE_RUNS = delete(dag_run).where(dag_run.c.dag_id == bindparam("dag_id"))
_DELETE_DAG = delete(dag).where(dag.c.dag_id == bindparam("dag_id"))
