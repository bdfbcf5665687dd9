"""DAGs and their versions."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from mainspring_store.database.types import Json, Key, UtcDateTime
from mainspring_store.tables.base import metadata

__all__ = ["awaited_dag", "dag", "dag_tag", "dag_version", "task_display_name"]

dag = Table(
    "dag",
    metadata,
    Column("dag_id", String(250), primary_key=True),
    Column("is_paused", Boolean, nullable=False),
    # Who paused the DAG, and when; NULL = the DAG is not paused, or an earlier release paused it.
    Column("paused_by", Text),
    Column("paused_at", UtcDateTime),
    # The current version; new runs use it. 0 = no client has saved the DAG, which only has inline versions.
    Column("version_id", Key, nullable=False),
    # The highest number of a version so far, so that no number is used twice.
    Column("last_version_number", Integer, nullable=False, server_default=text("0")),
    # Copies of fields of the current version, so that limits and lists need not parse documents.
    Column("display_name", Text, nullable=False),
    Column("description", Text),
    Column("owners", Json, nullable=False),
    Column("max_active_runs", Integer, nullable=False),
    Column("max_active_tasks", Integer, nullable=False),
    # The slot that the scheduler planned next; NULL = none. The scheduler plans again when the schedule changes and
    # when a user unpauses the DAG.
    Column("next_logical_date", UtcDateTime),
    Column("next_data_interval_end", UtcDateTime),
    Column("next_run_after", UtcDateTime),
    # Why the scheduler cannot plan the next slot; NULL = no error.
    Column("schedule_error", Text),
    # The schedule as the author wrote it, and in English; NULL = no schedule.
    Column("timetable_summary", Text),
    Column("timetable_description", Text),
    # Whether the schedule has data intervals; only periodic DAGs can have backfills.
    Column("is_periodic", Boolean, nullable=False, server_default=text("false")),
    # The `retention` of the current version; NULL = the policy of the settings holds.
    Column("retention", Json),
    # The user or token that created the DAG; the DAG counts for the quota of this principal. NULL = for no quota.
    Column("principal_id", String(36)),
    # The bundle of definitions that applied the DAG; NULL = the DAG was saved alone.
    Column("bundle_name", String(250)),
    # The bundle no longer has the DAG. Lists hide the DAG, and no new run starts, until a client saves the DAG again.
    Column("is_stale", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_dag_principal_id", "principal_id"),
    Index(
        "ix_dag_bundle_name",
        "bundle_name",
        sqlite_where=text("bundle_name IS NOT NULL"),
        postgresql_where=text("bundle_name IS NOT NULL"),
    ),
    Index(
        "ix_dag_next_run_after",
        "next_run_after",
        sqlite_where=text("next_run_after IS NOT NULL AND NOT is_paused"),
        postgresql_where=text("next_run_after IS NOT NULL AND NOT is_paused"),
    ),
)

awaited_dag = Table(
    "awaited_dag",
    metadata,
    # The DAGs whose ends make runs of a DAG, by the schedule of its current version.
    Column("dag_id", ForeignKey("dag.dag_id", ondelete="CASCADE"), primary_key=True),
    # May name a DAG that does not exist.
    Column("upstream_dag_id", String(250), primary_key=True),
    # `success` or `failed`: the end that counts.
    Column("state", String(20), primary_key=True),
    # Whether a run counts once more when it ends so again.
    Column("again", Boolean, nullable=False),
    Index("ix_awaited_dag_upstream_dag_id", "upstream_dag_id", "state"),
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
    # Counts from 1 for each DAG. A deleted version leaves a gap.
    Column("version_number", Integer, nullable=False),
    Column("content_hash", String(64), nullable=False),
    # The normalised definition; never changes.
    Column("document", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text),
    # The principal that saved the version; the source counts for the quota of this principal. NULL = for no quota.
    Column("principal_id", String(36)),
    # Why the version was saved, in the words of its author.
    Column("message", Text),
    # The changes since the version before, in a sentence. NULL = saved by a release that did not compare.
    Column("summary", Text),
    # The text as sent, with comments. NULL = saved by a release that did not keep the text.
    Column("source_media_type", String(100)),
    Column("source", LargeBinary),
    # The version was sent with a run and not saved; it is deleted with its last run.
    Column("is_inline", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("dag_id", "version_number"),
    # Processes cache definitions by version id. Ids are never reused, so a cache stays correct after a DAG is deleted.
    sqlite_autoincrement=True,
)

task_display_name = Table(
    "task_display_name",
    metadata,
    # Tasks whose display name differs from their id; filters of lists search this table.
    Column("dag_version_id", ForeignKey("dag_version.id", ondelete="CASCADE"), primary_key=True),
    Column("task_id", String(250), primary_key=True),
    Column("display_name", Text, nullable=False),
)
