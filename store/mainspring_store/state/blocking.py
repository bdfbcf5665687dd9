"""Parked instances: decided to wait, not ready, until an instance of their task ends here or in another run.

Whether what ends is to wake anybody cannot be told from its own version: a later one may have brought the limit. So
the statements that end instances say besides whether anything is parked at all, which costs them next to nothing.
"""

from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, Update, bindparam, exists, literal_column, select, text, update

from mainspring_store.database.transactions import Database
from mainspring_store.database.types import Key, UtcDateTime
from mainspring_store.tables import dag_run, task_instance

__all__ = ["ANY_BLOCKED", "BLOCKED", "wake_blocked", "wake_forgotten"]

# The very words of the partial index, so that both databases recognise it.
BLOCKED = text(
    "task_instance.state = 'scheduled' AND NOT task_instance.ready "
    "AND task_instance.state_reason IN ('depends_on_past', 'max_active_tis')"
)

# A subquery of its own, though it stands in statements on the same table.
ANY_BLOCKED = exists(select(literal_column("1")).select_from(task_instance).where(BLOCKED).correlate(None))


def wake_blocked(connection: Connection, run_key: int) -> None:
    """Ask again about all parked instances in the DAG of a run that was ended at once."""
    connection.execute(_wake(), {"run": run_key})


def wake_forgotten(database: Database, *, before: datetime) -> int:
    """Ask again about instances that were parked before an instant, longest parked first; how many. PostgreSQL only.

    The net below the wake-ups: a scheduler that parks and another one that ends the last active instance at the same
    time do not see each other's rows. Whoever still finds no room is parked anew, and comes last the next time.
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
