"""Users: accounts with a password and rights."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response, g
from marshmallow import fields, validate

from mainspring.errors import InvalidInput, Problem
from mainspring.user_names import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, USER_NAME, USER_NAME_RULE
from mainspring_api.http.answers import answer, dump, no_content
from mainspring_api.http.authentication import Forbidden
from mainspring_api.http.context import application_context, context
from mainspring_api.http.fields import Answer, Body, Choice, Flag, Instant, list_arguments, list_query
from mainspring_api.http.limits import TooManyRequests
from mainspring_api.http.operations import Resource
from mainspring_api.http.paging import list_answer
from mainspring_api.http.passwords import hash_password, is_password
from mainspring_api.http.permissions import Over
from mainspring_api.http.preconditions import CurrentState, Guard, with_entity_tag
from mainspring_api.resources.people.ui_config import UiConfig, ui_config
from mainspring_store.access.roles import GRANT_PATTERN, Grant, Role
from mainspring_store.access.users import change_user, create_user, delete_user, find_credential
from mainspring_store.queries import identity as questions
from mainspring_store.resources.row_locks import lock_user

__all__ = ["GrantBody", "GrantSchema", "blueprint", "grants_of"]

blueprint = Resource("users", "Users: people with a password, and what they may do")

GRANTS_MAX = 100
_NAME = validate.Regexp(rf"{USER_NAME.pattern}\Z", error=USER_NAME_RULE)
_PASSWORD = validate.Length(min=PASSWORD_CHARS_MIN, max=PASSWORD_CHARS_MAX)
_ROLE = {"description": "Role on every DAG and everything else; null = only the grants"}
_PATTERN = {"description": "Identifier of a DAG, or a prefix followed by `*`"}


class GrantSchema(Answer):
    """A role on some DAGs."""

    pattern = fields.String(metadata=_PATTERN)
    role = Choice(Role)


class User(Answer):
    """A user."""

    username = fields.String()
    role = Choice(Role, allow_none=True, metadata=_ROLE)
    grants = fields.List(fields.Nested(GrantSchema))
    is_active = fields.Boolean()
    issuer = fields.String(
        allow_none=True,
        metadata={
            "description": "Identity provider that vouches for the user, or `urn:mainspring:exchange` for a rule of the"
            " token exchange; null = the user has a password"
        },
    )
    subject = fields.String(
        allow_none=True, metadata={"description": "Who the user is at `issuer`; null = the user has a password"}
    )
    created_at = Instant()
    last_login_at = Instant(allow_none=True, metadata={"description": "Instant of the latest login; null = never"})


class UserCollection(Answer):
    """A page of users."""

    users = fields.List(fields.Nested(User))
    total_entries = fields.Integer()


class RightsSchema(Answer):
    """What a user or a token was given."""

    role = Choice(Role, allow_none=True, metadata=_ROLE)
    grants = fields.List(fields.Nested(GrantSchema))


class Me(Answer):
    """Whoever asks. With several `rights` only what all of them allow is allowed."""

    name = fields.String(metadata={"description": "Name of the user or token"})
    rights = fields.List(
        fields.Nested(RightsSchema),
        metadata={"description": "Rights of the user and of the token; an action needs all of them"},
    )
    page = fields.Nested(UiConfig, metadata={"description": "Settings of the page, as the answer of `GET /uiConfig`"})


class GrantBody(Body):
    """A role on some DAGs."""

    pattern = fields.String(
        required=True,
        metadata=_PATTERN,
        validate=validate.Regexp(rf"(?:{GRANT_PATTERN.pattern})\Z", error="must be a dag_id, or a beginning and `*`"),
    )
    role = Choice(
        Role,
        only=[Role.VIEWER, Role.OPERATOR, Role.AUTHOR],
        required=True,
        metadata={"description": "Role on the DAGs that `pattern` matches"},
    )


class UserBody(Body):
    """A user to be created."""

    username = fields.String(required=True, validate=_NAME)
    password = fields.String(required=True, load_only=True, validate=_PASSWORD)
    role = Choice(Role, allow_none=True, load_default=None, metadata=_ROLE)
    grants = fields.List(fields.Nested(GrantBody), load_default=list, validate=validate.Length(max=GRANTS_MAX))


class UserPatch(Body):
    """What is to be changed of a user. A new password, or `is_active` false, ends all logins."""

    password = fields.String(load_only=True, validate=_PASSWORD)
    role = Choice(Role, allow_none=True, metadata=_ROLE)
    grants = fields.List(fields.Nested(GrantBody), validate=validate.Length(max=GRANTS_MAX))
    is_active = Flag()


class PasswordChange(Body):
    """One's own new password."""

    current_password = fields.String(
        required=True, load_only=True, validate=validate.Length(max=1000), metadata={"description": "Present password"}
    )
    new_password = fields.String(
        required=True, load_only=True, validate=_PASSWORD, metadata={"description": "Next password"}
    )


UserList = list_arguments("UserList", questions.USERS)


@blueprint.operation("GET", "/me", "get_me", role=Role.VIEWER, over=Over.SELF, answer=Me)
def get_me() -> Response:
    """Who asks, what they may do, and the settings of the page."""
    rights = [{"role": right.role, "grants": [_grant(grant) for grant in right.grants]} for right in g.user.rights]
    return answer({"name": g.user.name, "rights": rights, "page": ui_config(is_known=True)})


