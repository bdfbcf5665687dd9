"""Principals by their id, with the rights that they have now, for work that goes on without a request."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, literal, null, select

from mainspring_store.access.roles import Principal
from mainspring_store.access.tokens import PRINCIPAL_COLUMNS, TokenKind, principal_of
from mainspring_store.tables import api_token, user_account

__all__ = ["name_of_principal", "principal_by_id"]


def principal_by_id(connection: Connection, principal_id: str, *, now: datetime) -> Principal | None:
    """A user, or a token without a user; None = deleted, inactive, revoked or expired."""
    user = connection.execute(_USER, {"key": principal_id}).one_or_none()
    if user is not None:
        return principal_of(connection, user) if user.is_active else None
    token = connection.execute(_TOKEN, {"key": principal_id}).one_or_none()
    if token is None or token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now):
        return None
    return principal_of(connection, token)


def name_of_principal(connection: Connection, principal_id: str | None) -> str | None:
    """The name of a user or token; None = there is none."""
    if principal_id is None:
        return None
    for statement in (_USERNAME, _TOKEN_NAME):
        name: str | None = connection.scalar(statement, {"key": principal_id})
        if name is not None:
            return name
    return None


_USER = select(
    null().label("token_id"),
    null().label("token_name"),
    null().label("kind"),
    null().label("token_role"),
    user_account.c.id.label("user_id"),
    user_account.c.username,
    user_account.c.role.label("user_role"),
    user_account.c.is_active,
).where(user_account.c.id == bindparam("key"))
_TOKEN = (
    select(*PRINCIPAL_COLUMNS, api_token.c.expires_at)
    .outerjoin(user_account, user_account.c.id == api_token.c.user_id)
    .where(
        api_token.c.id == bindparam("key"),
        api_token.c.user_id.is_(None),
        api_token.c.kind != literal(TokenKind.WORKER.value),
    )
)
_USERNAME = select(user_account.c.username).where(user_account.c.id == bindparam("key"))
_TOKEN_NAME = select(api_token.c.name).where(api_token.c.id == bindparam("key"), api_token.c.user_id.is_(None))
