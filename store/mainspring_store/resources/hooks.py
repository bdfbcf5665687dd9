"""Hooks: created, changed and rotated by people; their deliveries claimed and noted by the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from uuid_utils import uuid7

from mainspring.errors import Conflict, MainspringError
from mainspring.hook_signatures import HookKind
from mainspring_store.access.tokens import hash_of
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.dags import dag_not_found
from mainspring_store.queries.hooks import IDENTITIES_KEPT_FOR, hook_not_found
from mainspring_store.tables import dag, hook, hook_delivery, hook_identity

__all__ = [
    "DELIVERIES_KEPT",
    "HOOKS_OF_DAG_MAX",
    "AlreadyDelivered",
    "Delivery",
    "DeliveryOutcome",
    "NewHook",
    "Rotation",
    "change_hook",
    "claim_delivery",
    "create_hook",
    "delete_hook",
    "move_claim",
    "note_delivery",
    "open_hook_secret",
    "reencrypt_hooks",
    "rotate_hook",
    "seal_hook_secret",
    "write_delivery",
]

DELIVERIES_KEPT = 100
"""Of each hook."""
HOOKS_OF_DAG_MAX = 100
_MESSAGE_CHARS_MAX = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class NewHook:
    """A hook before the store has a row for it."""

    name: str
    dag_id: str
    principal_id: str
    kind: HookKind
    url_part: str = field(repr=False)
    secret: str = field(repr=False)
    conf: str | None
    filter: str | None
    description: str | None
    is_enabled: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotation:
    """New secret parts of a hook; None = the part stays."""

    url_part: str | None = field(repr=False)
    secret: str | None = field(repr=False)
    previous_until: datetime
    """Until then the rotated parts stay valid too."""


class DeliveryOutcome(StrEnum):
    """What became of a delivery."""

    RUN = "run"
    """The delivery started a run."""
    DUPLICATE = "duplicate"
    """An earlier delivery had started the run."""
    FILTERED = "filtered"
    """The filter of the hook is false for the delivery."""
    PING = "ping"
    """The sender asked whether the hook works."""
    FAILED = "failed"
    """The delivery is of the sender, and starts no run: an expression failed, or the owner lacks a right."""
    REFUSED = "refused"
    """The signature is wrong or too old. Not every refusal is kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A delivery to a hook, without its headers and its body."""

    hook_id: str
    received_at: datetime
    delivery_id: str | None
    outcome: DeliveryOutcome
    status: int
    run_id: str | None = None
    message: str | None = None


class AlreadyDelivered(MainspringError):
    """A delivery with the same identity has started a run."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"the delivery has started the run '{run_id}'")
        self.run_id = run_id


def create_hook(database: Database, key_ring: KeyRing, new: NewHook, *, now: datetime) -> str:
    """Create a hook and return its id.

    Raises:
        NotFound: There is no such DAG.
        Conflict: A hook has this name, or the DAG has `HOOKS_OF_DAG_MAX` hooks.
    """
    key = str(uuid7())
    row = {
        "id": key,
        "name": new.name,
        "dag_id": new.dag_id,
        "principal_id": new.principal_id,
        "kind": new.kind,
        "url_hash": hash_of(new.url_part),
        "ciphertext": seal_hook_secret(key_ring, key, new.secret),
        "conf": new.conf,
        "filter": new.filter,
        "description": new.description,
        "is_enabled": new.is_enabled,
        "created_at": now,
        "updated_at": now,
    }
    try:
        with database.write() as connection:
            # The lock lets creations of hooks of the DAG count one after another.
            if connection.scalar(_LOCK_DAG, {"dag_id": new.dag_id}) is None:
                raise dag_not_found(new.dag_id)
            if (connection.scalar(_COUNT, {"dag_id": new.dag_id}) or 0) >= HOOKS_OF_DAG_MAX:
                raise Conflict(f"dag '{new.dag_id}' has {HOOKS_OF_DAG_MAX} hooks; delete one to make room")
            connection.execute(insert(hook), row)
    except IntegrityError as exc:
        raise Conflict(f"there is a hook '{new.name}' already") from exc
    return key


