"""Runs, their deadlines, what stays of pruned runs, and backfills."""

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

__all__ = ["awaited_end", "backfill", "dag_run", "deadline", "pruned_run", "run_signal"]

backfill = Table(
    "backfill",
    metadata,
    Column("id", Key, primary_key=True),
    Column("dag_id", ForeignKey("dag.dag_id", ondelete="CASCADE"), nullable=False),
    # The version whose schedule defines the slots.
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
    # Slots in the range, and how many of them the scheduler has processed. `cursor` is the logical date of the last
    # processed slot.
    Column("slots_total", Integer, nullable=False),
    Column("slots_done", Integer, nullable=False, server_default=text("0")),
    # Processed slots whose existing run the backfill left unchanged.
    Column("slots_skipped", Integer, nullable=False, server_default=text("0")),
    Column("cursor", UtcDateTime),
    # The number of failed runs that pauses the backfill, counted since `resumed_at`; NULL = unlimited.
    Column("max_failed_runs", Integer),
    Column("resumed_at", UtcDateTime, nullable=False),
    # Why the scheduler paused the backfill; NULL = the scheduler did not.
    Column("message", Text),
    Column("triggering_user_name", Text),
    # The user or token whose quota the runs count for; NULL = for no quota.
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
    # A message for users about the end of the run.
    Column("message", Text),
    # The reason of the coming end while handlers run, or `success`; also set while the processes of a run that was
    # ended from outside stop. NULL = tasks of the run are still to do, or the run has ended.
    Column("ending", String(40)),
    # The attempt of the `dag` task that waits for the run; NULL = no task waits.
    Column("parent_attempt_id", String(32)),
    # The number of `dag` tasks above the run; 0 = no `dag` task created the run.
    Column("depth", SmallInteger, nullable=False, server_default=text("0")),
    Column("conf", Json, nullable=False),
    Column("params", Json, nullable=False),
    # The backfill that created or reran the run, whose `max_active_runs` limits the run. NULL = no backfill; the limit
    # of the DAG applies.
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
    # When a deadline of the run passed, since its latest clear; NULL = none has.
    Column("late_since", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("last_scheduling_decision", UtcDateTime),
    Column("triggered_by", String(30), nullable=False),
    Column("triggering_user_name", Text),
    # The user or token whose quota the run counts for; NULL = no quota, as for scheduled runs.
    Column("principal_id", String(36)),
    Column("note", Text),
    # Whether retention must not prune the run.
    Column("keep", Boolean, nullable=False, server_default=text("false")),
    # Declared outputs, evaluated when the run succeeded.
    Column("outputs", Json),
    # Counters of the run's instances. The transaction that changes an instance changes the counters too.
    Column("tasks_total", Integer, nullable=False),
    Column("tasks_unfinished", Integer, nullable=False),
    Column("tasks_active", Integer, nullable=False, server_default=text("0")),
    # Instances in state failed or upstream_failed.
    Column("tasks_failed", Integer, nullable=False, server_default=text("0")),
    Column("max_active_tasks", Integer, nullable=False),
    # The number of the run's latest event. Writers increment it under the lock of this row, so the numbers have no
    # gaps and follow the order of commits.
    Column("event_seq", Integer, nullable=False, server_default=text("0")),
    # Whether a user paused the run: no further instance starts, and a queued run does not start.
    Column("is_paused", Boolean, nullable=False, server_default=text("false")),
    # Part of the order in which queued runs and ready instances start; see `mainspring.run_priority`.
    Column("priority", Integer, nullable=False, server_default=text("0")),
    # The evaluated `concurrency.key` of the definition, and what the definition said when the run was made. NULL = the
    # definition limits no key. Empty = the expression failed.
    Column("concurrency_key", Text),
    Column("concurrency_max", Integer),
    Column("concurrency_strategy", String(20)),
    # The evaluated `debounce.key` of a run that has not been started, and the instant
    # of its first trigger. NULL = no trigger joins the run.
    Column("debounce_key", Text),
    Column("debounced_since", UtcDateTime),
    # The trace of the run and the span that triggered the run, as W3C Trace Context writes them. Span 0 = no caller;
    # NULL = the run is older than this column.
    Column("traceparent", String(55)),
    # The ends of runs of other DAGs that made the run, oldest first; NULL = something else made the run.
    Column("sources", Json),
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
    # For the start of runs without a key: thousands of runs that wait for a key must not be read on each pass.
    Index(
        "ix_dag_run_startable",
        "run_after",
        "id",
        sqlite_where=text("state = 'queued' AND concurrency_key IS NULL"),
        postgresql_where=text("state = 'queued' AND concurrency_key IS NULL"),
    ),
    # Few: queued runs that a user or a definition put before or behind others.
    Index(
        "ix_dag_run_prioritized",
        "priority",
        "run_after",
        "id",
        sqlite_where=text("state = 'queued' AND priority <> 0"),
        postgresql_where=text("state = 'queued' AND priority <> 0"),
    ),
    Index(
        "ix_dag_run_queued_key",
        "dag_id",
        "concurrency_key",
        "run_after",
        "id",
        sqlite_where=text("state = 'queued' AND concurrency_key IS NOT NULL"),
        postgresql_where=text("state = 'queued' AND concurrency_key IS NOT NULL"),
    ),
    Index(
        "ix_dag_run_debounced",
        "dag_id",
        "debounce_key",
        "id",
        sqlite_where=text("state = 'queued' AND debounce_key IS NOT NULL"),
        postgresql_where=text("state = 'queued' AND debounce_key IS NOT NULL"),
    ),
    Index(
        "ix_dag_run_running_key",
        "dag_id",
        "concurrency_key",
        "id",
        sqlite_where=text("state = 'running' AND concurrency_key IS NOT NULL"),
        postgresql_where=text("state = 'running' AND concurrency_key IS NOT NULL"),
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
    # Running runs without unfinished instances, after a user marked the last ones.
    Index(
        "ix_dag_run_over",
        "id",
        sqlite_where=text("state = 'running' AND tasks_unfinished = 0"),
        postgresql_where=text("state = 'running' AND tasks_unfinished = 0"),
    ),
    Index("ix_dag_run_dag_id_id", "dag_id", "id"),
    # For the latest runs of a DAG.
    Index("ix_dag_run_dag_id_run_after_id", "dag_id", "run_after", "id"),
    # For a search by the beginning of the id, in every collation of the database.
    Index("ix_dag_run_run_id", "run_id", postgresql_ops={"run_id": "text_pattern_ops"}),
    # For lists of the runs of all DAGs, newest first.
    Index("ix_dag_run_run_after_id", "run_after", "id"),
    Index("ix_dag_run_dag_version_id", "dag_version_id"),
    Index(
        "ix_dag_run_backfill_id",
        "backfill_id",
        "id",
        sqlite_where=text("backfill_id IS NOT NULL"),
        postgresql_where=text("backfill_id IS NOT NULL"),
    ),
    # For quotas: the active runs of a principal.
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

awaited_end = Table(
    "awaited_end",
    metadata,
    # The order of the ends.
    Column("id", Key, primary_key=True),
    # The DAG whose schedule waits for the end. The transaction that ends the run writes the row.
    Column("dag_id", ForeignKey("dag.dag_id", ondelete="CASCADE"), nullable=False),
    Column("dag_run_id", ForeignKey("dag_run.id", ondelete="CASCADE"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("ended_at", UtcDateTime, nullable=False),
    # `new`: the scheduler has not looked at the end. `waiting`: for an end of another DAG. `used`: it made a run, or
    # counts no more; the row stays, so that the run does not count twice.
    Column("status", String(10), nullable=False),
    Index("ix_awaited_end_dag_run_id", "dag_run_id", "dag_id", "state"),
    Index(
        "ix_awaited_end_new",
        "dag_id",
        "id",
        sqlite_where=text("status = 'new'"),
        postgresql_where=text("status = 'new'"),
    ),
    Index(
        "ix_awaited_end_unused",
        "dag_id",
        "id",
        sqlite_where=text("status IN ('new', 'waiting')"),
        postgresql_where=text("status IN ('new', 'waiting')"),
    ),
    sqlite_autoincrement=True,
)

deadline = Table(
    "deadline",
    metadata,
    # The deadlines of runs whose definition has some.
    Column("dag_run_id", ForeignKey("dag_run.id", ondelete="CASCADE"), primary_key=True),
    # Empty = the run itself.
    Column("task_id", String(250), primary_key=True),
    # -2 = all instances of the task.
    Column("map_index", Integer, primary_key=True),
    # `end`: must have ended by then. `start`: must not be queued any more.
    Column("kind", String(10), primary_key=True),
    # NULL = the instant has come, and the scheduler has looked at the run or the task.
    Column("due_at", UtcDateTime),
    # Generation of the task instance, so that a retry does not move its deadline and a clear does; 0 = of no instance.
    Column("generation", Integer, nullable=False),
    Index("ix_deadline_due_at", "due_at"),
)

pruned_run = Table(
    "pruned_run",
    metadata,
    # Of each run that retention pruned, so that its run id and logical date are not given to another run.
    Column("dag_id", ForeignKey("dag.dag_id", ondelete="CASCADE"), primary_key=True),
    Column("run_id", String(250), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("logical_date", UtcDateTime),
    # The logical date, or the earliest start of a run without one: the order of runs for `depends_on_past`.
    Column("moment", UtcDateTime, nullable=False),
    Column("end_date", UtcDateTime),
    # No foreign key: the row must not slow down the deletion of a DAG.
    Column("backfill_id", Key),
    Index(
        "uq_pruned_run_logical_date",
        "dag_id",
        "logical_date",
        unique=True,
        sqlite_where=text("logical_date IS NOT NULL"),
        postgresql_where=text("logical_date IS NOT NULL"),
    ),
    Index("ix_pruned_run_dag_id_moment", "dag_id", "moment"),
    Index(
        "ix_pruned_run_backfill_id",
        "backfill_id",
        sqlite_where=text("backfill_id IS NOT NULL"),
        postgresql_where=text("backfill_id IS NOT NULL"),
    ),
)

run_signal = Table(
    "run_signal",
    metadata,
    # The order of the signals of a run.
    Column("id", Key, primary_key=True),
    Column("dag_run_id", ForeignKey("dag_run.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(250), nullable=False),
    # NULL = JSON null.
    Column("value", Json),
    # Name of the user or of the token.
    Column("sent_by", Text, nullable=False),
    Column("sent_at", UtcDateTime, nullable=False),
    # The task whose wait took the signal; NULL = no wait has.
    Column("taken_by", String(250)),
    Column("taken_by_map_index", Integer),
    Column("taken_at", UtcDateTime),
    Index("ix_run_signal_dag_run_id_id", "dag_run_id", "id"),
    # For the look of a wait, even when the run has taken many signals.
    Index(
        "ix_run_signal_kept",
        "dag_run_id",
        "name",
        "id",
        sqlite_where=text("taken_at IS NULL"),
        postgresql_where=text("taken_at IS NULL"),
    ),
)
