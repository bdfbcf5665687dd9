"""Pools, variables, secrets and connections: the tasks of all DAGs share them."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, LargeBinary, String, Table, Text, text

from mainspring_store.database.types import Json, UtcDateTime
from mainspring_store.tables.base import metadata

__all__ = ["connection", "pool", "secret", "variable"]

pool = Table(
    "pool",
    metadata,
    Column("name", String(250), primary_key=True),
    Column("slots", Integer, nullable=False),
    # Slots that live attempts hold, with `include_deferred` also deferred instances. The transaction that changes an
    # attempt changes this counter too.
    Column("used", Integer, nullable=False, server_default=text("0")),
    # Slots of `dag` tasks that wait for their runs. These slots are taken for other `dag` tasks only.
    Column("calling", Integer, nullable=False, server_default=text("0")),
    Column("description", Text),
    Column("include_deferred", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("used >= 0", name="used"),
)

variable = Table(
    "variable",
    metadata,
    Column("key", String(250), primary_key=True),
    Column("value", Text, nullable=False),
    Column("description", Text),
    Column("updated_at", UtcDateTime, nullable=False),
    # The user or token whose quota the row counts for; NULL = for no quota.
    Column("principal_id", String(36)),
    Index("ix_variable_principal_id", "principal_id"),
)

secret = Table(
    "secret",
    metadata,
    Column("name", String(250), primary_key=True),
    # Encrypted by the key ring; the store never writes the plain value.
    Column("ciphertext", LargeBinary, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    # The user or token whose quota the row counts for; NULL = for no quota.
    Column("principal_id", String(36)),
    Index("ix_secret_principal_id", "principal_id"),
)

connection = Table(
    "connection",
    metadata,
    Column("connection_id", String(250), primary_key=True),
    Column("conn_type", String(500), nullable=False),
    Column("description", Text),
    Column("host", Text),
    Column("schema", Text),
    Column("login", Text),
    Column("port", Integer),
    # Password and extra, encrypted by the key ring; NULL = the connection has neither.
    Column("ciphertext", LargeBinary),
    # Names of the members in the ciphertext, so that listing connections needs no key.
    Column("sealed", Json, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    # The user or token whose quota the row counts for; NULL = for no quota.
    Column("principal_id", String(36)),
    Index("ix_connection_principal_id", "principal_id"),
)
