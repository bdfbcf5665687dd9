"""Why a task instance does not run yet, according to the stored state of instance, run, DAG and pool."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from mainspring.definition.model import TaskType
from mainspring.states import RunState, StateReason, TaskState
from mainspring_store.database.transactions import Database
from mainspring_store.queries.task_instances import get_task_instance
from mainspring_store.tables import dag, dag_run, pool, task_instance

__all__ = ["unmet_dependencies"]

_WAITING = frozenset({TaskState.SCHEDULED, TaskState.UP_FOR_RETRY})


def unmet_dependencies(
    database: Database, dag_id: str, run_id: str, task_id: str, *, map_index: int, now: datetime
) -> list[tuple[str, str]]:
    """Name and reason of each unmet dependency; empty when the instance has started or can start now.

    Raises:
        NotFound: There is no such task instance.
    """
    key = get_task_instance(database, dag_id, run_id, task_id, map_index=map_index)["id"]
    with database.read() as connection:
        row = connection.execute(_FACTS, {"key": key}).one_or_none()
    if row is None or row.state not in _WAITING or row.run_state not in (RunState.QUEUED, RunState.RUNNING):
        return []
    return [*_of_run(row, now), *_of_instance(row)]


def _of_run(row: Any, now: datetime) -> Iterator[tuple[str, str]]:
    if row.run_state == RunState.RUNNING:
        if row.tasks_active >= row.max_active_tasks:
            yield "Dag Active Tasks", f"{row.tasks_active} tasks of the run are active; {row.max_active_tasks} may be"
        return
    yield "Dagrun Running", "The run is queued"
    if row.is_paused:
        yield "Dag Not Paused", "The DAG is paused"
    if row.run_after > now:
        yield "Execution Date", f"The run starts at {row.run_after.isoformat()} at the earliest"


def _of_instance(row: Any) -> Iterator[tuple[str, str]]:
    if row.state == TaskState.UP_FOR_RETRY and row.not_before is not None:
        yield "Not In Retry Period", f"The next try is due at {row.not_before.isoformat()}"
        return
    done = row.up_success + row.up_failed + row.up_upstream_failed + row.up_skipped + row.up_removed
    if done < row.up_total and not row.ready:
        yield "Trigger Rule", f"{row.up_total - done} of {row.up_total} upstream task instances have not ended"
    if row.state_reason == StateReason.DEPENDS_ON_PAST:
        yield "Previous Dagrun State", "The task has not succeeded in the run before"
    if row.state_reason == StateReason.MAX_ACTIVE_TIS:
        yield "Task Concurrency", "As many instances of the task are active as may be"
    if row.slots is None:
        yield "Pool Slots Available", f"There is no pool '{row.pool}'"
    elif 0 <= row.slots < _slots_taken(row) + row.pool_slots:
        yield "Pool Slots Available", _lack_of_slots(row)


def _slots_taken(row: Any) -> int:
    """Slots of the pool that are taken for this instance.

    In a pool without `include_deferred`, a `dag` task competes with waiting `dag` tasks only.
    """
    taken: int = row.calling if row.operator == TaskType.DAG and not row.include_deferred else row.used
    return taken


def _lack_of_slots(row: Any) -> str:
    if row.pool_slots > row.slots:
        return (
            f"The task needs {row.pool_slots} slots and pool '{row.pool}' has {row.slots} in all: the task never starts"
            " unless the pool gets more slots"
        )
    taken = f"{_slots_taken(row)} of {row.slots} slots of pool '{row.pool}' are taken"
    return f"The task needs {row.pool_slots} slots; {taken}"


_ti = task_instance.c
_FACTS = (
    select(
        _ti.state,
        _ti.state_reason,
        _ti.ready,
        _ti.not_before,
        _ti.up_total,
        _ti.up_success,
        _ti.up_failed,
        _ti.up_upstream_failed,
        _ti.up_skipped,
        _ti.up_removed,
        _ti.operator,
        _ti.pool,
        _ti.pool_slots,
        dag_run.c.state.label("run_state"),
        dag_run.c.run_after,
        dag_run.c.tasks_active,
        dag_run.c.max_active_tasks,
        dag.c.is_paused,
        pool.c.slots,
        pool.c.used,
        pool.c.calling,
        pool.c.include_deferred,
    )
    .join(dag_run, dag_run.c.id == _ti.dag_run_id)
    .join(dag, dag.c.dag_id == dag_run.c.dag_id)
    .outerjoin(pool, pool.c.name == _ti.pool)
    .where(_ti.id == bindparam("key"))
)
