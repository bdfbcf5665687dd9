"""Registration and heartbeats of services: each start of a process is a row of `service`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.services import CLOCK_OFFSET_MAX, SILENT_AFTER
from mainspring_store.tables import scheduler_outage, service

__all__ = [
    "CLOCK_OFFSET_MAX",
    "alive",
    "count_alive",
    "heartbeat",
    "latest_heartbeats",
    "note_outage",
    "register_service",
    "stop_service",
]


def register_service(
    database: Database,
    *,
    incarnation: str,
    kind: str,
    hostname: str,
    pid: int,
    version: str,
    details: Mapping[str, Any],
    now: datetime,
) -> None:
    """Insert the row of a process that starts."""
    with database.write() as connection:
        connection.execute(
            insert(service),
            {
                "incarnation": incarnation,
                "kind": kind,
                "hostname": hostname,
                "pid": pid,
                "version": version,
                "started_at": now,
                "heartbeat_at": now,
                "details": dict(details),
            },
        )


_HEARTBEAT = update(service).where(service.c.incarnation == bindparam("me"))
_STOP = update(service).where(service.c.incarnation == bindparam("me")).values(stopped_at=bindparam("now"))


def heartbeat(
    database: Database,
    incarnation: str,
    *,
    now: datetime,
    details: Mapping[str, Any] | None = None,
    clock_offset: timedelta | None = None,
) -> datetime | None:
    """Write a heartbeat; returns the time of the database server, None on SQLite.

    details: replace the stored details; `None` keeps them.
    clock_offset: how far the clock of the process is ahead of the server; `None` keeps the stored offset.
    """
    values: dict[str, Any] = {"heartbeat_at": now}
    if details is not None:
        values["details"] = dict(details)
    if clock_offset is not None:
        values["clock_offset_seconds"] = clock_offset.total_seconds()
    statement = _HEARTBEAT.values(values)
    with database.write() as connection:
        if database.is_sqlite:
            connection.execute(statement, {"me": incarnation})
            return None
        server_time: datetime | None = connection.scalar(
            statement.returning(func.clock_timestamp()), {"me": incarnation}
        )
        return server_time


OUTAGES_KEPT = timedelta(days=90)


def note_outage(database: Database, *, now: datetime) -> None:
    """Store the time since the last sign of life of any scheduler, when no scheduler was alive; else change nothing.

    A scheduler calls this before it registers, and before a heartbeat that comes late. Deletes old outages.
    """
    with database.write() as connection:
        _insert_outage(connection, is_sqlite=database.is_sqlite, now=now)
        connection.execute(_DELETE_OUTAGES, {"before": now - OUTAGES_KEPT})


def _insert_outage(connection: Connection, *, is_sqlite: bool, now: datetime) -> None:
    last_sign = (
        select(
            func.max(
                case((service.c.stopped_at.is_(None), service.c.heartbeat_at), else_=service.c.stopped_at),
                type_=UtcDateTime,
            ).label("at")
        )
        .where(service.c.kind == "scheduler")
        .subquery()
    )
    dialect = sqlite if is_sqlite else postgresql
    # Two schedulers that start together note the same begin; the first row stays.
    statement = (
        dialect.insert(scheduler_outage)
        .from_select(
            ["began_at", "ended_at"],
            select(last_sign.c.at, bindparam("now", type_=UtcDateTime)).where(
                last_sign.c.at < bindparam("before", type_=UtcDateTime)
            ),
        )
        .on_conflict_do_nothing()
    )
    connection.execute(statement, {"now": now, "before": now - SILENT_AFTER})


_DELETE_OUTAGES = delete(scheduler_outage).where(scheduler_outage.c.ended_at < bindparam("before", type_=UtcDateTime))


def stop_service(database: Database, incarnation: str, *, now: datetime) -> None:
    """Record an orderly stop."""
    with database.write() as connection:
        connection.execute(_STOP, {"me": incarnation, "now": now})


def alive(database: Database, *, since: datetime) -> frozenset[str]:
    """Instance ids of services with a heartbeat at or after `since` and without an orderly stop."""
    with database.read() as connection:
        return frozenset(
            connection.scalars(
                select(service.c.incarnation).where(service.c.heartbeat_at >= since, service.c.stopped_at.is_(None))
            )
        )


def count_alive(database: Database, *, kind: str, hostname: str, since: datetime) -> int:
    """The number of services of a kind on a host with a heartbeat at or after `since` and without an orderly stop."""
    with database.read() as connection:
        return connection.scalar(_COUNT_ALIVE, {"kind": kind, "hostname": hostname, "since": since}) or 0


_COUNT_ALIVE = select(func.count()).where(
    service.c.kind == bindparam("kind"),
    service.c.hostname == bindparam("hostname"),
    service.c.heartbeat_at >= bindparam("since", type_=UtcDateTime),
    service.c.stopped_at.is_(None),
)


def latest_heartbeats(database: Database, *, kind: str, since: datetime) -> list[tuple[datetime, Mapping[str, Any]]]:
    """Time of the heartbeat and `details` of each service of a kind with a heartbeat at or after `since` and without an
    orderly stop."""
    with database.read() as connection:
        rows = connection.execute(
            select(service.c.heartbeat_at, service.c.details).where(
                service.c.kind == kind, service.c.heartbeat_at >= since, service.c.stopped_at.is_(None)
            )
        )
        return [(row.heartbeat_at, row.details) for row in rows]
