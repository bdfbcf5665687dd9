"""API tokens: credentials for programs. Shown once, when they are made."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Response, g
from marshmallow import ValidationError, fields, missing, validate, validates_schema

from mainspring.errors import InvalidInput, Problem
from mainspring_api.http.answers import answer, no_content
from mainspring_api.http.audit import audit_detail
from mainspring_api.http.authentication import Forbidden
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Body, Choice, Instant, list_arguments, list_query
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_api.http.permissions import Over
from mainspring_api.resources.people.users import GRANTS_MAX, GrantBody, GrantSchema, grants_of
from mainspring_store.access.roles import Principal, Role
from mainspring_store.access.tokens import TokenKind, add_token, revoke_token
from mainspring_store.access.users import find_credential
from mainspring_store.access.worker_tokens import add_worker_token
from mainspring_store.queries import identity as questions

__all__ = ["blueprint"]

blueprint = Resource("tokens", "API tokens: credentials for programs")

_TOKEN_BYTES = 32
_QUEUE = r"[A-Za-z0-9_.-]{1,250}\Z"
"""As a task may name it."""


class ApiToken(Answer):
    """An API token, without the secret."""

    id = fields.UUID(metadata={"description": "Identifier of the token"})
    name = fields.String(metadata={"description": "Name of the token for people"})
    kind = Choice(
        TokenKind,
        only=[TokenKind.ADMIN, TokenKind.API, TokenKind.WORKER],
        metadata={"description": "Kind of the token"},
    )
    username = fields.String(allow_none=True, metadata={"description": "Owner of the token; null = no owner"})
    role = Choice(
        Role, allow_none=True, metadata={"description": "Role on every DAG and everything else; null = only the grants"}
    )
    grants = fields.List(fields.Nested(GrantSchema))
    queue = fields.String(
        allow_none=True, metadata={"description": "Queue whose attempts a worker token opens; null = no worker token"}
    )
    created_at = Instant()
    expires_at = Instant(allow_none=True, metadata={"description": "Null = never"})
    revoked_at = Instant(allow_none=True)
    last_used_at = Instant(
        allow_none=True, metadata={"description": "Instant of the latest use, to the minute; null = never"}
    )


class CreatedApiToken(ApiToken):
    """An API token that was just made."""

    token = fields.String(metadata={"description": "Token for `Authorization: Bearer ...`; shown only once"})


class ApiTokenCollection(Answer):
    """A page of API tokens."""

    tokens = fields.List(fields.Nested(ApiToken))
    total_entries = fields.Integer()


class ApiTokenBody(Body):
    """A token to be made. `role` or `grants` sets the rights, or `queue` makes a worker token."""

    name = fields.String(
        required=True,
        validate=validate.Length(min=1, max=250),
        metadata={"description": "Name of the token for people"},
    )
    role = Choice(
        Role,
        allow_none=True,
        load_default=None,
        metadata={"description": "Role on every DAG and everything else; null = only the grants"},
    )
    grants = fields.List(fields.Nested(GrantBody), load_default=list, validate=validate.Length(max=GRANTS_MAX))
    queue = fields.String(
        allow_none=True,
        load_default=None,
        validate=validate.Regexp(_QUEUE, error="must be the name of a queue"),
        metadata={
            "description": "Makes a token for workers of this queue: it opens the execution API, for attempts of "
            "this queue alone, and nothing else. Admins only"
        },
    )
    expires_at = Instant(allow_none=True, load_default=None)
    username = fields.String(
        allow_none=True,
        metadata={"description": "Whose it is; absent = one's own, null = nobody's. Others' and nobody's: admins only"},
    )

    @validates_schema
    def _says_something(self, body: dict[str, Any], **_: Any) -> None:
        if body.get("queue") is not None:
            members = [name for name in ("role", "grants", "username") if body.get(name)]
            if members:
                raise ValidationError("a token for workers has none", members[0])
        elif not body.get("role") and not body.get("grants"):
            raise ValidationError("must be given, or `grants`", "role")
        if "\0" in body.get("name", ""):
            raise ValidationError("must not hold a NUL", "name")


TokenList = list_arguments("ApiTokenList", questions.TOKENS)


@blueprint.operation(
    "GET",
    "/tokens",
    "get_tokens",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=ApiTokenCollection,
    query=TokenList,
    errors=(400,),
)
def get_tokens(query: Mapping[str, Any]) -> Response:
    """List one's own tokens; an administrator's list has all."""
    owner_id = None if _is_admin(g.user) else g.user.id
    # A token belongs to no DAG, so who sees few DAGs sees no fewer tokens.
    listed = questions.list_tokens(context().database, replace(list_query(query), seen=None), user_id=owner_id)
    return list_answer(query, {"tokens": [_token(row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation(
    "POST",
    "/tokens",
    "post_token",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=CreatedApiToken,
    status=201,
    body=ApiTokenBody,
    errors=(404,),
    contains_secret=True,
)
def post_token(body: Mapping[str, Any]) -> Response:
    """Make a token. The rights of the user bound the rights of the token."""
    ctx = context()
    now = datetime.now(UTC)
    if body["expires_at"] is not None and body["expires_at"] <= now:
        raise InvalidInput([Problem(pointer="/expires_at", message="has passed", code="invalid_value")])
    if body["queue"] is not None:
        return _worker_token(body, now=now)
    secret = f"ms_{secrets.token_urlsafe(_TOKEN_BYTES)}"
    key = add_token(
        ctx.database,
        secret,
        name=body["name"],
        role=body["role"],
        now=now,
        expires_at=body["expires_at"],
        user_id=_owner(g.user, body.get("username", missing)),
        grants=grants_of(body["grants"]),
    )
    assert key is not None, "two tokens of 256 random bits are the same"
    return answer({**_token(questions.get_token(ctx.database, key)), "token": secret}, 201)


@blueprint.operation(
    "DELETE",
    "/tokens/<token_id>",
    "delete_token",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=None,
    status=204,
    errors=(404,),
)
def remove_token(token_id: str) -> Response:
    """Revoke a token: at once in this process, within five seconds in all processes. It stays in the list."""
    ctx = context()
    audit_detail(token_id=token_id)
    revoke_token(ctx.database, token_id, owner_id=None if _is_admin(g.user) else g.user.id, now=datetime.now(UTC))
    ctx.authenticator.forget()
    return no_content()


def _worker_token(body: Mapping[str, Any], *, now: datetime) -> Response:
    """Make a token of a queue's workers.

    Raises:
        Forbidden: Only administrators make them: a worker gets the secrets of every task of its queue.
    """
    if not _is_admin(g.user):
        raise Forbidden("only administrators make tokens for workers")
    ctx = context()
    secret = f"mw_{secrets.token_urlsafe(_TOKEN_BYTES)}"
    key = add_worker_token(
        ctx.database, secret, name=body["name"], queue=body["queue"], now=now, expires_at=body["expires_at"]
    )
    return answer({**_token(questions.get_token(ctx.database, key)), "token": secret}, 201)


def _owner(user: Principal, username: Any) -> str | None:
    """Whose a new token is. A token that may do less than its user makes no further tokens.

    Raises:
        Forbidden: Only administrators may make it.
        InvalidInput: There is no such user.
    """
    if username is missing or username == user.name:
        if user.user_id is not None and (len(user.rights) == 1 or _is_admin(user)):
            return user.user_id
        username = None
    if not _is_admin(user):
        raise Forbidden("only administrators make tokens for others; log in with a password to make your own")
    if username is None:
        return None
    credential = find_credential(context().database, username)
    if credential is None:
        message = f"there is no user '{username}'"
        raise InvalidInput([Problem(pointer="/username", message=message, code="unknown_user")])
    return credential.user_id


def _is_admin(user: Principal) -> bool:
    return user.role is Role.ADMIN


def _token(row: Mapping[str, Any]) -> dict[str, Any]:
    columns = ("id", "name", "kind", "username", "role", "grants", "queue", "created_at", "expires_at", "revoked_at")
    return {**{name: row[name] for name in columns}, "last_used_at": row["last_used_at"]}
