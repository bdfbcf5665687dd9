"""Let runs have handlers, which run after their tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dag_run", sa.Column("ending", sa.String(40), nullable=True))


def downgrade() -> None:
    op.drop_column("dag_run", "ending")
