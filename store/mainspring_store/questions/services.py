"""Which services are alive."""

from datetime import datetime

from sqlalchemy import bindparam, func, select

from mainspring_store.database import Database
from mainspring_store.tables import service

__all__ = ["latest_heartbeat"]


def latest_heartbeat(database: Database, kind: str) -> datetime | None:
    """When a service of this kind (`scheduler`, ...) last gave a sign of life; `None` when none is or was there."""
    with database.read() as connection:
        beat: datetime | None = connection.scalar(_LATEST, {"kind": kind})
    return beat


_LATEST = select(func.max(service.c.heartbeat_at)).where(
    service.c.kind == bindparam("kind"), service.c.stopped_at.is_(None)
)
