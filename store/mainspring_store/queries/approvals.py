"""Approvals that wait for an answer."""

from datetime import datetime

from sqlalchemy import literal_column, or_, select

from mainspring.definition.model import TaskType
from mainspring_store.database.transactions import Database
from mainspring_store.queries.filters import Kind, patterns
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, list_rows
from mainspring_store.tables import dag, dag_run, task_instance

__all__ = ["APPROVALS", "list_open_approvals"]

_ti = task_instance.c
_APPROVAL = (
    select(
        dag_run.c.dag_id,
        dag.c.display_name,
        dag_run.c.run_id,
        _ti.task_id,
        _ti.map_index,
        _ti.start_date,
        _ti.waits_for,
    )
    .join(dag_run, dag_run.c.id == _ti.dag_run_id)
    .join(dag, dag.c.dag_id == dag_run.c.dag_id)
    .where(_ti.operator == literal_column(f"'{TaskType.APPROVAL}'"))
)

APPROVALS = Listing(
    rows=_APPROVAL,
    filters={
        **patterns("dag_id", dag_run.c.dag_id),
        **patterns("run_id", dag_run.c.run_id),
        **patterns("task_id", _ti.task_id),
    },
    sort_keys={
        "id": SortKey(column=_ti.id, kind=Kind.INTEGER, is_nullable=False),
        "requested_at": SortKey(column=_ti.start_date, kind=Kind.INSTANT),
        "dag_id": SortKey(column=dag_run.c.dag_id, kind=Kind.TEXT, is_nullable=False),
    },
    default_order=("requested_at",),
    tie_breaker=("id",),
    dag_id=dag_run.c.dag_id,
)


def list_open_approvals(database: Database, query: ListQuery, *, now: datetime) -> Listed:
    """A page of the approvals that can be answered now.

    Raises:
        InvalidPage: See `list_rows`.
    """
    # What is due was answered or has timed out, and waits for the scheduler only.
    is_open = or_(_ti.not_before.is_(None), _ti.not_before > now)
    with database.read() as connection:
        return list_rows(connection, APPROVALS, query, _ti.state == literal_column("'deferred'"), is_open)
