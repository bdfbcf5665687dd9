"""Deliveries to receivers: made from events, claimed by the scheduler that sends them, and their outcomes.

A receiver is claimed as a whole, by a lease, so its deliveries go out one after another, in the order of their ids.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import IntegrityError

from mainspring.events import EventKind
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.state.events import write_event
from mainspring_store.state.receivers import DeliveryState, ReceiverKind, ReceiverState, new_message_id
from mainspring_store.tables import delivery, receiver, webhook_position

__all__ = [
    "Attempted",
    "Claim",
    "DueDelivery",
    "DueReceiver",
    "NewDelivery",
    "Subscriber",
    "Subscribers",
    "callbacks_of",
    "claim_receiver",
    "due_receivers",
    "end_receiver",
    "forget_deliveries",
    "give_up_late",
    "make_deliveries",
    "note_failure",
    "note_progress",
    "read_position",
    "read_subscribers",
    "release_receiver",
    "release_receivers",
    "remove_callback",
]

PENDING_OF_RECEIVER_MAX = 10_000
"""When a receiver fails or is slow, its oldest deliveries beyond this number are given up."""
_FORGOTTEN_AT_ONCE = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscriber:
    """A receiver with the fields that select its events."""

    id: int
    kind: ReceiverKind
    name: str
    pattern: str
    types: frozenset[str]
    includes_outputs: bool
    begins_after: int
    run_key: int | None = None
    """Of a callback: its run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscribers:
    """All receivers that may get events now."""

    active: Sequence[Subscriber] = ()
    """Webhooks and notifiers."""
    callbacks_begin: int | None = None
    """The lowest `begins_after` of callbacks whose runs have not ended; None = there are none."""

    @property
    def begins_after(self) -> int | None:
        """No subscriber gets an event up to this number; None = there are no subscribers."""
        numbers = [subscriber.begins_after for subscriber in self.active]
        numbers += [] if self.callbacks_begin is None else [self.callbacks_begin]
        return min(numbers, default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDelivery:
    """A delivery to be stored."""

    receiver_id: int
    event_id: int
    type: str
    dag_id: str
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DueDelivery:
    """A delivery to be sent."""

    id: int
    message_id: str
    type: str
    dag_id: str | None
    body: str
    attempts: int
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DueReceiver:
    """A receiver that a scheduler may claim."""

    id: int
    kind: ReceiverKind
    failures: int
    updated_at: datetime
    """When a user changed the receiver last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A receiver that this scheduler alone sends to, until the lease ends, with its next deliveries in order."""

    receiver_id: int
    kind: ReceiverKind
    name: str
    principal_id: str | None
    pattern: str
    types: frozenset[str]
    ciphertext: bytes = field(repr=False)
    failures: int
    deliveries: Sequence[DueDelivery]


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempted:
    """The outcome of an attempt to send a delivery."""

    delivery_id: int
    state: DeliveryState
    """PENDING = failed, and to be tried again."""
    attempted_at: datetime
    seconds: float
    status: int | None = None
    answer: str | None = None
    error: str | None = None


def read_subscribers(database: Database) -> Subscribers:
    """The receivers that may get events now."""
    with database.read() as connection:
        rows = connection.execute(_ACTIVE_AND_FIRST_CALLBACK).all()
    active = sorted((_subscriber(row) for row in rows if row.id is not None), key=attrgetter("id"))
    return Subscribers(active=active, callbacks_begin=next(row.begins_after for row in rows if row.id is None))


def callbacks_of(database: Database, run_keys: Iterable[int]) -> Sequence[Subscriber]:
    """The callbacks of runs that have ended now."""
    with database.read() as connection:
        return [_subscriber(row) for row in connection.execute(_CALLBACKS, {"keys": sorted(run_keys)})]


def read_position(database: Database) -> int:
    """Deliveries for the events up to this number are made."""
    with database.read() as connection:
        position: int = connection.execute(_POSITION).scalar_one()
    return position


def make_deliveries(
    database: Database,
    old: int,
    new: int,
    deliveries: Sequence[NewDelivery],
    *,
    now: datetime,
    expires_at: datetime,
) -> bool:
    """Move the position from `old` to `new` and store the deliveries of the events between, in one transaction.

    Returns False, changing no row, when another scheduler has moved the position, or a receiver was deleted meanwhile.
    """
    rows = [
        {
            **asdict(entry),
            "message_id": new_message_id(),
            "state": DeliveryState.PENDING,
            "created_at": now,
            "expires_at": expires_at,
        }
        for entry in deliveries
    ]
    try:
        with database.write() as connection:
            if connection.execute(_MOVE, {"old": old, "new": new}).rowcount == 0:
                return False
            if rows:
                connection.execute(_INSERT, rows)
                # A callback has its one delivery, and waits no more.
                connection.execute(_ACTIVATE, {"ids": sorted({entry.receiver_id for entry in deliveries})})
    except IntegrityError:
        return False
    return True


def due_receivers(
    database: Database, *, now: datetime, limit: int, among: Iterable[int] | None = None
) -> Sequence[DueReceiver]:
    """Receivers with pending deliveries to which no scheduler sends now, fewest failures first.

    among: ids to choose from; None = all.
    """
    statement = _DUE if among is None else _DUE.where(_receiver.id.in_(list(among)))
    with database.read() as connection:
        return [
            DueReceiver(**{**row._asdict(), "kind": ReceiverKind(row.kind)})
            for row in connection.execute(statement, {"now": now, "limit_": limit})
        ]


def claim_receiver(
    database: Database, receiver_id: int, *, by: str, now: datetime, until: datetime, limit: int
) -> Claim | None:
    """Take or renew the lease of a receiver, and read up to `limit` deliveries.

    None = another scheduler has the lease, or no delivery is due, or the receiver is switched off. Then an own lease
    ends.
    """
    with database.write() as connection:
        row = connection.execute(_LEASE, {"key": receiver_id, "me": by, "now": now, "until": until}).one_or_none()
        if row is None:
            # A user may have switched the receiver off since the last claim.
            connection.execute(_RELEASE, {"key": receiver_id, "me": by})
            return None
        due = connection.execute(_NEXT, {"key": receiver_id, "limit_": limit}).all()
        if not due:
            connection.execute(_RELEASE, {"key": receiver_id, "me": by})
            return None
        return Claim(
            receiver_id=receiver_id,
            kind=ReceiverKind(row.kind),
            name=row.name,
            principal_id=row.principal_id,
            pattern=row.pattern,
            types=frozenset(row.types),
            ciphertext=row.ciphertext,
            failures=row.failures,
            deliveries=[DueDelivery(**entry._asdict()) for entry in due],
        )


def note_progress(database: Database, receiver_id: int, attempted: Sequence[Attempted]) -> None:
    """Store the outcomes of attempts of which none is to be made again. A success ends the row of failures.

    The lease goes on.
    """
    with database.write() as connection:
        _note(connection, attempted)
        if any(entry.state is DeliveryState.DELIVERED for entry in attempted):
            connection.execute(_NO_FAILURES, {"key": receiver_id})


def note_failure(
    database: Database,
    receiver_id: int,
    attempted: Sequence[Attempted],
    *,
    by: str,
    failures: int,
    now: datetime,
    next_attempt_at: datetime,
) -> int:
    """Store the outcomes of attempts of which the last one failed, and give the lease back until the next attempt.

    Deliveries whose time is over are given up. Returns the number of deliveries that were given up.
    """
    with database.write() as connection:
        _note(connection, attempted)
        given_up = sum(entry.state is DeliveryState.FAILED for entry in attempted)
        given_up += connection.execute(_EXPIRE, {"key": receiver_id, "now": now}).rowcount
        given_up += _shorten(connection, receiver_id)
        connection.execute(_DELAY, {"key": receiver_id, "me": by, "count": failures, "next": next_attempt_at})
    return given_up


def end_receiver(database: Database, receiver_id: int, reason: str, *, now: datetime) -> None:
    """Switch a webhook off, refuse its pending deliveries, and write an event. Idempotent."""
    with database.write() as connection:
        row = connection.execute(_END, {"key": receiver_id, "reason": reason, "now": now}).one_or_none()
        if row is None:
            return
        connection.execute(_REFUSE, {"key": receiver_id, "why": reason})
        data = {"name": row.name, "reason": reason}
        write_event(connection, EventKind.WEBHOOK, "ended", at=now, data=data)


def give_up_late(database: Database, receiver_id: int, *, now: datetime) -> int:
    """Give up the waiting deliveries of a slow receiver whose time is over, and those beyond the bound.

    Tests wait on: their time is over from the beginning. Returns the number of deliveries that were given up.
    """
    with database.write() as connection:
        given_up = connection.execute(_EXPIRE_LATE, {"key": receiver_id, "now": now}).rowcount
        return given_up + _shorten(connection, receiver_id)


def release_receiver(database: Database, receiver_id: int, *, by: str) -> None:
    """Give a lease back."""
    with database.write() as connection:
        connection.execute(_RELEASE, {"key": receiver_id, "me": by})


def release_receivers(database: Database) -> None:
    """End all leases. For the only scheduler of a database, at its start: who had them is dead."""
    with database.write() as connection:
        connection.execute(_RELEASE_ALL)


def remove_callback(database: Database, receiver_id: int) -> None:
    """Delete a callback that was delivered or given up."""
    with database.write() as connection:
        connection.execute(_REMOVE_CALLBACK, {"key": receiver_id})


def forget_deliveries(database: Database, *, before: datetime) -> int:
    """Delete a batch of the deliveries that ended and were created before an instant.

    Returns the size of the batch; 0 = none is left.
    """
    with database.write() as connection:
        return connection.execute(_FORGET, {"before": before, "limit_": _FORGOTTEN_AT_ONCE}).rowcount


def _shorten(connection: Connection, receiver_id: int) -> int:
    first_kept = connection.scalar(_FIRST_KEPT, {"key": receiver_id, "kept": PENDING_OF_RECEIVER_MAX - 1})
    if first_kept is None:
        return 0
    return connection.execute(_SHORTEN, {"key": receiver_id, "first": first_kept}).rowcount


def _note(connection: Connection, attempted: Sequence[Attempted]) -> None:
    if attempted:
        connection.execute(_ATTEMPTED, [_columns(entry) for entry in attempted])


def _columns(attempted: Attempted) -> Mapping[str, Any]:
    values = asdict(attempted)
    return {f"_{name}": value for name, value in values.items()}


def _subscriber(row: Row[*tuple[Any, ...]]) -> Subscriber:
    return Subscriber(
        id=row.id,
        kind=ReceiverKind(row.kind),
        name=row.name,
        pattern=row.pattern,
        types=frozenset(row.types),
        includes_outputs=row.includes_outputs,
        begins_after=row.begins_after,
        run_key=row.dag_run_id,
    )


def _literal(state: DeliveryState | ReceiverState | ReceiverKind) -> Any:
    """A constant in the statement, so that PostgreSQL can use a partial index."""
    return literal_column(f"'{state.value}'")


_receiver = receiver.c
_delivery = delivery.c
_is_pending = _delivery.state == _literal(DeliveryState.PENDING)
_of_receiver = _delivery.receiver_id == bindparam("key")
_now = bindparam("now", type_=UtcDateTime)
_SUBSCRIBER = select(
    _receiver.id,
    _receiver.kind,
    _receiver.name,
    _receiver.pattern,
    _receiver.types,
    _receiver.includes_outputs,
    _receiver.begins_after,
    _receiver.dag_run_id,
)
_ACTIVE = _SUBSCRIBER.where(
    _receiver.state == _literal(ReceiverState.ACTIVE), _receiver.kind != _literal(ReceiverKind.CALLBACK)
)
_is_waiting = _receiver.state == _literal(ReceiverState.WAITING)
_FIRST_CALLBACK = select(
    *(
        func.min(column) if column.name == "begins_after" else cast(null(), column.type)
        for column in _SUBSCRIBER.selected_columns
    )
).where(_is_waiting)
_ACTIVE_AND_FIRST_CALLBACK = union_all(_ACTIVE, _FIRST_CALLBACK)
"""One row for each active receiver, and one without an id."""
_CALLBACKS = _SUBSCRIBER.where(_is_waiting, _receiver.dag_run_id.in_(bindparam("keys", expanding=True)))
_POSITION = select(webhook_position.c.event_id)
_MOVE = (
    update(webhook_position).where(webhook_position.c.event_id == bindparam("old")).values(event_id=bindparam("new"))
)
_INSERT = insert(delivery)
_ACTIVATE = (
    update(receiver)
    .where(_is_waiting, _receiver.id.in_(bindparam("ids", expanding=True)))
    .values(state=ReceiverState.ACTIVE.value)
)
_is_free = or_(_receiver.leased_until.is_(None), _receiver.leased_until < _now)
_is_due = or_(_receiver.next_attempt_at.is_(None), _receiver.next_attempt_at <= _now)
_DUE = (
    select(_receiver.id, _receiver.kind, _receiver.failures, _receiver.updated_at)
    .where(
        _receiver.state == _literal(ReceiverState.ACTIVE),
        _is_free,
        _is_due,
        exists().where(_delivery.receiver_id == _receiver.id, _is_pending),
    )
    .order_by(_receiver.failures, _receiver.id)
    .limit(bindparam("limit_"))
)
_LEASE = (
    update(receiver)
    .where(
        _receiver.id == bindparam("key"),
        _receiver.state == _literal(ReceiverState.ACTIVE),
        or_(_is_free, _receiver.leased_by == bindparam("me")),
        _is_due,
    )
    .values(leased_by=bindparam("me"), leased_until=bindparam("until", type_=UtcDateTime))
    .returning(
        _receiver.kind,
        _receiver.name,
        _receiver.principal_id,
        _receiver.pattern,
        _receiver.types,
        _receiver.ciphertext,
        _receiver.failures,
    )
)
_NEXT = (
    select(
        _delivery.id,
        _delivery.message_id,
        _delivery.type,
        _delivery.dag_id,
        _delivery.body,
        _delivery.attempts,
        _delivery.expires_at,
    )
    .where(_of_receiver, _is_pending)
    .order_by(_delivery.id)
    .limit(bindparam("limit_"))
)
_is_mine = (_receiver.id == bindparam("key"), _receiver.leased_by == bindparam("me"))
_RELEASE = update(receiver).where(*_is_mine).values(leased_by=None, leased_until=None)
_RELEASE_ALL = update(receiver).where(_receiver.leased_until.is_not(None)).values(leased_by=None, leased_until=None)
_DELAY = (
    update(receiver)
    .where(*_is_mine)
    .values(
        leased_by=None,
        leased_until=None,
        failures=bindparam("count"),
        next_attempt_at=bindparam("next", type_=UtcDateTime),
    )
)
_NO_FAILURES = (
    update(receiver)
    .where(_receiver.id == bindparam("key"), _receiver.failures > 0)
    .values(failures=0, next_attempt_at=None)
)
_ATTEMPTED = (
    update(delivery)
    .where(_delivery.id == bindparam("_delivery_id"))
    .values(
        state=bindparam("_state"),
        attempts=_delivery.attempts + 1,
        attempted_at=bindparam("_attempted_at", type_=UtcDateTime),
        seconds=bindparam("_seconds"),
        status=bindparam("_status"),
        answer=bindparam("_answer"),
        error=bindparam("_error"),
    )
)
_FAILED = DeliveryState.FAILED.value
_EXPIRE = (
    update(delivery)
    .where(_of_receiver, _is_pending, _delivery.expires_at <= _now)
    .values(state=_FAILED, error=func.coalesce(_delivery.error, "the delivery expired before the receiver took it"))
)
_EXPIRE_LATE = _EXPIRE.where(_delivery.expires_at > _delivery.created_at)
_FIRST_KEPT = (
    select(_delivery.id)
    .where(_of_receiver, _is_pending)
    .order_by(_delivery.id.desc())
    .offset(bindparam("kept"))
    .limit(1)
)
_SHORTEN = (
    update(delivery)
    .where(_of_receiver, _is_pending, _delivery.id < bindparam("first"))
    .values(state=_FAILED, error=f"more than {PENDING_OF_RECEIVER_MAX} newer deliveries wait")
)
_END = (
    update(receiver)
    .where(_receiver.id == bindparam("key"), _receiver.state == _literal(ReceiverState.ACTIVE))
    .values(
        state=ReceiverState.ENDED.value,
        ended_reason=bindparam("reason"),
        leased_by=None,
        leased_until=None,
        updated_at=_now,
    )
    .returning(_receiver.name)
)
_REFUSE = (
    update(delivery).where(_of_receiver, _is_pending).values(state=DeliveryState.REFUSED.value, error=bindparam("why"))
)
_REMOVE_CALLBACK = delete(receiver).where(
    _receiver.id == bindparam("key"), _receiver.kind == _literal(ReceiverKind.CALLBACK)
)
_OLD = (
    select(_delivery.id)
    .where(_delivery.created_at < bindparam("before", type_=UtcDateTime), ~_is_pending)
    .order_by(_delivery.created_at)
    .limit(bindparam("limit_"))
)
_FORGET = delete(delivery).where(_delivery.id.in_(_OLD))
