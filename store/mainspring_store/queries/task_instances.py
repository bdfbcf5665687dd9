"""Task instances and their states."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, bindparam, case, cast, func, select

from mainspring.errors import NotFound
from mainspring.run_priority import RANKS_OF_PRIORITY
from mainspring.states import TaskState
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.transactions import Database
from mainspring_store.queries.dags import require_dag
from mainspring_store.queries.filters import (
    Kind,
    constant,
    equal_to,
    is_set,
    one_of,
    patterns,
    ranges,
    ranges_up_to_now,
    seconds_between,
    state_of,
)
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, list_rows
from mainspring_store.queries.runs import run_not_found
from mainspring_store.tables import dag, dag_run, dag_version, task_display_name, task_instance, task_try

__all__ = [
    "INSTANCES",
    "INSTANCES_BATCH",
    "get_task_instance",
    "instance_ids",
    "instances_by_id",
    "list_mapped_instances",
    "list_task_instances",
]

_MAP_INDEX_MAX = 2**31 - 1
"""The largest value of the column."""
_OTHER_STATES = ("restarting", "up_for_reschedule", "awaiting_input")
"""States of Airflow that no task instance of ours has."""

_ti = task_instance.c
_duration = seconds_between(_ti.start_date, _ti.end_date)
_display_name = (
    select(task_display_name.c.display_name)
    .where(
        task_display_name.c.dag_version_id == dag_run.c.dag_version_id,
        task_display_name.c.task_id == _ti.task_id,
    )
    .correlate(dag_run, task_instance)
    .scalar_subquery()
)

_INSTANCE = (
    select(
        _ti.id,
        dag_run.c.dag_id,
        dag.c.display_name,
        dag_run.c.run_id,
        dag_run.c.logical_date,
        dag_run.c.run_after,
        _ti.task_id,
        _ti.map_index,
        _ti.map_key,
        _ti.turn,
        _ti.state,
        _ti.state_reason,
        _ti.try_number,
        _ti.max_tries,
        _ti.not_before,
        _ti.waits_for,
        _ti.start_date,
        _ti.end_date,
        _ti.queued_at,
        _ti.late_since,
        _ti.pool,
        _ti.pool_slots,
        _ti.queue,
        (-_ti.rank - dag_run.c.priority * RANKS_OF_PRIORITY).label("priority"),
        _ti.operator,
        _ti.executor,
        _ti.note,
        task_try.c.executor.label("try_executor"),
        task_try.c.hostname,
        task_try.c.pid,
        task_try.c.exit_code,
        task_try.c.message,
        task_try.c.state.label("try_state"),
        task_try.c.stopped_at,
        dag_run.c.dag_version_id,
        dag_version.c.uuid.label("version_uuid"),
        dag_version.c.version_number,
        dag_version.c.is_inline,
        dag_version.c.content_hash,
        dag_version.c.created_at.label("version_created_at"),
    )
    .join(dag_run, dag_run.c.id == _ti.dag_run_id)
    .join(dag, dag.c.dag_id == dag_run.c.dag_id)
    .join(dag_version, dag_version.c.id == dag_run.c.dag_version_id)
    .outerjoin(task_try, task_try.c.attempt_id == _ti.attempt_id)
)

INSTANCES = Listing(
    rows=_INSTANCE,
    filters={
        "task_id": equal_to(_ti.task_id),
        **ranges("run_after", dag_run.c.run_after, Kind.INSTANT),
        **ranges("logical_date", dag_run.c.logical_date, Kind.INSTANT),
        **ranges_up_to_now("start_date", _ti.start_date),
        **ranges_up_to_now("end_date", _ti.end_date),
        **ranges("updated_at", _ti.updated_at, Kind.INSTANT),
        **ranges("duration", _duration, Kind.NUMBER),
        **patterns("task_display_name", func.coalesce(_display_name, _ti.task_id)),
        **patterns("dag_id", dag_run.c.dag_id),
        **patterns("run_id", dag_run.c.run_id),
        "state": state_of(_ti.state, TaskState, *_OTHER_STATES),
        "is_late": is_set(_ti.late_since),
        "has_note": is_set(_ti.note),
        "pool": one_of(_ti.pool),
        **patterns("pool_name", _ti.pool),
        "queue": one_of(_ti.queue),
        **patterns("queue_name", _ti.queue),
        "executor": one_of(func.coalesce(task_try.c.executor, _ti.executor)),
        "version_number": one_of(dag_version.c.version_number, Kind.INTEGER),
        "try_number": one_of(_ti.try_number, Kind.INTEGER),
        "operator": one_of(_ti.operator),
        **patterns("operator_name", _ti.operator),
        "map_index": one_of(_ti.map_index, Kind.INTEGER),
        **patterns(
            "rendered_map_index", func.coalesce(_ti.map_key, case((_ti.map_index >= 0, cast(_ti.map_index, Text))))
        ),
        # The version of the DAG says which tasks the group has: see `task_ids` of the lists.
        "task_group_id": constant(Kind.TEXT, lambda _: True),
    },
    sort_keys={
        "id": SortKey(column=_ti.id, kind=Kind.INTEGER, is_nullable=False),
        "state": SortKey(column=_ti.state, kind=Kind.TEXT, is_nullable=False),
        "duration": SortKey(column=_duration, kind=Kind.NUMBER),
        "start_date": SortKey(column=_ti.start_date, kind=Kind.INSTANT),
        "end_date": SortKey(column=_ti.end_date, kind=Kind.INSTANT),
        "map_index": SortKey(column=_ti.map_index, kind=Kind.INTEGER, is_nullable=False),
        "try_number": SortKey(column=_ti.try_number, kind=Kind.INTEGER, is_nullable=False),
        "logical_date": SortKey(column=dag_run.c.logical_date, kind=Kind.INSTANT),
        "run_after": SortKey(column=dag_run.c.run_after, kind=Kind.INSTANT, is_nullable=False),
        "data_interval_start": SortKey(column=dag_run.c.data_interval_start, kind=Kind.INSTANT),
        "data_interval_end": SortKey(column=dag_run.c.data_interval_end, kind=Kind.INSTANT),
        "rendered_map_index": SortKey(column=_ti.map_index, kind=Kind.INTEGER, is_nullable=False),
        "operator": SortKey(column=_ti.operator, kind=Kind.TEXT, is_nullable=False),
    },
    default_order=("map_index",),
    tie_breaker=("id",),
    counted=(task_instance, task_instance.join(dag_run, dag_run.c.id == _ti.dag_run_id)),
    dag_id=dag_run.c.dag_id,
)


_BATCH_RANGES = ("run_after", "logical_date", "duration")
INSTANCES_BATCH = INSTANCES.with_filters(
    {
        **ranges("start_date", _ti.start_date, Kind.INSTANT),
        **ranges("end_date", _ti.end_date, Kind.INSTANT),
        **{name: entry for name, entry in INSTANCES.filters.items() if name.rpartition("_")[0] in _BATCH_RANGES},
        **{name: INSTANCES.filters[name] for name in ("state", "pool", "queue", "executor")},
        "dag_ids": one_of(dag_run.c.dag_id),
        "dag_run_ids": one_of(dag_run.c.run_id),
        "task_ids": one_of(_ti.task_id),
    }
)
"""Instances with the filters of a request body. As in Airflow, a range of dates omits instances whose date is NULL."""


def get_task_instance(
    database: Database, dag_id: str, run_id: str, task_id: str, *, map_index: int = -1
) -> dict[str, Any]:
    """A task instance with columns of its latest attempt; `dag_version_id` is the version of its run. `payload` is the
    evaluated payload; `None` = no attempt, or an attempt with the payload of the definition.

    Raises:
        NotFound: There is no such task instance.
    """
    if abs(map_index) > _MAP_INDEX_MAX:
        raise instance_not_found(dag_id, run_id, task_id, map_index)
    with database.read() as connection:
        row = connection.execute(
            _ONE_INSTANCE, {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}
        ).one_or_none()
    if row is None:
        raise instance_not_found(dag_id, run_id, task_id, map_index)
    return row._asdict()


def list_task_instances(
    database: Database,
    query: ListQuery,
    *,
    dag_id: str | None,
    run_id: str | None,
    task_ids: Sequence[str] | None = None,
    listing: Listing = INSTANCES,
) -> Listed:
    """A page of the task instances of one run, of all runs of a DAG (`run_id` None), or of all DAGs (both None).

    task_ids: only instances of these tasks; None = of all tasks.

    Raises:
        NotFound: There is no such DAG or run.
        InvalidPage: See `list_rows`.
    """
    with database.read() as connection:
        of_tasks = () if task_ids is None else (_is_among(task_ids, is_sqlite=database.is_sqlite),)
        if dag_id is None:
            return list_rows(connection, listing, query, *of_tasks)
        if run_id is None:
            require_dag(connection, dag_id)
            return list_rows(connection, listing, query, dag_run.c.dag_id == dag_id, *of_tasks)
        key = _require_run(connection, dag_id, run_id)
        return list_rows(connection, listing, query, _ti.dag_run_id == key, *of_tasks)


def list_mapped_instances(database: Database, query: ListQuery, dag_id: str, run_id: str, task_id: str) -> Listed:
    """A page of the instances of a mapped task of a run; empty before the expansion.

    The page omits the placeholder (map index -1).

    Raises:
        NotFound: There is no such run, or the run has no such task.
        InvalidPage: See `list_rows`.
    """
    with database.read() as connection:
        key = _require_run(connection, dag_id, run_id)
        if not connection.execute(_TASK_IDS, {"key": key, "task_id": task_id}).first():
            raise instance_not_found(dag_id, run_id, task_id)
        return list_rows(
            connection, INSTANCES, query, _ti.dag_run_id == key, _ti.task_id == task_id, _ti.map_index >= 0
        )


def instance_ids(
    database: Database, dag_id: str, run_id: str, task_id: str, *, map_index: int | None = None
) -> list[int]:
    """Ids of the instances of a task in a run, by map index. `map_index` selects a single instance.

    Raises:
        NotFound: No instance matches.
    """
    with database.read() as connection:
        key = _require_run(connection, dag_id, run_id)
        rows = connection.execute(_TASK_IDS, {"key": key, "task_id": task_id}).all()
    ids = [row.id for row in rows if map_index is None or row.map_index == map_index]
    if not ids:
        raise instance_not_found(dag_id, run_id, task_id, -1 if map_index is None else map_index)
    return ids


def instances_by_id(database: Database, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Task instances sorted by run, task and map index; skips deleted instances."""
    with database.read() as connection:
        rows = connection.execute(_by_id(database.is_sqlite), {"rows": dump_rows({"id": key} for key in ids)})
        return [row._asdict() for row in rows]


