"""Workers and their attempts."""

from datetime import datetime

from sqlalchemy import bindparam, select

from mainspring_store.database.transactions import Database
from mainspring_store.queries.filters import Kind
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, list_rows
from mainspring_store.tables import dag_run, service, task_instance, task_try

__all__ = ["WORKERS", "list_workers"]

WORKERS = Listing(
    rows=select(service).where(service.c.kind == "worker"),
    filters={},
    sort_keys={
        "id": SortKey(column=service.c.incarnation, kind=Kind.TEXT, is_nullable=False),
        "hostname": SortKey(column=service.c.hostname, kind=Kind.TEXT, is_nullable=False),
        "started_at": SortKey(column=service.c.started_at, kind=Kind.INSTANT, is_nullable=False),
        "latest_heartbeat": SortKey(column=service.c.heartbeat_at, kind=Kind.INSTANT, is_nullable=False),
    },
    default_order=("-latest_heartbeat",),
    tie_breaker=("id",),
)


def list_workers(database: Database, query: ListQuery, *, since: datetime) -> Listed:
    """A page of the workers with a heartbeat at or after `since`; `attempts` lists the attempts of a worker.

    Raises:
        InvalidPage: See `list_rows`.
    """
    with database.read() as connection:
        listed = list_rows(connection, WORKERS, query, service.c.heartbeat_at >= since)
        ids = [attempt_id for row in listed.rows for attempt_id in row["details"]["attempts"]]
        attempts = {row.attempt_id: row for row in connection.execute(_UNSTOPPED, {"ids": ids})} if ids else {}
    for row in listed.rows:
        row["attempts"] = [
            attempts[attempt_id]._asdict() for attempt_id in row["details"]["attempts"] if attempt_id in attempts
        ]
    return listed


_UNSTOPPED = (
    select(
        task_try.c.attempt_id,
        dag_run.c.dag_id,
        dag_run.c.run_id,
        task_instance.c.task_id,
        task_instance.c.map_index,
        task_try.c.try_number,
    )
    .join(task_instance, task_instance.c.id == task_try.c.task_instance_id)
    .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
    .where(task_try.c.attempt_id.in_(bindparam("ids", expanding=True)), task_try.c.stopped_at.is_(None))
)
