"""Count the turns of tasks that repeat."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("task_instance", sa.Column("turn", sa.Integer(), nullable=True))
    op.add_column("task_try", sa.Column("turn", sa.Integer(), nullable=True))
    op.add_column("task_try", sa.Column("outputs", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("task_try", "outputs")
    op.drop_column("task_try", "turn")
    op.drop_column("task_instance", "turn")
