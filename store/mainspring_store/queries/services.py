"""Services, running and stopped."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, bindparam, case, false, func, or_, select

from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.filters import Kind, constant, equal_to, ranges, ranges_up_to_now
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, always_null, list_rows
from mainspring_store.tables import service

__all__ = [
    "CLOCK_OFFSET_MAX",
    "SERVICES",
    "SILENT_AFTER",
    "LogStoreSeen",
    "Presence",
    "ServiceState",
    "list_services",
    "log_store_seen",
    "presence",
    "refused_starts",
    "refusing_workers",
    "retention_policy",
]

CLOCK_OFFSET_MAX = timedelta(seconds=30)
"""A scheduler whose clock is off by at least this much creates no scheduled runs."""
SILENT_AFTER = timedelta(seconds=30)
"""A service without a heartbeat for this long counts as failed."""

SERVICES = Listing(
    rows=select(
        service.c.incarnation,
        service.c.kind,
        service.c.hostname,
        service.c.pid,
        service.c.started_at,
        service.c.heartbeat_at,
        service.c.stopped_at,
    ),
    filters={
        **ranges("start_date", service.c.started_at, Kind.INSTANT),
        **ranges_up_to_now("end_date", service.c.stopped_at),
        "hostname": equal_to(service.c.hostname),
        "executor_class": constant(Kind.TEXT, lambda _: False),
    },
    # Airflow can order jobs by a number. Our services have no number, so `id` orders by the start.
    sort_keys={
        "id": SortKey(column=service.c.started_at, kind=Kind.INSTANT, is_nullable=False),
        "start_date": SortKey(column=service.c.started_at, kind=Kind.INSTANT, is_nullable=False),
        "end_date": SortKey(column=service.c.stopped_at, kind=Kind.INSTANT),
        "latest_heartbeat": SortKey(column=service.c.heartbeat_at, kind=Kind.INSTANT, is_nullable=False),
        "hostname": SortKey(column=service.c.hostname, kind=Kind.TEXT, is_nullable=False),
        "job_type": SortKey(column=service.c.kind, kind=Kind.TEXT, is_nullable=False),
        # The table stores whether a service has stopped. The age of the heartbeat separates running from failed, which
        # no stored column does.
        "state": SortKey(column=service.c.stopped_at.is_not(None), kind=Kind.BOOLEAN, is_nullable=False),
        "dag_id": always_null(Kind.TEXT),
        "executor_class": always_null(Kind.TEXT),
        "unixname": always_null(Kind.TEXT),
        "incarnation": SortKey(column=service.c.incarnation, kind=Kind.TEXT, is_nullable=False),
    },
    default_order=("id",),
    tie_breaker=("incarnation",),
)


class ServiceState(StrEnum):
    """The state of a service, in the words of Airflow for jobs."""

    RUNNING = "running"
    """The service sends heartbeats."""
    SUCCESS = "success"
    """The service stopped orderly."""
    FAILED = "failed"
    """The service stopped sending heartbeats without an orderly stop."""


def list_services(
    database: Database,
    query: ListQuery,
    *,
    since: datetime,
    kind: str | None = None,
    states: Collection[ServiceState] = tuple(ServiceState),
) -> Listed:
    """A page of the services, running and stopped; each row has a `state`.

    since: an unstopped service without a heartbeat at or after this instant has failed.

    Raises:
        InvalidPage: See `list_rows`.
    """
    conditions = {
        ServiceState.RUNNING: and_(service.c.stopped_at.is_(None), service.c.heartbeat_at >= since),
        ServiceState.SUCCESS: service.c.stopped_at.is_not(None),
        ServiceState.FAILED: and_(service.c.stopped_at.is_(None), service.c.heartbeat_at < since),
    }
    where = [or_(false(), *(conditions[state] for state in states))]
    if kind is not None:
        where.append(service.c.kind == kind)
    with database.read() as connection:
        listed = list_rows(connection, SERVICES, query, *where)
    for row in listed.rows:
        row["state"] = _state(row, since)
    return listed


def _state(row: Mapping[str, Any], since: datetime) -> ServiceState:
    if row["stopped_at"] is not None:
        return ServiceState.SUCCESS
    return ServiceState.RUNNING if row["heartbeat_at"] >= since else ServiceState.FAILED


@dataclass(frozen=True, kw_only=True, slots=True)
class Presence:
    """The services of a kind without an orderly stop."""

    latest_heartbeat: datetime
    alive: int
    """The number of services with a recent heartbeat."""
    clock_offset: timedelta | None
    """The largest absolute offset between the clock of a live service and the database; None = none measured."""


def presence(database: Database, *, since: datetime) -> Mapping[str, Presence]:
    """Kind (`scheduler`, `execution`, `worker`) -> presence. A heartbeat at or after `since` means alive."""
    with database.read() as connection:
        rows = connection.execute(_PRESENCE, {"since": since})
        return {
            row.kind: Presence(
                latest_heartbeat=row.latest,
                alive=row.alive,
                clock_offset=None if row.clock_offset is None else timedelta(seconds=row.clock_offset),
            )
            for row in rows
        }


def refused_starts(database: Database, *, since: datetime) -> Mapping[str, str]:
    """Executor -> why its scheduler's machine has no resources for a task now.

    Considers schedulers with a heartbeat at or after `since`.
    """
    with database.read() as connection:
        rows = connection.scalars(_DETAILS, {"since": since, "kind": "scheduler"}).all()
    return {executor: cause for details in rows for executor, cause in (details or {}).get("refused_for", {}).items()}


def refusing_workers(database: Database, *, since: datetime) -> Mapping[str, int]:
    """Why machines have no room for a task now -> how many workers say so; of workers that beat at or after `since`."""
    with database.read() as connection:
        rows = connection.scalars(_DETAILS, {"since": since, "kind": "worker"}).all()
    return Counter(details["refused_for"] for details in rows if "refused_for" in details)


def retention_policy(database: Database, *, since: datetime) -> str | None:
    """The policy of retention of a scheduler with a heartbeat at or after `since`; None = there is no scheduler."""
    with database.read() as connection:
        rows = connection.scalars(_DETAILS, {"since": since, "kind": "scheduler"}).all()
    return next((details["retention"] for details in rows if "retention" in details), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class LogStoreSeen:
    """How schedulers with a recent heartbeat saw the log store; the worst counts."""

    status: str | None
    """`healthy` or `unhealthy`; None = there is no store, or no scheduler uses it."""
    cause: str | None
    """Why it is unhealthy: `unavailable`, `foreign` or `stuck`; None = it is not, or the scheduler does not say."""
    logs_failing: int
    """Logs that could not be packed or moved, and are tried again later."""


def log_store_seen(database: Database, *, since: datetime) -> LogStoreSeen:
    """Considers schedulers with a heartbeat at or after `since`."""
    with database.read() as connection:
        rows = [row or {} for row in connection.scalars(_DETAILS, {"since": since, "kind": "scheduler"})]
    return LogStoreSeen(
        # The worse status is the later in the alphabet.
        status=max((details["log_store"] for details in rows if "log_store" in details), default=None),
        cause=next((details["log_store_cause"] for details in rows if "log_store_cause" in details), None),
        # Schedulers meet the same logs.
        logs_failing=max((details.get("logs_failing", 0) for details in rows), default=0),
    )


_ALIVE = service.c.heartbeat_at >= bindparam("since", type_=UtcDateTime)
_PRESENCE = (
    select(
        service.c.kind,
        func.max(service.c.heartbeat_at, type_=UtcDateTime).label("latest"),
        func.sum(case((_ALIVE, 1), else_=0)).label("alive"),
        func.max(case((_ALIVE, func.abs(service.c.clock_offset_seconds)))).label("clock_offset"),
    )
    .where(service.c.stopped_at.is_(None))
    .group_by(service.c.kind)
)
_DETAILS = (
    select(service.c.details)
    .where(service.c.kind == bindparam("kind"), service.c.stopped_at.is_(None), _ALIVE)
    .order_by(service.c.heartbeat_at)
)
