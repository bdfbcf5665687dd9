"""Tear-downs of a run that is ended from outside: those that must still run, because a set-up has succeeded."""

from sqlalchemy import Connection, bindparam, select

from mainspring.definition import load_stored
from mainspring.run_ends import owed_teardowns
from mainspring.states import TaskState
from mainspring_store.database.types import Key
from mainspring_store.tables import dag_version, task_instance

__all__ = ["owed_indexes"]

_SELECT_DOCUMENT = select(dag_version.c.document).where(dag_version.c.id == bindparam("version", type_=Key))
_SELECT_STATES = select(task_instance.c.task_id, task_instance.c.task_index, task_instance.c.state).where(
    task_instance.c.dag_run_id == bindparam("run", type_=Key),
    task_instance.c.task_id.in_(bindparam("names", expanding=True)),
    # Neither a set-up nor a tear-down is mapped; in the versions before, the task may have been.
    task_instance.c.map_index == -1,
)


def owed_indexes(connection: Connection, run_key: int, version_id: int) -> frozenset[int]:
    """Task indexes of the unfinished tear-downs that have a set-up with a success. Two queries.

    The caller holds the lock of the run.
    """
    tasks = load_stored(connection.scalars(_SELECT_DOCUMENT, {"version": version_id}).one()).tasks
    teardowns = {task_id: task.teardown for task_id, task in tasks.items() if task.teardown is not None}
    names = {*teardowns, *(name for teardown in teardowns.values() for name in teardown.of)}
    rows = connection.execute(_SELECT_STATES, {"run": run_key, "names": sorted(names)}).all()
    owed = owed_teardowns(tasks, [(row.task_id, TaskState(row.state)) for row in rows])
    return frozenset(row.task_index for row in rows if row.task_id in owed)
