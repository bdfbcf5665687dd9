"""Runs, their states and their results."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Text, bindparam, select, text, type_coerce

from mainspring.errors import NotFound
from mainspring.large_values import LargeValue
from mainspring.states import RunState, RunType
from mainspring_store.database.transactions import Database
from mainspring_store.queries.dags import require_dag
from mainspring_store.queries.filters import (
    Kind,
    constant,
    is_set,
    one_of,
    patterns,
    ranges,
    ranges_up_to_now,
    seconds_between,
    state_of,
    text_contains,
)
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, always_null, list_rows
from mainspring_store.tables import dag, dag_run, dag_version, task_instance, task_try, xcom

__all__ = [
    "RUNS",
    "RUNS_BATCH",
    "RUN_COLUMNS",
    "get_run",
    "list_runs",
    "run_key",
    "run_not_found",
    "run_states",
    "run_version",
    "stopping_runs",
    "task_results",
]

_run = dag_run.c
_duration = seconds_between(_run.start_date, _run.end_date)

_OTHER_RUN_TYPES = ("asset_materialization", "none")
"""Run types of Airflow that no run of ours has."""

RUN_COLUMNS = (
    _run.id,
    _run.dag_id,
    dag.c.display_name,
    _run.run_id,
    _run.run_type,
    _run.state,
    _run.state_reason,
    _run.message,
    _run.conf,
    _run.params,
    _run.outputs,
    _run.logical_date,
    _run.data_interval_start,
    _run.data_interval_end,
    _run.run_after,
    _run.queued_at,
    _run.start_date,
    _run.end_date,
    _run.late_since,
    _run.tasks_failed,
    _run.last_scheduling_decision,
    _run.triggered_by,
    _run.triggering_user_name,
    _run.note,
    _run.concurrency_key,
    _run.is_paused,
    _run.priority,
    _run.keep,
    _run.sources,
    dag_version.c.uuid.label("version_uuid"),
    dag_version.c.version_number,
    dag_version.c.is_inline,
    dag_version.c.content_hash,
    dag_version.c.created_at.label("version_created_at"),
)
_RUN = (
    select(*RUN_COLUMNS)
    .join(dag, dag.c.dag_id == _run.dag_id)
    .join(dag_version, dag_version.c.id == _run.dag_version_id)
)

RUNS = Listing(
    rows=_RUN,
    filters={
        **ranges("run_after", _run.run_after, Kind.INSTANT),
        **ranges("logical_date", _run.logical_date, Kind.INSTANT),
        **ranges_up_to_now("start_date", _run.start_date),
        **ranges_up_to_now("end_date", _run.end_date),
        **ranges("updated_at", _run.updated_at, Kind.INSTANT),
        **ranges("duration", _duration, Kind.NUMBER),
        "conf_contains": text_contains(_run.conf),
        "run_type": one_of(_run.run_type, choices=[*RunType, *_OTHER_RUN_TYPES]),
        "state": state_of(_run.state, RunState),
        "is_late": is_set(_run.late_since),
        "has_note": is_set(_run.note),
        "dag_version": one_of(dag_version.c.version_number, Kind.INTEGER),
        **patterns("run_id", _run.run_id),
        **patterns("triggering_user_name", _run.triggering_user_name),
        **patterns("dag_id", _run.dag_id),
        # Parameters of Airflow without a counterpart: our runs have no bundles, partitions or assets.
        "bundle_version": constant(Kind.TEXT, lambda _: False),
        "partition_key_pattern": constant(Kind.TEXT, lambda pattern: pattern == "~"),
        "partition_key_prefix_pattern": constant(Kind.TEXT, lambda pattern: pattern == "~"),
        "consuming_asset_pattern": constant(Kind.TEXT, lambda pattern: pattern == "~"),
    },
    sort_keys={
        "id": SortKey(column=_run.id, kind=Kind.INTEGER, is_nullable=False),
        "state": SortKey(column=_run.state, kind=Kind.TEXT, is_nullable=False),
        "dag_id": SortKey(column=_run.dag_id, kind=Kind.TEXT, is_nullable=False),
        "run_id": SortKey(column=_run.run_id, kind=Kind.TEXT, is_nullable=False),
        "dag_run_id": SortKey(column=_run.run_id, kind=Kind.TEXT, is_nullable=False),
        "logical_date": SortKey(column=_run.logical_date, kind=Kind.INSTANT),
        "partition_date": always_null(Kind.INSTANT),
        "run_after": SortKey(column=_run.run_after, kind=Kind.INSTANT, is_nullable=False),
        "start_date": SortKey(column=_run.start_date, kind=Kind.INSTANT),
        "end_date": SortKey(column=_run.end_date, kind=Kind.INSTANT),
        "updated_at": SortKey(column=_run.updated_at, kind=Kind.INSTANT, is_nullable=False),
        "conf": SortKey(column=type_coerce(_run.conf, Text), kind=Kind.TEXT, is_nullable=False),
        "duration": SortKey(column=_duration, kind=Kind.NUMBER),
    },
    default_order=("id",),
    tie_breaker=("id",),
    counted=(dag_run,),
    dag_id=_run.dag_id,
)


_BATCH_RANGES = ("run_after", "logical_date", "duration")
RUNS_BATCH = RUNS.with_filters(
    {
        **ranges("start_date", _run.start_date, Kind.INSTANT),
        **ranges("end_date", _run.end_date, Kind.INSTANT),
        **{name: entry for name, entry in RUNS.filters.items() if name.rpartition("_")[0] in _BATCH_RANGES},
        "conf_contains": RUNS.filters["conf_contains"],
        "dag_ids": one_of(_run.dag_id),
        "states": RUNS.filters["state"],
    }
)
"""Runs with the filters of a request body. As in Airflow, a range of dates omits runs whose date is NULL."""


def get_run(database: Database, dag_id: str, run_id: str) -> dict[str, Any]:
    """A run, with the columns of `RUN_COLUMNS`.

    Raises:
        NotFound: There is no such run.
    """
    with database.read() as connection:
        row = connection.execute(_ONE_RUN, {"dag_id": dag_id, "run_id": run_id}).one_or_none()
    if row is None:
        raise run_not_found(dag_id, run_id)
    return row._asdict()


def run_key(database: Database, dag_id: str, run_id: str) -> tuple[int, RunState]:
    """The primary key and the state of a run.

    Raises:
        NotFound: There is no such run.
    """
    with database.read() as connection:
        row = connection.execute(_RUN_KEY, {"dag_id": dag_id, "run_id": run_id}).one_or_none()
    if row is None:
        raise run_not_found(dag_id, run_id)
    return row.id, RunState(row.state)


def run_version(database: Database, dag_id: str, run_id: str) -> int:
    """The primary key of the version that a run uses.

    Raises:
        NotFound: There is no such run.
    """
    with database.read() as connection:
        version: int | None = connection.scalar(_VERSION_OF_RUN, {"dag_id": dag_id, "run_id": run_id})
    if version is None:
        raise run_not_found(dag_id, run_id)
    return version


def list_runs(database: Database, query: ListQuery, *, dag_id: str | None, listing: Listing = RUNS) -> Listed:
    """A page of the runs of one DAG, or of all DAGs (`None`).

    Raises:
        NotFound: There is no such DAG.
        InvalidPage: See `list_rows`.
    """
    with database.read() as connection:
        if dag_id is None:
            return list_rows(connection, listing, query)
        require_dag(connection, dag_id)
        return list_rows(connection, listing, query, _run.dag_id == dag_id)


def run_states(database: Database, keys: Sequence[int]) -> Mapping[int, RunState]:
    """Primary key -> state; deleted runs are missing."""
    with database.read() as connection:
        return {row.id: RunState(row.state) for row in connection.execute(_STATES, {"keys": list(keys)})}


def stopping_runs(database: Database, keys: Sequence[int]) -> frozenset[int]:
    """Primary keys of the runs with attempts whose processes may not have stopped."""
    with database.read() as connection:
        return frozenset(connection.scalars(_STOPPING, {"keys": list(keys)}))


def task_results(database: Database, key: int, task_ids: Sequence[str]) -> Mapping[str, str]:
    """Task id -> JSON text of the output `return_value`; tasks without the output are missing.

    The text of a mapped task is a list, in the order of map indexes. An output that is kept by reference is an object
    with the reference as `large_value`.
    """
    values_by_task: dict[str, list[str]] = {}
    mapped = set()
    with database.read() as connection:
        for row in connection.execute(_RESULTS, {"key": key, "task_ids": list(task_ids)}):
            values_by_task.setdefault(row.task_id, []).append(_result_text(row))
            if row.map_index >= 0:
                mapped.add(row.task_id)
    return {
        task_id: f"[{','.join(values)}]" if task_id in mapped else values[0]
        for task_id, values in values_by_task.items()
    }


def _result_text(row: Any) -> str:
    is_large = row.large_id is not None and LargeValue.stored(json.loads(row.value), row.large_id) is not None
    return f'{{"large_value":{row.value}}}' if is_large else str(row.value)


def run_not_found(dag_id: str, run_id: str) -> NotFound:
    return NotFound(f"The DagRun with dag_id: '{dag_id}' and run_id: '{run_id}' was not found")


_ONE_RUN = _RUN.where(_run.dag_id == bindparam("dag_id"), _run.run_id == bindparam("run_id"))
_RUN_KEY = select(_run.id, _run.state).where(_run.dag_id == bindparam("dag_id"), _run.run_id == bindparam("run_id"))
_VERSION_OF_RUN = select(_run.dag_version_id).where(
    _run.dag_id == bindparam("dag_id"), _run.run_id == bindparam("run_id")
)
_STATES = select(_run.id, _run.state).where(_run.id.in_(bindparam("keys", expanding=True)))
_STOPPING = (
    select(task_instance.c.dag_run_id)
    .distinct()
    .join(task_try, task_try.c.task_instance_id == task_instance.c.id)
    .where(task_instance.c.dag_run_id.in_(bindparam("keys", expanding=True)), text("task_try.stopped_at IS NULL"))
)
_RESULTS = (
    select(task_instance.c.task_id, task_instance.c.map_index, xcom.c.value, xcom.c.large_id)
    .join(xcom, xcom.c.task_instance_id == task_instance.c.id)
    .where(
        task_instance.c.dag_run_id == bindparam("key"),
        task_instance.c.task_id.in_(bindparam("task_ids", expanding=True)),
        xcom.c.key == "return_value",
    )
    .order_by(task_instance.c.map_index)
)
