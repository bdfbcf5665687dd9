"""API tokens. The store keeps only SHA-256: tokens are 256 random bits, so guessing is hopeless with a fast hash."""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from uuid_utils import uuid7

from mainspring.errors import NotFound
from mainspring_store.access.roles import Grant, Principal, Rights, Role
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import api_token, dag_grant, user_account

__all__ = [
    "PRINCIPAL_COLUMNS",
    "SIGNED_KINDS",
    "USE_KEPT_TO",
    "TokenKind",
    "TokenRecord",
    "add_exchanged",
    "add_grants",
    "add_login",
    "add_token",
    "find_token",
    "forget_logins",
    "hash_of",
    "keep_admin_token",
    "principal_of",
    "revoke_token",
    "touch_token",
]

_log = logging.getLogger(__name__)

USE_KEPT_TO = timedelta(minutes=1)
"""The minimum time between two writes of `last_used_at`."""
_FORGOTTEN_AT_ONCE = 100


class TokenKind(StrEnum):
    """The purpose of a token."""

    ADMIN = "admin"
    """The administrator's token of the settings or the home folder."""
    API = "api"
    """Created by a user, for a program."""
    LOGIN = "login"
    """Issued for a password. Deleted after its expiry."""
    EXCHANGE = "exchange"
    """Issued for the token of a pipeline, and signed like those of logins. Deleted after its expiry."""
    WORKER = "worker"
    """Gives workers of one queue access to the execution API only: see `worker_tokens`."""


SIGNED_KINDS = (TokenKind.LOGIN, TokenKind.EXCHANGE)
"""Tokens in the form of a JWT, which the store knows by their `jti`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRecord:
    """A token that was not revoked. The caller checks `expires_at`."""

    token_id: str
    principal: Principal
    kind: TokenKind
    expires_at: datetime | None
    """`None` = never."""
    last_used_at: datetime | None
    """Precise to the minute; `None` = never."""


def add_token(
    database: Database,
    token: str,
    *,
    name: str,
    role: Role | None,
    now: datetime,
    expires_at: datetime | None = None,
    user_id: str | None = None,
    grants: Iterable[Grant] = (),
) -> str | None:
    """Store a token and return its id. Returns None, changing no row, when the token exists already.

    user_id: the owner of the token, which may do no more than its owner; `None` = no owner.
    """
    try:
        with database.write() as connection:
            key = _insert(connection, token, name, role=role, now=now, expires_at=expires_at, user_id=user_id)
            add_grants(connection, grants, token_id=key, now=now)
            return key
    except IntegrityError:
        return None


def keep_admin_token(database: Database, token: str, *, now: datetime, is_only: bool) -> None:
    """Store the token of the administrator. Idempotent, also when processes call the function at the same time.

    is_only: revoke all previous admin tokens, and restore this token if it was revoked.
    """
    with database.read() as connection:
        rows = connection.execute(_ADMIN_TOKENS).all()
    token_hash = hash_of(token)
    valid = {row.token_hash for row in rows if row.revoked_at is None}
    if valid == {token_hash} or (token_hash in {row.token_hash for row in rows} and not is_only):
        return
    try:
        with database.write() as connection:
            if is_only:
                connection.execute(_REVOKE_OTHERS, {"hash": token_hash, "now": now})
            if connection.execute(_BRING_BACK, {"hash": token_hash}).rowcount == 0:
                _insert(connection, token, "admin", role=Role.ADMIN, now=now, kind=TokenKind.ADMIN)
    except IntegrityError:
        # The processes of one API start together, and each process stores the token.
        _log.debug("admin token: a concurrent process has stored the token")


def find_token(database: Database, token: str) -> TokenRecord | None:
    """The record of a token; `None` = unknown, revoked, a worker's token, or the token of an inactive user.

    The query looks up the hash, so its duration reveals nothing about the token.
    """
    with database.read() as connection:
        row = connection.execute(_BY_HASH, {"token_hash": hash_of(token)}).one_or_none()
        if row is None or row.revoked_at is not None or (row.user_id is not None and not row.is_active):
            return None
        if row.kind == TokenKind.WORKER:
            return None
        principal = principal_of(connection, row)
    return TokenRecord(
        token_id=row.token_id,
        principal=principal,
        kind=TokenKind(row.kind),
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )


def principal_of(connection: Connection, row: Row[*tuple[Any, ...]]) -> Principal:
    """The principal of a row with the columns `PRINCIPAL_COLUMNS`. A row without a token has the rights of its user."""
    of_user, of_token = _grants(connection, row.user_id, row.token_id)
    user_rights = Rights(role=_role(row.user_role), grants=of_user)
    token_rights = Rights(role=_role(row.token_role), grants=of_token)
    if row.user_id is None:
        rights: tuple[Rights, ...] = (token_rights,)
    else:
        rights = (user_rights,) if row.kind in (None, TokenKind.LOGIN) else (user_rights, token_rights)
    return Principal(
        id=row.user_id or row.token_id,
        name=row.username or row.token_name,
        token_id=row.token_id,
        user_id=row.user_id,
        rights=rights,
    )


def touch_token(database: Database, token_id: str, *, now: datetime) -> None:
    """Write `last_used_at`, unless it was written less than `USE_KEPT_TO` ago."""
    with database.write() as connection:
        connection.execute(_TOUCH, {"key": token_id, "now": now, "before": now - USE_KEPT_TO})


def revoke_token(database: Database, token_id: str, *, owner_id: str | None, now: datetime) -> None:
    """Revoke a token. Idempotent.

    owner_id: revoke the token only if this user owns it; `None` = any owner.

    Raises:
        NotFound: There is no such token.
    """
    with database.write() as connection:
        statement = _REVOKE if owner_id is None else _REVOKE.where(api_token.c.user_id == owner_id)
        if connection.execute(statement, {"key": token_id, "now": now}).rowcount == 0:
            raise NotFound(f"there is no token '{token_id}'")


def forget_logins(connection: Connection, *, now: datetime) -> None:
    """Delete some expired tokens of logins and exchanges in the caller's transaction."""
    connection.execute(_FORGET_LOGINS, {"now": now})


