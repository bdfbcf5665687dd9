"""Let retention prune ended runs, and know whether the instance was made with retention."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import Json, Key, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_installation = sa.table("installation", sa.column("name", sa.String), sa.column("value", Json))
_HAS_HISTORY = "SELECT EXISTS (SELECT 1 FROM dag) OR EXISTS (SELECT 1 FROM service)"


def upgrade() -> None:
    op.add_column("dag", sa.Column("retention", Json(), nullable=True))
    op.add_column("dag_run", sa.Column("keep", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "pruned_run",
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("logical_date", UtcDateTime(), nullable=True),
        sa.Column("moment", UtcDateTime(), nullable=False),
        sa.Column("end_date", UtcDateTime(), nullable=True),
        sa.Column("backfill_id", Key, nullable=True),
        sa.ForeignKeyConstraint(["dag_id"], ["dag.dag_id"], name=op.f("fk_pruned_run_dag_id_dag"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("dag_id", "run_id", name=op.f("pk_pruned_run")),
    )
    for name, columns, is_unique in (
        ("uq_pruned_run_logical_date", ["dag_id", "logical_date"], True),
        ("ix_pruned_run_backfill_id", ["backfill_id"], False),
    ):
        where = sa.text(f"{columns[-1]} IS NOT NULL")
        op.create_index(name, "pruned_run", columns, unique=is_unique, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_pruned_run_dag_id_moment", "pruned_run", ["dag_id", "moment"])
    op.create_table(
        "installation",
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("value", Json(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation")),
    )
    # Whoever upgrades has not agreed to lose history.
    has_history = bool(op.get_bind().scalar(sa.text(_HAS_HISTORY)))
    op.bulk_insert(_installation, [{"name": "has_retention_defaults", "value": not has_history}])


def downgrade() -> None:
    op.drop_table("installation")
    op.drop_table("pruned_run")
    op.drop_column("dag_run", "keep")
    op.drop_column("dag", "retention")
