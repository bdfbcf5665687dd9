"""Logging in with an identity provider: the authorization code flow of OpenID Connect, with PKCE.

Both operations are addresses for a browser: a failed login comes back to the login page with a sentence.
"""

import hmac
import json
import logging
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Response, request
from marshmallow import fields, validate

from mainspring.errors import Conflict, MainspringError, NotFound
from mainspring.identity_rules import GroupRights, rights_of_groups
from mainspring_api.http.audit import audit_detail, audit_login, audited, record_refusal
from mainspring_api.http.authentication import Forbidden, TokenExpired
from mainspring_api.http.client_address import client_network
from mainspring_api.http.context import application_context, context, replace_database
from mainspring_api.http.fields import Query
from mainspring_api.http.identity_providers import IdentityProvider, ProviderRefused, ProviderUnavailable
from mainspring_api.http.limits import TooManyRequests
from mainspring_api.http.oidc_logins import LOGIN_LIFE, LoginLost, OidcLogin
from mainspring_api.http.oidc_tokens import InvalidOidcToken, OidcToken, check_audience, read_token
from mainspring_api.http.operations import Resource
from mainspring_api.http.page_sessions import login_state, set_cookie, set_login_problem, set_login_state
from mainspring_api.http.passwords import NO_PASSWORD_HASH
from mainspring_api.resources.people.sessions import new_secret
from mainspring_api.settings import OidcSettings
from mainspring_store.access.identities import Identity, InactiveUser, end_rights, log_in_identity, use_once
from mainspring_store.access.roles import Grant, Role
from mainspring_store.access.sessions import owner_of_session

__all__ = ["blueprint", "grants_of_rights", "role_of_rights"]

blueprint = Resource("oidc_login", "Login with an identity provider", tag="login", url_prefix=None)

_LOCAL_PATH = r"/(?![/\\])[!-\[\]-~]{0,1999}\Z"
_GROUPS_MAX = 1000
_NAME_CHARS_MAX = 200
_NAME_CHARACTERS = re.compile(r"[^A-Za-z0-9_.@+-]", re.ASCII)
_CODES: Mapping[type[MainspringError], str] = {
    LoginLost: "lost",
    TokenExpired: "expired",
    InvalidOidcToken: "invalid",
    ProviderRefused: "invalid",
    ProviderUnavailable: "unavailable",
    TooManyRequests: "too_many",
    InactiveUser: "inactive",
    Forbidden: "refused",
    Conflict: "refused",
}
"""Error -> the code that the login page gets, beside the sentence."""

log = logging.getLogger(__name__)


class NoGroup(Forbidden):
    """The person is in none of the groups that may log in."""

    def __init__(self, groups: tuple[str, ...]) -> None:
        super().__init__(f"you may not log in here: you need to be in one of the groups {', '.join(groups)}")
        self.groups = groups


class LoginQuery(Query):
    """Where the browser goes after the login."""

    next = fields.String(
        load_default="/",
        validate=validate.Regexp(_LOCAL_PATH, error="must be a path of this server, like /dags"),
        metadata={"description": "Path of the page to show after the login"},
    )


class CallbackQuery(Query):
    """The answer of the identity provider: a code, or an error."""

    code = fields.String(validate=validate.Length(max=4096), metadata={"description": "Authorization code"})
    state = fields.String(validate=validate.Length(max=200), metadata={"description": "As the login was begun with"})
    error = fields.String(validate=validate.Length(max=200), metadata={"description": "Error of RFC 6749"})
    error_description = fields.String(
        validate=validate.Length(max=2000), metadata={"description": "The error in a sentence of the provider"}
    )
    iss = fields.String(
        validate=validate.Length(max=500), metadata={"description": "Issuer that answers (RFC 9207); absent = not sent"}
    )


@blueprint.operation(
    "GET", "/auth/oidc/login", "begin_oidc_login", role=None, answer=None, status=302, query=LoginQuery, errors=(404,)
)
def begin_oidc_login(query: Mapping[str, Any]) -> Response:
    """Send a browser to the identity provider. A cookie binds the login to the browser for 10 minutes."""
    settings = _settings()
    login, cookie = context().oidc_logins.begin(query["next"])
    try:
        address = _provider(settings).address("authorization_endpoint")
    except ProviderUnavailable as exc:
        return _failed(settings, exc)
    parameters = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": _redirect_uri(settings),
        "scope": " ".join(settings.scopes),
        "state": login.state,
        "nonce": login.nonce,
        "code_challenge": login.challenge,
        "code_challenge_method": "S256",
    }
    response = _redirect(f"{address}{'&' if '?' in address else '?'}{urlencode(parameters)}")
    set_login_state(response, cookie, seconds=int(LOGIN_LIFE.total_seconds()))
    return response


@blueprint.operation(
    "GET",
    "/auth/oidc/callback",
    "finish_oidc_login",
    role=None,
    answer=None,
    status=302,
    query=CallbackQuery,
    errors=(404,),
)
def finish_oidc_login(query: Mapping[str, Any]) -> Response:
    """Open a session for a browser that comes back from the identity provider, and send it to the page."""
    settings = _settings()
    try:
        attempt = context().login_limits.take_identity(client_network())
        response = _logged_in(settings, query)
    except tuple(_CODES) as exc:
        response = _failed(settings, exc)
    else:
        attempt.give_back()
    set_login_state(response, "", seconds=0)
    return response


def role_of_rights(rights: GroupRights) -> Role | None:
    return None if rights.role is None else Role(rights.role)


def grants_of_rights(rights: GroupRights) -> list[Grant]:
    return [Grant(pattern=pattern, role=Role(role)) for pattern, role in sorted(rights.grants.items())]


