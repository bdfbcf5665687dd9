"""Outputs of task instances."""

from typing import Any

from sqlalchemy import bindparam, case, select

from mainspring.errors import NotFound
from mainspring_store.database.transactions import Database
from mainspring_store.queries.filters import Kind, equal_to, patterns, ranges
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, list_rows
from mainspring_store.queries.task_instances import instance_not_found
from mainspring_store.tables import dag, dag_run, task_instance, xcom

__all__ = ["XCOMS", "get_xcom", "list_xcoms", "xcom_not_found"]

_ti = task_instance.c

_XCOM = (
    select(
        dag_run.c.dag_id,
        dag.c.display_name,
        dag_run.c.run_id,
        dag_run.c.logical_date,
        dag_run.c.run_after,
        dag_run.c.dag_version_id,
        _ti.task_id,
        _ti.map_index,
        _ti.map_key,
        xcom.c.key,
        xcom.c.timestamp,
        xcom.c.large_id,
        case((xcom.c.large_id.is_not(None), xcom.c.value)).label("reference"),
    )
    .select_from(xcom)
    .join(task_instance, _ti.id == xcom.c.task_instance_id)
    .join(dag_run, dag_run.c.id == _ti.dag_run_id)
    .join(dag, dag.c.dag_id == dag_run.c.dag_id)
)

XCOMS = Listing(
    rows=_XCOM,
    filters={
        "xcom_key": equal_to(xcom.c.key),
        "map_index": equal_to(_ti.map_index, Kind.INTEGER),
        "map_index_filter": equal_to(_ti.map_index, Kind.INTEGER),
        **patterns("xcom_key", xcom.c.key),
        **patterns("dag_display_name", dag.c.display_name),
        **patterns("run_id", dag_run.c.run_id),
        **patterns("task_id", _ti.task_id),
        **ranges("logical_date", dag_run.c.logical_date, Kind.INSTANT),
        **ranges("run_after", dag_run.c.run_after, Kind.INSTANT),
    },
    sort_keys={
        "dag_id": SortKey(column=dag_run.c.dag_id, kind=Kind.TEXT, is_nullable=False),
        "task_id": SortKey(column=_ti.task_id, kind=Kind.TEXT, is_nullable=False),
        "run_id": SortKey(column=dag_run.c.run_id, kind=Kind.TEXT, is_nullable=False),
        "map_index": SortKey(column=_ti.map_index, kind=Kind.INTEGER, is_nullable=False),
        "key": SortKey(column=xcom.c.key, kind=Kind.TEXT, is_nullable=False),
        "timestamp": SortKey(column=xcom.c.timestamp, kind=Kind.INSTANT, is_nullable=False),
        "logical_date": SortKey(column=dag_run.c.logical_date, kind=Kind.INSTANT),
        "run_after": SortKey(column=dag_run.c.run_after, kind=Kind.INSTANT, is_nullable=False),
    },
    default_order=("dag_id", "task_id", "run_id", "map_index", "key"),
    tie_breaker=("dag_id", "task_id", "run_id", "map_index", "key"),
    dag_id=dag_run.c.dag_id,
)


def get_xcom(
    database: Database, dag_id: str, run_id: str, task_id: str, key: str, *, map_index: int = -1
) -> dict[str, Any]:
    """An output of a task instance; `value` is the stored JSON text. `reference` and `large_id` are what
    `LargeValue.stored` takes, the former as JSON text; None = `value` is the value itself.

    Raises:
        NotFound: The task instance does not exist, or has no such output.
    """
    names = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}
    with database.read() as connection:
        row = connection.execute(_ONE_XCOM, {**names, "key": key}).one_or_none()
        if row is None and connection.scalar(_INSTANCE, names) is None:
            raise instance_not_found(dag_id, run_id, task_id, map_index)
    if row is None:
        raise xcom_not_found(key)
    return row._asdict()


def list_xcoms(
    database: Database, query: ListQuery, *, dag_id: str | None, run_id: str | None, task_id: str | None
) -> Listed:
    """A page of outputs without values, restricted by the ids that are not None.

    `reference` and `large_id` are as in `get_xcom`.

    Raises:
        InvalidPage: See `list_rows`.
    """
    pairs = ((dag_run.c.dag_id, dag_id), (dag_run.c.run_id, run_id), (_ti.task_id, task_id))
    with database.read() as connection:
        return list_rows(connection, XCOMS, query, *(column == value for column, value in pairs if value is not None))


def xcom_not_found(key: str) -> NotFound:
    return NotFound(f"XCom entry with key: `{key}` not found; the task instance has no such output")


_OF_INSTANCE = (
    dag_run.c.dag_id == bindparam("dag_id"),
    dag_run.c.run_id == bindparam("run_id"),
    _ti.task_id == bindparam("task_id"),
    _ti.map_index == bindparam("map_index"),
)
_ONE_XCOM = _XCOM.add_columns(xcom.c.value).where(*_OF_INSTANCE, xcom.c.key == bindparam("key"))
_INSTANCE = select(_ti.id).join(dag_run, dag_run.c.id == _ti.dag_run_id).where(*_OF_INSTANCE)
