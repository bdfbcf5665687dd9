"""Keep the keys of mapped instances."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("task_instance", sa.Column("map_key", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("task_instance", "map_key")
