"""Keep the one-time codes of sign-in links."""

import sqlalchemy as sa
from alembic import op

from mainspring_store.database.types import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "session_code",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("token_id", sa.String(length=36), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["token_id"], ["api_token.id"], name=op.f("fk_session_code_token_id_api_token"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_session_code_user_id_user_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_session_code_code_hash")),
        sa.CheckConstraint("user_id IS NOT NULL OR token_id IS NOT NULL", name=op.f("ck_session_code_has_a_holder")),
    )


def downgrade() -> None:
    op.drop_table("session_code")
