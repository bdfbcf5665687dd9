"""Keep the signals that clients send to runs."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import Json, Key, UtcDateTime

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "run_signal",
        sa.Column("id", Key, nullable=False),
        sa.Column("dag_run_id", Key, nullable=False),
        sa.Column("name", sa.String(250), nullable=False),
        sa.Column("value", Json),
        sa.Column("sent_by", sa.Text(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        sa.Column("taken_by", sa.String(250)),
        sa.Column("taken_by_map_index", sa.Integer()),
        sa.Column("taken_at", UtcDateTime()),
        sa.ForeignKeyConstraint(
            ["dag_run_id"], ["dag_run.id"], name=op.f("fk_run_signal_dag_run_id_dag_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_signal")),
    )
    op.create_index("ix_run_signal_dag_run_id_id", "run_signal", ["dag_run_id", "id"])
    kept = sa.text("taken_at IS NULL")
    op.create_index(
        "ix_run_signal_kept", "run_signal", ["dag_run_id", "name", "id"], sqlite_where=kept, postgresql_where=kept
    )


def downgrade() -> None:
    op.drop_table("run_signal")
