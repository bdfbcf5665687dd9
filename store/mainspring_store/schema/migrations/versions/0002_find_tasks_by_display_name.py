"""Let tasks be found by the names that they are shown under."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import Json, Key

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_version = sa.table("dag_version", sa.column("id", Key), sa.column("document", Json))


def upgrade() -> None:
    named = op.create_table(
        "task_display_name",
        sa.Column("dag_version_id", Key, nullable=False),
        sa.Column("task_id", sa.String(length=250), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dag_version_id"],
            ["dag_version.id"],
            name=op.f("fk_task_display_name_dag_version_id_dag_version"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dag_version_id", "task_id", name=op.f("pk_task_display_name")),
    )
    for version_id, document in op.get_bind().execute(sa.select(_version.c.id, _version.c.document)).all():
        rows = [
            {"dag_version_id": version_id, "task_id": task_id, "display_name": task["task_display_name"]}
            for task_id, task in document["tasks"].items()
            if task.get("task_display_name")
        ]
        op.bulk_insert(named, rows)


def downgrade() -> None:
    op.drop_table("task_display_name")
