"""Sessions of browsers: a cookie holds a secret, and the store keeps only the SHA-256 of the secret.

A session has the rights of its user, or at most the rights of the token that the browser logged in with. The session
ends with its user and with its token.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update
from uuid_utils import uuid7

from mainspring.errors import NotFound
from mainspring_store.access.audit import AuditOwner
from mainspring_store.access.roles import Principal
from mainspring_store.access.tokens import PRINCIPAL_COLUMNS, USE_KEPT_TO, TokenKind, hash_of, principal_of
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import api_token, browser_session, user_account

__all__ = [
    "SESSION_IDLE_MAX",
    "SESSION_LIFE_MAX",
    "NewSession",
    "SessionRecord",
    "add_session",
    "end_own_session",
    "end_session",
    "end_sessions",
    "find_session",
    "list_sessions",
    "owner_of_session",
    "touch_session",
]

SESSION_IDLE_MAX = timedelta(hours=12)
"""A session ends this long after its last use."""
SESSION_LIFE_MAX = timedelta(days=7)
"""A session ends this long after its login."""
SESSIONS_LISTED_MAX = 100
_FORGOTTEN_AT_ONCE = 100
_CLIENT_CHARS_MAX = 250


@dataclass(frozen=True, kw_only=True, slots=True)
class NewSession:
    """A session to be stored."""

    secret: str
    user_id: str | None
    """The user of the password, or the owner of the token."""
    token_id: str | None
    """The token of the login; `None` = the user logged in with a password."""
    client: str
    """The header `User-Agent` of the login; the store keeps its beginning."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionRecord:
    """A session whose user and token are still valid. The caller checks `expires_at`."""

    id: str
    principal: Principal
    created_at: datetime
    ends_at: datetime
    """The end of the session without a further use."""
    token_expires_at: datetime | None
    last_used_at: datetime
    """Precise to the minute."""

    @property
    def expires_at(self) -> datetime:
        """The earlier end of the session and its token."""
        return self.ends_at if self.token_expires_at is None else min(self.ends_at, self.token_expires_at)

    def used(self, now: datetime) -> "SessionRecord | None":
        """The record after a use, for `touch_session`; `None` = the last use was written lately."""
        if now - self.last_used_at < USE_KEPT_TO or self.expires_at <= now:
            return None
        return replace(self, last_used_at=now, ends_at=_end(self.created_at, now))


def add_session(connection: Connection, session: NewSession, *, now: datetime) -> None:
    """Store a session in the caller's transaction, and delete some expired sessions."""
    connection.execute(_FORGET, {"now": now})
    connection.execute(
        insert(browser_session),
        {
            "id": str(uuid7()),
            "secret_hash": hash_of(session.secret),
            "user_id": session.user_id,
            "token_id": session.token_id,
            "client": session.client[:_CLIENT_CHARS_MAX],
            "created_at": now,
            "expires_at": _end(now, now),
            "last_used_at": now,
        },
    )


def find_session(database: Database, secret: str) -> SessionRecord | None:
    """The record of a session; `None` = unknown, or its token is revoked, or its user is inactive.

    The query looks up the hash, so its duration reveals nothing about the secret.
    """
    with database.read() as connection:
        row = connection.execute(_BY_HASH, {"secret_hash": hash_of(secret)}).one_or_none()
        if row is None or row.revoked_at is not None or (row.user_id is not None and not row.is_active):
            return None
        if row.kind == TokenKind.WORKER:
            return None
        principal = principal_of(connection, row)
    return SessionRecord(
        id=row.session_id,
        principal=principal,
        created_at=row.created_at,
        ends_at=row.expires_at,
        token_expires_at=row.token_expires_at,
        last_used_at=row.last_used_at,
    )


def owner_of_session(connection: Connection, secret: str) -> AuditOwner | None:
    """Who the session of a secret belongs to, in the caller's transaction; `None` = no such session."""
    row = connection.execute(_OWNER, {"secret_hash": hash_of(secret)}).one_or_none()
    return None if row is None else AuditOwner(row.user_id or row.token_id, row.username or row.token_name)


def touch_session(database: Database, session: SessionRecord) -> None:
    """Write the last use and the new end of `SessionRecord.used`. Does not bring an ended session back."""
    with database.write() as connection:
        connection.execute(_TOUCH, {"key": session.id, "now": session.last_used_at, "end": session.ends_at})


def end_session(database: Database, secret: str) -> None:
    """End the session of a secret. Idempotent."""
    with database.write() as connection:
        connection.execute(_END, {"secret_hash": hash_of(secret)})


def list_sessions(database: Database, principal: Principal, *, now: datetime) -> list[dict[str, Any]]:
    """The sessions of a principal that have not expired, latest login first, at most `SESSIONS_LISTED_MAX`."""
    statement = _LISTED.where(_is_of(principal), _session.expires_at > now)
    with database.read() as connection:
        return [row._asdict() for row in connection.execute(statement)]


def end_own_session(database: Database, session_id: str, principal: Principal) -> None:
    """End a session of this principal.

    Raises:
        NotFound: The principal has no such session.
    """
    statement = delete(browser_session).where(browser_session.c.id == session_id, _is_of(principal))
    with database.write() as connection:
        if connection.execute(statement).rowcount == 0:
            raise NotFound(f"you have no session '{session_id}'")


def end_sessions(connection: Connection, *, user_id: str) -> None:
    """End all sessions of a user in the caller's transaction."""
    connection.execute(_END_ALL, {"user_id": user_id})


def _is_of(principal: Principal) -> ColumnElement[bool]:
    """Condition: the session is of this user, or of this token without a user."""
    if principal.user_id is not None:
        return browser_session.c.user_id == principal.user_id
    return browser_session.c.token_id == principal.token_id


def _end(created_at: datetime, used_at: datetime) -> datetime:
    return min(used_at + SESSION_IDLE_MAX, created_at + SESSION_LIFE_MAX)


_session = browser_session.c
_now = bindparam("now", type_=UtcDateTime)
_BY_HASH = (
    select(
        *PRINCIPAL_COLUMNS,
        _session.id.label("session_id"),
        _session.created_at,
        _session.expires_at,
        _session.last_used_at,
        api_token.c.expires_at.label("token_expires_at"),
    )
    .select_from(browser_session)
    .outerjoin(api_token, api_token.c.id == _session.token_id)
    .outerjoin(user_account, user_account.c.id == _session.user_id)
    .where(_session.secret_hash == bindparam("secret_hash"))
)
_OWNER = (
    select(_session.user_id, _session.token_id, user_account.c.username, api_token.c.name.label("token_name"))
    .select_from(browser_session)
    .outerjoin(api_token, api_token.c.id == _session.token_id)
    .outerjoin(user_account, user_account.c.id == _session.user_id)
    .where(_session.secret_hash == bindparam("secret_hash"))
)
_TOUCH = (
    update(browser_session)
    .where(_session.id == bindparam("key"))
    .values(last_used_at=_now, expires_at=bindparam("end", type_=UtcDateTime))
)
_LISTED = (
    select(
        _session.id,
        _session.secret_hash,
        _session.client,
        _session.created_at,
        _session.expires_at,
        _session.last_used_at,
    )
    .order_by(_session.created_at.desc(), _session.id.desc())
    .limit(SESSIONS_LISTED_MAX)
)
_END = delete(browser_session).where(_session.secret_hash == bindparam("secret_hash"))
_END_ALL = delete(browser_session).where(_session.user_id == bindparam("user_id"))
_FORGET = delete(browser_session).where(
    _session.id.in_(
        select(_session.id)
        .where(_session.expires_at < _now)
        .limit(_FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
)