def change_hook(database: Database, hook_id: str, changes: Mapping[str, Any], *, now: datetime) -> None:
    """Change columns of a hook.

    Raises:
        NotFound: There is no such hook. Conflict: Another hook has the name.
    """
    try:
        with database.write() as connection:
            statement = update(hook).where(hook.c.id == hook_id).values(**changes, updated_at=now)
            if connection.execute(statement).rowcount == 0:
                raise hook_not_found(hook_id)
    except IntegrityError as exc:
        raise Conflict(f"there is a hook '{changes.get('name')}' already") from exc


def rotate_hook(database: Database, key_ring: KeyRing, hook_id: str, rotation: Rotation, *, now: datetime) -> None:
    """Replace secret parts of a hook. Parts of an earlier rotation end at once. Raises NotFound."""
    values: dict[str, Any] = {
        "previous_url_hash": None,
        "previous_ciphertext": None,
        "previous_until": rotation.previous_until if rotation.previous_until > now else None,
        "updated_at": now,
    }
    is_kept = values["previous_until"] is not None
    if rotation.url_part is not None:
        values |= {"url_hash": hash_of(rotation.url_part), "previous_url_hash": hook.c.url_hash if is_kept else None}
    if rotation.secret is not None:
        ciphertext = seal_hook_secret(key_ring, hook_id, rotation.secret)
        values |= {"ciphertext": ciphertext, "previous_ciphertext": hook.c.ciphertext if is_kept else None}
    with database.write() as connection:
        if connection.execute(update(hook).where(hook.c.id == hook_id).values(**values)).rowcount == 0:
            raise hook_not_found(hook_id)


def delete_hook(database: Database, hook_id: str) -> None:
    """Delete a hook with its deliveries. Raises NotFound."""
    with database.write() as connection:
        if connection.execute(delete(hook).where(hook.c.id == hook_id)).rowcount == 0:
            raise hook_not_found(hook_id)


def seal_hook_secret(key_ring: KeyRing, hook_id: str, secret: str) -> bytes:
    """The ciphertext of the secret of a hook, for `open_hook_secret`."""
    return key_ring.encrypt(_sealed_name(hook_id), secret)


def open_hook_secret(key_ring: KeyRing, hook_id: str, ciphertext: bytes) -> str:
    """The secret of a hook.

    Raises:
        CannotOpen: The key ring lacks the key.
    """
    return key_ring.decrypt(_sealed_name(hook_id), ciphertext)


def claim_delivery(
    connection: Connection, hook_id: str, identities: Sequence[str], run_id: str, *, now: datetime
) -> None:
    """Bind the identities of a delivery to the run that the caller's transaction creates. Forgets old identities.

    A concurrent delivery with a common identity waits for the end of the transaction.

    Raises:
        AlreadyDelivered: A delivery with one of the identities has started a run.
    """
    connection.execute(_FORGET_IDENTITIES, {"key": hook_id, "oldest": now - IDENTITIES_KEPT_FOR})
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    rows = [
        {"hook_id": hook_id, "identity_hash": identity, "run_id": run_id, "received_at": now} for identity in identities
    ]
    statement = dialect.insert(hook_identity).values(rows).on_conflict_do_nothing()
    new = connection.execute(statement.returning(hook_identity.c.identity_hash)).all()
    if len(new) < len(rows):
        first_run_id: str = connection.execute(
            _KNOWN_RUN, {"key": hook_id, "identities": identities, "new": run_id}
        ).scalar_one()
        raise AlreadyDelivered(first_run_id)


