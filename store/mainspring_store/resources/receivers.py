"""Webhooks and notifiers: created, changed, deleted, tested; and deliveries that are sent again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, literal_column, select, update
from sqlalchemy.exc import IntegrityError

from mainspring.errors import Conflict, NotFound
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.database.transactions import Database
from mainspring_store.queries.receivers import receiver_not_found
from mainspring_store.state.receivers import (
    Address,
    DeliveryState,
    LiveSecret,
    ReceiverKind,
    ReceiverState,
    last_event_number,
    new_message_id,
    open_address,
    seal_address,
)
from mainspring_store.tables import delivery, receiver

__all__ = [
    "EXPIRES_AFTER",
    "NewReceiver",
    "change_receiver",
    "create_receiver",
    "delete_receiver",
    "lock_receiver",
    "redeliver",
    "rotate_secret",
    "send_test",
]

EXPIRES_AFTER = timedelta(hours=24)
"""A delivery is tried again for this long."""
RECEIVERS_OF_PRINCIPAL_MAX = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class NewReceiver:
    """A webhook or a notifier to be created."""

    kind: ReceiverKind
    name: str
    principal_id: str | None
    """The owner of a webhook; None = a notifier."""
    address: Address
    shown_url: str
    pattern: str
    types: tuple[str, ...] = ()
    description: str | None = None
    includes_outputs: bool = False
    state: ReceiverState = ReceiverState.ACTIVE


def create_receiver(database: Database, key_ring: KeyRing, new: NewReceiver, *, now: datetime) -> None:
    """Create a webhook or a notifier, which gets the events from now on, unless it is disabled.

    Raises:
        Conflict: There is one of this name, or the owner has too many.
    """
    values = {
        "kind": new.kind,
        "name": new.name,
        "principal_id": new.principal_id,
        "pattern": new.pattern,
        "types": list(new.types),
        "description": new.description,
        "includes_outputs": new.includes_outputs,
        "state": new.state,
        "ciphertext": seal_address(key_ring, new.kind, new.name, new.address),
        "shown_url": new.shown_url,
        "created_at": now,
        "updated_at": now,
    }
    try:
        with database.write() as connection:
            if (connection.scalar(_COUNT, {"principal": new.principal_id}) or 0) >= RECEIVERS_OF_PRINCIPAL_MAX:
                raise Conflict(
                    f"a user may have {RECEIVERS_OF_PRINCIPAL_MAX} webhooks; delete some that are not needed"
                )
            connection.execute(insert(receiver), {**values, "begins_after": last_event_number(connection)})
    except IntegrityError as exc:
        raise Conflict(f"there is a {new.kind} '{new.name}' already") from exc


def change_receiver(
    database: Database,
    key_ring: KeyRing,
    kind: ReceiverKind,
    name: str,
    changes: Mapping[str, Any],
    *,
    now: datetime,
) -> None:
    """Change columns of a webhook or a notifier.

    changes: column -> value; `url` is the new address, with its secrets unchanged. The state `active` begins with the
        events from now on, and its failures are forgotten.

    Raises:
        NotFound: There is none of this name.
        CannotOpen: No key decrypts the present address, whose secrets must stay.
    """
    values = dict(changes)
    with database.write() as connection:
        row = lock_receiver(connection, kind, name)
        if "url" in values:
            address = open_address(key_ring, kind, name, row.ciphertext)
            values["ciphertext"] = seal_address(key_ring, kind, name, replace(address, url=values.pop("url")))
            values |= {"failures": 0, "next_attempt_at": None}
        if values.get("state") == ReceiverState.ACTIVE and row.state != ReceiverState.ACTIVE:
            values |= {
                "ended_reason": None,
                "begins_after": last_event_number(connection),
                "failures": 0,
                "next_attempt_at": None,
            }
        connection.execute(update(receiver).where(receiver.c.id == row.id).values(**values, updated_at=now))


def delete_receiver(database: Database, kind: ReceiverKind, name: str) -> None:
    """Delete a webhook or a notifier with its deliveries. Raises NotFound."""
    with database.write() as connection:
        if connection.execute(_DELETE, {"of_kind": kind, "of_name": name}).rowcount == 0:
            raise receiver_not_found(kind, name)


def rotate_secret(
    database: Database, key_ring: KeyRing, name: str, *, secret: str, old_until: datetime, now: datetime
) -> None:
    """Give a webhook a new secret. The previous secret goes on signing until `old_until`; older secrets end now.

    Raises:
        NotFound: There is no webhook of this name.
        CannotOpen: No key decrypts its present secrets.
    """
    kind = ReceiverKind.WEBHOOK
    with database.write() as connection:
        row = lock_receiver(connection, kind, name)
        address = open_address(key_ring, kind, name, row.ciphertext)
        previous = [replace(old_secret, expires_at=old_until) for old_secret in address.secrets[:1] if old_until > now]
        changed = replace(address, secrets=(LiveSecret(value=secret), *previous))
        connection.execute(
            update(receiver)
            .where(receiver.c.id == row.id)
            .values(ciphertext=seal_address(key_ring, kind, name, changed), updated_at=now)
        )


def send_test(database: Database, kind: ReceiverKind, name: str, *, type_: str, body: str, now: datetime) -> int:
    """Add a delivery that a user sends to try a receiver; returns its id.

    Raises:
        NotFound: There is no receiver of this name.
        Conflict: The receiver is switched off.
    """
    with database.write() as connection:
        row = lock_receiver(connection, kind, name)
        _check_active(row)
        values = {
            "receiver_id": row.id,
            "message_id": new_message_id(),
            "type": type_,
            "body": body,
            "state": DeliveryState.PENDING,
            "created_at": now,
            "expires_at": now,  # a test is tried once
        }
        key: int = connection.execute(insert(delivery).returning(delivery.c.id), values).scalar_one()
        connection.execute(_AT_ONCE, {"key": row.id})
    return key


def redeliver(database: Database, kind: ReceiverKind, name: str, delivery_id: int, *, now: datetime) -> None:
    """Send a delivery that ended again, with its id and body, before the deliveries that wait behind it.

    Raises:
        NotFound: There is no such receiver, or no such delivery of it.
        Conflict: The delivery is pending, or the receiver is switched off.
    """
    with database.write() as connection:
        row = lock_receiver(connection, kind, name)
        _check_active(row)
        state = connection.scalar(_STATE_OF_DELIVERY, {"key": delivery_id, "receiver": row.id})
        if state is None:
            raise NotFound(f"the {kind} '{name}' has no delivery {delivery_id}")
        if state == DeliveryState.PENDING:
            raise Conflict(f"delivery {delivery_id} is pending; it will be sent")
        connection.execute(_AGAIN, {"key": delivery_id, "until": now + EXPIRES_AFTER})
        connection.execute(_AT_ONCE, {"key": row.id})


def lock_receiver(connection: Connection, kind: ReceiverKind, name: str) -> Row[*tuple[Any, ...]]:
    """The locked row of a receiver. Raises NotFound."""
    row = connection.execute(_LOCKED, {"of_kind": kind, "of_name": name}).one_or_none()
    if row is None:
        raise receiver_not_found(kind, name)
    return row


def _check_active(row: Row[*tuple[Any, ...]]) -> None:
    if row.state != ReceiverState.ACTIVE:
        raise Conflict(f"the {row.kind} '{row.name}' is {row.state}; make it active first")


_is_named = (receiver.c.kind == bindparam("of_kind"), receiver.c.name == bindparam("of_name"))
_LOCKED = (
    select(receiver.c.id, receiver.c.kind, receiver.c.name, receiver.c.state, receiver.c.ciphertext)
    .where(*_is_named)
    .with_for_update()
)
_DELETE = delete(receiver).where(*_is_named)
_COUNT = (
    select(func.count())
    .select_from(receiver)
    .where(
        receiver.c.principal_id == bindparam("principal"),
        receiver.c.kind == literal_column(f"'{ReceiverKind.WEBHOOK}'"),
    )
)
_STATE_OF_DELIVERY = select(delivery.c.state).where(
    delivery.c.id == bindparam("key"), delivery.c.receiver_id == bindparam("receiver")
)
_AGAIN = (
    update(delivery)
    .where(delivery.c.id == bindparam("key"))
    .values(state=DeliveryState.PENDING.value, expires_at=bindparam("until", type_=delivery.c.expires_at.type))
)
_AT_ONCE = update(receiver).where(receiver.c.id == bindparam("key")).values(next_attempt_at=None)
