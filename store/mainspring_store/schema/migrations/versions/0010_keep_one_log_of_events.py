"""Keep one log of the changes of runs, task instances, DAGs and everything else that clients follow."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import Json, Key, UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOVE = """
INSERT INTO feed_event (kind, at, dag_run_id, seq, task_instance_id, try_number, state, state_reason)
SELECT CASE WHEN task_instance_id IS NULL THEN 'run' ELSE 'task' END,
    at, dag_run_id, seq, task_instance_id, try_number, state, state_reason
FROM run_event ORDER BY at, dag_run_id, seq
"""
_MOVE_BACK = """
INSERT INTO run_event (dag_run_id, seq, at, task_instance_id, try_number, state, state_reason)
SELECT dag_run_id, seq, at, task_instance_id, try_number, state, state_reason
FROM feed_event WHERE dag_run_id IS NOT NULL AND seq > 0
"""


def upgrade() -> None:
    op.create_table(
        "feed_event",
        sa.Column("id", Key, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("dag_run_id", Key, nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("task_instance_id", Key, nullable=True),
        sa.Column("try_number", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("state_reason", sa.String(length=40), nullable=True),
        sa.Column("dag_id", sa.String(length=250), nullable=True),
        sa.Column("data", Json(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dag_run_id"], ["dag_run.id"], name=op.f("fk_feed_event_dag_run_id_dag_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_event")),
        sqlite_autoincrement=True,
    )
    op.execute(_MOVE)
    op.create_index(
        "uq_feed_event_dag_run_id_seq",
        "feed_event",
        ["dag_run_id", "seq"],
        unique=True,
        sqlite_where=sa.text("dag_run_id IS NOT NULL"),
        postgresql_where=sa.text("dag_run_id IS NOT NULL"),
    )
    floor = op.create_table(
        "feed_floor",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", Key, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_floor")),
    )
    op.bulk_insert(floor, [{"id": 1, "event_id": 0}])
    op.drop_table("run_event")


def downgrade() -> None:
    op.create_table(
        "run_event",
        sa.Column("dag_run_id", Key, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("task_instance_id", Key, nullable=True),
        sa.Column("try_number", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("state_reason", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["dag_run_id"], ["dag_run.id"], name=op.f("fk_run_event_dag_run_id_dag_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dag_run_id", "seq", name=op.f("pk_run_event")),
    )
    op.execute(_MOVE_BACK)
    op.drop_table("feed_event")
    op.drop_table("feed_floor")