def move_claim(connection: Connection, hook_id: str, run_id: str, joined_run_id: str) -> None:
    """Bind the identities of a delivery to the run that its trigger joined, in the transaction of `claim_delivery`."""
    if run_id != joined_run_id:
        connection.execute(_MOVE_CLAIM, {"of_hook": hook_id, "of_run": run_id, "joined": joined_run_id})


def write_delivery(connection: Connection, delivery: Delivery) -> None:
    """Keep a delivery, in the caller's transaction. Forgets the oldest deliveries of the hook."""
    connection.execute(
        insert(hook_delivery),
        {
            "hook_id": delivery.hook_id,
            "received_at": delivery.received_at,
            "delivery_id": delivery.delivery_id,
            "outcome": delivery.outcome,
            "status": delivery.status,
            "run_id": delivery.run_id,
            "message": delivery.message and delivery.message[:_MESSAGE_CHARS_MAX],
        },
    )
    oldest = connection.scalar(_OLDEST_KEPT, {"key": delivery.hook_id})
    if oldest is not None:
        connection.execute(_FORGET_DELIVERIES, {"key": delivery.hook_id, "oldest": oldest})


def note_delivery(database: Database, delivery: Delivery) -> None:
    """As `write_delivery`, in a transaction of its own. Does nothing for a deleted hook."""
    with database.write() as connection:
        if connection.scalar(_EXISTS, {"key": delivery.hook_id}) is not None:
            write_delivery(connection, delivery)


def reencrypt_hooks(connection: Connection, key_ring: KeyRing) -> int:
    """Encrypt the secrets of all hooks with the newest key, in the caller's transaction; returns the number of hooks.

    Raises:
        CannotOpen: No key decrypts a ciphertext.
    """
    rows = connection.execute(_ALL).all()
    for row in rows:
        previous = row.previous_ciphertext
        fresh = {
            "ciphertext": key_ring.reencrypt(row.ciphertext),
            "previous_ciphertext": None if previous is None else key_ring.reencrypt(previous),
        }
        connection.execute(update(hook).where(hook.c.id == row.id).values(**fresh))
    return len(rows)


def _sealed_name(hook_id: str) -> str:
    """The name under which the key ring encrypts the secret of a hook."""
    return f"hook {hook_id}"


_LOCK_DAG = select(dag.c.dag_id).where(dag.c.dag_id == bindparam("dag_id")).with_for_update(key_share=True)
_COUNT = select(func.count()).select_from(hook).where(hook.c.dag_id == bindparam("dag_id"))
_EXISTS = select(hook.c.id).where(hook.c.id == bindparam("key")).with_for_update(key_share=True, read=True)
_ALL = select(hook.c.id, hook.c.ciphertext, hook.c.previous_ciphertext).order_by(hook.c.id).with_for_update()
_FORGET_IDENTITIES = delete(hook_identity).where(
    hook_identity.c.hook_id == bindparam("key"),
    hook_identity.c.received_at < bindparam("oldest", type_=UtcDateTime),
)
_KNOWN_RUN = (
    select(hook_identity.c.run_id)
    .where(
        hook_identity.c.hook_id == bindparam("key"),
        hook_identity.c.identity_hash.in_(bindparam("identities", expanding=True)),
        hook_identity.c.run_id != bindparam("new"),
    )
    .order_by(hook_identity.c.received_at)
    .limit(1)
)
_MOVE_CLAIM = (
    update(hook_identity)
    .where(hook_identity.c.hook_id == bindparam("of_hook"), hook_identity.c.run_id == bindparam("of_run"))
    .values(run_id=bindparam("joined"))
)
_delivery = hook_delivery.c
_OLDEST_KEPT = (
    select(_delivery.id)
    .where(_delivery.hook_id == bindparam("key"))
    .order_by(_delivery.id.desc())
    .offset(DELIVERIES_KEPT)
    .limit(1)
)
_FORGET_DELIVERIES = delete(hook_delivery).where(
    _delivery.hook_id == bindparam("key"), _delivery.id <= bindparam("oldest")
)
