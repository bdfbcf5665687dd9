"""Users whom another server vouches for: people of an identity provider, and the rules of the token exchange.

An identity is an issuer and a subject, never a name or an address of mail, which people can change and providers can
give to others. The first login makes the user; each login sets the rights of the user.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from uuid_utils import uuid7

from mainspring.errors import Conflict, MainspringError
from mainspring_store.access.audit import AuditOwner
from mainspring_store.access.roles import Grant, Role
from mainspring_store.access.sessions import NewSession, add_session, end_sessions
from mainspring_store.access.tokens import SIGNED_KINDS, add_exchanged, add_grants, forget_logins
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import api_token, dag_grant, used_token, user_account, user_identity

__all__ = [
    "EXCHANGE",
    "Identity",
    "InactiveUser",
    "Replayed",
    "end_rights",
    "exchange_token",
    "log_in_identity",
    "owner_of_identity",
    "use_once",
]

EXCHANGE = "urn:mainspring:exchange"
"""The issuer of the users that stand for rules of the token exchange."""
_NAMES_MAX = 1000
_TRIES = 3
_FORGOTTEN_AT_ONCE = 100

_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who logs in, with the rights that the login brings."""

    issuer: str
    subject: str
    username: str
    """The name of a new user; with a number behind it when another user has the name."""
    password_hash: str
    """Of a new user: a hash that no password fits."""
    role: Role | None
    grants: Sequence[Grant]
    """At most one for each pattern."""


class Replayed(MainspringError):
    """A token that counts once was shown again."""


class InactiveUser(MainspringError):
    """An administrator has made the user inactive."""


def log_in_identity(database: Database, identity: Identity, *, secret: str, client: str, now: datetime) -> bool:
    """Open a session of a browser for an identity. Makes the user when there is none, and sets the user's rights.

    secret, client: as in `NewSession`.

    Returns whether rights of a user have changed.

    Raises:
        InactiveUser: No row has changed. Conflict: `_NAMES_MAX` users have the name already.
    """

    def log_in(connection: Connection) -> bool:
        user_id, has_changed = _kept_user(connection, identity, now)
        session = NewSession(secret=secret, user_id=user_id, token_id=None, client=client)
        add_session(connection, session, now=now)
        connection.execute(_NOTE_LOGIN, {"key": user_id, "now": now})
        return has_changed

    return _retried(database, log_in)


def exchange_token(
    database: Database, identity: Identity, jti: str, *, used: str, used_until: datetime, now: datetime, until: datetime
) -> bool:
    """Store the token of an exchange by its `jti`. Makes the user of the rule when there is none, and sets its rights.

    used, used_until: as in `use_once`, for the token that was shown.
    until: the end of the new token.

    Returns and raises as `log_in_identity`.

    Raises:
        Replayed: The token that was shown has been exchanged already. No row has changed.
    """

    def exchange(connection: Connection) -> bool:
        if not _use(connection, used, until=used_until, now=now):
            raise Replayed("the token was exchanged already; each token is good for one exchange")
        user_id, has_changed = _kept_user(connection, identity, now)
        forget_logins(connection, now=now)
        add_exchanged(
            connection,
            jti,
            user_id=user_id,
            name=identity.username,
            role=identity.role,
            grants=identity.grants,
            now=now,
            expires_at=until,
        )
        connection.execute(_NOTE_LOGIN, {"key": user_id, "now": now})
        return has_changed

    return _retried(database, exchange)


def owner_of_identity(connection: Connection, issuer: str, subject: str) -> AuditOwner | None:
    """The user of an identity, in the caller's transaction; `None` = no such user."""
    row = connection.execute(_OWNER, {"issuer": issuer, "subject": subject}).one_or_none()
    return None if row is None else AuditOwner(row.id, row.username)


def use_once(database: Database, token: str, *, until: datetime, now: datetime) -> bool:
    """Note the use of a token, or of the state of a login; returns False when it was used before `until`.

    token: any text that names the token, such as its issuer and `jti`; the store keeps the SHA-256.
    """
    with database.write() as connection:
        return _use(connection, token, until=until, now=now)


def end_rights(database: Database, issuer: str, subject: str, *, now: datetime) -> bool:
    """Take all rights from an identity that may not log in any more, and end its sessions. Returns False when there is
    no such identity."""
    with database.write() as connection:
        row = connection.execute(_FIND, {"issuer": issuer, "subject": subject}).one_or_none()
        if row is None:
            return False
        _set_rights(connection, row, None, (), now)
        end_sessions(connection, user_id=row.id)
        connection.execute(_END_SIGNED, {"key": row.id})
    return True


