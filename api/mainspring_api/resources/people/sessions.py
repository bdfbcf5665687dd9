"""Sessions of browsers: a login whose credential is a cookie, which no script can read."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flask import Response, g, request
from marshmallow import ValidationError, fields, validate, validates_schema

from mainspring.errors import NotFound
from mainspring_api.http.answers import answer, no_content
from mainspring_api.http.audit import audit_login, record_refusal
from mainspring_api.http.authentication import Forbidden, InvalidToken, Unauthenticated
from mainspring_api.http.client_address import client_network, is_client_on_this_machine
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer, Body, Instant
from mainspring_api.http.operations import Resource
from mainspring_api.http.page_sessions import clear_cookie, is_own_origin, session_secret, set_cookie
from mainspring_api.http.permissions import Over
from mainspring_api.resources.people.login import LOGIN_BYTES_MAX, check_password
from mainspring_store.access.roles import Role
from mainspring_store.access.session_codes import add_code, redeem_code
from mainspring_store.access.sessions import NewSession, end_own_session, end_session, list_sessions, owner_of_session
from mainspring_store.access.tokens import hash_of
from mainspring_store.access.users import log_in_browser

__all__ = ["blueprint", "new_secret", "own_blueprint"]

blueprint = Resource("sessions", "Sessions of browsers", url_prefix=None)
own_blueprint = Resource("own_sessions", "Sessions of browsers", tag="sessions")

SESSION_BYTES = 32


class SessionBody(Body):
    """Who logs in: a user with a password, or the holder of a token."""

    username = fields.String(
        validate=validate.Length(min=1, max=1000), metadata={"description": "Name of the user, with `password`"}
    )
    password = fields.String(
        load_only=True, validate=validate.Length(min=1, max=1000), metadata={"description": "Password"}
    )
    token = fields.String(
        load_only=True,
        validate=validate.Length(min=1, max=4096),
        metadata={"description": "A token for the API, instead of a name and a password"},
    )
    code = fields.String(
        load_only=True,
        validate=validate.Length(min=1, max=100),
        metadata={"description": "The code of a sign-in link, instead of both; for browsers on the server's machine"},
    )

    @validates_schema
    def _names_a_credential(self, body: Mapping[str, Any], **_: Any) -> None:
        is_user = "username" in body or "password" in body
        if is_user + ("token" in body) + ("code" in body) != 1:
            raise ValidationError("give a name and a password, or a token, or a code", "token")
        for name in ("username", "password") if is_user else ():
            if "\0" in body.get(name, "\0"):
                raise ValidationError("must be given, without NUL", name)


class SessionCode(Answer):
    """A code that opens one session of a browser."""

    code = fields.String(metadata={"description": "Code, for the link `/login#code=...`; shown only once"})
    expires_at = Instant(metadata={"description": "End of the code, used or not"})


class BrowserSession(Answer):
    """A session of a browser."""

    id = fields.UUID(metadata={"description": "Identifier of the session"})
    client = fields.String(metadata={"description": "The browser by its `User-Agent`, at most 250 characters"})
    is_current = fields.Boolean(metadata={"description": "Whether the request was sent in this session"})
    created_at = Instant(metadata={"description": "Instant of the login"})
    expires_at = Instant(metadata={"description": "End of the session without a further use"})
    last_used_at = Instant(metadata={"description": "Instant of the latest use, to the minute"})


class BrowserSessionCollection(Answer):
    """The sessions of the caller."""

    sessions = fields.List(fields.Nested(BrowserSession), metadata={"description": "Latest login first"})
    total_entries = fields.Integer()


@blueprint.operation(
    "POST",
    "/auth/session",
    "create_session",
    role=None,
    answer=None,
    status=204,
    body=SessionBody,
    body_bytes_max=LOGIN_BYTES_MAX,
    errors=(401, 403),
)
def create_session(body: Mapping[str, Any]) -> Response:
    """Log a browser in. The answer sets a cookie, which is good for 12 hours after its last use and 7 days at most."""
    origin = request.headers.get("Origin")
    if origin is not None and not is_own_origin(origin):
        raise Forbidden("another site must not log a browser in")
    secret = new_secret()
    audit_login(partial(owner_of_session, secret=secret))
    client = request.headers.get("User-Agent", "").replace("\0", "")
    if "code" in body:
        _redeem(body["code"], secret, client)
    else:
        token_id, user_id = _token_and_owner(body["token"]) if "token" in body else (None, _user(body))
        session = NewSession(secret=secret, user_id=user_id, token_id=token_id, client=client)
        log_in_browser(context().database, session, now=datetime.now(UTC))
    response = no_content()
    set_cookie(response, secret)
    return response


@blueprint.operation(
    "POST",
    "/auth/sessionCode",
    "create_session_code",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=SessionCode,
    status=201,
    contains_secret=True,
)
def create_session_code() -> Response:
    """Make a code for `POST /auth/session`, valid once and for 10 minutes, for browsers on the server's machine."""
    if not is_client_on_this_machine():
        raise Forbidden("codes are for the machine of the server alone; log in with a password or a token")
    code = secrets.token_urlsafe(SESSION_BYTES)
    expires_at = add_code(context().database, code, g.user, now=datetime.now(UTC))
    return answer({"code": code, "expires_at": expires_at}, 201)


