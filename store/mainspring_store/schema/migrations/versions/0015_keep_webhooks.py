"""Keep receivers of events outside of the installation, and what is sent to them."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import Json, Key, UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_receiver()
    _create_delivery()
    position = op.create_table(
        "webhook_position",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", Key, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_position")),
    )
    op.bulk_insert(position, [{"id": 1, "event_id": 0}])


def downgrade() -> None:
    op.drop_table("webhook_position")
    op.drop_table("delivery")
    op.drop_table("receiver")


def _create_receiver() -> None:
    op.create_table(
        "receiver",
        sa.Column("id", Key, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("principal_id", sa.String(length=36), nullable=True),
        sa.Column("dag_run_id", Key, nullable=True),
        sa.Column("pattern", sa.String(length=250), nullable=False),
        sa.Column("types", Json(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("includes_outputs", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("ended_reason", sa.String(length=40), nullable=True),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("shown_url", sa.Text(), nullable=False),
        sa.Column("begins_after", Key, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("leased_by", sa.String(length=36), nullable=True),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dag_run_id"], ["dag_run.id"], name=op.f("fk_receiver_dag_run_id_dag_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receiver")),
        sa.UniqueConstraint("kind", "name", name=op.f("uq_receiver_kind_name")),
        sa.CheckConstraint("kind IN ('webhook', 'notifier', 'callback')", name=op.f("ck_receiver_kind")),
        sa.CheckConstraint("state IN ('active', 'waiting', 'disabled', 'ended')", name=op.f("ck_receiver_state")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_receiver_state", "receiver", ["state"])
    op.create_index("ix_receiver_principal_id", "receiver", ["principal_id"])
    where = sa.text("dag_run_id IS NOT NULL")
    op.create_index("ix_receiver_dag_run_id", "receiver", ["dag_run_id"], sqlite_where=where, postgresql_where=where)


def _create_delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", Key, nullable=False),
        sa.Column("receiver_id", Key, nullable=False),
        sa.Column("message_id", sa.String(length=40), nullable=False),
        sa.Column("event_id", Key, nullable=True),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempted_at", UtcDateTime(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["receiver.id"], name=op.f("fk_delivery_receiver_id_receiver"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'failed', 'refused')", name=op.f("ck_delivery_state")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_delivery_receiver_id_id", "delivery", ["receiver_id", "id"])
    where = sa.text("state = 'pending'")
    op.create_index(
        "ix_delivery_pending", "delivery", ["receiver_id", "id"], sqlite_where=where, postgresql_where=where
    )
    op.create_index("ix_delivery_created_at", "delivery", ["created_at"])
