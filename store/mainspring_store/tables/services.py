"""The processes of the installation, the outages of the schedulers, and facts about the whole installation."""

from sqlalchemy import Column, Double, Index, Integer, String, Table, Text

from mainspring_store.database.types import Json, UtcDateTime
from mainspring_store.tables.base import metadata

__all__ = ["installation", "scheduler_outage", "service"]

service = Table(
    "service",
    metadata,
    # The random id of one start of a process (instance id).
    Column("incarnation", String(36), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("hostname", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("heartbeat_at", UtcDateTime, nullable=False),
    Column("stopped_at", UtcDateTime),
    # How far the clock of the process was ahead of the database at the last check; NULL = never checked.
    Column("clock_offset_seconds", Double),
    # Further facts that the process reports: executors, capacity, queues.
    Column("details", Json, nullable=False),
    Index("ix_service_kind_heartbeat_at", "kind", "heartbeat_at"),
)

scheduler_outage = Table(
    "scheduler_outage",
    metadata,
    # A time without a live scheduler: from the last sign of life of all schedulers to the start or heartbeat that ended
    # the outage.
    Column("began_at", UtcDateTime, primary_key=True),
    Column("ended_at", UtcDateTime, nullable=False),
)

installation = Table(
    "installation",
    metadata,
    # Facts that all processes share, by name: see `access.installation`.
    Column("name", String(50), primary_key=True),
    Column("value", Json, nullable=False),
)
