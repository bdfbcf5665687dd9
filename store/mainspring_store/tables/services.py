"""The processes that are, or were, alive."""

from sqlalchemy import Column, Double, Index, Integer, String, Table, Text

from mainspring_store.database.types import Json, UtcDateTime
from mainspring_store.tables.base import metadata

__all__ = ["service"]

service = Table(
    "service",
    metadata,
    # Random, one for each start of a process.
    Column("incarnation", String(36), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("hostname", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("heartbeat_at", UtcDateTime, nullable=False),
    Column("stopped_at", UtcDateTime),
    # How far its clock was ahead when it last looked; NULL = it does not look.
    Column("clock_offset_seconds", Double),
    # What else it tells about itself: executors, capacity, queues.
    Column("details", Json, nullable=False),
    Index("ix_service_kind_heartbeat_at", "kind", "heartbeat_at"),
)
