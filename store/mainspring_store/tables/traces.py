"""How far runs are exported as traces."""

from sqlalchemy import Column, SmallInteger, String, Table

from mainspring_store.database.types import Key, UtcDateTime
from mainspring_store.tables.base import metadata

__all__ = ["trace_position"]

# One row: the ends of runs up to `event_id` are exported.
trace_position = Table(
    "trace_position",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    # NULL = no scheduler has exported traces yet.
    Column("event_id", Key),
    # Instance id of the scheduler that exports, and until when it alone does so; NULL = none.
    Column("leased_by", String(36)),
    Column("leased_until", UtcDateTime),
)
