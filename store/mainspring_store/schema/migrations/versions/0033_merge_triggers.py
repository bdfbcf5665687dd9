"""Merge triggers of a debounce key into one run."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import UtcDateTime

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_DEBOUNCED = sa.text("state = 'queued' AND debounce_key IS NOT NULL")


def upgrade() -> None:
    op.add_column("dag_run", sa.Column("debounce_key", sa.Text()))
    op.add_column("dag_run", sa.Column("debounced_since", UtcDateTime()))
    op.create_index(
        "ix_dag_run_debounced",
        "dag_run",
        ["dag_id", "debounce_key", "id"],
        sqlite_where=_DEBOUNCED,
        postgresql_where=_DEBOUNCED,
    )


def downgrade() -> None:
    op.drop_index("ix_dag_run_debounced", table_name="dag_run")
    op.drop_column("dag_run", "debounced_since")
    op.drop_column("dag_run", "debounce_key")
