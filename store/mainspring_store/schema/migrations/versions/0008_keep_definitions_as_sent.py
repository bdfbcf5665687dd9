"""Keep the text of definitions as sent, who saved them, with which message, and what changed."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dag_version", sa.Column("principal_id", sa.String(length=36), nullable=True))
    op.add_column("dag_version", sa.Column("message", sa.Text(), nullable=True))
    op.add_column("dag_version", sa.Column("summary", sa.Text(), nullable=True))
    op.add_column("dag_version", sa.Column("source_media_type", sa.String(length=100), nullable=True))
    op.add_column("dag_version", sa.Column("source", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    for column in ("source", "source_media_type", "summary", "message", "principal_id"):
        op.drop_column("dag_version", column)
