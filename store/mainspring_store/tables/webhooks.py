"""Receivers of events outside of the installation, and what is sent to them."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from mainspring_store.database.types import Json, Key, UtcDateTime
from mainspring_store.tables.base import metadata

__all__ = ["delivery", "receiver", "webhook_position"]

receiver = Table(
    "receiver",
    metadata,
    Column("id", Key, primary_key=True),
    # `webhook`, `notifier` or `callback`, see `mainspring_store.state.receivers`.
    Column("kind", String(10), nullable=False),
    # Unique within its kind; of a callback the id of its delivery.
    Column("name", String(250), nullable=False),
    # The user or token that owns the row: its rights bound what is sent. NULL = a notifier, which has no owner.
    Column("principal_id", String(36)),
    # Of a callback: the run whose end the callback gets.
    Column("dag_run_id", ForeignKey("dag_run.id", ondelete="CASCADE")),
    # A dag_id, where `*` at the end stands for any characters.
    Column("pattern", String(250), nullable=False),
    # Types of events of the subscription; empty = only what definitions send.
    Column("types", Json, nullable=False),
    Column("description", Text),
    Column("includes_outputs", Boolean, nullable=False),
    Column("state", String(10), nullable=False),
    # Why the service ended the webhook; NULL = the service did not.
    Column("ended_reason", String(40)),
    # The address and the secrets, encrypted by the key ring.
    Column("ciphertext", LargeBinary, nullable=False),
    # The address without what may be secret.
    Column("shown_url", Text, nullable=False),
    # Only events with a higher number are sent.
    Column("begins_after", Key, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    # Failed attempts since the last success. They delay the next attempt, whichever delivery it is for.
    Column("failures", Integer, nullable=False, server_default=text("0")),
    # NULL = at once.
    Column("next_attempt_at", UtcDateTime),
    # The scheduler that sends to the receiver now.
    Column("leased_by", String(36)),
    Column("leased_until", UtcDateTime),
    UniqueConstraint("kind", "name"),
    CheckConstraint("kind IN ('webhook', 'notifier', 'callback')", name="kind"),
    CheckConstraint("state IN ('active', 'waiting', 'disabled', 'ended')", name="state"),
    Index("ix_receiver_state", "state"),
    Index("ix_receiver_principal_id", "principal_id"),
    Index(
        "ix_receiver_dag_run_id",
        "dag_run_id",
        sqlite_where=text("dag_run_id IS NOT NULL"),
        postgresql_where=text("dag_run_id IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

delivery = Table(
    "delivery",
    metadata,
    # The order of deliveries of a receiver.
    Column("id", Key, primary_key=True),
    Column("receiver_id", ForeignKey("receiver.id", ondelete="CASCADE"), nullable=False),
    # The id that the receiver sees, the same in each attempt.
    Column("message_id", String(40), nullable=False),
    # The event of the feed; NULL = a test.
    Column("event_id", Key),
    Column("type", String(40), nullable=False),
    # NULL = a test, which may always be sent.
    Column("dag_id", String(250)),
    # What is sent, as JSON text.
    Column("body", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # The first attempt that fails after this instant is the last.
    Column("expires_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    # The latest attempt: its end, the status and the beginning of the answer, or the error. NULL = no attempt, no
    # answer, no error.
    Column("attempted_at", UtcDateTime),
    Column("seconds", Double),
    Column("status", SmallInteger),
    Column("answer", Text),
    Column("error", Text),
    CheckConstraint("state IN ('pending', 'delivered', 'failed', 'refused')", name="state"),
    Index("ix_delivery_receiver_id_id", "receiver_id", "id"),
    Index(
        "ix_delivery_pending",
        "receiver_id",
        "id",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index("ix_delivery_created_at", "created_at"),
    sqlite_autoincrement=True,
)

# One row: deliveries for the events up to `event_id` are made.
webhook_position = Table(
    "webhook_position",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("event_id", Key, nullable=False),
)
