"""Keep the logs of ended attempts in compressed blocks."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.log_blocks import unpack
from mainspring_store.database.types import UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_UNPACKED = "raw_bytes IS NULL"
_log = sa.table(
    "task_log",
    sa.column("attempt_id", sa.String),
    sa.column("offset", sa.Integer),
    sa.column("at", UtcDateTime()),
    sa.column("data", sa.LargeBinary),
    sa.column("raw_bytes", sa.Integer),
)


def upgrade() -> None:
    op.add_column("task_log", sa.Column("raw_bytes", sa.Integer(), nullable=True))
    op.add_column("task_try", sa.Column("log_packed_bytes", sa.Integer(), nullable=True))
    where = sa.text(_UNPACKED)
    op.create_index("ix_task_log_unpacked", "task_log", ["attempt_id"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    connection = op.get_bind()
    is_packed = _log.c.raw_bytes.is_not(None)
    packed = sa.select(_log).where(is_packed).order_by(_log.c.attempt_id, _log.c.offset).limit(1)
    # The key of the block before: a search from the first row would read all unpacked rows each time.
    following = packed.where(
        sa.tuple_(_log.c.attempt_id, _log.c.offset) > sa.tuple_(sa.bindparam("me"), sa.bindparam("last"))
    )
    block = connection.execute(packed).first()
    while block is not None:
        here = sa.and_(_log.c.attempt_id == block.attempt_id, _log.c.offset == block.offset)
        connection.execute(sa.delete(_log).where(here))
        rows, offset = [], block.offset
        for at, data in unpack(block.data):
            rows.append({"attempt_id": block.attempt_id, "offset": offset, "at": at, "data": data, "raw_bytes": None})
            offset += len(data)
        connection.execute(sa.insert(_log), rows)
        block = connection.execute(following, {"me": block.attempt_id, "last": block.offset}).first()
    op.drop_index("ix_task_log_unpacked", table_name="task_log")
    op.drop_column("task_log", "raw_bytes")
    op.drop_column("task_try", "log_packed_bytes")
