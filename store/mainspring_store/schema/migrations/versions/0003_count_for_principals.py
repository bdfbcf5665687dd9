"""Tell whom things count for, and count how often somebody asks."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_COUNTED = ("dag", "variable", "secret", "connection")
_ACTIVE = sa.text("state IN ('queued', 'running') AND principal_id IS NOT NULL")


def upgrade() -> None:
    for table in (*_COUNTED, "dag_run", "backfill"):
        op.add_column(table, sa.Column("principal_id", sa.String(length=36), nullable=True))
    for table in _COUNTED:
        op.create_index(f"ix_{table}_principal_id", table, ["principal_id"])
    op.create_index(
        "ix_dag_run_active_of_principal", "dag_run", ["principal_id"], sqlite_where=_ACTIVE, postgresql_where=_ACTIVE
    )
    op.create_table(
        "rate_limit",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("full_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", "holder", name=op.f("pk_rate_limit")),
        prefixes=["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else [],
    )


def downgrade() -> None:
    op.drop_table("rate_limit")
    op.drop_index("ix_dag_run_active_of_principal", table_name="dag_run")
    for table in _COUNTED:
        op.drop_index(f"ix_{table}_principal_id", table_name=table)
    for table in (*_COUNTED, "dag_run", "backfill"):
        op.drop_column(table, "principal_id")