@blueprint.operation(
    "DELETE", "/auth/session", "delete_current_session", role=Role.VIEWER, over=Over.SELF, answer=None, status=204
)
def delete_current_session() -> Response:
    """Log the browser out: end the session of the cookie, at once in this process, within five seconds in all."""
    ctx, secret = context(), session_secret()
    if secret is not None:
        end_session(ctx.database, secret)
        ctx.authenticator.forget()
    response = no_content()
    clear_cookie(response)
    return response


@own_blueprint.operation(
    "GET", "/sessions", "get_sessions", role=Role.VIEWER, over=Over.SELF, answer=BrowserSessionCollection
)
def get_sessions() -> Response:
    """List one's own sessions, latest login first, at most 100."""
    secret = session_secret()
    current = None if secret is None else hash_of(secret)
    columns = ("id", "client", "created_at", "expires_at", "last_used_at")
    sessions = [
        {**{name: row[name] for name in columns}, "is_current": row["secret_hash"] == current}
        for row in list_sessions(context().database, g.user, now=datetime.now(UTC))
    ]
    return answer({"sessions": sessions, "total_entries": len(sessions)})


@own_blueprint.operation(
    "DELETE",
    "/sessions/<session_id>",
    "delete_session",
    role=Role.VIEWER,
    over=Over.SELF,
    answer=None,
    status=204,
    errors=(404,),
)
def delete_session(session_id: str) -> Response:
    """End one of one's own sessions, at once in this process, within five seconds in all."""
    ctx = context()
    end_own_session(ctx.database, session_id, g.user)
    ctx.authenticator.forget()
    return no_content()


def new_secret() -> str:
    """The secret of a new session."""
    return secrets.token_urlsafe(SESSION_BYTES)


def _user(body: Mapping[str, Any]) -> str:
    return check_password(body["username"], body["password"])


def _redeem(code: str, secret: str, client: str) -> None:
    """Open a session by a code. An invalid code counts in the limits of its address.

    Raises:
        Forbidden: The browser is on another machine. Unauthenticated: The code is unknown, used or expired.
    """
    if not is_client_on_this_machine():
        raise Forbidden("a code opens a session on the machine of the server alone; log in with a password or a token")
    ctx = context()
    try:
        redeem_code(ctx.database, code, secret=secret, client=client, now=datetime.now(UTC))
    except NotFound as exc:
        ctx.limits.invalid_tokens.take(client_network())
        record_refusal("login")
        message = "The sign-in link was used or has expired; `mainspring login --page` makes a new one"
        raise Unauthenticated(message) from exc


def _token_and_owner(token: str) -> tuple[str, str | None]:
    """The ids of a token and its owner. An invalid token counts in the limits of its address.

    Raises:
        Unauthenticated: The token is unknown, revoked or expired.
    """
    ctx = context()
    try:
        principal = ctx.authenticator.authenticate(f"Bearer {token}")
    except InvalidToken as exc:
        ctx.limits.invalid_tokens.take(client_network())
        record_refusal("login")
        raise Unauthenticated("Invalid credentials") from exc
    assert principal.token_id is not None, "a bearer token has an id"
    return principal.token_id, principal.user_id