def _retried(database: Database, write: Callable[[Connection], _Result]) -> _Result:
    """The result of a transaction. Two first logins at once may meet: the second then finds the user of the first."""
    for _ in range(_TRIES - 1):
        try:
            with database.write() as connection:
                return write(connection)
        except IntegrityError:
            continue
    with database.write() as connection:
        return write(connection)


def _kept_user(connection: Connection, identity: Identity, now: datetime) -> tuple[str, bool]:
    """The id of the user with the identity's rights, made when there is none, and whether rights have changed.

    Raises:
        InactiveUser: The user stays unchanged.
    """
    row = connection.execute(_FIND, {"issuer": identity.issuer, "subject": identity.subject}).one_or_none()
    if row is not None and not row.is_active:
        raise InactiveUser("an administrator has made this user inactive")
    if row is not None:
        return row.id, _set_rights(connection, row, identity.role, identity.grants, now)
    key = str(uuid7())
    values = {
        "id": key,
        "username": _free_name(connection, identity.username),
        "password_hash": identity.password_hash,
        "role": identity.role,
        "created_at": now,
        "updated_at": now,
    }
    connection.execute(insert(user_account), values)
    connection.execute(
        insert(user_identity),
        {"user_id": key, "issuer": identity.issuer, "subject": identity.subject, "created_at": now},
    )
    add_grants(connection, identity.grants, user_id=key, now=now)
    return key, False


def _free_name(connection: Connection, name: str) -> str:
    """The name, or the name with the first number behind it that no user has.

    A name of another user is never taken over: who owns an account is decided by the identity alone.
    """
    for number in range(1, _NAMES_MAX):
        candidate = name if number == 1 else f"{name}-{number}"
        if connection.scalar(_NAMED, {"name": candidate}) is None:
            return candidate
    raise Conflict(f"{_NAMES_MAX} users are called '{name}' already")


def _set_rights(
    connection: Connection, row: Row[*tuple[Any, ...]], role: Role | None, grants: Sequence[Grant], now: datetime
) -> bool:
    """Write the rights of a user if they differ; returns whether they did."""
    stored = {(grant.pattern, grant.role) for grant in connection.execute(_GRANTS, {"key": row.id})}
    if row.role == role and stored == {(grant.pattern, grant.role.value) for grant in grants}:
        return False
    connection.execute(_SET_ROLE, {"key": row.id, "new_role": role, "now": now})
    connection.execute(_END_GRANTS, {"key": row.id})
    add_grants(connection, grants, user_id=row.id, now=now)
    return True


def _use(connection: Connection, token: str, *, until: datetime, now: datetime) -> bool:
    connection.execute(_FORGET, {"now": now})
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    row = {"token_hash": hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest(), "expires_at": until}
    statement = dialect.insert(used_token).values(row).on_conflict_do_nothing().returning(used_token.c.token_hash)
    return connection.scalar(statement) is not None


_user = user_account.c
_FIND = (
    select(_user.id, _user.role, _user.is_active)
    .join(user_identity, user_identity.c.user_id == _user.id)
    .where(user_identity.c.issuer == bindparam("issuer"), user_identity.c.subject == bindparam("subject"))
    # Two logins at once set the rights one after the other. SQLite has one writer anyway.
    .with_for_update(of=user_account)
)
_OWNER = (
    select(_user.id, _user.username)
    .join(user_identity, user_identity.c.user_id == _user.id)
    .where(user_identity.c.issuer == bindparam("issuer"), user_identity.c.subject == bindparam("subject"))
)
_NAMED = select(_user.id).where(_user.username == bindparam("name"))
_GRANTS = select(dag_grant.c.pattern, dag_grant.c.role).where(dag_grant.c.user_id == bindparam("key"))
_SET_ROLE = (
    update(user_account)
    .where(_user.id == bindparam("key"))
    .values(role=bindparam("new_role"), updated_at=bindparam("now", type_=UtcDateTime))
)
_END_GRANTS = delete(dag_grant).where(dag_grant.c.user_id == bindparam("key"))
_END_SIGNED = delete(api_token).where(api_token.c.user_id == bindparam("key"), api_token.c.kind.in_(SIGNED_KINDS))
_NOTE_LOGIN = (
    update(user_account).where(_user.id == bindparam("key")).values(last_login_at=bindparam("now", type_=UtcDateTime))
)
_FORGET = delete(used_token).where(
    used_token.c.token_hash.in_(
        select(used_token.c.token_hash)
        .where(used_token.c.expires_at <= bindparam("now", type_=UtcDateTime))
        .limit(_FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
)
