"""The exchange of tokens (RFC 8693): a pipeline shows the OIDC token of its CI system, and gets a short-lived token.

Rules of the settings say which tokens are taken: by issuer, audience and claims. A token is exchanged once.
"""

import logging
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from flask import Response, request
from marshmallow import EXCLUDE, Schema, fields, validate

from mainspring.errors import InvalidInput, Problem
from mainspring.identity_rules import ExchangeRule
from mainspring_api.http.answers import answer
from mainspring_api.http.audit import audit_detail, audit_login, record_refusal
from mainspring_api.http.authentication import TokenExpired
from mainspring_api.http.client_address import client_network
from mainspring_api.http.context import application_context, context
from mainspring_api.http.fields import Answer
from mainspring_api.http.oidc_tokens import (
    TOKEN_BYTES_MAX,
    InvalidOidcToken,
    OidcToken,
    OtherAudience,
    OtherIssuer,
    claimed_issuer,
    read_token,
)
from mainspring_api.http.operations import Resource, load
from mainspring_api.http.passwords import NO_PASSWORD_HASH
from mainspring_api.http.problems import BadRequest, NoExchangeRule, UnsupportedGrantType
from mainspring_api.resources.people.login import FORM
from mainspring_api.resources.people.oidc_login import grants_of_rights, role_of_rights
from mainspring_store.access.identities import (
    EXCHANGE,
    Identity,
    InactiveUser,
    Replayed,
    exchange_token,
    owner_of_identity,
)

__all__ = ["ACCESS_TOKEN", "GRANT_TYPE", "blueprint"]

blueprint = Resource("token_exchange", "Exchange of tokens", tag="login", url_prefix=None)

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name of RFC 8693
SUBJECT_TYPES = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")
FORM_BYTES_MAX = TOKEN_BYTES_MAX + 4096
_JTI_BYTES = 32
_CLAIM_CHARS_MAX = 200

log = logging.getLogger(__name__)


class ExchangeBody(Schema):
    """A request for an exchange, in the form of RFC 8693. Other parameters are ignored."""

    class Meta:
        unknown = EXCLUDE

    grant_type = fields.String(required=True, metadata={"description": f"`{GRANT_TYPE}`"})
    subject_token = fields.String(
        required=True, load_only=True, metadata={"description": "The OIDC token of the CI system"}
    )
    subject_token_type = fields.String(
        required=True,
        validate=validate.OneOf(SUBJECT_TYPES),
        metadata={"description": "What `subject_token` is"},
    )
    requested_token_type = fields.String(
        validate=validate.Equal(ACCESS_TOKEN), metadata={"description": f"`{ACCESS_TOKEN}`, or absent"}
    )


class ExchangedToken(Answer):
    """A token for the header `Authorization: Bearer ...`."""

    access_token = fields.String(metadata={"description": "In the form of a JWT: its `exp` says when it runs out"})
    issued_token_type = fields.String(metadata={"description": f"`{ACCESS_TOKEN}`"})
    token_type = fields.String(metadata={"description": "`Bearer`"})
    expires_in = fields.Integer(metadata={"description": "Seconds until the token runs out"})


@blueprint.operation(
    "POST",
    "/auth/token/exchange",
    "exchange_token",
    role=None,
    answer=ExchangedToken,
    body_content={FORM: {"schema": ExchangeBody}},
    body_bytes_max=FORM_BYTES_MAX,
    errors=(400, 401, 403),
    contains_secret=True,
)
def exchange() -> Response:
    """Exchange the OIDC token of a CI system for a token of this server, as RFC 8693 describes.

    The first rule of the setting `token_exchange` that holds gives the rights and the lifetime. The token acts as the
    user `ci:<rule>`. Each OIDC token is exchanged once.
    """
    shown = _form()
    attempt = context().login_limits.take_identity(client_network())
    try:
        response = _exchanged(shown, datetime.now(UTC))
    except (InvalidOidcToken, TokenExpired, NoExchangeRule, Replayed, InactiveUser) as exc:
        record_refusal(f"exchange: {exc}"[:500])
        raise
    attempt.give_back()
    return response


