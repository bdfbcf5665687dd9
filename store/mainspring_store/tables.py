"""The tables. Migrations build them; everything else in this package reads and writes them.

Instants are aware UTC. States are text with a CHECK, so a row in no known state cannot exist. What the hot path asks
for is covered by partial indexes over live rows only, so finished history costs nothing.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from mainspring.states import AttemptState, RunState, RunType, TaskState
from mainspring_store.types import Json, Key, UtcDateTime

__all__ = [
    "api_token",
    "attempt_report",
    "audit_event",
    "backfill",
    "connection",
    "dag",
    "dag_grant",
    "dag_run",
    "dag_tag",
    "dag_version",
    "idempotency_key",
    "metadata",
    "pool",
    "run_event",
    "secret",
    "service",
    "task_instance",
    "task_log",
    "task_try",
    "user_account",
    "variable",
    "xcom",
]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _one_of(column: str, values: type[RunState | TaskState | AttemptState | RunType]) -> CheckConstraint:
    allowed = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


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
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
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
    _one_of("state", RunState),
    _one_of("run_type", RunType),
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
    Index(
        "ix_dag_run_awaited",
        "parent_attempt_id",
        sqlite_where=text("state IN ('queued', 'running') AND parent_attempt_id IS NOT NULL"),
        postgresql_where=text("state IN ('queued', 'running') AND parent_attempt_id IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

task_instance = Table(
    "task_instance",
    metadata,
    Column("id", Key, primary_key=True),
    Column("dag_run_id", ForeignKey("dag_run.id", ondelete="CASCADE"), nullable=False),
    Column("task_id", String(250), nullable=False),
    # Position of the task in its version; the engine's name for it.
    Column("task_index", Integer, nullable=False),
    # -1 = not mapped, or not expanded yet.
    Column("map_index", Integer, nullable=False, server_default=text("-1")),
    # What a mapped instance stands for: name -> item.
    Column("map_value", Json),
    Column("state", String(20), nullable=False),
    Column("state_reason", String(40)),
    # Readiness is a stored fact: the trigger rule is to be asked now. Set when the run starts or a counter calls.
    Column("ready", Boolean, nullable=False, server_default=text("false")),
    # When a retry or a deferral is due; NULL = not by time.
    Column("not_before", UtcDateTime),
    # What a deferred instance waits for, as its task type wrote it.
    Column("waits_for", Json),
    # 0 before the first attempt.
    Column("try_number", Integer, nullable=False, server_default=text("0")),
    # Retries allowed beyond the first try; grows by clears and interruptions.
    Column("max_tries", Integer, nullable=False),
    Column("generation", Integer, nullable=False, server_default=text("1")),
    # The live attempt, or the latest one.
    Column("attempt_id", String(32)),
    # Direct upstream instances, all of them and by terminal state.
    Column("up_total", Integer, nullable=False),
    Column("up_success", Integer, nullable=False, server_default=text("0")),
    Column("up_failed", Integer, nullable=False, server_default=text("0")),
    Column("up_upstream_failed", Integer, nullable=False, server_default=text("0")),
    Column("up_skipped", Integer, nullable=False, server_default=text("0")),
    Column("up_removed", Integer, nullable=False, server_default=text("0")),
    # Which upstream results ask the trigger rule before all are done; bits as in `WakeOn`.
    Column("wake_on", SmallInteger, nullable=False),
    Column("operator", String(250), nullable=False),
    # The effective priority weight, negated: the lowest rank goes first, so that a plain index has the order.
    Column("rank", Integer, nullable=False),
    Column("pool", String(250), nullable=False),
    Column("pool_slots", Integer, nullable=False),
    Column("queue", String(250), nullable=False),
    # Name of the executor the task asks for; NULL = the scheduler's default.
    Column("executor", String(50)),
    Column("queued_at", UtcDateTime),
    Column("start_date", UtcDateTime),
    Column("end_date", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("note", Text),
    UniqueConstraint("dag_run_id", "task_index", "map_index"),
    # The order of the list over all runs.
    Index("ix_task_instance_map_index_id", "map_index", "id"),
    _one_of("state", TaskState),
    Index(
        "ix_task_instance_ready",
        "rank",
        "id",
        sqlite_where=text("state = 'scheduled' AND ready"),
        postgresql_where=text("state = 'scheduled' AND ready"),
    ),
    # To find what a run has ready, also behind ten thousand of another one.
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
    # What a user reads about how it ended.
    Column("message", Text),
    # The executor that carries it, and the scheduler incarnation whose executor that is.
    Column("executor", String(50), nullable=False),
    Column("owner", String(36), nullable=False),
    Column("queued_at", UtcDateTime, nullable=False),
    # When a remote worker took it; NULL = not yet, or carried by this machine's own hosts.
    Column("claimed_at", UtcDateTime),
    Column("start_date", UtcDateTime),
    Column("end_date", UtcDateTime),
    # NULL while something of it may still run.
    Column("stopped_at", UtcDateTime),
    Column("cancel_requested_at", UtcDateTime),
    Column("lease_expires_at", UtcDateTime),
    Column("hostname", Text),
    Column("pid", Integer),
    Column("exit_code", Integer),
    Column("log_bytes", Integer, nullable=False, server_default=text("0")),
    # The evaluated payload, where it differs from the definition's or a remote worker must fetch it.
    Column("payload", Json),
    # SHA-256 (hex) of the token that a remote worker got at its claim.
    Column("token_hash", String(64)),
    _one_of("state", AttemptState),
    Index("ix_task_try_task_instance_id_try_number", "task_instance_id", "try_number"),
    # At most one live attempt per instance, whatever else goes wrong.
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
    Column("value", Text, nullable=False),
    Column("timestamp", UtcDateTime, nullable=False),
)

task_log = Table(
    "task_log",
    metadata,
    Column("attempt_id", ForeignKey("task_try.attempt_id", ondelete="CASCADE"), primary_key=True),
    # Bytes of this attempt's log before this chunk.
    Column("offset", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

attempt_report = Table(
    "attempt_report",
    metadata,
    # What remote workers have reported and no scheduler has applied yet: applied and deleted in one transaction.
    Column("id", Key, primary_key=True),
    Column("attempt_id", ForeignKey("task_try.attempt_id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("body", Json, nullable=False),
    UniqueConstraint("attempt_id", "kind"),
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

pool = Table(
    "pool",
    metadata,
    Column("name", String(250), primary_key=True),
    Column("slots", Integer, nullable=False),
    # Slots held by live attempts; moved in the transaction that moves the attempt.
    Column("used", Integer, nullable=False, server_default=text("0")),
    Column("description", Text),
    Column("include_deferred", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("used >= 0", name="used"),
)

variable = Table(
    "variable",
    metadata,
    Column("key", String(250), primary_key=True),
    Column("value", Text, nullable=False),
    Column("description", Text),
    Column("updated_at", UtcDateTime, nullable=False),
)

secret = Table(
    "secret",
    metadata,
    Column("name", String(250), primary_key=True),
    # Encrypted by the key ring; the plain value is never stored.
    Column("ciphertext", LargeBinary, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

user_account = Table(
    "user_account",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("username", String(250), nullable=False, unique=True),
    # argon2id, with its parameters and salt.
    Column("password_hash", Text, nullable=False),
    # On every DAG and everything else; NULL = only what is granted.
    Column("role", String(20)),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("last_login_at", UtcDateTime),
)

connection = Table(
    "connection",
    metadata,
    Column("connection_id", String(250), primary_key=True),
    Column("conn_type", String(500), nullable=False),
    Column("description", Text),
    Column("host", Text),
    Column("schema", Text),
    Column("login", Text),
    Column("port", Integer),
    # Password and extra, encrypted by the key ring; NULL = it has neither.
    Column("ciphertext", LargeBinary),
    # Names of what is in the ciphertext, so that a list needs no key.
    Column("sealed", Json, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(250), nullable=False),
    Column("kind", String(10), nullable=False),
    # SHA-256 (hex); tokens are random, so a fast hash leaves nothing to guess.
    Column("token_hash", String(64), nullable=False, unique=True),
    # As for users. What has an owner may also do no more than its owner.
    Column("role", String(20)),
    Column("user_id", ForeignKey("user_account.id", ondelete="CASCADE")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    # To the minute.
    Column("last_used_at", UtcDateTime),
    Index("ix_api_token_user_id", "user_id"),
)

dag_grant = Table(
    "dag_grant",
    metadata,
    Column("id", Key, primary_key=True),
    # To one of the two.
    Column("user_id", ForeignKey("user_account.id", ondelete="CASCADE")),
    Column("token_id", ForeignKey("api_token.id", ondelete="CASCADE")),
    # A dag_id, where `*` stands for any characters.
    Column("pattern", String(250), nullable=False),
    Column("role", String(20), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("user_id", "pattern"),
    UniqueConstraint("token_id", "pattern"),
    CheckConstraint("(user_id IS NULL) <> (token_id IS NULL)", name="one_holder"),
)

audit_event = Table(
    "audit_event",
    metadata,
    # Who did what. Only added to; rows outlive what they tell of.
    Column("id", Key, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    # The operation, by its id in the document.
    Column("event", String(250), nullable=False),
    Column("outcome", String(10), nullable=False),
    # Name of the user or token, and its id; NULL = nobody was known.
    Column("owner", String(250)),
    Column("principal_id", String(36)),
    Column("dag_id", String(250)),
    Column("run_id", String(250)),
    Column("task_id", String(250)),
    Column("map_index", Integer),
    Column("try_number", Integer),
    Column("extra", Json, nullable=False),
    Index("ix_audit_event_at", "at"),
    Index("ix_audit_event_dag_id_id", "dag_id", "id"),
)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    # The user or token that sent it, and SHA-256 (hex) of the key.
    Column("principal_id", String(36), primary_key=True),
    Column("key_hash", String(64), primary_key=True),
    # SHA-256 (hex) of the request: method, path, media type, body.
    Column("fingerprint", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # The answer; written in the transaction of the effect.
    Column("status", SmallInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    # Encrypted by the key ring, because the answer told a secret.
    Column("is_sealed", Boolean, nullable=False),
    Index("ix_idempotency_key_created_at", "created_at"),
)

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
