"""Know the concurrency keys of runs, and find the queued runs of a key."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_dag_run_startable": (["run_after", "id"], "state = 'queued' AND concurrency_key IS NULL"),
    "ix_dag_run_queued_key": (
        ["dag_id", "concurrency_key", "run_after", "id"],
        "state = 'queued' AND concurrency_key IS NOT NULL",
    ),
    "ix_dag_run_running_key": (
        ["dag_id", "concurrency_key", "id"],
        "state = 'running' AND concurrency_key IS NOT NULL",
    ),
}


def upgrade() -> None:
    op.add_column("dag_run", sa.Column("concurrency_key", sa.Text(), nullable=True))
    op.add_column("dag_run", sa.Column("concurrency_max", sa.Integer(), nullable=True))
    op.add_column("dag_run", sa.Column("concurrency_strategy", sa.String(20), nullable=True))
    for name, (columns, condition) in _INDEXES.items():
        where = sa.text(condition)
        op.create_index(name, "dag_run", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "dag_run")
    op.drop_column("dag_run", "concurrency_strategy")
    op.drop_column("dag_run", "concurrency_max")
    op.drop_column("dag_run", "concurrency_key")
