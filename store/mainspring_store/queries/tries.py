"""Tries of task instances. A clear keeps the rows of earlier tries."""

from typing import Any

from sqlalchemy import bindparam, select

from mainspring.run_priority import RANKS_OF_PRIORITY
from mainspring_store.database.transactions import Database
from mainspring_store.queries.task_instances import get_task_instance
from mainspring_store.tables import dag, dag_run, dag_version, task_instance, task_try

__all__ = ["list_tries"]

_ti, _try = task_instance.c, task_try.c


def list_tries(database: Database, dag_id: str, run_id: str, task_id: str, *, map_index: int) -> list[dict[str, Any]]:
    """The tries of a task instance, oldest first; empty when the instance was never queued.

    Raises:
        NotFound: There is no such task instance.
    """
    key = get_task_instance(database, dag_id, run_id, task_id, map_index=map_index)["id"]
    with database.read() as connection:
        return [row._asdict() for row in connection.execute(_TRIES, {"key": key})]


_TRIES = (
    select(
        dag_run.c.dag_id,
        dag.c.display_name,
        dag_run.c.run_id,
        dag_run.c.dag_version_id,
        dag_version.c.uuid.label("version_uuid"),
        dag_version.c.version_number,
        dag_version.c.is_inline,
        dag_version.c.content_hash,
        dag_version.c.created_at.label("version_created_at"),
        _ti.task_id,
        _ti.map_index,
        _ti.max_tries,
        _ti.pool,
        _ti.pool_slots,
        _ti.queue,
        (-_ti.rank - dag_run.c.priority * RANKS_OF_PRIORITY).label("priority"),
        _ti.operator,
        _try.try_number,
        _try.generation,
        _try.state,
        _try.state_reason,
        _try.message,
        _try.executor,
        _try.queued_at,
        _try.start_date,
        _try.end_date,
        _try.stopped_at,
        _try.hostname,
        _try.pid,
        _try.exit_code,
        _try.turn,
        _try.outputs,
    )
    .select_from(task_try)
    .join(task_instance, _ti.id == _try.task_instance_id)
    .join(dag_run, dag_run.c.id == _ti.dag_run_id)
    .join(dag, dag.c.dag_id == dag_run.c.dag_id)
    .join(dag_version, dag_version.c.id == dag_run.c.dag_version_id)
    .where(_try.task_instance_id == bindparam("key"))
    .order_by(_try.try_number)
)
