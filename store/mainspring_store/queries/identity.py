"""Users and tokens, without password hashes and token hashes."""

from typing import Any

from sqlalchemy import Connection, bindparam, select

from mainspring.errors import NotFound
from mainspring_store.access.tokens import SIGNED_KINDS
from mainspring_store.access.users import user_not_found
from mainspring_store.database.transactions import Database
from mainspring_store.queries.filters import Kind, equal_to, patterns
from mainspring_store.queries.listing import Listed, Listing, ListQuery, SortKey, list_rows
from mainspring_store.tables import api_token, dag_grant, user_account, user_identity

__all__ = ["TOKENS", "USERS", "get_token", "get_user", "list_tokens", "list_users"]

_user = user_account.c
_token = api_token.c
_USER = select(
    _user.id,
    _user.username,
    _user.role,
    _user.is_active,
    user_identity.c.issuer,
    user_identity.c.subject,
    _user.created_at,
    _user.last_login_at,
    _user.updated_at,
).outerjoin(user_identity, user_identity.c.user_id == _user.id)
_TOKEN = select(
    _token.id,
    _token.name,
    _token.kind,
    _token.role,
    _token.queue,
    _user.username,
    _token.created_at,
    _token.expires_at,
    _token.revoked_at,
    _token.last_used_at,
).outerjoin(user_account, _user.id == _token.user_id)

USERS = Listing(
    rows=_USER,
    filters={"is_active": equal_to(_user.is_active, Kind.BOOLEAN), **patterns("username", _user.username)},
    sort_keys={
        "username": SortKey(column=_user.username, kind=Kind.TEXT, is_nullable=False),
        "created_at": SortKey(column=_user.created_at, kind=Kind.INSTANT, is_nullable=False),
        "last_login_at": SortKey(column=_user.last_login_at, kind=Kind.INSTANT),
    },
    default_order=("username",),
    tie_breaker=("username",),
)
TOKENS = Listing(
    rows=_TOKEN.where(_token.kind.not_in(SIGNED_KINDS)),
    filters={"username": equal_to(_user.username), **patterns("name", _token.name)},
    sort_keys={
        "id": SortKey(column=_token.id, kind=Kind.TEXT, is_nullable=False),
        "name": SortKey(column=_token.name, kind=Kind.TEXT, is_nullable=False),
        "created_at": SortKey(column=_token.created_at, kind=Kind.INSTANT, is_nullable=False),
        "expires_at": SortKey(column=_token.expires_at, kind=Kind.INSTANT),
        "last_used_at": SortKey(column=_token.last_used_at, kind=Kind.INSTANT),
    },
    default_order=("id",),
    tie_breaker=("id",),
)


def get_user(database: Database, username: str) -> dict[str, Any]:
    """A user with `grants`. Raises NotFound."""
    with database.read() as connection:
        row = connection.execute(_ONE_USER, {"name": username}).one_or_none()
        if row is None:
            raise user_not_found(username)
        user = row._asdict()
        _add_grants(connection, [user], dag_grant.c.user_id)
    return user


def list_users(database: Database, query: ListQuery) -> Listed:
    """A page of users with their `grants`. Raises InvalidPage, see `list_rows`."""
    with database.read() as connection:
        listed = list_rows(connection, USERS, query)
        _add_grants(connection, listed.rows, dag_grant.c.user_id)
    return listed


def get_token(database: Database, key: str) -> dict[str, Any]:
    """A token with `grants`. Raises NotFound."""
    with database.read() as connection:
        row = connection.execute(_ONE_TOKEN, {"key": key}).one_or_none()
        if row is None:
            raise NotFound(f"there is no token '{key}'")
        token = row._asdict()
        _add_grants(connection, [token], dag_grant.c.token_id)
    return token


def list_tokens(database: Database, query: ListQuery, *, user_id: str | None) -> Listed:
    """A page of the tokens of a user, or of all tokens (`None`), with `grants`; omits tokens of logins and exchanges.

    Raises:
        InvalidPage: See `list_rows`.
    """
    with database.read() as connection:
        listed = list_rows(connection, TOKENS, query, *(() if user_id is None else (_token.user_id == user_id,)))
        _add_grants(connection, listed.rows, dag_grant.c.token_id)
    return listed


def _add_grants(connection: Connection, rows: Any, holder: Any) -> None:
    by_holder: dict[str, list[dict[str, str]]] = {row["id"]: [] for row in rows}
    if by_holder:
        grants = select(holder.label("holder"), dag_grant.c.pattern, dag_grant.c.role).where(holder.in_(by_holder))
        for row in connection.execute(grants.order_by(dag_grant.c.pattern)):
            by_holder[row.holder].append({"pattern": row.pattern, "role": row.role})
    for row in rows:
        row["grants"] = by_holder[row["id"]]


_ONE_USER = _USER.where(_user.username == bindparam("name"))
_ONE_TOKEN = _TOKEN.where(_token.id == bindparam("key"))
