"""Logging in: a password against a token that soon runs out. In Airflow's shape, outside `/api/v2`."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, request
from marshmallow import EXCLUDE, Schema, fields

from mainspring.definition import load_json
from mainspring.errors import Problem
from mainspring_api.http.answers import answer
from mainspring_api.http.audit import audit_detail, record_refusal
from mainspring_api.http.authentication import Unauthenticated
from mainspring_api.http.context import context
from mainspring_api.http.fields import Answer
from mainspring_api.http.operations import JSON, Register, Resource, load, read_body
from mainspring_api.http.passwords import is_password
from mainspring_api.http.problems import BadRequest
from mainspring_store.access.users import find_credential, log_in

__all__ = ["blueprint"]

blueprint = Resource("login", "Login: a token for a password", url_prefix=None)

FORM = "application/x-www-form-urlencoded"
LOGIN_BYTES_MAX = 16 * 1024
TOKEN_LIFE = timedelta(hours=24)
CLI_TOKEN_LIFE = timedelta(hours=1)
_TOKEN_BYTES = 32


class LoginBody(Schema):
    """Who logs in. Members that are not known are ignored, as in Airflow."""

    class Meta:
        unknown = EXCLUDE

    username = fields.String(required=True)
    password = fields.String(required=True, load_only=True)


class AccessToken(Answer):
    """A token for the header `Authorization: Bearer ...`."""

    access_token = fields.String()


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


def _logged_in(credentials: Mapping[str, str], life: timedelta) -> Response:
    """Raises Unauthenticated, the same whether there is no such user or the password is wrong."""
    here = context()
    username = credentials["username"]
    audit_detail(username=username[:250])
    limit = f"{request.remote_addr} {username}"
    here.limits.logins.take(limit)
    known = find_credential(here.database, username)
    is_right = is_password(credentials["password"], known.password_hash if known else None)
    if known is None or not known.is_active or not is_right:
        record_refusal("login")
        raise Unauthenticated("Invalid credentials")
    here.limits.logins.give_back(limit)
    now = datetime.now(UTC)
    token = f"ms_{secrets.token_urlsafe(_TOKEN_BYTES)}"
    log_in(here.database, known.user_id, token, now=now, expires_at=now + life)
    return answer({"access_token": token}, 201)


def _json() -> Mapping[str, str]:
    content = load_json(read_body(LOGIN_BYTES_MAX, JSON), bytes_max=LOGIN_BYTES_MAX, depth_max=5, nodes_max=100)
    return _given(load(LoginBody(), content))


def _form() -> Mapping[str, str]:
    return _given(load(LoginBody(), request.form.to_dict()))


def _given(credentials: Any) -> Mapping[str, str]:
    for name in ("username", "password"):
        if not credentials[name] or "\0" in credentials[name]:
            raise BadRequest([Problem(pointer=f"/{name}", message="must be given", code="required")])
    given: Mapping[str, str] = credentials
    return given