@blueprint.operation(
    "PUT",
    "/me/password",
    "put_my_password",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=None,
    status=204,
    body=PasswordChange,
)
def put_my_password(body: Mapping[str, Any]) -> Response:
    """Change one's own password. Ends all logins, this one too."""
    ctx = context()
    credential = find_credential(ctx.database, g.user.name) if g.user.user_id else None
    if credential is None:
        raise Forbidden("a token that belongs to no user has no password")
    if not credential.has_password:
        raise Forbidden("an identity provider vouches for you: you have no password here")
    change = ctx.login_limits.take_change(g.user.id)
    try:
        is_right = is_password(body["current_password"], credential.password_hash)
    except TooManyRequests:
        change.give_back()
        raise
    if not is_right:
        raise InvalidInput([Problem(pointer="/current_password", message="is not right", code="wrong_password")])
    change.give_back()
    _change(g.user.name, {"password": body["new_password"]})
    return no_content()


@blueprint.operation(
    "GET", "/users", "get_users", role=Role.ADMIN, answer=UserCollection, query=UserList, errors=(400,)
)
def get_users(query: Mapping[str, Any]) -> Response:
    """List users."""
    listed = questions.list_users(context().database, list_query(query))
    return list_answer(query, {"users": [_user(row) for row in listed.rows], "total_entries": listed.total})


@blueprint.operation("GET", "/users/<username>", "get_user", role=Role.ADMIN, answer=User, errors=(404,))
def get_user(username: str) -> Response:
    """One user. The `ETag` changes with what an administrator changes, not with a login."""
    row = questions.get_user(context().database, username)
    return with_entity_tag(answer(_user(row)), _tagged(row))


_GUARD = Guard(
    subject="user",
    lock=lambda connection, username: lock_user(connection, username),
    state=lambda username: CurrentState(bodies=[_tagged(questions.get_user(context().database, username))]),
)


@blueprint.operation(
    "POST", "/users", "post_user", role=Role.ADMIN, answer=User, status=201, body=UserBody, errors=(409,)
)
def post_user(body: Mapping[str, Any]) -> Response:
    """Create a user."""
    ctx = context()
    create_user(
        ctx.database,
        body["username"],
        password_hash=hash_password(body["password"]),
        role=body["role"],
        grants=grants_of(body["grants"]),
        now=datetime.now(UTC),
    )
    return answer(_user(questions.get_user(ctx.database, body["username"])), 201)


@blueprint.operation(
    "PATCH",
    "/users/<username>",
    "patch_user",
    role=Role.ADMIN,
    answer=User,
    body=UserPatch,
    errors=(404,),
    guard=_GUARD,
    follow=lambda response: _forget_rights(response),
)
def patch_user(body: Mapping[str, Any], username: str) -> Response:
    """Change a user's role, grants (all of them), password, or whether the user is active."""
    _change(username, body)
    row = questions.get_user(context().database, username)
    return with_entity_tag(answer(_user(row)), _tagged(row))


@blueprint.operation(
    "DELETE",
    "/users/<username>",
    "delete_user",
    role=Role.ADMIN,
    answer=None,
    status=204,
    errors=(404,),
    guard=_GUARD,
    follow=lambda response: _forget_rights(response),
)
def remove_user(username: str) -> Response:
    """Delete a user with all tokens."""
    ctx = context()
    delete_user(ctx.database, username)
    return no_content()


def grants_of(bodies: Sequence[Mapping[str, Any]]) -> list[Grant]:
    """Raises InvalidInput when two are for the same pattern."""
    grants = [Grant(pattern=body["pattern"], role=Role(body["role"])) for body in bodies]
    if len({grant.pattern for grant in grants}) < len(grants):
        message = "two of them have the same pattern"
        raise InvalidInput([Problem(pointer="/grants", message=message, code="duplicate_item")])
    return grants


def _change(username: str, body: Mapping[str, Any]) -> None:
    ctx = context()
    credential = find_credential(ctx.database, username) if "password" in body else None
    if credential is not None and not credential.has_password:
        message = "an identity provider vouches for this user, who has no password"
        raise InvalidInput([Problem(pointer="/password", message=message, code="no_password")])
    changes = {name: body[name] for name in ("role", "is_active") if name in body}
    if "password" in body:
        changes["password_hash"] = hash_password(body["password"])
    grants = grants_of(body["grants"]) if "grants" in body else None
    change_user(ctx.database, username, changes, grants=grants, now=datetime.now(UTC))
    ctx.authenticator.forget()


def _user(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "username": row["username"],
        "role": row["role"],
        "grants": row["grants"],
        "is_active": row["is_active"],
        "issuer": row["issuer"],
        "subject": row["subject"],
        "created_at": row["created_at"],
        "last_login_at": row["last_login_at"],
    }


def _forget_rights(response: Response) -> Response:
    """Ask for the rights of all principals anew, after the commit of a change."""
    application_context().authenticator.forget()
    return response


def _tagged(row: Mapping[str, Any]) -> bytes:
    """What the entity tag of a user follows from; the instant stands for the password."""
    return dump({**_user(row), "last_login_at": None, "updated_at": row["updated_at"]})


def _grant(grant: Grant) -> dict[str, Any]:
    return {"pattern": grant.pattern, "role": grant.role}
