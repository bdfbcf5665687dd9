"""A run with all its task instances, for reports and for the log of the whole run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, case, func, or_, select

from mainspring.states import TaskState
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.transactions import Database
from mainspring_store.tables import dag_run, task_instance, task_try

__all__ = ["instance_counts", "instances_of_run", "started_instances", "states_of_runs"]

_ROWS_AT_ONCE = 2_000


def instance_counts(database: Database, key: int) -> Mapping[TaskState, int]:
    """State -> number of task instances of a run; absent = 0. key: primary key of the run."""
    with database.read() as connection:
        return {TaskState(row.state): row.instances for row in connection.execute(_COUNTS, {"key": key})}


def instances_of_run(database: Database, key: int) -> Iterator[dict[str, Any]]:
    """The task instances of a run in the order of their task ids and map indexes, read in short transactions.

    With columns of the latest attempt: `attempt_id`, `message`, `exit_code`, `log_bytes`; null = no attempt.
    """
    place = {"task_index": -1, "map_index": -1}
    while True:
        with database.read() as connection:
            rows = connection.execute(_INSTANCES, {"key": key, **place}).all()
        for row in rows:
            yield row._asdict()
        if len(rows) < _ROWS_AT_ONCE:
            return
        place = {"task_index": rows[-1].task_index, "map_index": rows[-1].map_index}


def started_instances(database: Database, key: int) -> Sequence[dict[str, Any]]:
    """The task instances of a run that have had an attempt, in the order of their starts: `task_id`, `map_index`,
    `state`, `try_number`, `attempt_id`."""
    with database.read() as connection:
        return [row._asdict() for row in connection.execute(_STARTED, {"key": key})]


def states_of_runs(database: Database, names: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """(DAG id, run id) -> state, state_reason, start_date and end_date of the runs that exist."""
    rows = dump_rows({"dag_id": dag_id, "run_id": run_id} for dag_id, run_id in dict.fromkeys(names))
    with database.read() as connection:
        statement = _STATES[connection.dialect.name == "sqlite"]
        return {(row.dag_id, row.run_id): row._asdict() for row in connection.execute(statement, {"rows": rows})}


_ti = task_instance.c
_COUNTS = (
    select(_ti.state, func.count().label("instances")).where(_ti.dag_run_id == bindparam("key")).group_by(_ti.state)
)
_INSTANCES = (
    select(
        _ti.task_index,
        _ti.task_id,
        _ti.map_index,
        _ti.state,
        _ti.state_reason,
        _ti.try_number,
        _ti.start_date,
        _ti.end_date,
        _ti.attempt_id,
        task_try.c.message,
        task_try.c.exit_code,
        func.coalesce(task_try.c.log_bytes, 0).label("log_bytes"),
    )
    .outerjoin(task_try, task_try.c.attempt_id == _ti.attempt_id)
    .where(
        _ti.dag_run_id == bindparam("key"),
        or_(
            _ti.task_index > bindparam("task_index"),
            (_ti.task_index == bindparam("task_index")) & (_ti.map_index > bindparam("map_index")),
        ),
    )
    .order_by(_ti.task_index, _ti.map_index)
    .limit(_ROWS_AT_ONCE)
)
_STARTED = (
    select(_ti.task_id, _ti.map_index, _ti.state, _ti.try_number, _ti.attempt_id)
    .where(_ti.dag_run_id == bindparam("key"), _ti.attempt_id.is_not(None), _ti.try_number > 0)
    .order_by(case((_ti.start_date.is_(None), 1), else_=0), _ti.start_date, _ti.id)
)


def _states(*, is_sqlite: bool) -> Any:
    names = as_rows({"dag_id": str, "run_id": str}, is_sqlite=is_sqlite)
    run = dag_run.c
    return select(run.dag_id, run.run_id, run.state, run.state_reason, run.start_date, run.end_date).join(
        names, (names.c.dag_id == run.dag_id) & (names.c.run_id == run.run_id)
    )


_STATES = {is_sqlite: _states(is_sqlite=is_sqlite) for is_sqlite in (True, False)}
