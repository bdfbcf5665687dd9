"""Receivers of events outside of the installation: webhooks, notifiers and callbacks of runs, and their secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson
from sqlalchemy import Connection, bindparam, insert, select, update
from uuid_utils import uuid7

from mainspring.instants import format_instant, parse_instant
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.tables import receiver

__all__ = [
    "Address",
    "DeliveryState",
    "LiveSecret",
    "NewCallback",
    "ReceiverKind",
    "ReceiverState",
    "add_callback",
    "last_event_number",
    "new_message_id",
    "open_address",
    "reencrypt_receivers",
    "seal_address",
    "url_without_secrets",
]

MASK = "***"


class ReceiverKind(StrEnum):
    """What a receiver is."""

    WEBHOOK = "webhook"
    """An address that a user subscribed to events, or that definitions name."""
    NOTIFIER = "notifier"
    """A chat or mailbox of people, which definitions name."""
    CALLBACK = "callback"
    """An address that gets the first end of a single run."""


class ReceiverState(StrEnum):
    """Whether a receiver gets events."""

    ACTIVE = "active"
    WAITING = "waiting"
    """A callback whose run has not ended."""
    DISABLED = "disabled"
    """Its owner switched it off: events that come meanwhile are not sent."""
    ENDED = "ended"
    """The service switched it off: `ended_reason` says why."""


class DeliveryState(StrEnum):
    """What became of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Given up after the last attempt; a user can send it again."""
    REFUSED = "refused"
    """Not sent: the owner of the receiver may not see the DAG."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveSecret:
    """A secret that signs deliveries."""

    value: str = field(repr=False)
    expires_at: datetime | None = None
    """None = never."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a receiver is, and the secrets that sign what is sent there."""

    url: str = field(repr=False)
    secrets: tuple[LiveSecret, ...] = ()
    """Newest first; empty = the private key of the installation signs."""

    def keys(self, now: datetime) -> list[str]:
        """The secrets that are valid now."""
        return [secret.value for secret in self.secrets if secret.expires_at is None or now < secret.expires_at]


@dataclass(frozen=True, kw_only=True, slots=True)
class NewCallback:
    """A callback of a run that is about to be created."""

    ciphertext: bytes
    """Sealed under `name`."""
    name: str
    shown_url: str


def seal_address(key_ring: KeyRing, kind: ReceiverKind, name: str, address: Address) -> bytes:
    """The ciphertext of an address and its secrets."""
    secrets = [
        {"value": secret.value, "expires_at": secret.expires_at and format_instant(secret.expires_at)}
        for secret in address.secrets
    ]
    return key_ring.encrypt(_label(kind, name), orjson.dumps({"url": address.url, "secrets": secrets}).decode())


def open_address(key_ring: KeyRing, kind: str, name: str, ciphertext: bytes) -> Address:
    """Inverse of `seal_address`. Raises CannotOpen when no key decrypts the ciphertext."""
    content = orjson.loads(key_ring.decrypt(_label(kind, name), ciphertext))
    secrets = (
        LiveSecret(value=entry["value"], expires_at=entry["expires_at"] and parse_instant(entry["expires_at"]))
        for entry in content["secrets"]
    )
    return Address(url=content["url"], secrets=tuple(secrets))


def url_without_secrets(url: str) -> str:
    """The URL as people may see it: the values of its query are masked, and user info and fragment are left out.

    A piece of the query without `=` is masked as a whole. The path is shown.
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    pieces = [piece.partition("=") for piece in parts.query.split("&") if piece]
    query = "&".join(f"{name}={MASK}" if equals else MASK for name, equals, _ in pieces)
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def new_message_id() -> str:
    """An id of a delivery, as receivers see it."""
    return f"msg_{uuid7().hex}"


def add_callback(
    connection: Connection, callback: NewCallback, *, run_key: int, dag_id: str, principal_id: str | None, now: datetime
) -> None:
    """Store the callback of a run in the transaction that creates the run."""
    values: dict[str, Any] = {
        "kind": ReceiverKind.CALLBACK,
        "name": callback.name,
        "principal_id": principal_id,
        "dag_run_id": run_key,
        "pattern": dag_id,
        "types": [],
        "includes_outputs": True,
        "state": ReceiverState.WAITING,
        "ciphertext": callback.ciphertext,
        "shown_url": callback.shown_url,
        "begins_after": last_event_number(connection),
        "created_at": now,
        "updated_at": now,
    }
    connection.execute(_INSERT, values)


def last_event_number(connection: Connection) -> int:
    """The highest number that the log of events has given out; 0 = none."""
    statement = _SQLITE_LAST if connection.dialect.name == "sqlite" else _POSTGRESQL_LAST
    number: int | None = connection.exec_driver_sql(statement).scalar()
    return number or 0


def reencrypt_receivers(connection: Connection, key_ring: KeyRing) -> int:
    """Encrypt all addresses with the newest key, in the caller's transaction; returns their number.

    Raises:
        CannotOpen: No key decrypts a ciphertext.
    """
    rows: list[Mapping[str, Any]] = [row._asdict() for row in connection.execute(_ALL)]
    for row in rows:
        connection.execute(_REENCRYPT, {"key": row["id"], "fresh": key_ring.reencrypt(row["ciphertext"])})
    return len(rows)


def _label(kind: str, name: str) -> str:
    """The name inside the ciphertext. Names of secrets cannot contain a colon."""
    return f"{kind}:{name}"


_INSERT = insert(receiver).inline()
_ALL = select(receiver.c.id, receiver.c.ciphertext).order_by(receiver.c.id).with_for_update()
_REENCRYPT = update(receiver).where(receiver.c.id == bindparam("key")).values(ciphertext=bindparam("fresh"))
_SQLITE_LAST = "SELECT seq FROM sqlite_sequence WHERE name = 'feed_event'"
_POSTGRESQL_LAST = "SELECT pg_sequence_last_value('feed_event_id_seq')"