def add_login(connection: Connection, jti: str, *, user_id: str, now: datetime, expires_at: datetime) -> None:
    """Store the token of a login by its `jti`, in the caller's transaction. The token has the rights of its user."""
    _insert(connection, jti, "login", now=now, expires_at=expires_at, kind=TokenKind.LOGIN, user_id=user_id)


def add_exchanged(
    connection: Connection,
    jti: str,
    *,
    user_id: str,
    name: str,
    role: Role | None,
    grants: Iterable[Grant],
    now: datetime,
    expires_at: datetime,
) -> None:
    """Store the token of an exchange by its `jti`, in the caller's transaction. The token has the rights that both the
    token and its user have, so it makes no tokens that last longer."""
    kind = TokenKind.EXCHANGE
    key = _insert(connection, jti, name, role=role, now=now, expires_at=expires_at, kind=kind, user_id=user_id)
    add_grants(connection, grants, token_id=key, now=now)


def add_grants(
    connection: Connection,
    grants: Iterable[Grant],
    *,
    now: datetime,
    user_id: str | None = None,
    token_id: str | None = None,
) -> None:
    """Store grants of a user or of a token in the caller's transaction."""
    rows = [
        {"user_id": user_id, "token_id": token_id, "pattern": grant.pattern, "role": grant.role, "created_at": now}
        for grant in grants
    ]
    if rows:
        connection.execute(insert(dag_grant), rows)


def _insert(
    connection: Connection,
    token: str,
    name: str,
    *,
    now: datetime,
    role: Role | None = None,
    expires_at: datetime | None = None,
    kind: TokenKind = TokenKind.API,
    user_id: str | None = None,
) -> str:
    key = str(uuid7())
    values = {"id": key, "name": name, "kind": kind, "token_hash": hash_of(token), "role": role, "user_id": user_id}
    connection.execute(insert(api_token), {**values, "created_at": now, "expires_at": expires_at})
    return key


def _grants(
    connection: Connection, user_id: str | None, token_id: str | None
) -> tuple[tuple[Grant, ...], tuple[Grant, ...]]:
    rows = connection.execute(_GRANTS, {"user_id": user_id, "token_id": token_id}).all()
    return (
        tuple(Grant(pattern=row.pattern, role=Role(row.role)) for row in rows if row.user_id is not None),
        tuple(Grant(pattern=row.pattern, role=Role(row.role)) for row in rows if row.user_id is None),
    )


def _role(text: str | None) -> Role | None:
    return None if text is None else Role(text)


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


_token = api_token.c
_now = bindparam("now", type_=UtcDateTime)
PRINCIPAL_COLUMNS: tuple[ColumnElement[Any], ...] = (
    _token.id.label("token_id"),
    _token.name.label("token_name"),
    _token.kind,
    _token.role.label("token_role"),
    _token.revoked_at,
    user_account.c.id.label("user_id"),
    user_account.c.username,
    user_account.c.role.label("user_role"),
    user_account.c.is_active,
)
"""Columns of a token and of its user, for `principal_of`."""
_BY_HASH = (
    select(*PRINCIPAL_COLUMNS, _token.expires_at, _token.last_used_at)
    .outerjoin(user_account, user_account.c.id == _token.user_id)
    .where(_token.token_hash == bindparam("token_hash"))
)
_GRANTS = select(dag_grant.c.user_id, dag_grant.c.pattern, dag_grant.c.role).where(
    or_(dag_grant.c.user_id == bindparam("user_id"), dag_grant.c.token_id == bindparam("token_id"))
)
_TOUCH = (
    update(api_token)
    .where(
        _token.id == bindparam("key"),
        or_(_token.last_used_at.is_(None), _token.last_used_at < bindparam("before", type_=UtcDateTime)),
    )
    .values(last_used_at=_now)
)
_ADMIN_TOKENS = select(_token.token_hash, _token.revoked_at).where(_token.kind == TokenKind.ADMIN)
_REVOKE_OTHERS = (
    update(api_token)
    .where(_token.kind == TokenKind.ADMIN, _token.revoked_at.is_(None), _token.token_hash != bindparam("hash"))
    .values(revoked_at=_now)
)
_BRING_BACK = update(api_token).where(_token.token_hash == bindparam("hash")).values(revoked_at=None)
_REVOKE = update(api_token).where(_token.id == bindparam("key")).values(revoked_at=_now)
_FORGET_LOGINS = delete(api_token).where(
    _token.id.in_(
        select(_token.id)
        .where(_token.kind.in_(SIGNED_KINDS), _token.expires_at < _now)
        .limit(_FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
)
