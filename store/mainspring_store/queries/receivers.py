"""Webhooks and notifiers without their addresses and secrets, and what was sent to them."""

from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, or_, select

from mainspring.errors import NotFound
from mainspring.webhook_types import WEBHOOK_TYPES
from mainspring_store.access.principals import name_of_principal
from mainspring_store.database.transactions import Database
from mainspring_store.queries.filters import Kind, equal_to, one_of, patterns
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, is_seen, list_rows
from mainspring_store.state.receivers import DeliveryState, ReceiverKind, ReceiverState
from mainspring_store.tables import delivery, receiver

__all__ = [
    "DELIVERIES",
    "RECEIVERS",
    "get_receiver",
    "list_deliveries",
    "list_receivers",
    "receiver_not_found",
]

_receiver = receiver.c
_delivery = delivery.c
_RECEIVER = select(
    _receiver.id,
    _receiver.kind,
    _receiver.name,
    _receiver.principal_id,
    _receiver.pattern,
    _receiver.types,
    _receiver.description,
    _receiver.includes_outputs,
    _receiver.state,
    _receiver.ended_reason,
    _receiver.shown_url,
    _receiver.failures,
    _receiver.next_attempt_at,
    _receiver.created_at,
    _receiver.updated_at,
)
_STATES = [state.value for state in ReceiverState if state is not ReceiverState.WAITING]

RECEIVERS = Listing(
    rows=_RECEIVER,
    filters={"state": one_of(_receiver.state, choices=_STATES), **patterns("name", _receiver.name)},
    sort_keys={
        "name": SortKey(column=_receiver.name, kind=Kind.TEXT, is_nullable=False),
        "created_at": SortKey(column=_receiver.created_at, kind=Kind.INSTANT, is_nullable=False),
    },
    default_order=("name",),
    tie_breaker=("name",),
)
DELIVERIES = Listing(
    rows=select(
        _delivery.id,
        _delivery.message_id,
        _delivery.event_id,
        _delivery.type,
        _delivery.dag_id,
        _delivery.state,
        _delivery.created_at,
        _delivery.attempts,
        _delivery.attempted_at,
        _delivery.seconds,
        _delivery.status,
        _delivery.answer,
        _delivery.error,
    ),
    filters={
        "state": one_of(_delivery.state, choices=[state.value for state in DeliveryState]),
        "type": one_of(_delivery.type, choices=WEBHOOK_TYPES),
        "dag_id": equal_to(_delivery.dag_id),
    },
    sort_keys={"id": SortKey(column=_delivery.id, kind=Kind.INTEGER, is_nullable=False)},
    default_order=("-id",),
    tie_breaker=("id",),
    dag_id=_delivery.dag_id,
)


def get_receiver(database: Database, kind: ReceiverKind, name: str, *, principal_id: str | None) -> dict[str, Any]:
    """A webhook or a notifier with `owner`, the name of its owner.

    principal_id: only of this owner; None = of any.

    Raises:
        NotFound: There is none of this name, or another principal owns it.
    """
    with database.read() as connection:
        row = connection.execute(_ONE, {"kind": kind, "name": name}).one_or_none()
        if row is None or (principal_id is not None and row.principal_id != principal_id):
            raise receiver_not_found(kind, name)
        return {**row._asdict(), "owner": name_of_principal(connection, row.principal_id)}


def list_receivers(database: Database, kind: ReceiverKind, query: ListQuery, *, principal_id: str | None) -> Listed:
    """A page of webhooks or notifiers, as `get_receiver`. Raises InvalidPage, see `list_rows`."""
    conditions = [_receiver.kind == kind]
    if principal_id is not None:
        conditions.append(_receiver.principal_id == principal_id)
    with database.read() as connection:
        listed = list_rows(connection, RECEIVERS, query, *conditions)
        names: dict[str | None, str | None] = {}
        for row in listed.rows:
            owner_id = row["principal_id"]
            if owner_id not in names:
                names[owner_id] = name_of_principal(connection, owner_id)
            row["owner"] = names[owner_id]
    return listed


def list_deliveries(database: Database, receiver_id: int, query: ListQuery) -> Listed:
    """A page of the deliveries of a receiver, without their bodies. Raises InvalidPage, see `list_rows`.

    Tests belong to no DAG: whoever may see the receiver sees them.
    """
    conditions = [_delivery.receiver_id == receiver_id]
    if query.seen is not None:
        conditions.append(or_(_delivery.dag_id.is_(None), is_seen(_delivery.dag_id, query.seen)))
    with database.read() as connection:
        return list_rows(connection, DELIVERIES, replace(query, seen=None), *conditions)


def receiver_not_found(kind: ReceiverKind, name: str) -> NotFound:
    return NotFound(f"There is no {kind} with the name `{name}`")


_ONE = _RECEIVER.where(_receiver.kind == bindparam("kind"), _receiver.name == bindparam("name"))
