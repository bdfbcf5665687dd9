"""Keep totals for monitoring, counted from the events from now on."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import Key

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "metric_total",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", "labels", name=op.f("pk_metric_total")),
    )
    op.create_table(
        "metric_dag",
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("dag_id", name=op.f("pk_metric_dag")),
    )
    op.create_table(
        "metric_position",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", Key, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_position")),
    )
    op.execute("INSERT INTO metric_position (id, event_id) SELECT 1, COALESCE(MAX(id), 0) FROM feed_event")


def downgrade() -> None:
    op.drop_table("metric_position")
    op.drop_table("metric_dag")
    op.drop_table("metric_total")
