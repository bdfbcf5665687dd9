"""Logging in: a password against a token that soon runs out. In Airflow's shape, outside `/api/v2`."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, request
from marshmallow import EXCLUDE, Schema, fields, validate

from mainspring.definition import load_json
from mainspring.errors import Problem
from mainspring_api.http.answers import answer
from mainspring_api.http.audit import audit_detail, audit_login, record_refusal
from mainspring_api.http.authentication import Unauthenticated
from mainspring_api.http.client_address import client_network
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer
from mainspring_api.http.limits import TooManyRequests
from mainspring_api.http.operations import JSON, Register, Resource, load, read_body
from mainspring_api.http.passwords import is_password
from mainspring_api.http.problems import BadRequest
from mainspring_store.access.audit import AuditOwner
from mainspring_store.access.devices import find_device
from mainspring_store.access.users import find_credential, log_in

__all__ = ["LOGIN_BYTES_MAX", "blueprint", "check_password"]

blueprint = Resource("login", "Login: a token for a password", url_prefix=None)

FORM = "application/x-www-form-urlencoded"
LOGIN_BYTES_MAX = 16 * 1024
TOKEN_LIFE = timedelta(hours=24)
CLI_TOKEN_LIFE = timedelta(hours=1)
_TOKEN_BYTES = 32


class LoginBody(Schema):
    """Who logs in. Unknown members are ignored, like in Airflow."""

    class Meta:
        unknown = EXCLUDE

    username = fields.String(required=True)
    password = fields.String(required=True, load_only=True, metadata={"description": "Password"})
    device_token = fields.String(
        allow_none=True,
        load_only=True,
        validate=validate.Length(max=200),
        metadata={
            "description": "The `device_token` of a login in the last 30 days: failed logins of other clients then do"
            " not count for this client. Null or empty = the client asks for its first one; absent = it wants none"
        },
    )


class AccessToken(Answer):
    """A token for the header `Authorization: Bearer ...`."""

    access_token = fields.String(metadata={"description": "In the form of a JWT: its `exp` says when it runs out"})
    device_token = fields.String(
        allow_none=True,
        metadata={
            "description": "To be sent with the next login within 30 days; opens nothing. Null unless the client sent"
            " a `device_token`"
        },
    )


def _operation(rule: str, operation_id: str, *media_types: str) -> Register:
    schema = {"schema": LoginBody}
    return blueprint.operation(
        "POST",
        rule,
        operation_id,
        role=None,
        answer=AccessToken,
        status=201,
        body_content=dict.fromkeys(media_types, schema),
        body_bytes_max=LOGIN_BYTES_MAX,
        errors=(400, 401),
    )


@_operation("/auth/token", "create_token", JSON, FORM)
def create_token() -> Response:
    """Log in; the token is good for 24 hours."""
    return _logged_in(_form() if request.mimetype == FORM else _json(), TOKEN_LIFE)


@_operation("/auth/token/cli", "create_token_cli", JSON)
def create_token_cli() -> Response:
    """Log in from a command line; the token is good for an hour."""
    return _logged_in(_json(), CLI_TOKEN_LIFE)


def _logged_in(credentials: Mapping[str, Any], life: timedelta) -> Response:
    database, now = context().database, datetime.now(UTC)
    username = credentials["username"]
    device = _device(username, credentials.get("device_token"), now)
    user_id = check_password(username, credentials["password"], device_id=device.device_id)
    audit_login(lambda _: AuditOwner(user_id, username))
    jti = secrets.token_urlsafe(_TOKEN_BYTES)
    device_token = device.token if "device_token" in credentials else None
    log_in(database, user_id, jti, now=now, expires_at=now + life, device_token=device_token)
    token = context().login_tokens.make(sub=user_id, jti=jti, now=now, expires_at=now + life)
    return answer({"access_token": token, "device_token": device_token}, 201)


def check_password(username: str, password: str, *, device_id: str | None = None) -> str:
    """The id of the user with this password. A wrong password counts in the limits and is noted in the audit log.

    Raises:
        Unauthenticated: With equal text for an unknown user and a wrong password. TooManyRequests: A limit is reached.
    """
    audit_detail(username=username[:250])
    attempt = context().login_limits.take(username, network=client_network(), device_id=device_id)
    user = find_credential(context().database, username)
    try:
        is_right = is_password(password, user.password_hash if user else None)
    except TooManyRequests:
        attempt.give_back()
        raise
    if user is None or not user.is_active or not is_right:
        record_refusal("login")
        raise Unauthenticated("Invalid credentials")
    attempt.give_back()
    return user.user_id


@dataclass(frozen=True, slots=True)
class _Device:
    device_id: str | None
    """`None` = no client with a recent login of this user."""
    token: str
    """To be presented at the next login."""


def _device(username: str, token: str | None, now: datetime) -> _Device:
    """The client's device, or a new device. Raises TooManyRequests when an address guesses tokens."""
    if token:
        device_id = find_device(context().database, username, token, now=now)
        if device_id is not None:
            return _Device(device_id, token)
        context().limits.invalid_tokens.take(client_network())
    return _Device(None, f"msd_{secrets.token_urlsafe(_TOKEN_BYTES)}")


def _json() -> Mapping[str, Any]:
    content = load_json(read_body(LOGIN_BYTES_MAX, JSON), bytes_max=LOGIN_BYTES_MAX, depth_max=5, nodes_max=100)
    return _given(load(LoginBody(), content))


def _form() -> Mapping[str, Any]:
    return _given(load(LoginBody(), request.form.to_dict()))


def _given(credentials: Any) -> Mapping[str, Any]:
    for name in ("username", "password"):
        if not credentials[name] or "\0" in credentials[name]:
            raise BadRequest([Problem(pointer=f"/{name}", message="must be given", code="required")])
    checked: Mapping[str, Any] = credentials
    return checked
