"""Keep the span that triggered a run, and how far runs are exported as traces."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import Key, UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dag_run", sa.Column("traceparent", sa.String(length=55), nullable=True))
    op.create_table(
        "trace_position",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", Key, nullable=True),
        sa.Column("leased_by", sa.String(length=36), nullable=True),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trace_position")),
    )
    op.execute("INSERT INTO trace_position (id) VALUES (1)")


def downgrade() -> None:
    op.drop_table("trace_position")
    op.drop_column("dag_run", "traceparent")
