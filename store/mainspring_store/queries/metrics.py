"""Numbers of live rows, for monitoring. The cost of a query grows with the live rows, not with history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, literal_column, select, text

from mainspring.states import TASK_FINISHED, RunType
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.state.conditions import READY
from mainspring_store.tables import dag, dag_run, delivery, receiver, service, task_instance, task_try

__all__ = ["QUEUES_MAX", "Figures", "read_figures"]

QUEUES_MAX = 100
"""The maximum of queues in `Figures`, the longest first. Authors of DAGs can invent any number of queues."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Counts of live rows: from one snapshot on SQLite, from snapshots close together on PostgreSQL."""

    runs: Mapping[str, int]
    """State -> number of queued and running runs."""
    instances: Mapping[str, int]
    """State -> number of task instances of running runs."""
    late: Mapping[str, int]
    """`run`, `task` -> number of unfinished runs, and of unfinished task instances of running runs, that are late."""
    schedule_due: datetime | None
    """The earliest instant at which an unpaused DAG should have got a scheduled run; None = no slot is ahead or due.

    A DAG at its `max_active_runs` does not count: the limit holds its slots back.
    """
    ready: int
    """The number of task instances that wait only for capacity."""
    attempts: Mapping[tuple[str, str], int]
    """(executor, state) -> number of attempts that are live or whose processes may still run."""
    queues: Mapping[str, int]
    """Queue -> number of attempts that are queued and unclaimed."""
    deliveries: Mapping[str, int]
    """Kind of receiver -> number of deliveries that wait."""
    schedulers: Sequence[Mapping[str, Any]]
    """`incarnation`, `hostname`, `pid` and `details` of each live scheduler."""
    workers: Sequence[Mapping[str, Any]]
    """The same of each live worker."""


def read_figures(database: Database, *, since: datetime) -> Figures:
    """Read all figures. A scheduler counts as live with a heartbeat at or after `since`."""
    with database.read() as connection:

        def counts(statement: Any) -> dict[Any, int]:
            return {row[0] if len(row) == 2 else tuple(row[:-1]): row[-1] for row in connection.execute(statement)}

        def services(kind: str) -> list[dict[str, Any]]:
            rows = connection.execute(_SERVICES, {"since": since, "kind": kind}).mappings()
            return [dict(row) for row in rows]

        return Figures(
            runs=counts(_RUNS),
            instances=counts(_INSTANCES),
            late={"run": connection.scalar(_LATE_RUNS) or 0, "task": connection.scalar(_LATE_INSTANCES) or 0},
            schedule_due=connection.scalar(_SCHEDULE_DUE),
            ready=connection.scalar(_READY) or 0,
            attempts=counts(_ATTEMPTS),
            queues=counts(_QUEUES),
            deliveries=counts(_DELIVERIES),
            schedulers=services("scheduler"),
            workers=services("worker"),
        )


_UNSTOPPED = text("task_try.stopped_at IS NULL")
_RUNNING = select(dag_run.c.id).where(dag_run.c.state == literal_column("'running'"))
_RUNS = (
    select(dag_run.c.state, func.count())
    .where(dag_run.c.state.in_([literal_column("'queued'"), literal_column("'running'")]))
    .group_by(dag_run.c.state)
)
_INSTANCES = (
    select(task_instance.c.state, func.count())
    .where(task_instance.c.dag_run_id.in_(_RUNNING))
    .group_by(task_instance.c.state)
)
_LATE_RUNS = (
    select(func.count())
    .select_from(dag_run)
    .where(
        dag_run.c.state.in_([literal_column("'queued'"), literal_column("'running'")]),
        dag_run.c.late_since.is_not(None),
    )
)
_LATE_INSTANCES = (
    select(func.count())
    .select_from(task_instance)
    .where(
        task_instance.c.dag_run_id.in_(_RUNNING),
        task_instance.c.state.not_in([literal_column(f"'{state.value}'") for state in sorted(TASK_FINISHED)]),
        task_instance.c.late_since.is_not(None),
    )
)
_unfinished = (
    select(func.count())
    .select_from(dag_run)
    .where(
        dag_run.c.dag_id == dag.c.dag_id,
        dag_run.c.run_type == literal_column(f"'{RunType.SCHEDULED}'"),
        dag_run.c.state.in_([literal_column("'queued'"), literal_column("'running'")]),
    )
    .scalar_subquery()
)
_SCHEDULE_DUE = select(func.min(dag.c.next_run_after, type_=UtcDateTime)).where(
    text("dag.next_run_after IS NOT NULL AND NOT dag.is_paused"), _unfinished < dag.c.max_active_runs
)
_READY = select(func.count()).select_from(task_instance).where(READY)
_ATTEMPTS = (
    select(task_try.c.executor, task_try.c.state, func.count())
    .where(_UNSTOPPED)
    .group_by(task_try.c.executor, task_try.c.state)
)
_QUEUES = (
    select(task_instance.c.queue, func.count().label("length"))
    .join(task_try, task_try.c.task_instance_id == task_instance.c.id)
    .where(_UNSTOPPED, task_try.c.state == literal_column("'queued'"), task_try.c.claimed_at.is_(None))
    .group_by(task_instance.c.queue)
    .order_by(func.count().desc(), task_instance.c.queue)
    .limit(QUEUES_MAX)
)
_DELIVERIES = (
    select(receiver.c.kind, func.count())
    .join(delivery, delivery.c.receiver_id == receiver.c.id)
    .where(delivery.c.state == literal_column("'pending'"))
    .group_by(receiver.c.kind)
)
_SERVICES = select(service.c.incarnation, service.c.hostname, service.c.pid, service.c.details).where(
    and_(
        service.c.kind == bindparam("kind"),
        service.c.stopped_at.is_(None),
        service.c.heartbeat_at >= bindparam("since", type_=UtcDateTime),
    )
)
