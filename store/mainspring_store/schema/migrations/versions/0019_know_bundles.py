"""Know the bundle that applied a DAG, and DAGs that their bundle no longer has."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dag", sa.Column("bundle_name", sa.String(length=250), nullable=True))
    op.add_column("dag", sa.Column("is_stale", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    where = sa.text("bundle_name IS NOT NULL")
    op.create_index("ix_dag_bundle_name", "dag", ["bundle_name"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_dag_bundle_name", table_name="dag")
    op.drop_column("dag", "is_stale")
    op.drop_column("dag", "bundle_name")
