"""Know the deadlines of runs and task instances, and which were missed."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import Key, UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deadline",
        sa.Column("dag_run_id", Key, nullable=False),
        sa.Column("task_id", sa.String(length=250), nullable=False),
        sa.Column("map_index", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dag_run_id"], ["dag_run.id"], name=op.f("fk_deadline_dag_run_id_dag_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dag_run_id", "task_id", "map_index", "kind", name=op.f("pk_deadline")),
    )
    op.create_index("ix_deadline_due_at", "deadline", ["due_at"])
    op.add_column("dag_run", sa.Column("late_since", UtcDateTime(), nullable=True))
    op.add_column("task_instance", sa.Column("late_since", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("task_instance", "late_since")
    op.drop_column("dag_run", "late_since")
    op.drop_table("deadline")
