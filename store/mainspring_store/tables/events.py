"""The log of all changes, which clients follow."""

from sqlalchemy import Column, ForeignKey, Index, Integer, SmallInteger, String, Table, text

from mainspring_store.database.types import Json, Key, UtcDateTime
from mainspring_store.tables.base import metadata

__all__ = ["feed_event", "feed_floor"]

feed_event = Table(
    "feed_event",
    metadata,
    # The order of the feed. A transaction draws the number after it locked the row that it changed, so the events of a
    # run have ascending numbers. PostgreSQL may commit a lower number after a higher number: see `queries.events`.
    Column("id", Key, primary_key=True),
    # A type of the feed, see `mainspring.events`.
    Column("kind", String(10), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    # NULL = the event is not about a run, or about a deleted run.
    Column("dag_run_id", ForeignKey("dag_run.id", ondelete="CASCADE")),
    # The number of the change in its run: 0 = the creation, then from 1 without gaps. NULL = the event moves neither
    # the run nor a task instance.
    Column("seq", Integer),
    # NULL = the event is about the run itself.
    Column("task_instance_id", Key),
    Column("try_number", Integer),
    Column("state", String(20), nullable=False),
    Column("state_reason", String(40)),
    # Set where the event has no run. NULL = the event has a run, or is about no DAG.
    Column("dag_id", String(250)),
    # Further members of the event.
    Column("data", Json),
    Index(
        "uq_feed_event_dag_run_id_seq",
        "dag_run_id",
        "seq",
        unique=True,
        sqlite_where=text("dag_run_id IS NOT NULL"),
        postgresql_where=text("dag_run_id IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

# One row: the events up to `event_id` may be gone.
feed_floor = Table(
    "feed_floor",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("event_id", Key, nullable=False),
)
