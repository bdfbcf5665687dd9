"""Runs, what makes many of them, and what they tell."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from mainspring.states import RunState, RunType
from mainspring_store.database.types import Json, Key, UtcDateTime
from mainspring_store.tables.base import metadata, one_of

__all__ = ["backfill", "dag_run", "run_event"]

backfill = Table(
    "backfill",
    metadata,
    Column("id", Key, primary_key=True),
    Column("dag_id", ForeignKey("dag.dag_id", ondelete="CASCADE"), nullable=False),
    # Whose schedule says which slots there are.
    Column("dag_version_id", ForeignKey("dag_version.id", ondelete="CASCADE"), nullable=False),
    # Bounds of the logical date, both included.
    Column("from_date", UtcDateTime, nullable=False),
    Column("to_date", UtcDateTime, nullable=False),
    Column("run_backwards", Boolean, nullable=False),
    Column("dag_run_conf", Json),
    Column("reprocess_behavior", String(20), nullable=False),
    Column("max_active_runs", Integer, nullable=False),
    Column("run_on_latest_version", Boolean, nullable=False),
    Column("is_paused", Boolean, nullable=False, server_default=text("false")),
    # Slots in the range, and how many of them were looked at; the rest comes after the cursor, a logical date.
    Column("slots_total", Integer, nullable=False),
    Column("slots_done", Integer, nullable=False, server_default=text("0")),
    # Of those looked at, the ones that had a run which was left as it is.
    Column("slots_skipped", Integer, nullable=False, server_default=text("0")),
    Column("cursor", UtcDateTime),
    # How many failed runs pause it, counted since it began or was last let go on; NULL = any number may fail.
    Column("max_failed_runs", Integer),
    Column("resumed_at", UtcDateTime, nullable=False),
    # Why it was paused, where nobody asked for that.
    Column("message", Text),
    Column("triggering_user_name", Text),
    # The user or token that its runs count for; NULL = nobody.
    Column("principal_id", String(36)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("completed_at", UtcDateTime),
    Index(
        "uq_backfill_open",
        "dag_id",
        unique=True,
        sqlite_where=text("completed_at IS NULL"),
        postgresql_where=text("completed_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

dag_run = Table(
    "dag_run",
    metadata,
    Column("id", Key, primary_key=True),
    Column("dag_id", ForeignKey("dag.dag_id", ondelete="CASCADE"), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("dag_version_id", ForeignKey("dag_version.id"), nullable=False),
    Column("run_type", String(30), nullable=False),
    Column("state", String(20), nullable=False),
    Column("state_reason", String(40)),
    # What a user reads about how it ended.
    Column("message", Text),
    # The attempt of the `dag` task that waits for it; NULL = nobody does.
    Column("parent_attempt_id", String(32)),
    # How many `dag` tasks stand above it; 0 = made by none.
    Column("depth", SmallInteger, nullable=False, server_default=text("0")),
    Column("conf", Json, nullable=False),
    Column("params", Json, nullable=False),
    # The backfill that made it or had it run again; NULL = none, it counts for the DAG's `max_active_runs`.
    Column("backfill_id", ForeignKey("backfill.id")),
    Column("logical_date", UtcDateTime),
    Column("data_interval_start", UtcDateTime),
    Column("data_interval_end", UtcDateTime),
    # Earliest start.
    Column("run_after", UtcDateTime, nullable=False),
    Column("queued_at", UtcDateTime, nullable=False),
    Column("start_date", UtcDateTime),
    Column("end_date", UtcDateTime),
    # `start_date` + the DAG's `dagrun_timeout`, set at the start.
    Column("timeout_at", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("last_scheduling_decision", UtcDateTime),
    Column("triggered_by", String(30), nullable=False),
    Column("triggering_user_name", Text),
    # The user or token that it counts for; NULL = nobody, as for what a schedule made.
    Column("principal_id", String(36)),
    Column("note", Text),
    # Declared outputs, evaluated when the run succeeded.
    Column("outputs", Json),
    # The instances of this run by what they hold or miss; moved in the transaction that moves the instances.
    Column("tasks_total", Integer, nullable=False),
    Column("tasks_unfinished", Integer, nullable=False),
    Column("tasks_active", Integer, nullable=False, server_default=text("0")),
    # Instances in state failed or upstream_failed.
    Column("tasks_failed", Integer, nullable=False, server_default=text("0")),
    Column("max_active_tasks", Integer, nullable=False),
    # The number of the run's latest event; taken under the lock of this row, so gap-free in commit order.
    Column("event_seq", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("dag_id", "run_id"),
    UniqueConstraint("dag_id", "logical_date"),
    one_of("state", RunState),
    one_of("run_type", RunType),
    CheckConstraint("tasks_unfinished >= 0 AND tasks_active >= 0 AND tasks_failed >= 0", name="counters"),
    Index(
        "ix_dag_run_queued",
        "run_after",
        "id",
        sqlite_where=text("state = 'queued'"),
        postgresql_where=text("state = 'queued'"),
    ),
    Index(
        "ix_dag_run_running",
        "dag_id",
        "id",
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
    Index(
        "ix_dag_run_timeout_at",
        "timeout_at",
        sqlite_where=text("state = 'running' AND timeout_at IS NOT NULL"),
        postgresql_where=text("state = 'running' AND timeout_at IS NOT NULL"),
    ),
    # Runs that a mark left without anything to do.
    Index(
        "ix_dag_run_over",
        "id",
        sqlite_where=text("state = 'running' AND tasks_unfinished = 0"),
        postgresql_where=text("state = 'running' AND tasks_unfinished = 0"),
    ),
    Index("ix_dag_run_dag_id_id", "dag_id", "id"),
    # The lists over all DAGs, latest first.
    Index("ix_dag_run_run_after_id", "run_after", "id"),
    Index("ix_dag_run_dag_version_id", "dag_version_id"),
    Index(
        "ix_dag_run_backfill_id",
        "backfill_id",
        "id",
        sqlite_where=text("backfill_id IS NOT NULL"),
        postgresql_where=text("backfill_id IS NOT NULL"),
    ),
    # What counts for somebody.
    Index(
        "ix_dag_run_active_of_principal",
        "principal_id",
        sqlite_where=text("state IN ('queued', 'running') AND principal_id IS NOT NULL"),
        postgresql_where=text("state IN ('queued', 'running') AND principal_id IS NOT NULL"),
    ),
    Index(
        "ix_dag_run_awaited",
        "parent_attempt_id",
        sqlite_where=text("state IN ('queued', 'running') AND parent_attempt_id IS NOT NULL"),
        postgresql_where=text("state IN ('queued', 'running') AND parent_attempt_id IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

run_event = Table(
    "run_event",
    metadata,
    Column("dag_run_id", ForeignKey("dag_run.id", ondelete="CASCADE"), primary_key=True),
    # Counts from 1 without gaps for each run, in commit order.
    Column("seq", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    # NULL = the event is about the run itself.
    Column("task_instance_id", Key),
    Column("try_number", Integer),
    Column("state", String(20), nullable=False),
    Column("state_reason", String(40)),
)