def _is_among(task_ids: Sequence[str], *, is_sqlite: bool) -> ColumnElement[bool]:
    """Whether a row is of one of the tasks. One parameter holds all ids: a group may have ten thousand tasks."""
    rows = as_rows({"task_id": str}, is_sqlite=is_sqlite)
    ids = select(rows.c.task_id).params(rows=dump_rows({"task_id": task_id} for task_id in task_ids))
    return _ti.task_id.in_(ids)


def instance_not_found(dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> NotFound:
    item = "" if map_index == -1 else f", map_index: {map_index}"
    return NotFound(
        f"The Task Instance with dag_id: '{dag_id}', run_id: '{run_id}', task_id: '{task_id}'{item} was not found"
    )


def _require_run(connection: Connection, dag_id: str, run_id: str) -> int:
    key: int | None = connection.scalar(_RUN_KEY, {"dag_id": dag_id, "run_id": run_id})
    if key is None:
        raise run_not_found(dag_id, run_id)
    return key


@lru_cache(maxsize=2)
def _by_id(is_sqlite: bool) -> Select[Any]:
    ids = as_rows({"id": int}, is_sqlite=is_sqlite)
    return _INSTANCE.where(_ti.id.in_(select(ids.c.id))).order_by(_ti.dag_run_id, _ti.task_index, _ti.map_index)


_TASK_IDS = (
    select(_ti.id, _ti.map_index)
    .where(_ti.dag_run_id == bindparam("key"), _ti.task_id == bindparam("task_id"))
    .order_by(_ti.map_index)
)
_RUN_KEY = select(dag_run.c.id).where(dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.run_id == bindparam("run_id"))
_ONE_INSTANCE = _INSTANCE.add_columns(task_try.c.payload).where(
    dag_run.c.dag_id == bindparam("dag_id"),
    dag_run.c.run_id == bindparam("run_id"),
    _ti.task_id == bindparam("task_id"),
    _ti.map_index == bindparam("map_index"),
)
