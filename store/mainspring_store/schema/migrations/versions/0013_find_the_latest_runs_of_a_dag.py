"""Find the latest runs of a DAG and runs by the beginning of their ids, and know who paused a DAG."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_dag_run_dag_id_run_after_id", "dag_run", ["dag_id", "run_after", "id"])
    op.create_index("ix_dag_run_run_id", "dag_run", ["run_id"], postgresql_ops={"run_id": "text_pattern_ops"})
    op.add_column("dag", sa.Column("paused_by", sa.Text(), nullable=True))
    op.add_column("dag", sa.Column("paused_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("dag", "paused_at")
    op.drop_column("dag", "paused_by")
    op.drop_index("ix_dag_run_run_id", table_name="dag_run")
    op.drop_index("ix_dag_run_dag_id_run_after_id", table_name="dag_run")
