"""Keep the logs of ended attempts in a log store outside the database."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import Json

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_UNMOVED = "raw_bytes IS NOT NULL AND object_key IS NULL"


def upgrade() -> None:
    op.add_column("task_log", sa.Column("object_key", sa.Text(), nullable=True))
    op.add_column("task_log", sa.Column("object_start", sa.Integer(), nullable=True))
    op.add_column("task_log", sa.Column("object_bytes", sa.Integer(), nullable=True))
    op.add_column("task_try", sa.Column("log_index", Json(), nullable=True))
    where = sa.text(_UNMOVED)
    op.create_index("ix_task_log_unmoved", "task_log", ["attempt_id"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_task_log_unmoved", table_name="task_log")
    op.drop_column("task_log", "object_key")
    op.drop_column("task_log", "object_start")
    op.drop_column("task_log", "object_bytes")
    op.drop_column("task_try", "log_index")
