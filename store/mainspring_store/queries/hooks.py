"""Hooks without their secrets, and their latest deliveries; for deliveries, the hook of a URL."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select

from mainspring.errors import NotFound
from mainspring.hook_signatures import HookKind
from mainspring_store.access.tokens import hash_of
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.filters import Kind, equal_to, patterns
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, list_rows
from mainspring_store.tables import api_token, hook, hook_delivery, hook_identity, user_account

__all__ = [
    "HOOKS",
    "IDENTITIES_KEPT_FOR",
    "HookOfUrl",
    "find_hook_of_url",
    "find_run_of_delivery",
    "get_hook",
    "hook_not_found",
    "list_deliveries",
    "list_hooks",
]

IDENTITIES_KEPT_FOR = timedelta(days=7)
"""A delivery that comes again within this time starts no second run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HookOfUrl:
    """A hook, as a delivery to its URL needs the hook."""

    id: str
    name: str
    dag_id: str
    principal_id: str
    kind: HookKind
    ciphertexts: Sequence[bytes] = field(repr=False)
    """The encrypted secrets that are valid now, newest first."""
    conf: str | None
    filter: str | None
    is_enabled: bool


_hook = hook.c
_owner = func.coalesce(user_account.c.username, api_token.c.name)
_HOOK = (
    select(
        _hook.id,
        _hook.name,
        _hook.dag_id,
        _hook.kind,
        _hook.conf,
        _hook.filter,
        _hook.description,
        _hook.is_enabled,
        _hook.previous_until,
        _hook.created_at,
        _hook.updated_at,
        _owner.label("owner"),
    )
    .outerjoin(user_account, user_account.c.id == _hook.principal_id)
    .outerjoin(api_token, api_token.c.id == _hook.principal_id)
)

HOOKS = Listing(
    rows=_HOOK,
    filters={
        "dag_id": equal_to(_hook.dag_id),
        "is_enabled": equal_to(_hook.is_enabled, Kind.BOOLEAN),
        **patterns("name", _hook.name),
    },
    sort_keys={
        "name": SortKey(column=_hook.name, kind=Kind.TEXT, is_nullable=False),
        "dag_id": SortKey(column=_hook.dag_id, kind=Kind.TEXT, is_nullable=False),
        "created_at": SortKey(column=_hook.created_at, kind=Kind.INSTANT, is_nullable=False),
    },
    default_order=("name",),
    tie_breaker=("name",),
    dag_id=_hook.dag_id,
)


def get_hook(database: Database, hook_id: str) -> dict[str, Any]:
    """A hook. Raises NotFound."""
    with database.read() as connection:
        row = connection.execute(_ONE, {"key": hook_id}).one_or_none()
    if row is None:
        raise hook_not_found(hook_id)
    return row._asdict()


def list_hooks(database: Database, query: ListQuery) -> Listed:
    """A page of hooks, with the columns of `get_hook`. Raises InvalidPage, see `list_rows`."""
    with database.read() as connection:
        return list_rows(connection, HOOKS, query)


def list_deliveries(database: Database, hook_id: str) -> list[dict[str, Any]]:
    """The kept deliveries of a hook, latest first."""
    with database.read() as connection:
        return [row._asdict() for row in connection.execute(_DELIVERIES, {"key": hook_id})]


def find_hook_of_url(database: Database, url_part: str, *, now: datetime) -> HookOfUrl | None:
    """The hook of the secret part of a URL, disabled or not; None = there is none.

    The query looks up the hash, so its duration reveals nothing about the part.
    """
    with database.read() as connection:
        row = connection.execute(_BY_URL, {"url_hash": hash_of(url_part), "now": now}).one_or_none()
    if row is None:
        return None
    is_previous_valid = row.previous_until is not None and row.previous_until > now
    previous = row.previous_ciphertext if is_previous_valid else None
    return HookOfUrl(
        id=row.id,
        name=row.name,
        dag_id=row.dag_id,
        principal_id=row.principal_id,
        kind=HookKind(row.kind),
        ciphertexts=[row.ciphertext] if previous is None else [row.ciphertext, previous],
        conf=row.conf,
        filter=row.filter,
        is_enabled=row.is_enabled,
    )


def find_run_of_delivery(database: Database, hook_id: str, identities: Sequence[str], *, now: datetime) -> str | None:
    """Id of the run that a delivery with one of these identities has started; None = none has."""
    parameters = {"key": hook_id, "identities": identities, "oldest": now - IDENTITIES_KEPT_FOR}
    with database.read() as connection:
        run_id: str | None = connection.scalar(_RUN_OF_DELIVERY, parameters)
    return run_id


def hook_not_found(hook_id: str) -> NotFound:
    return NotFound(f"there is no hook '{hook_id}'")


_ONE = _HOOK.where(_hook.id == bindparam("key"))
_BY_URL = select(
    _hook.id,
    _hook.name,
    _hook.dag_id,
    _hook.principal_id,
    _hook.kind,
    _hook.ciphertext,
    _hook.previous_ciphertext,
    _hook.previous_until,
    _hook.conf,
    _hook.filter,
    _hook.is_enabled,
).where(
    or_(
        _hook.url_hash == bindparam("url_hash"),
        and_(
            _hook.previous_url_hash == bindparam("url_hash"),
            _hook.previous_until > bindparam("now", type_=UtcDateTime),
        ),
    )
)
_DELIVERIES = (
    select(
        hook_delivery.c.received_at,
        hook_delivery.c.delivery_id,
        hook_delivery.c.outcome,
        hook_delivery.c.status,
        hook_delivery.c.run_id,
        hook_delivery.c.message,
    )
    .where(hook_delivery.c.hook_id == bindparam("key"))
    .order_by(hook_delivery.c.id.desc())
)
_RUN_OF_DELIVERY = (
    select(hook_identity.c.run_id)
    .where(
        hook_identity.c.hook_id == bindparam("key"),
        hook_identity.c.identity_hash.in_(bindparam("identities", expanding=True)),
        hook_identity.c.received_at >= bindparam("oldest", type_=UtcDateTime),
    )
    .order_by(hook_identity.c.received_at)
    .limit(1)
)
