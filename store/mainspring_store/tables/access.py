"""Users, identities, tokens, grants, rate limits, the audit log and the stored responses of idempotency keys."""

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

__all__ = [
    "api_token",
    "audit_event",
    "browser_session",
    "dag_grant",
    "idempotency_key",
    "login_device",
    "rate_limit",
    "session_code",
    "used_token",
    "user_account",
    "user_identity",
]

user_account = Table(
    "user_account",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("username", String(250), nullable=False, unique=True),
    # argon2id, with its parameters and salt.
    Column("password_hash", Text, nullable=False),
    # Applies to all DAGs and all other resources; NULL = the user has grants only.
    Column("role", String(20)),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("last_login_at", UtcDateTime),
)

user_identity = Table(
    "user_identity",
    metadata,
    # A user whom another server vouches for: the user has no password, and each login sets the rights.
    Column("user_id", ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
    # The issuer of the identity provider, or `EXCHANGE` for a rule of the token exchange.
    Column("issuer", String(500), nullable=False),
    # `sub` of the provider, or the name of the rule.
    Column("subject", String(255), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("issuer", "subject"),
)

used_token = Table(
    "used_token",
    metadata,
    # A token or a state of a login that counts once. SHA-256 (hex).
    Column("token_hash", String(64), primary_key=True),
    # The row is deleted after this instant, when the token has expired anyway.
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_used_token_expires_at", "expires_at"),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(250), nullable=False),
    Column("kind", String(10), nullable=False),
    # SHA-256 (hex). Tokens are random, so guessing is hopeless even with a fast hash.
    Column("token_hash", String(64), nullable=False, unique=True),
    # As for users. A token of a user may do no more than the user.
    Column("role", String(20)),
    Column("user_id", ForeignKey("user_account.id", ondelete="CASCADE")),
    # Tokens of workers only: the queue whose attempts the worker may claim.
    Column("queue", String(250)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    # Precise to the minute.
    Column("last_used_at", UtcDateTime),
    Index("ix_api_token_user_id", "user_id"),
)

login_device = Table(
    "login_device",
    metadata,
    # A client that logged in as the user. The device token grants no access. Failed logins of other clients do not use
    # up the login budget of the device.
    Column("id", String(36), primary_key=True),
    Column("user_id", ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False),
    # SHA-256 (hex); the tokens are random.
    Column("token_hash", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_login_at", UtcDateTime, nullable=False),
    UniqueConstraint("user_id", "token_hash"),
)

browser_session = Table(
    "browser_session",
    metadata,
    # A browser that logged in: its cookie holds the secret.
    Column("id", String(36), primary_key=True),
    # SHA-256 (hex); the secrets are random.
    Column("secret_hash", String(64), nullable=False, unique=True),
    # The user of the password, or the owner of the token.
    Column("user_id", ForeignKey("user_account.id", ondelete="CASCADE")),
    # The token of the login; NULL = the user logged in with a password.
    Column("token_id", ForeignKey("api_token.id", ondelete="CASCADE")),
    # The header `User-Agent` of the login, for people.
    Column("client", String(250), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # Moves with each use, up to a bound.
    Column("expires_at", UtcDateTime, nullable=False),
    # Precise to the minute.
    Column("last_used_at", UtcDateTime, nullable=False),
    CheckConstraint("user_id IS NOT NULL OR token_id IS NOT NULL", name="has_a_holder"),
    Index("ix_browser_session_user_id", "user_id"),
    Index("ix_browser_session_token_id", "token_id"),
)

session_code = Table(
    "session_code",
    metadata,
    # A one-time code of a sign-in link; deleted by its use.
    Column("id", String(36), primary_key=True),
    # SHA-256 (hex); the codes are random.
    Column("code_hash", String(64), nullable=False, unique=True),
    # Whose session the code opens, as in `browser_session`.
    Column("user_id", ForeignKey("user_account.id", ondelete="CASCADE")),
    Column("token_id", ForeignKey("api_token.id", ondelete="CASCADE")),
    Column("expires_at", UtcDateTime, nullable=False),
    CheckConstraint("user_id IS NOT NULL OR token_id IS NOT NULL", name="has_a_holder"),
)

dag_grant = Table(
    "dag_grant",
    metadata,
    Column("id", Key, primary_key=True),
    # Exactly one of `user_id` and `token_id` is set.
    Column("user_id", ForeignKey("user_account.id", ondelete="CASCADE")),
    Column("token_id", ForeignKey("api_token.id", ondelete="CASCADE")),
    # A dag_id, where `*` stands for any characters.
    Column("pattern", String(250), nullable=False),
    Column("role", String(20), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("user_id", "pattern"),
    UniqueConstraint("token_id", "pattern"),
    CheckConstraint("(user_id IS NULL) <> (token_id IS NULL)", name="one_holder"),
)

audit_event = Table(
    "audit_event",
    metadata,
    # Append-only. Rows stay when the DAG, run or user of the event is deleted.
    Column("id", Key, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    # The operation id of the OpenAPI document.
    Column("event", String(250), nullable=False),
    Column("outcome", String(10), nullable=False),
    # Name and id of the user or token; NULL = the request was not authenticated.
    Column("owner", String(250)),
    Column("principal_id", String(36)),
    Column("dag_id", String(250)),
    Column("run_id", String(250)),
    Column("task_id", String(250)),
    Column("map_index", Integer),
    Column("try_number", Integer),
    Column("extra", Json, nullable=False),
    Index("ix_audit_event_at", "at"),
    Index("ix_audit_event_dag_id_id", "dag_id", "id"),
)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    # The user or token that sent the key, and SHA-256 (hex) of the key.
    Column("principal_id", String(36), primary_key=True),
    Column("key_hash", String(64), primary_key=True),
    # SHA-256 (hex) of the request: method, path, media type, body.
    Column("fingerprint", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # The response, written in the transaction of the effect.
    Column("status", SmallInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    # Whether the key ring encrypted `body`, because the response contains a secret.
    Column("is_sealed", Boolean, nullable=False),
    Index("ix_idempotency_key_created_at", "created_at"),
)

rate_limit = Table(
    "rate_limit",
    metadata,
    # The kind of the bucket, and SHA-256 (hex) of its holder. The table is unlogged on PostgreSQL.
    Column("name", String(20), primary_key=True),
    Column("holder", String(64), primary_key=True),
    # When the bucket is full again: seconds since 1970 by the clock of the database.
    Column("full_at", Double, nullable=False),
)
