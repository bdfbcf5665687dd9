"""Give runs a priority."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_PRIORITIZED = sa.text("state = 'queued' AND priority <> 0")


def upgrade() -> None:
    op.add_column("dag_run", sa.Column("priority", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_index(
        "ix_dag_run_prioritized",
        "dag_run",
        ["priority", "run_after", "id"],
        sqlite_where=_PRIORITIZED,
        postgresql_where=_PRIORITIZED,
    )


def downgrade() -> None:
    # The ranks of instances contain the priority of their run.
    op.execute(
        "UPDATE task_instance SET rank = rank + 20000000 * "
        "(SELECT priority FROM dag_run WHERE dag_run.id = task_instance.dag_run_id) "
        "WHERE dag_run_id IN (SELECT id FROM dag_run WHERE priority <> 0)"
    )
    op.drop_index("ix_dag_run_prioritized", table_name="dag_run")
    op.drop_column("dag_run", "priority")
