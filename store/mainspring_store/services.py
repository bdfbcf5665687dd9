"""Which processes are there: each start of a scheduler or worker is one row with a heartbeat."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from mainspring_store.database import Database
from mainspring_store.tables import service

__all__ = ["alive", "beat", "latest_beats", "register_service", "stop_service"]


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
    """Announce a process that starts."""
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


_BEAT = update(service).where(service.c.incarnation == bindparam("me")).values(heartbeat_at=bindparam("now"))
_BEAT_WITH_DETAILS = _BEAT.values(details=bindparam("about", type_=service.c.details.type))
_STOP = update(service).where(service.c.incarnation == bindparam("me")).values(stopped_at=bindparam("now"))


def beat(database: Database, incarnation: str, *, now: datetime, details: Mapping[str, Any] | None = None) -> None:
    """Say that it lives; `details` replace what it told about itself before."""
    with database.write() as connection:
        if details is None:
            connection.execute(_BEAT, {"me": incarnation, "now": now})
        else:
            connection.execute(_BEAT_WITH_DETAILS, {"me": incarnation, "now": now, "about": dict(details)})


def stop_service(database: Database, incarnation: str, *, now: datetime) -> None:
    """Say that it stopped orderly."""
    with database.write() as connection:
        connection.execute(_STOP, {"me": incarnation, "now": now})


def alive(database: Database, *, since: datetime) -> frozenset[str]:
    """Incarnations that beat at or after `since` and have not said that they stopped."""
    with database.read() as connection:
        return frozenset(
            connection.scalars(
                select(service.c.incarnation).where(service.c.heartbeat_at >= since, service.c.stopped_at.is_(None))
            )
        )


def latest_beats(database: Database, *, kind: str, since: datetime) -> list[tuple[datetime, Mapping[str, Any]]]:
    """The processes of a kind that beat at or after `since` and have not stopped: the beat, and what they tell about
    themselves."""
    with database.read() as connection:
        rows = connection.execute(
            select(service.c.heartbeat_at, service.c.details).where(
                service.c.kind == kind, service.c.heartbeat_at >= since, service.c.stopped_at.is_(None)
            )
        )
        return [(row.heartbeat_at, row.details) for row in rows]
