"""Bind tokens of workers to queues, and attempts to the workers that claimed them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_token", sa.Column("queue", sa.String(length=250), nullable=True))
    op.add_column("task_try", sa.Column("worker_id", sa.String(length=36), nullable=True))


def downgrade() -> None:
    op.drop_column("task_try", "worker_id")
    op.drop_column("api_token", "queue")
