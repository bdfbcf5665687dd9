"""Users: people who log in with a password, and those of `identities`. The caller hashes and checks passwords."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from uuid_utils import uuid7

from mainspring.errors import Conflict, NotFound
from mainspring_store.access.devices import forget_devices, keep_device
from mainspring_store.access.roles import Grant, Role
from mainspring_store.access.sessions import NewSession, add_session, end_sessions
from mainspring_store.access.tokens import SIGNED_KINDS, add_grants, add_login, forget_logins
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import api_token, dag_grant, user_account, user_identity

__all__ = [
    "Credential",
    "change_user",
    "create_user",
    "delete_user",
    "find_credential",
    "has_users",
    "log_in",
    "log_in_browser",
    "user_not_found",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """The stored facts that a login must match."""

    user_id: str
    password_hash: str
    is_active: bool
    has_password: bool
    """False: an identity provider vouches for the user, and no password fits the hash."""


def create_user(
    database: Database,
    username: str,
    *,
    password_hash: str,
    role: Role | None,
    grants: Iterable[Grant] = (),
    now: datetime,
) -> str:
    """Create a user and return the id.

    Raises:
        Conflict: A user of this name exists.
    """
    key = str(uuid7())
    values = {"id": key, "username": username, "password_hash": password_hash, "role": role}
    try:
        with database.write() as connection:
            connection.execute(insert(user_account), {**values, "created_at": now, "updated_at": now})
            add_grants(connection, grants, user_id=key, now=now)
    except IntegrityError as exc:
        raise Conflict(f"there is a user '{username}' already") from exc
    return key


def has_users(database: Database) -> bool:
    """Whether there is a user, active or not."""
    with database.read() as connection:
        return connection.scalar(select(user_account.c.id).limit(1)) is not None


def change_user(
    database: Database, username: str, changes: dict[str, Any], *, grants: Iterable[Grant] | None, now: datetime
) -> None:
    """Change columns of a user. `grants` replaces all grants; `None` keeps the grants.

    A new password or a change of `is_active` deletes the login tokens, sessions and devices of the user, who must log
    in again.

    Raises:
        NotFound: There is no such user.
    """
    with database.write() as connection:
        key = connection.scalar(_CHANGED.values(**changes, updated_at=now), {"name": username})
        if key is None:
            raise user_not_found(username)
        if grants is not None:
            connection.execute(delete(dag_grant).where(dag_grant.c.user_id == key))
            add_grants(connection, grants, user_id=key, now=now)
        if changes.keys() & {"password_hash", "is_active"}:
            connection.execute(_END_LOGINS, {"key": key})
            end_sessions(connection, user_id=key)
            forget_devices(connection, key)


def delete_user(database: Database, username: str) -> None:
    """Delete a user with all tokens and grants. Raises NotFound when there is none."""
    with database.write() as connection:
        if connection.execute(_DELETE, {"name": username}).rowcount == 0:
            raise user_not_found(username)


def find_credential(database: Database, username: str) -> Credential | None:
    """The credential of a user; `None` = no such user."""
    with database.read() as connection:
        row = connection.execute(_CREDENTIAL, {"name": username}).one_or_none()
    if row is None:
        return None
    return Credential(
        user_id=row.id, password_hash=row.password_hash, is_active=row.is_active, has_password=row.issuer is None
    )


def log_in(
    database: Database,
    user_id: str,
    jti: str,
    *,
    now: datetime,
    expires_at: datetime,
    device_token: str | None = None,
) -> None:
    """Store the token of a login by its `jti`, the time of the login, and the device of the client.

    device_token: the token of the device; `None` = do not store a device.
    """
    with database.write() as connection:
        forget_logins(connection, now=now)
        add_login(connection, jti, user_id=user_id, now=now, expires_at=expires_at)
        connection.execute(_NOTE_LOGIN, {"key": user_id, "now": now})
        if device_token is not None:
            keep_device(connection, user_id, device_token, now=now)


def log_in_browser(database: Database, session: NewSession, *, now: datetime) -> None:
    """Store a session, and for a login with a password the time of the login."""
    with database.write() as connection:
        add_session(connection, session, now=now)
        if session.token_id is None:
            connection.execute(_NOTE_LOGIN, {"key": session.user_id, "now": now})


def user_not_found(username: str) -> NotFound:
    return NotFound(f"there is no user '{username}'")


_user = user_account.c
_CREDENTIAL = (
    select(_user.id, _user.password_hash, _user.is_active, user_identity.c.issuer)
    .outerjoin(user_identity, user_identity.c.user_id == _user.id)
    .where(_user.username == bindparam("name"))
)
_CHANGED = update(user_account).where(_user.username == bindparam("name")).returning(_user.id)
_DELETE = delete(user_account).where(_user.username == bindparam("name"))
_END_LOGINS = delete(api_token).where(api_token.c.user_id == bindparam("key"), api_token.c.kind.in_(SIGNED_KINDS))
_NOTE_LOGIN = (
    update(user_account).where(_user.id == bindparam("key")).values(last_login_at=bindparam("now", type_=UtcDateTime))
)
