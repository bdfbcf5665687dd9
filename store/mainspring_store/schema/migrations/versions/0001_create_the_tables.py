"""Create the tables."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import Json, Key, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user_account",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("username", sa.String(length=250), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("last_login_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("username", name=op.f("uq_user_account_username")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=True),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_api_token_user_id_user_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_index("ix_api_token_user_id", "api_token", ["user_id"])
    op.create_table(
        "dag_grant",
        sa.Column("id", Key, nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("token_id", sa.String(length=36), nullable=True),
        sa.Column("pattern", sa.String(length=250), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(user_id IS NULL) <> (token_id IS NULL)", name=op.f("ck_dag_grant_one_holder")),
        sa.ForeignKeyConstraint(
            ["token_id"], ["api_token.id"], name=op.f("fk_dag_grant_token_id_api_token"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_dag_grant_user_id_user_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dag_grant")),
        sa.UniqueConstraint("token_id", "pattern", name=op.f("uq_dag_grant_token_id_pattern")),
        sa.UniqueConstraint("user_id", "pattern", name=op.f("uq_dag_grant_user_id_pattern")),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", Key, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("event", sa.String(length=250), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("owner", sa.String(length=250), nullable=True),
        sa.Column("principal_id", sa.String(length=36), nullable=True),
        sa.Column("dag_id", sa.String(length=250), nullable=True),
        sa.Column("run_id", sa.String(length=250), nullable=True),
        sa.Column("task_id", sa.String(length=250), nullable=True),
        sa.Column("map_index", sa.Integer(), nullable=True),
        sa.Column("try_number", sa.Integer(), nullable=True),
        sa.Column("extra", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_at", "audit_event", ["at"])
    op.create_index("ix_audit_event_dag_id_id", "audit_event", ["dag_id", "id"])
    op.create_table(
        "idempotency_key",
        sa.Column("principal_id", sa.String(length=36), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("is_sealed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "key_hash", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"])
    op.create_table(
        "dag",
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("version_id", Key, nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("owners", Json(), nullable=False),
        sa.Column("max_active_runs", sa.Integer(), nullable=False),
        sa.Column("max_active_tasks", sa.Integer(), nullable=False),
        sa.Column("next_logical_date", UtcDateTime(), nullable=True),
        sa.Column("next_data_interval_end", UtcDateTime(), nullable=True),
        sa.Column("next_run_after", UtcDateTime(), nullable=True),
        sa.Column("schedule_error", sa.Text(), nullable=True),
        sa.Column("timetable_summary", sa.Text(), nullable=True),
        sa.Column("timetable_description", sa.Text(), nullable=True),
        sa.Column("is_periodic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("dag_id", name=op.f("pk_dag")),
    )
    op.create_index(
        "ix_dag_next_run_after",
        "dag",
        ["next_run_after"],
        sqlite_where=sa.text("next_run_after IS NOT NULL AND NOT is_paused"),
        postgresql_where=sa.text("next_run_after IS NOT NULL AND NOT is_paused"),
    )
    op.create_table(
        "pool",
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("include_deferred", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_pool_used")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pool")),
    )
    op.create_table(
        "secret",
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secret")),
    )
    op.create_table(
        "connection",
        sa.Column("connection_id", sa.String(length=250), nullable=False),
        sa.Column("conn_type", sa.String(length=500), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("schema", sa.Text(), nullable=True),
        sa.Column("login", sa.Text(), nullable=True),
        sa.Column("port", sa.Integer(), nullable=True),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", Json(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_connection")),
    )
    op.create_table(
        "service",
        sa.Column("incarnation", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("hostname", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("heartbeat_at", UtcDateTime(), nullable=False),
        sa.Column("stopped_at", UtcDateTime(), nullable=True),
        sa.Column("clock_offset_seconds", sa.Double(), nullable=True),
        sa.Column("details", Json(), nullable=False),
        sa.PrimaryKeyConstraint("incarnation", name=op.f("pk_service")),
    )
    with op.batch_alter_table("service", schema=None) as batch_op:
        batch_op.create_index("ix_service_kind_heartbeat_at", ["kind", "heartbeat_at"], unique=False)

    op.create_table(
        "variable",
        sa.Column("key", sa.String(length=250), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_variable")),
    )
    op.create_table(
        "dag_tag",
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["dag_id"], ["dag.dag_id"], name=op.f("fk_dag_tag_dag_id_dag"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("dag_id", "name", name=op.f("pk_dag_tag")),
    )
    with op.batch_alter_table("dag_tag", schema=None) as batch_op:
        batch_op.create_index("ix_dag_tag_name", ["name"], unique=False)

    op.create_table(
        "dag_version",
        sa.Column("id", Key, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("document", Json(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["dag_id"], ["dag.dag_id"], name=op.f("fk_dag_version_dag_id_dag"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dag_version")),
        sa.UniqueConstraint("dag_id", "version_number", name=op.f("uq_dag_version_dag_id_version_number")),
        sa.UniqueConstraint("uuid", name=op.f("uq_dag_version_uuid")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "backfill",
        sa.Column("id", Key, nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("dag_version_id", Key, nullable=False),
        sa.Column("from_date", UtcDateTime(), nullable=False),
        sa.Column("to_date", UtcDateTime(), nullable=False),
        sa.Column("run_backwards", sa.Boolean(), nullable=False),
        sa.Column("dag_run_conf", Json(), nullable=True),
        sa.Column("reprocess_behavior", sa.String(length=20), nullable=False),
        sa.Column("max_active_runs", sa.Integer(), nullable=False),
        sa.Column("run_on_latest_version", sa.Boolean(), nullable=False),
        sa.Column("is_paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("slots_total", sa.Integer(), nullable=False),
        sa.Column("slots_done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("slots_skipped", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cursor", UtcDateTime(), nullable=True),
        sa.Column("max_failed_runs", sa.Integer(), nullable=True),
        sa.Column("resumed_at", UtcDateTime(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("triggering_user_name", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["dag_id"], ["dag.dag_id"], name=op.f("fk_backfill_dag_id_dag"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["dag_version_id"],
            ["dag_version.id"],
            name=op.f("fk_backfill_dag_version_id_dag_version"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfill")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("backfill", schema=None) as batch_op:
        batch_op.create_index(
            "uq_backfill_open",
            ["dag_id"],
            unique=True,
            sqlite_where=sa.text("completed_at IS NULL"),
            postgresql_where=sa.text("completed_at IS NULL"),
        )

    op.create_table(
        "dag_run",
        sa.Column("id", Key, nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("dag_version_id", Key, nullable=False),
        sa.Column("run_type", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("state_reason", sa.String(length=40), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("parent_attempt_id", sa.String(length=32), nullable=True),
        sa.Column("depth", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("conf", Json(), nullable=False),
        sa.Column("params", Json(), nullable=False),
        sa.Column("backfill_id", Key, nullable=True),
        sa.Column("logical_date", UtcDateTime(), nullable=True),
        sa.Column("data_interval_start", UtcDateTime(), nullable=True),
        sa.Column("data_interval_end", UtcDateTime(), nullable=True),
        sa.Column("run_after", UtcDateTime(), nullable=False),
        sa.Column("queued_at", UtcDateTime(), nullable=False),
        sa.Column("start_date", UtcDateTime(), nullable=True),
        sa.Column("end_date", UtcDateTime(), nullable=True),
        sa.Column("timeout_at", UtcDateTime(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("last_scheduling_decision", UtcDateTime(), nullable=True),
        sa.Column("triggered_by", sa.String(length=30), nullable=False),
        sa.Column("triggering_user_name", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("outputs", Json(), nullable=True),
        sa.Column("tasks_total", sa.Integer(), nullable=False),
        sa.Column("tasks_unfinished", sa.Integer(), nullable=False),
        sa.Column("tasks_active", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tasks_failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_active_tasks", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "run_type IN ('backfill', 'scheduled', 'manual', 'operator_triggered')", name=op.f("ck_dag_run_run_type")
        ),
        sa.CheckConstraint("state IN ('queued', 'running', 'success', 'failed')", name=op.f("ck_dag_run_state")),
        sa.CheckConstraint(
            "tasks_unfinished >= 0 AND tasks_active >= 0 AND tasks_failed >= 0", name=op.f("ck_dag_run_counters")
        ),
        sa.ForeignKeyConstraint(["dag_id"], ["dag.dag_id"], name=op.f("fk_dag_run_dag_id_dag"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["dag_version_id"], ["dag_version.id"], name=op.f("fk_dag_run_dag_version_id_dag_version")
        ),
        sa.ForeignKeyConstraint(["backfill_id"], ["backfill.id"], name=op.f("fk_dag_run_backfill_id_backfill")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dag_run")),
        sa.UniqueConstraint("dag_id", "logical_date", name=op.f("uq_dag_run_dag_id_logical_date")),
        sa.UniqueConstraint("dag_id", "run_id", name=op.f("uq_dag_run_dag_id_run_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("dag_run", schema=None) as batch_op:
        batch_op.create_index(
            "ix_dag_run_backfill_id",
            ["backfill_id", "id"],
            unique=False,
            sqlite_where=sa.text("backfill_id IS NOT NULL"),
            postgresql_where=sa.text("backfill_id IS NOT NULL"),
        )
        batch_op.create_index("ix_dag_run_dag_id_id", ["dag_id", "id"], unique=False)
        batch_op.create_index("ix_dag_run_run_after_id", ["run_after", "id"], unique=False)
        batch_op.create_index("ix_dag_run_dag_version_id", ["dag_version_id"], unique=False)
        batch_op.create_index(
            "ix_dag_run_over",
            ["id"],
            unique=False,
            sqlite_where=sa.text("state = 'running' AND tasks_unfinished = 0"),
            postgresql_where=sa.text("state = 'running' AND tasks_unfinished = 0"),
        )
        batch_op.create_index(
            "ix_dag_run_awaited",
            ["parent_attempt_id"],
            unique=False,
            sqlite_where=sa.text("state IN ('queued', 'running') AND parent_attempt_id IS NOT NULL"),
            postgresql_where=sa.text("state IN ('queued', 'running') AND parent_attempt_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_dag_run_queued",
            ["run_after", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'queued'"),
            postgresql_where=sa.text("state = 'queued'"),
        )
        batch_op.create_index(
            "ix_dag_run_running",
            ["dag_id", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )
        batch_op.create_index(
            "ix_dag_run_timeout_at",
            ["timeout_at"],
            unique=False,
            sqlite_where=sa.text("state = 'running' AND timeout_at IS NOT NULL"),
            postgresql_where=sa.text("state = 'running' AND timeout_at IS NOT NULL"),
        )

    op.create_table(
        "run_event",
        sa.Column("dag_run_id", Key, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("task_instance_id", Key, nullable=True),
        sa.Column("try_number", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("state_reason", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["dag_run_id"], ["dag_run.id"], name=op.f("fk_run_event_dag_run_id_dag_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dag_run_id", "seq", name=op.f("pk_run_event")),
    )
    op.create_table(
        "task_instance",
        sa.Column("id", Key, nullable=False),
        sa.Column("dag_run_id", Key, nullable=False),
        sa.Column("task_id", sa.String(length=250), nullable=False),
        sa.Column("task_index", sa.Integer(), nullable=False),
        sa.Column("map_index", sa.Integer(), server_default=sa.text("(-1)"), nullable=False),
        sa.Column("map_value", Json(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("state_reason", sa.String(length=40), nullable=True),
        sa.Column("ready", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("waits_for", Json(), nullable=True),
        sa.Column("try_number", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_tries", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("attempt_id", sa.String(length=32), nullable=True),
        sa.Column("up_total", sa.Integer(), nullable=False),
        sa.Column("up_success", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("up_failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("up_upstream_failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("up_skipped", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("up_removed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("wake_on", sa.SmallInteger(), nullable=False),
        sa.Column("operator", sa.String(length=250), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("pool", sa.String(length=250), nullable=False),
        sa.Column("pool_slots", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=250), nullable=False),
        sa.Column("executor", sa.String(length=50), nullable=True),
        sa.Column("queued_at", UtcDateTime(), nullable=True),
        sa.Column("start_date", UtcDateTime(), nullable=True),
        sa.Column("end_date", UtcDateTime(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('scheduled', 'queued', 'running', 'success', 'failed', 'skipped', 'upstream_failed', "
            "'up_for_retry', 'deferred', 'removed')",
            name=op.f("ck_task_instance_state"),
        ),
        sa.ForeignKeyConstraint(
            ["dag_run_id"], ["dag_run.id"], name=op.f("fk_task_instance_dag_run_id_dag_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_instance")),
        sa.UniqueConstraint(
            "dag_run_id", "task_index", "map_index", name=op.f("uq_task_instance_dag_run_id_task_index_map_index")
        ),
    )
    with op.batch_alter_table("task_instance", schema=None) as batch_op:
        batch_op.create_index(
            "ix_task_instance_deferred",
            ["operator", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'deferred'"),
            postgresql_where=sa.text("state = 'deferred'"),
        )
        batch_op.create_index(
            "ix_task_instance_due",
            ["not_before"],
            unique=False,
            sqlite_where=sa.text("state IN ('up_for_retry', 'deferred') AND not_before IS NOT NULL"),
            postgresql_where=sa.text("state IN ('up_for_retry', 'deferred') AND not_before IS NOT NULL"),
        )
        batch_op.create_index("ix_task_instance_map_index_id", ["map_index", "id"], unique=False)
        batch_op.create_index(
            "ix_task_instance_ready",
            ["rank", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'scheduled' AND ready"),
            postgresql_where=sa.text("state = 'scheduled' AND ready"),
        )
        batch_op.create_index(
            "ix_task_instance_ready_of_run",
            ["dag_run_id", "rank", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'scheduled' AND ready"),
            postgresql_where=sa.text("state = 'scheduled' AND ready"),
        )
        batch_op.create_index(
            "ix_task_instance_parked",
            ["task_id", "dag_run_id"],
            unique=False,
            sqlite_where=sa.text(
                "state = 'scheduled' AND NOT ready AND state_reason IN ('depends_on_past', 'max_active_tis')"
            ),
            postgresql_where=sa.text(
                "state = 'scheduled' AND NOT ready AND state_reason IN ('depends_on_past', 'max_active_tis')"
            ),
        )

    op.create_table(
        "task_try",
        sa.Column("attempt_id", sa.String(length=32), nullable=False),
        sa.Column("task_instance_id", Key, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("state_reason", sa.String(length=40), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("executor", sa.String(length=50), nullable=False),
        sa.Column("owner", sa.String(length=36), nullable=False),
        sa.Column("queued_at", UtcDateTime(), nullable=False),
        sa.Column("claimed_at", UtcDateTime(), nullable=True),
        sa.Column("start_date", UtcDateTime(), nullable=True),
        sa.Column("end_date", UtcDateTime(), nullable=True),
        sa.Column("stopped_at", UtcDateTime(), nullable=True),
        sa.Column("cancel_requested_at", UtcDateTime(), nullable=True),
        sa.Column("lease_expires_at", UtcDateTime(), nullable=True),
        sa.Column("hostname", sa.Text(), nullable=True),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("log_bytes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("payload", Json(), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'deferred', 'success', 'failed', 'skipped', 'cancelled', 'interrupted', "
            "'lost')",
            name=op.f("ck_task_try_state"),
        ),
        sa.ForeignKeyConstraint(
            ["task_instance_id"],
            ["task_instance.id"],
            name=op.f("fk_task_try_task_instance_id_task_instance"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_task_try")),
    )
    with op.batch_alter_table("task_try", schema=None) as batch_op:
        batch_op.create_index(
            "ix_task_try_task_instance_id_try_number", ["task_instance_id", "try_number"], unique=False
        )
        batch_op.create_index(
            "ix_task_try_unstopped",
            ["executor", "owner"],
            unique=False,
            sqlite_where=sa.text("stopped_at IS NULL"),
            postgresql_where=sa.text("stopped_at IS NULL"),
        )
        batch_op.create_index(
            "uq_task_try_live",
            ["task_instance_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('queued', 'running')"),
            postgresql_where=sa.text("state IN ('queued', 'running')"),
        )

    op.create_table(
        "xcom",
        sa.Column("task_instance_id", Key, nullable=False),
        sa.Column("key", sa.String(length=250), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("timestamp", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["task_instance_id"],
            ["task_instance.id"],
            name=op.f("fk_xcom_task_instance_id_task_instance"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("task_instance_id", "key", name=op.f("pk_xcom")),
    )
    op.create_table(
        "task_log",
        sa.Column("attempt_id", sa.String(length=32), nullable=False),
        sa.Column("offset", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["task_try.attempt_id"], name=op.f("fk_task_log_attempt_id_task_try"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("attempt_id", "offset", name=op.f("pk_task_log")),
    )
    op.create_table(
        "attempt_report",
        sa.Column("id", Key, nullable=False),
        sa.Column("attempt_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("body", Json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"],
            ["task_try.attempt_id"],
            name=op.f("fk_attempt_report_attempt_id_task_try"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt_report")),
        sa.UniqueConstraint("attempt_id", "kind", name=op.f("uq_attempt_report_attempt_id_kind")),
    )
    op.execute(
        "INSERT INTO pool (name, slots, description) VALUES ('default_pool', 128, 'Every task that names no pool')"
    )


def downgrade() -> None:
    op.drop_table("attempt_report")
    op.drop_table("task_log")
    op.drop_table("xcom")
    with op.batch_alter_table("task_try", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_task_try_live",
            sqlite_where=sa.text("state IN ('queued', 'running')"),
            postgresql_where=sa.text("state IN ('queued', 'running')"),
        )
        batch_op.drop_index(
            "ix_task_try_unstopped",
            sqlite_where=sa.text("stopped_at IS NULL"),
            postgresql_where=sa.text("stopped_at IS NULL"),
        )
        batch_op.drop_index("ix_task_try_task_instance_id_try_number")

    op.drop_table("task_try")
    with op.batch_alter_table("task_instance", schema=None) as batch_op:
        batch_op.drop_index("ix_task_instance_map_index_id")
        batch_op.drop_index(
            "ix_task_instance_parked",
            sqlite_where=sa.text(
                "state = 'scheduled' AND NOT ready AND state_reason IN ('depends_on_past', 'max_active_tis')"
            ),
            postgresql_where=sa.text(
                "state = 'scheduled' AND NOT ready AND state_reason IN ('depends_on_past', 'max_active_tis')"
            ),
        )
        batch_op.drop_index(
            "ix_task_instance_deferred",
            sqlite_where=sa.text("state = 'deferred'"),
            postgresql_where=sa.text("state = 'deferred'"),
        )
        batch_op.drop_index(
            "ix_task_instance_due",
            sqlite_where=sa.text("state IN ('up_for_retry', 'deferred') AND not_before IS NOT NULL"),
            postgresql_where=sa.text("state IN ('up_for_retry', 'deferred') AND not_before IS NOT NULL"),
        )

    op.drop_table("task_instance")
    op.drop_table("run_event")
    with op.batch_alter_table("dag_run", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_dag_run_timeout_at",
            sqlite_where=sa.text("state = 'running' AND timeout_at IS NOT NULL"),
            postgresql_where=sa.text("state = 'running' AND timeout_at IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_dag_run_running",
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )
        batch_op.drop_index(
            "ix_dag_run_queued", sqlite_where=sa.text("state = 'queued'"), postgresql_where=sa.text("state = 'queued'")
        )
        batch_op.drop_index(
            "ix_dag_run_awaited",
            sqlite_where=sa.text("state IN ('queued', 'running') AND parent_attempt_id IS NOT NULL"),
            postgresql_where=sa.text("state IN ('queued', 'running') AND parent_attempt_id IS NOT NULL"),
        )
        batch_op.drop_index("ix_dag_run_dag_version_id")
        batch_op.drop_index("ix_dag_run_run_after_id")
        batch_op.drop_index("ix_dag_run_dag_id_id")

        batch_op.drop_index(
            "ix_dag_run_backfill_id",
            sqlite_where=sa.text("backfill_id IS NOT NULL"),
            postgresql_where=sa.text("backfill_id IS NOT NULL"),
        )

    op.drop_table("dag_run")
    with op.batch_alter_table("backfill", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_backfill_open",
            sqlite_where=sa.text("completed_at IS NULL"),
            postgresql_where=sa.text("completed_at IS NULL"),
        )

    op.drop_table("backfill")
    op.drop_table("dag_version")
    with op.batch_alter_table("dag_tag", schema=None) as batch_op:
        batch_op.drop_index("ix_dag_tag_name")

    op.drop_table("dag_tag")
    op.drop_table("variable")
    with op.batch_alter_table("service", schema=None) as batch_op:
        batch_op.drop_index("ix_service_kind_heartbeat_at")

    op.drop_table("service")
    op.drop_table("connection")
    op.drop_table("secret")
    op.drop_table("pool")
    op.drop_table("dag")
    op.drop_table("idempotency_key")
    op.drop_table("audit_event")
    op.drop_table("dag_grant")
    op.drop_table("api_token")
    op.drop_table("user_account")
