"""Keep large outputs by reference."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import Key, UtcDateTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_IS_HERE = sa.text("object_key IS NULL")
_REFERS = sa.text("large_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("xcom", sa.Column("large_id", sa.String(length=32), nullable=True))
    op.create_index("ix_xcom_large_id", "xcom", ["large_id"], sqlite_where=_REFERS, postgresql_where=_REFERS)
    op.create_table(
        "large_value",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("task_instance_id", Key, nullable=False),
        sa.Column("attempt_id", sa.String(length=32), nullable=False),
        sa.Column("raw_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("stored_at", UtcDateTime(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["task_instance_id"],
            ["task_instance.id"],
            name=op.f("fk_large_value_task_instance_id_task_instance"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_large_value")),
    )
    op.create_index("ix_large_value_task_instance_id", "large_value", ["task_instance_id"])
    op.create_index("ix_large_value_attempt_id", "large_value", ["attempt_id"])
    op.create_index("ix_large_value_unmoved", "large_value", ["id"], sqlite_where=_IS_HERE, postgresql_where=_IS_HERE)
    op.create_table(
        "large_value_piece",
        sa.Column("value_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("raw_bytes", sa.Integer(), nullable=False),
        sa.Column("object_start", sa.Integer(), nullable=True),
        sa.Column("object_bytes", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["value_id"],
            ["large_value.id"],
            name=op.f("fk_large_value_piece_value_id_large_value"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("value_id", "position", name=op.f("pk_large_value_piece")),
    )


def downgrade() -> None:
    op.drop_table("large_value_piece")
    op.drop_table("large_value")
    # A reference means nothing to the release before.
    op.execute("DELETE FROM xcom WHERE large_id IS NOT NULL")
    op.drop_index("ix_xcom_large_id", table_name="xcom")
    op.drop_column("xcom", "large_id")
