"""Parked instances: decided to wait, not ready, until an instance of their task ends here or in another run.

Whether what ends is to wake anybody cannot be told from its own version: a later one may have brought the limit. So
the statements that end instances say besides whether anything is parked at all, which costs them next to nothing.
"""

from functools import lru_cache

from sqlalchemy import Connection, Update, bindparam, exists, literal_column, select, text, update

from mainspring_store.tables import dag_run, task_instance
from mainspring_store.types import Key

__all__ = ["ANY_PARKED", "PARKED", "wake_parked"]

# The very words of the partial index, so that both databases recognise it.
PARKED = text(
    "task_instance.state = 'scheduled' AND NOT task_instance.ready "
    "AND task_instance.state_reason IN ('depends_on_past', 'max_active_tis')"
)

# A subquery of its own, though it stands in statements on the same table.
ANY_PARKED = exists(select(literal_column("1")).select_from(task_instance).where(PARKED).correlate(None))


def wake_parked(connection: Connection, run_key: int) -> None:
    """Ask again about all parked instances in the DAG of a run that was ended at once."""
    connection.execute(_wake(), {"run": run_key})


@lru_cache(maxsize=1)
def _wake() -> Update:
    dag_id = select(dag_run.c.dag_id).where(dag_run.c.id == bindparam("run", type_=Key)).scalar_subquery()
    runs = select(dag_run.c.id).where(dag_run.c.dag_id == dag_id, dag_run.c.state == literal_column("'running'"))
    return (
        update(task_instance).where(PARKED, task_instance.c.dag_run_id.in_(runs)).values(ready=True, state_reason=None)
    )
