"""Tokens of identity providers: the forged ones, and what is fetched how often."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mainspring_api.http.authentication import TokenExpired
from mainspring_api.http.identity_providers import (
    AGAIN_SECONDS,
    FAILED_SECONDS,
    KEPT_SECONDS,
    STALE_SECONDS_MAX,
    ProviderUnavailable,
)
from mainspring_api.http.oidc_tokens import InvalidOidcToken, OtherAudience, OtherIssuer, check_audience, read_token
from tests.api.identity_provider import ISSUER, Issuer, encoded, key_of

JWK = {"kty": "RSA", "n": "AQAB", "e": "AQAB"}


def at(**offset: float) -> int:
    return int((datetime.now(UTC) + timedelta(**offset)).timestamp())


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_a_token_of_each_algorithm_is_read(algorithm: str) -> None:
    issuer = Issuer()
    issuer.published = [f"{algorithm}-1"]
    token = read_token(issuer.provider(), issuer.sign({"jti": "j1"}, algorithm), now=datetime.now(UTC))
    assert (token.subject, token.audiences, token.name) == ("u1", ("mainspring",), f"{ISSUER} j1")
    check_audience(token, "mainspring")


@pytest.mark.parametrize(
    ("claims", "header", "error", "message"),
    [
        pytest.param({"exp": at(seconds=-1)}, {}, TokenExpired, "has expired, at 20", id="expired"),
        pytest.param({"exp": None}, {}, InvalidOidcToken, "no `exp`", id="without an end"),
        pytest.param({"exp": "tomorrow"}, {}, InvalidOidcToken, "`exp` of the token is no instant", id="end as text"),
        pytest.param({"exp": 1e300}, {}, InvalidOidcToken, "no instant", id="end beyond all years"),
        pytest.param({"nbf": at(days=30)}, {}, InvalidOidcToken, "not valid yet: `nbf`", id="not valid yet"),
        pytest.param({"iat": at(days=30)}, {}, InvalidOidcToken, "not valid yet: `iat`", id="made in the future"),
        pytest.param({"iss": "https://evil.test"}, {}, OtherIssuer, "issuer 'https://evil.test', not", id="issuer"),
        pytest.param({"sub": None}, {}, InvalidOidcToken, "`sub`", id="without a subject"),
        pytest.param({"sub": "x" * 256}, {}, InvalidOidcToken, "`sub`", id="long subject"),
        pytest.param({"aud": None}, {}, InvalidOidcToken, "no audience", id="without an audience"),
        pytest.param({"aud": [1]}, {}, InvalidOidcToken, "no audience", id="audience that is no text"),
        pytest.param({}, {"kid": "RS256-2"}, InvalidOidcToken, "has no key for `kid` 'RS256-2'", id="unknown key"),
        pytest.param({}, {"kid": 7}, InvalidOidcToken, "`kid` of the token is no text", id="key that is no text"),
        pytest.param({}, {"kid": "ES256-1"}, InvalidOidcToken, "has no key for", id="key of another kind"),
        pytest.param({}, {"crit": ["b64"], "b64": False}, InvalidOidcToken, "critical members", id="critical"),
        pytest.param({}, {"typ": "at+jwt"}, InvalidOidcToken, "type 'at.jwt', not an ID token", id="access token"),
        pytest.param({}, {"jwk": JWK, "kid": "RS256-2"}, InvalidOidcToken, "no key", id="brings its key along"),
    ],
)
def test_tokens_that_are_refused(
    claims: dict[str, Any], header: dict[str, Any], error: type[Exception], message: str
) -> None:
    issuer = Issuer()
    issuer.published = ["RS256-1", "ES256-1"]
    with pytest.raises(error, match=message):
        read_token(issuer.provider(), issuer.sign(claims, header=header), now=datetime.now(UTC))


def test_no_signature_and_the_public_key_as_a_secret_are_refused() -> None:
    issuer = Issuer()
    _, claims, _ = issuer.sign({}).split(".")
    for header in ({"alg": "none"}, {"alg": "None", "kid": "RS256-1"}, {"kid": "RS256-1"}):
        with pytest.raises(InvalidOidcToken, match="the token is signed by"):
            read_token(issuer.provider(), f"{encoded(json.dumps(header).encode())}.{claims}.", now=datetime.now(UTC))
    header = encoded(json.dumps({"alg": "HS256", "kid": "RS256-1"}).encode())
    for secret in (key_of("RS256").as_pem(private=False), key_of("RS256").as_dict(private=False)["n"].encode()):
        signature = encoded(hmac.digest(secret, f"{header}.{claims}".encode(), "sha256"))
        with pytest.raises(InvalidOidcToken, match="the token is signed by 'HS256'"):
            read_token(issuer.provider(), f"{header}.{claims}.{signature}", now=datetime.now(UTC))


def test_changed_claims_and_another_key_are_refused() -> None:
    issuer = Issuer()
    header, claims, signature = issuer.sign({}).split(".")
    changed = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))) | {"sub": "admin"}
    forged = [
        f"{header}.{encoded(json.dumps(changed).encode())}.{signature}",
        issuer.sign({}, number=2, header={"kid": "RS256-1"}),
        f"{header}.{claims}.{signature[:-4]}AAAA",
        f"{header}.{claims}.",
    ]
    for token in forged:
        with pytest.raises(InvalidOidcToken, match="the signature of the token is not that of"):
            read_token(issuer.provider(), token, now=datetime.now(UTC))


@pytest.mark.parametrize("token", ["", "x", "a.b", "a.b.c.d", "ä.b.c", "W10.W10.x", "x" * 40_000, "e30.e30." + "x" * 9])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(InvalidOidcToken):
        read_token(Issuer().provider(), token, now=datetime.now(UTC))


def test_deep_claims_are_refused() -> None:
    issuer = Issuer()
    with pytest.raises(InvalidOidcToken, match="no JWT"):
        read_token(issuer.provider(), issuer.sign({}, payload=b"[" * 20_000), now=datetime.now(UTC))


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        pytest.param({"aud": "other"}, "for 'other', not for 'mainspring'", id="other service"),
        pytest.param({"aud": ["other", "mainspring"]}, "made for the party 'None'", id="several without a party"),
        pytest.param({"azp": "other"}, "made for the party 'other'", id="other party"),
    ],
)
def test_tokens_for_others(claims: dict[str, Any], message: str) -> None:
    issuer = Issuer()
    with pytest.raises(OtherAudience, match=message):
        check_audience(read_token(issuer.provider(), issuer.sign(claims), now=datetime.now(UTC)), "mainspring")


def test_an_unknown_key_is_looked_for_once_a_minute() -> None:
    issuer = Issuer()
    provider = issuer.provider()
    for _ in range(3):
        assert provider.keys("RS256-2") == []
    assert issuer.fetched == ["/.well-known/openid-configuration", "/jwks"]
    issuer.published.append("RS256-2")
    issuer.now = AGAIN_SECONDS - 1
    assert provider.keys("RS256-2") == []
    issuer.now = AGAIN_SECONDS
    assert len(provider.keys("RS256-2")) == 1
    assert len(issuer.fetched) == 4


def test_keys_are_believed_for_a_day_while_the_provider_is_away() -> None:
    issuer = Issuer()
    provider = issuer.provider()
    provider.keys(None)
    issuer.is_away = True
    issuer.now = KEPT_SECONDS + 1
    assert len(provider.keys("RS256-1")) == 1
    fetches = len(issuer.fetched)
    issuer.now += FAILED_SECONDS - 1
    assert len(provider.keys("RS256-1")) == 1
    assert len(issuer.fetched) == fetches
    issuer.now = STALE_SECONDS_MAX + 1
    with pytest.raises(ProviderUnavailable, match=f"{ISSUER} cannot be used now"):
        provider.keys("RS256-1")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"issuer": "https://evil.test"}, id="another issuer"),
        pytest.param({"jwks_uri": "http://login.example.test/jwks"}, id="keys without TLS"),
        pytest.param({"jwks_uri": "http://127.0.0.1/jwks"}, id="keys of this machine"),
        pytest.param({"jwks_uri": None}, id="no keys"),
        pytest.param({"token_endpoint": "http://login.example.test/token"}, id="tokens without TLS"),
    ],
)
def test_a_document_that_cannot_be(change: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer()
    right = issuer._openid_configuration({}, None)
    monkeypatch.setattr(issuer, "_openid_configuration", lambda headers, form: {**right, **change})
    with pytest.raises(ProviderUnavailable, match="cannot be used now"):
        issuer.provider().keys("RS256-1")
