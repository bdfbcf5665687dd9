"""Keep hooks, their latest deliveries, and what identifies the deliveries that started runs."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import Key, UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_hook()
    _create_hook_delivery()
    _create_hook_identity()


def downgrade() -> None:
    op.drop_table("hook_identity")
    op.drop_table("hook_delivery")
    op.drop_table("hook")


def _create_hook() -> None:
    op.create_table(
        "hook",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("principal_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("url_hash", sa.String(length=64), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("previous_url_hash", sa.String(length=64), nullable=True),
        sa.Column("previous_ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", UtcDateTime(), nullable=True),
        sa.Column("conf", sa.Text(), nullable=True),
        sa.Column("filter", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["dag_id"], ["dag.dag_id"], name=op.f("fk_hook_dag_id_dag"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook")),
        sa.UniqueConstraint("name", name=op.f("uq_hook_name")),
        sa.UniqueConstraint("url_hash", name=op.f("uq_hook_url_hash")),
        sa.UniqueConstraint("previous_url_hash", name=op.f("uq_hook_previous_url_hash")),
    )
    op.create_index("ix_hook_dag_id", "hook", ["dag_id"])


def _create_hook_delivery() -> None:
    op.create_table(
        "hook_delivery",
        sa.Column("id", Key, nullable=False),
        sa.Column("hook_id", sa.String(length=36), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("delivery_id", sa.String(length=250), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["hook_id"], ["hook.id"], name=op.f("fk_hook_delivery_hook_id_hook"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_delivery")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_hook_delivery_hook_id_id", "hook_delivery", ["hook_id", "id"])


def _create_hook_identity() -> None:
    op.create_table(
        "hook_identity",
        sa.Column("hook_id", sa.String(length=36), nullable=False),
        sa.Column("identity_hash", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hook_id"], ["hook.id"], name=op.f("fk_hook_identity_hook_id_hook"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hook_id", "identity_hash", name=op.f("pk_hook_identity")),
    )
    op.create_index("ix_hook_identity_hook_id_received_at", "hook_identity", ["hook_id", "received_at"])
