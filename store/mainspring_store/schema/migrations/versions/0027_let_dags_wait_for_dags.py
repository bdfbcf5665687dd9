"""Let the schedule of a DAG wait for the ends of runs of other DAGs."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import Json, Key, UtcDateTime

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_BEFORE = "run_type IN ('backfill', 'scheduled', 'manual', 'operator_triggered')"
_SINCE = "run_type IN ('backfill', 'scheduled', 'manual', 'operator_triggered', 'asset_triggered')"


def upgrade() -> None:
    op.create_table(
        "awaited_dag",
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("upstream_dag_id", sa.String(length=250), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("again", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["dag_id"], ["dag.dag_id"], name=op.f("fk_awaited_dag_dag_id_dag"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("dag_id", "upstream_dag_id", "state", name=op.f("pk_awaited_dag")),
    )
    op.create_index("ix_awaited_dag_upstream_dag_id", "awaited_dag", ["upstream_dag_id", "state"])
    op.create_table(
        "awaited_end",
        sa.Column("id", Key, nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("dag_run_id", Key, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["dag_id"], ["dag.dag_id"], name=op.f("fk_awaited_end_dag_id_dag"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["dag_run_id"], ["dag_run.id"], name=op.f("fk_awaited_end_dag_run_id_dag_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_awaited_end")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_awaited_end_dag_run_id", "awaited_end", ["dag_run_id", "dag_id", "state"])
    for name, condition in (("new", "status = 'new'"), ("unused", "status IN ('new', 'waiting')")):
        where = sa.text(condition)
        op.create_index(
            f"ix_awaited_end_{name}", "awaited_end", ["dag_id", "id"], sqlite_where=where, postgresql_where=where
        )
    op.add_column("dag_run", sa.Column("sources", Json(), nullable=True))
    _change_check(_BEFORE, _SINCE)


def downgrade() -> None:
    op.execute("UPDATE dag_run SET run_type = 'manual' WHERE run_type = 'asset_triggered'")
    _change_check(_SINCE, _BEFORE)
    op.drop_column("dag_run", "sources")
    op.drop_table("awaited_end")
    op.drop_table("awaited_dag")


def _change_check(old: str, new: str) -> None:
    """Change which types a run may have.

    SQLite cannot change a CHECK, and a copy of the table would delete what refers to it. So its text changes, as
    https://www.sqlite.org/lang_altertable.html describes for changes that leave the rows as they are.
    """
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        op.execute("ALTER TABLE dag_run DROP CONSTRAINT ck_dag_run_run_type")
        op.execute(f"ALTER TABLE dag_run ADD CONSTRAINT ck_dag_run_run_type CHECK ({new})")
        return
    version: int = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    changed = connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'dag_run' AND instr(sql, ?)",
        (old, new, old),
    )
    assert changed.rowcount == 1, "the table of runs has another CHECK of its types"
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
