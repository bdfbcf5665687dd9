"""Hooks, at which services outside of the installation start runs, and what they delivered lately."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, LargeBinary, SmallInteger, String, Table, Text

from mainspring_store.database.types import Key, UtcDateTime
from mainspring_store.tables.base import metadata

__all__ = ["hook", "hook_delivery", "hook_identity"]

hook = Table(
    "hook",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(250), nullable=False, unique=True),
    Column("dag_id", ForeignKey("dag.dag_id", ondelete="CASCADE"), nullable=False),
    # The user, or the token without a user, whose rights the runs need. The row stays when the principal is deleted.
    Column("principal_id", String(36), nullable=False),
    # A `HookKind`.
    Column("kind", String(10), nullable=False),
    # SHA-256 (hex) of the secret part of the URL, which is random.
    Column("url_hash", String(64), nullable=False, unique=True),
    # The secret of the sender, encrypted with the key ring.
    Column("ciphertext", LargeBinary, nullable=False),
    # What was valid before a rotation, until `previous_until`. NULL = the part was not rotated.
    Column("previous_url_hash", String(64), unique=True),
    Column("previous_ciphertext", LargeBinary),
    Column("previous_until", UtcDateTime),
    # CEL: `headers` and `body` -> the `conf` of the run. NULL = an empty `conf`.
    Column("conf", Text),
    # CEL: whether the delivery starts a run. NULL = each delivery does.
    Column("filter", Text),
    Column("description", Text),
    Column("is_enabled", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_hook_dag_id", "dag_id"),
)

hook_delivery = Table(
    "hook_delivery",
    metadata,
    # The latest deliveries of a hook, for people. No header and no body is kept.
    Column("id", Key, primary_key=True),
    Column("hook_id", ForeignKey("hook.id", ondelete="CASCADE"), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    # The id that the sender gave; NULL = none.
    Column("delivery_id", String(250)),
    # A `DeliveryOutcome`.
    Column("outcome", String(20), nullable=False),
    # The status of the answer.
    Column("status", SmallInteger, nullable=False),
    # The run that was started, or that the first delivery started. NULL = none.
    Column("run_id", String(250)),
    # Why no run was started. NULL = a run was started.
    Column("message", Text),
    Index("ix_hook_delivery_hook_id_id", "hook_id", "id"),
    sqlite_autoincrement=True,
)

hook_identity = Table(
    "hook_identity",
    metadata,
    # What identifies the deliveries that started a run: SHA-256 (hex) of an id or of a body.
    Column("hook_id", ForeignKey("hook.id", ondelete="CASCADE"), primary_key=True),
    Column("identity_hash", String(64), primary_key=True),
    Column("run_id", String(250), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Index("ix_hook_identity_hook_id_received_at", "hook_id", "received_at"),
)
