"""DAGs and their versions."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from mainspring_store.database.types import Json, Key, UtcDateTime
from mainspring_store.tables.base import metadata

__all__ = ["dag", "dag_tag", "dag_version", "task_display_name"]

dag = Table(
    "dag",
    metadata,
    Column("dag_id", String(250), primary_key=True),
    Column("is_paused", Boolean, nullable=False),
    # The current version: what the next run is made from.
    Column("version_id", Key, nullable=False),
    # Copied from the current version, because limits and lists are asked for without opening documents.
    Column("display_name", Text, nullable=False),
    Column("description", Text),
    Column("owners", Json, nullable=False),
    Column("max_active_runs", Integer, nullable=False),
    Column("max_active_tasks", Integer, nullable=False),
    # The slot that is planned next; NULL = none. Planned anew whenever the schedule changes or the DAG is unpaused.
    Column("next_logical_date", UtcDateTime),
    Column("next_data_interval_end", UtcDateTime),
    Column("next_run_after", UtcDateTime),
    # Why it is planned no further, where that is a fault.
    Column("schedule_error", Text),
    # The schedule as it was written and in English; NULL = none. Periodic = it has intervals, so it can be backfilled.
    Column("timetable_summary", Text),
    Column("timetable_description", Text),
    Column("is_periodic", Boolean, nullable=False, server_default=text("false")),
    # The user or token that created it, for whom it counts; NULL = nobody.
    Column("principal_id", String(36)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_dag_principal_id", "principal_id"),
    Index(
        "ix_dag_next_run_after",
        "next_run_after",
        sqlite_where=text("next_run_after IS NOT NULL AND NOT is_paused"),
        postgresql_where=text("next_run_after IS NOT NULL AND NOT is_paused"),
    ),
)

dag_tag = Table(
    "dag_tag",
    metadata,
    Column("dag_id", ForeignKey("dag.dag_id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(100), primary_key=True),
    Index("ix_dag_tag_name", "name"),
)

dag_version = Table(
    "dag_version",
    metadata,
    Column("id", Key, primary_key=True),
    Column("uuid", String(36), nullable=False, unique=True),
    Column("dag_id", ForeignKey("dag.dag_id", ondelete="CASCADE"), nullable=False),
    # Counts from 1 without gaps for each DAG.
    Column("version_number", Integer, nullable=False),
    Column("content_hash", String(64), nullable=False),
    # The normalised definition; never changes.
    Column("document", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text),
    UniqueConstraint("dag_id", "version_number"),
    # What is kept in memory by version or run must stay right after its DAG was deleted, so ids are never used again.
    sqlite_autoincrement=True,
)

task_display_name = Table(
    "task_display_name",
    metadata,
    # The tasks of a version that are shown under another name than their id, to be found by it.
    Column("dag_version_id", ForeignKey("dag_version.id", ondelete="CASCADE"), primary_key=True),
    Column("task_id", String(250), primary_key=True),
    Column("display_name", Text, nullable=False),
)