def _form() -> str:
    """The token of the form. Raises BadRequest, UnsupportedGrantType."""
    if request.mimetype != FORM:
        message = f"must be a form, of type {FORM}"
        raise BadRequest([Problem(pointer="", message=message, code="wrong_type")])
    form = request.form.to_dict()
    if form.get("grant_type") not in (None, GRANT_TYPE):
        raise UnsupportedGrantType(f"`grant_type` must be {GRANT_TYPE}; log in with a password at POST /auth/token")
    try:
        body = load(ExchangeBody(), form)
    except InvalidInput as exc:
        # RFC 6749 (5.2) wants 400.
        raise BadRequest(exc.problems) from exc
    return str(body["subject_token"])


def _exchanged(shown: str, now: datetime) -> Response:
    """The answer with a new token. Raises an error of `exchange`, or ProviderUnavailable."""
    token = _read(shown, now)
    rule = _rule(token)
    audit_detail(rule=rule.name, subject=token.subject[:_CLAIM_CHARS_MAX])
    expires_at = (now + rule.lifetime).replace(microsecond=0)
    name = f"ci:{rule.name}"
    audit_login(partial(owner_of_identity, issuer=EXCHANGE, subject=rule.name))
    identity = Identity(
        issuer=EXCHANGE,
        subject=rule.name,
        username=name,
        password_hash=NO_PASSWORD_HASH,
        role=role_of_rights(rule.rights),
        grants=grants_of_rights(rule.rights),
    )
    jti = secrets.token_urlsafe(_JTI_BYTES)
    used = f"exchange {token.name}"
    has_changed = exchange_token(
        context().database, identity, jti, used=used, used_until=token.expires_at, now=now, until=expires_at
    )
    if has_changed:
        application_context().authenticator.forget()
    seconds = int((expires_at - now) / timedelta(seconds=1))
    log.info("a token was exchanged: rule=%s subject=%s seconds=%d", rule.name, token.subject, seconds)
    made = context().login_tokens.make(sub=name, jti=jti, now=now, expires_at=expires_at)
    return answer(
        {"access_token": made, "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": seconds}
    )


def _read(shown: str, now: datetime) -> OidcToken:
    issuer = claimed_issuer(shown)
    rules = context().settings.exchange_rules
    provider = context().providers.get(issuer) if any(rule.issuer == issuer for rule in rules) else None
    if provider is None:
        raise OtherIssuer(f"no rule of `token_exchange` is about the issuer {issuer[:_CLAIM_CHARS_MAX]!r}")
    return read_token(provider, shown, now=now)


def _rule(token: OidcToken) -> ExchangeRule:
    """The first rule that holds.

    Raises:
        OtherAudience: No rule of the issuer is about an audience of the token. NoExchangeRule: None allows its claims.
    """
    rules = [rule for rule in context().settings.exchange_rules if rule.issuer == token.claims["iss"]]
    of_audience = [rule for rule in rules if rule.audience in token.audiences]
    if not of_audience:
        audiences = " or ".join(f"'{audience}'" for audience in dict.fromkeys(rule.audience for rule in rules))
        raise OtherAudience(f"the token is for {', '.join(token.audiences)[:_CLAIM_CHARS_MAX]}, not for {audiences}")
    for rule in of_audience:
        if rule.mismatch(token.claims) is None:
            return rule
    raise NoExchangeRule(_mismatch(of_audience, token))


def _mismatch(rules: Sequence[ExchangeRule], token: OidcToken) -> str:
    """The claims of the token that the rules compare. Anybody can get a token of a public issuer, so the sentence does
    not name the values of the rules."""
    names = dict.fromkeys(name for rule in rules for name in rule.claims)
    claims: dict[str, Any] = {name: token.claims.get(name) for name in names}
    sentence = ", ".join(f"{name}={str(value)[:_CLAIM_CHARS_MAX]!r}" for name, value in claims.items())
    log.info(
        "no rule of the exchange holds: %s",
        "; ".join(f"{rule.name} refuses {rule.mismatch(token.claims)}" for rule in rules),
    )
    return f"no rule of `token_exchange` holds for this token, which has {sentence}"
