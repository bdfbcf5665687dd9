"""Count `dag` tasks that wait for their runs as active in their own run, and in their pool for one another."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COUNT_IN_POOLS = """
UPDATE pool SET calling = (
    SELECT coalesce(sum(task_instance.pool_slots), 0) FROM task_instance
    JOIN dag_run ON dag_run.id = task_instance.dag_run_id
    WHERE dag_run.state = 'running' AND task_instance.pool = pool.name
        AND task_instance.state = 'deferred' AND task_instance.operator = 'dag'
)
"""
_COUNT_IN_RUNS = """
UPDATE dag_run SET tasks_active = tasks_active + (
    SELECT count(*) FROM task_instance
    WHERE task_instance.dag_run_id = dag_run.id
        AND task_instance.state = 'deferred' AND task_instance.operator = 'dag'
) WHERE state = 'running'
"""


def upgrade() -> None:
    op.add_column("pool", sa.Column("calling", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.execute(_COUNT_IN_POOLS)
    op.execute(_COUNT_IN_RUNS)


def downgrade() -> None:
    op.execute(_COUNT_IN_RUNS.replace("tasks_active +", "tasks_active -"))
    op.drop_column("pool", "calling")
