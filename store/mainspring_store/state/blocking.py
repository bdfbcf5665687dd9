"""Blocked instances: a limit of their task or the previous run keeps these instances from being ready.

The end of an instance of the task, in any run of the DAG, unblocks the blocked instances. A newer version of the DAG
may have added the limit, so the version of the ending instance does not show whether to unblock. Therefore every
statement that ends instances also returns whether a blocked instance exists; the cost of this subquery is small.
"""

from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, Update, bindparam, exists, literal_column, select, text, update

from mainspring_store.database.transactions import Database
from mainspring_store.database.types import Key, UtcDateTime
from mainspring_store.tables import dag_run, task_instance

__all__ = ["ANY_BLOCKED", "BLOCKED", "wake_blocked", "wake_forgotten"]

# The exact text of the partial index, so that both databases use the index.
BLOCKED = text(
    "task_instance.state = 'scheduled' AND NOT task_instance.ready "
    "AND task_instance.state_reason IN ('depends_on_past', 'max_active_tis')"
)

# Uncorrelated, although the outer statements use the same table.
ANY_BLOCKED = exists(select(literal_column("1")).select_from(task_instance).where(BLOCKED).correlate(None))


def wake_blocked(connection: Connection, run_key: int) -> None:
    """Unblock all blocked instances in the DAG of a run ended by a cancel, a timeout or the loss of its parent."""
    connection.execute(_wake(), {"run": run_key})


def wake_forgotten(database: Database, *, before: datetime) -> int:
    """Unblock instances blocked before an instant, longest blocked first; returns their number. PostgreSQL only.

    A safety net: a scheduler may block an instance while a second scheduler ends the last active instance of the task.
    Neither scheduler sees the uncommitted row of the other. An instance above its limit is blocked again and comes
    last the next time.
    """
    with database.write() as connection:
        return connection.execute(_WAKE_FORGOTTEN, {"before": before}).rowcount


_FORGOTTEN_MAX = 256
_forgotten = (
    select(task_instance.c.id)
    .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
    .where(
        BLOCKED,
        task_instance.c.updated_at < bindparam("before", type_=UtcDateTime),
        dag_run.c.state == literal_column("'running'"),
    )
    .order_by(task_instance.c.updated_at, task_instance.c.id)
    .limit(_FORGOTTEN_MAX)
    .with_for_update(skip_locked=True, of=task_instance)
)
_WAKE_FORGOTTEN = (
    update(task_instance)
    .where(task_instance.c.id.in_(select(_forgotten.cte("forgotten").c.id)))
    .values(ready=True, state_reason=None)
)


@lru_cache(maxsize=1)
def _wake() -> Update:
    dag_id = select(dag_run.c.dag_id).where(dag_run.c.id == bindparam("run", type_=Key)).scalar_subquery()
    runs = select(dag_run.c.id).where(dag_run.c.dag_id == dag_id, dag_run.c.state == literal_column("'running'"))
    return (
        update(task_instance).where(BLOCKED, task_instance.c.dag_run_id.in_(runs)).values(ready=True, state_reason=None)
    )