def _settings() -> OidcSettings:
    settings = context().settings.oidc
    if settings is None:
        raise NotFound("this server has no identity provider; an administrator can set `oidc_issuer`")
    return settings


def _provider(settings: OidcSettings) -> IdentityProvider:
    provider = context().providers.get(settings.issuer)
    assert provider is not None, "there is a provider for each issuer of the settings"
    return provider


def _logged_in(settings: OidcSettings, query: Mapping[str, Any]) -> Response:
    """The answer that opens a session. Raises an error of `_CODES`."""
    now = datetime.now(UTC)
    login = context().oidc_logins.resume(login_state(), query.get("state"))
    if query.get("iss", settings.issuer) != settings.issuer:
        raise InvalidOidcToken("another identity provider answered than the login was begun with")
    if not use_once(application_context().database, f"login {login.state}", until=now + LOGIN_LIFE, now=now):
        raise LoginLost("this login has been used already; begin it again")
    if "code" not in query:
        raise Forbidden(f"the identity provider refused the login: {_refusal(query)}")
    token, claims = _token(settings, login, query["code"], now)
    identity = _identity(settings, token, claims, now)
    secret = new_secret()
    audit_login(partial(owner_of_session, secret=secret))
    replace_database(audited(application_context().database))
    client = request.headers.get("User-Agent", "").replace("\0", "")
    if log_in_identity(context().database, identity, secret=secret, client=client, now=now):
        application_context().authenticator.forget()
    response = _redirect(_page(settings, login.next))
    set_cookie(response, secret)
    return response


def _token(settings: OidcSettings, login: OidcLogin, code: str, now: datetime) -> tuple[OidcToken, Mapping[str, Any]]:
    """The checked ID token for an authorization code, and the claims about the person.

    Raises:
        InvalidOidcToken, TokenExpired, ProviderUnavailable.
    """
    provider = _provider(settings)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": _redirect_uri(settings),
        "code_verifier": login.verifier,
    }
    answered = provider.fetch_tokens(form, client_id=settings.client_id, client_secret=settings.client_secret)
    id_token, access_token = answered.get("id_token"), answered.get("access_token")
    if not isinstance(id_token, str):
        raise InvalidOidcToken("the identity provider gave no ID token; `oidc_scopes` must name `openid`")
    token = read_token(provider, id_token, now=now)
    check_audience(token, settings.client_id)
    nonce = token.claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), login.nonce.encode()):
        raise InvalidOidcToken("the ID token belongs to another login: its nonce differs")
    claims = dict(token.claims)
    names = (settings.groups_claim, settings.name_claim)
    if isinstance(access_token, str) and any(_claim(claims, name) is None for name in names):
        more = provider.fetch_claims(access_token)
        # OpenID Connect Core (5.3.2): the answer is used only when it is about the same person.
        if more.get("sub") == token.subject:
            claims = {**more, **claims}
    return token, claims


def _identity(settings: OidcSettings, token: OidcToken, claims: Mapping[str, Any], now: datetime) -> Identity:
    """Who logs in, with the rights of the groups. Raises NoGroup; takes the rights of an earlier login away then."""
    groups = _groups(claims, settings.groups_claim)
    required = settings.required_groups
    rights = rights_of_groups(settings.groups, groups)
    username = _username(claims, settings.name_claim, token.subject)
    audit_detail(username=username, issuer=settings.issuer, subject=token.subject)
    lacks_required = bool(required) and not set(required) & set(groups)
    if lacks_required or rights.is_empty:
        if end_rights(application_context().database, settings.issuer, token.subject, now=now):
            application_context().authenticator.forget()
        raise NoGroup(required if lacks_required else tuple(settings.groups))
    return Identity(
        issuer=settings.issuer,
        subject=token.subject,
        username=username,
        password_hash=NO_PASSWORD_HASH,
        role=role_of_rights(rights),
        grants=grants_of_rights(rights),
    )


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by a path of names with dots; `None` = there is none."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _groups(claims: Mapping[str, Any], name: str) -> list[str]:
    value = _claim(claims, name)
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [group for group in listed[:_GROUPS_MAX] if isinstance(group, str)]


def _username(claims: Mapping[str, Any], claim: str, subject: str) -> str:
    """The name of a new user: the claim, or the subject, in the characters of names."""
    value = _claim(claims, claim)
    name = value if isinstance(value, str) and value.strip() else subject
    return _NAME_CHARACTERS.sub("_", name.strip())[:_NAME_CHARS_MAX] or "user"


def _refusal(query: Mapping[str, Any]) -> str:
    text = query.get("error_description") or query.get("error") or "it gave no code"
    return "".join(character if character.isprintable() else " " for character in text)[:300]


def _redirect_uri(settings: OidcSettings) -> str:
    return f"{settings.public_url}/auth/oidc/callback"


def _page(settings: OidcSettings, path: str) -> str:
    """A path of the page, as the browser sees it."""
    return urlsplit(settings.public_url).path.rstrip("/") + path


def _redirect(address: str) -> Response:
    return Response(status=302, headers={"Location": address})


def _failed(settings: OidcSettings, error: MainspringError) -> Response:
    """Back to the login page, with the reason. The refusal is noted in the audit log."""
    code = next(code for kind, code in _CODES.items() if isinstance(error, kind))
    problem: dict[str, Any] = {"code": code, "detail": str(error)}
    if isinstance(error, NoGroup):
        problem |= {"code": "no_group", "groups": error.groups[:20]}
    log.info("a login with the identity provider failed: code=%s reason=%s", problem["code"], error)
    if code not in ("unavailable", "too_many"):
        record_refusal(f"oidc {problem['code']}")
    response = _redirect(_page(settings, "/login"))
    set_login_problem(response, urlsafe_b64encode(json.dumps(problem).encode()).rstrip(b"=").decode())
    return response
