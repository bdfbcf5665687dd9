"""Keep versions that belong to runs alone, and never use the number of a deleted version again."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_LAST = """
UPDATE dag SET last_version_number = coalesce(
    (SELECT max(version_number) FROM dag_version WHERE dag_version.dag_id = dag.dag_id), 0
)
"""


def upgrade() -> None:
    op.add_column("dag", sa.Column("last_version_number", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("dag_version", sa.Column("is_inline", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute(_LAST)


def downgrade() -> None:
    # The schema before knows no DAG without a saved definition.
    op.execute("DELETE FROM dag_run WHERE dag_id IN (SELECT dag_id FROM dag WHERE version_id = 0)")
    op.execute("DELETE FROM dag WHERE version_id = 0")
    op.drop_column("dag_version", "is_inline")
    op.drop_column("dag", "last_version_number")
