"""Task instances, attempts, outputs, logs and reports of attempts."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from mainspring.states import AttemptState, TaskState
from mainspring_store.database.types import Json, Key, UtcDateTime
from mainspring_store.tables.base import metadata, one_of

__all__ = ["attempt_report", "large_value", "large_value_piece", "task_instance", "task_log", "task_try", "xcom"]

task_instance = Table(
    "task_instance",
    metadata,
    Column("id", Key, primary_key=True),
    Column("dag_run_id", ForeignKey("dag_run.id", ondelete="CASCADE"), nullable=False),
    Column("task_id", String(250), nullable=False),
    # Position of the task in its version. The engine identifies tasks by this number.
    Column("task_index", Integer, nullable=False),
    # -1 = not mapped, or not expanded yet.
    Column("map_index", Integer, nullable=False, server_default=text("-1")),
    # Mapped instances only: parameter name -> item.
    Column("map_value", Json),
    # Mapped instances of a task with a `key` only: the name of the instance.
    Column("map_key", Text),
    Column("state", String(20), nullable=False),
    Column("state_reason", String(40)),
    # Whether the scheduler must evaluate the trigger rule now. Set at the start of the run and by changes of the
    # upstream counters.
    Column("ready", Boolean, nullable=False, server_default=text("false")),
    # When a retry or a deferral is due; NULL = time does not end the wait.
    Column("not_before", UtcDateTime),
    # The condition that a deferred instance waits for, in the format of its task type.
    Column("waits_for", Json),
    # 0 before the first attempt.
    Column("try_number", Integer, nullable=False, server_default=text("0")),
    # Retries allowed after the first try; clears and interruptions raise the number.
    Column("max_tries", Integer, nullable=False),
    Column("generation", Integer, nullable=False, server_default=text("1")),
    # The turn of a task with `repeat`, from 0; NULL = no try yet since the latest clear, or a task without `repeat`.
    Column("turn", Integer),
    # The live attempt, or the latest one.
    Column("attempt_id", String(32)),
    # Numbers of direct upstream instances: in total, and by terminal state.
    Column("up_total", Integer, nullable=False),
    Column("up_success", Integer, nullable=False, server_default=text("0")),
    Column("up_failed", Integer, nullable=False, server_default=text("0")),
    Column("up_upstream_failed", Integer, nullable=False, server_default=text("0")),
    Column("up_skipped", Integer, nullable=False, server_default=text("0")),
    Column("up_removed", Integer, nullable=False, server_default=text("0")),
    # Upstream results that make the scheduler evaluate the trigger rule early; bits as in `WakeOn`.
    Column("wake_on", SmallInteger, nullable=False),
    Column("operator", String(250), nullable=False),
    # The negated effective priority weight. The lowest rank goes first, so an ascending index gives the order.
    Column("rank", Integer, nullable=False),
    Column("pool", String(250), nullable=False),
    Column("pool_slots", Integer, nullable=False),
    Column("queue", String(250), nullable=False),
    # Name of the executor that the definition requests; NULL = the scheduler's default.
    Column("executor", String(50)),
    Column("queued_at", UtcDateTime),
    Column("start_date", UtcDateTime),
    Column("end_date", UtcDateTime),
    # When a deadline of the instance passed, since its latest clear; NULL = none has.
    Column("late_since", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("note", Text),
    UniqueConstraint("dag_run_id", "task_index", "map_index"),
    # The default order of the list of instances of all runs.
    Index("ix_task_instance_map_index_id", "map_index", "id"),
    one_of("state", TaskState),
    Index(
        "ix_task_instance_ready",
        "rank",
        "id",
        sqlite_where=text("state = 'scheduled' AND ready"),
        postgresql_where=text("state = 'scheduled' AND ready"),
    ),
    # For the ready instances of one run, even when another run has ten thousand ready instances.
    Index(
        "ix_task_instance_ready_of_run",
        "dag_run_id",
        "rank",
        "id",
        sqlite_where=text("state = 'scheduled' AND ready"),
        postgresql_where=text("state = 'scheduled' AND ready"),
    ),
    Index(
        "ix_task_instance_parked",
        "task_id",
        "dag_run_id",
        sqlite_where=text(
            "state = 'scheduled' AND NOT ready AND state_reason IN ('depends_on_past', 'max_active_tis')"
        ),
        postgresql_where=text(
            "state = 'scheduled' AND NOT ready AND state_reason IN ('depends_on_past', 'max_active_tis')"
        ),
    ),
    Index(
        "ix_task_instance_due",
        "not_before",
        sqlite_where=text("state IN ('up_for_retry', 'deferred') AND not_before IS NOT NULL"),
        postgresql_where=text("state IN ('up_for_retry', 'deferred') AND not_before IS NOT NULL"),
    ),
    Index(
        "ix_task_instance_deferred",
        "operator",
        "id",
        sqlite_where=text("state = 'deferred'"),
        postgresql_where=text("state = 'deferred'"),
    ),
)

task_try = Table(
    "task_try",
    metadata,
    Column("attempt_id", String(32), primary_key=True),
    Column("task_instance_id", ForeignKey("task_instance.id", ondelete="CASCADE"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("try_number", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("state_reason", String(40)),
    # A message for users about the end of the attempt.
    Column("message", Text),
    # The executor of the attempt, and the instance id of the scheduler that owns the executor.
    Column("executor", String(50), nullable=False),
    Column("owner", String(36), nullable=False),
    Column("queued_at", UtcDateTime, nullable=False),
    # When a worker claimed the attempt; NULL = not yet, or a task host of the scheduler runs the attempt.
    Column("claimed_at", UtcDateTime),
    Column("start_date", UtcDateTime),
    Column("end_date", UtcDateTime),
    # When the last process of the attempt ended; NULL = a process may still run.
    Column("stopped_at", UtcDateTime),
    Column("cancel_requested_at", UtcDateTime),
    Column("lease_expires_at", UtcDateTime),
    Column("hostname", Text),
    Column("pid", Integer),
    Column("exit_code", Integer),
    Column("log_bytes", Integer, nullable=False, server_default=text("0")),
    # The number of bytes of the log that compressed blocks hold; NULL = none. They never change.
    Column("log_packed_bytes", Integer),
    # Where the lines of the part begin that lies outside the database; NULL = nothing of the log does.
    Column("log_index", Json),
    # The evaluated payload, when it differs from the definition or when a worker must fetch it.
    Column("payload", Json),
    # SHA-256 (hex) of the token that the worker received with the claim.
    Column("token_hash", String(64)),
    # Instance id of the worker that claimed the attempt. NULL = unclaimed, or claimed by a worker of an old release
    # that did not prove its instance id.
    Column("worker_id", String(36)),
    # Tasks with `repeat` only: the turn that the try belongs to, and the outputs of the try as JSON.
    Column("turn", Integer),
    Column("outputs", Json),
    one_of("state", AttemptState),
    Index("ix_task_try_task_instance_id_try_number", "task_instance_id", "try_number"),
    # At most one live attempt per instance: the database itself guards the invariant.
    Index(
        "uq_task_try_live",
        "task_instance_id",
        unique=True,
        sqlite_where=text("state IN ('queued', 'running')"),
        postgresql_where=text("state IN ('queued', 'running')"),
    ),
    Index(
        "ix_task_try_unstopped",
        "executor",
        "owner",
        sqlite_where=text("stopped_at IS NULL"),
        postgresql_where=text("stopped_at IS NULL"),
    ),
)

xcom = Table(
    "xcom",
    metadata,
    Column("task_instance_id", ForeignKey("task_instance.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(250), primary_key=True),
    # JSON; the reference, where `large_id` is set.
    Column("value", Text, nullable=False),
    Column("timestamp", UtcDateTime, nullable=False),
    # The large value that the output refers to; NULL = `value` is the value itself.
    Column("large_id", String(32)),
    Index(
        "ix_xcom_large_id",
        "large_id",
        sqlite_where=text("large_id IS NOT NULL"),
        postgresql_where=text("large_id IS NOT NULL"),
    ),
)

large_value = Table(
    "large_value",
    metadata,
    # See `mainspring.large_values.value_id`.
    Column("id", String(32), primary_key=True),
    Column("task_instance_id", ForeignKey("task_instance.id", ondelete="CASCADE"), nullable=False),
    # The try that gave the value.
    Column("attempt_id", String(32), nullable=False),
    # Size and SHA-256 (hex) of the JSON text.
    Column("raw_bytes", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("stored_at", UtcDateTime, nullable=False),
    # The object of the log store that has the bytes of the pieces; NULL = the pieces have them.
    Column("object_key", Text),
    Index("ix_large_value_task_instance_id", "task_instance_id"),
    Index("ix_large_value_attempt_id", "attempt_id"),
    # For the look for values to move.
    Index(
        "ix_large_value_unmoved",
        "id",
        sqlite_where=text("object_key IS NULL"),
        postgresql_where=text("object_key IS NULL"),
    ),
)

large_value_piece = Table(
    "large_value_piece",
    metadata,
    Column("value_id", ForeignKey("large_value.id", ondelete="CASCADE"), primary_key=True),
    # Counts from 0. Each piece but the last holds `mainspring.large_values.PIECE_BYTES` of the JSON text.
    Column("position", Integer, primary_key=True),
    # Compressed with zstd; empty when the object of the value has the bytes.
    Column("data", LargeBinary, nullable=False),
    Column("raw_bytes", Integer, nullable=False),
    # Where the piece lies in the object of the value.
    Column("object_start", Integer),
    Column("object_bytes", Integer),
)

task_log = Table(
    "task_log",
    metadata,
    Column("attempt_id", ForeignKey("task_try.attempt_id", ondelete="CASCADE"), primary_key=True),
    # The number of bytes of the attempt's log before this chunk.
    Column("offset", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    # The bytes of the chunk, or a block of chunks: see `database.log_blocks`.
    Column("data", LargeBinary, nullable=False),
    # The number of bytes of the log in a block; NULL = a chunk as it arrived.
    Column("raw_bytes", Integer),
    # The object of the log store that has the bytes of the block, and where; NULL = the bytes are in `data`.
    Column("object_key", Text),
    Column("object_start", Integer),
    Column("object_bytes", Integer),
    Index(
        "ix_task_log_unmoved",
        "attempt_id",
        sqlite_where=text("raw_bytes IS NOT NULL AND object_key IS NULL"),
        postgresql_where=text("raw_bytes IS NOT NULL AND object_key IS NULL"),
    ),
    Index(
        "ix_task_log_unpacked",
        "attempt_id",
        sqlite_where=text("raw_bytes IS NULL"),
        postgresql_where=text("raw_bytes IS NULL"),
    ),
)

attempt_report = Table(
    "attempt_report",
    metadata,
    # Reports of workers that no scheduler has applied yet. The scheduler applies and deletes a report in one
    # transaction.
    Column("id", Key, primary_key=True),
    Column("attempt_id", ForeignKey("task_try.attempt_id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("body", Json, nullable=False),
    UniqueConstraint("attempt_id", "kind"),
)
