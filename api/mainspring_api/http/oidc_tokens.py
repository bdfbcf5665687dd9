"""Tokens that identity providers sign: the checks of OpenID Connect Core (3.1.3.7) and RFC 8725.

The algorithm is one of a short list and fits the kind of the key, so neither `none` nor a signature by a public key as
a shared secret passes. The issuer, its keys and the audience come from the settings, never from the token.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mainspring.errors import MainspringError
from mainspring_api.http.authentication import TokenExpired
from mainspring_api.http.identity_providers import IdentityProvider

__all__ = [
    "TOKEN_BYTES_MAX",
    "InvalidOidcToken",
    "OidcToken",
    "OtherAudience",
    "OtherIssuer",
    "check_audience",
    "claimed_issuer",
    "read_token",
]

ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
"""Algorithm -> kind and curve of its key."""
TOKEN_BYTES_MAX = 32 * 1024
RSA_BITS_MIN = 2048
CLOCK_OFFSET_MAX = timedelta(seconds=30)
"""How far the clock of the provider may be ahead."""
_TYPES = (None, "jwt", "id_token")
_SUBJECT_CHARS_MAX = 255
_INSTANT_MAX = 2**40


class InvalidOidcToken(MainspringError):
    """The token is malformed, not signed by a key of its issuer, or not valid yet."""


class OtherIssuer(InvalidOidcToken):
    """The token comes from an issuer that the settings do not name."""


class OtherAudience(InvalidOidcToken):
    """The token was made for another service."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OidcToken:
    """A token whose signature, issuer and times have been checked; the caller checks the audience."""

    claims: Mapping[str, Any]
    subject: str
    audiences: tuple[str, ...]
    expires_at: datetime
    name: str
    """Names the token, for a check that it is used once: the issuer and `jti`, or the claims when it has no `jti`."""


def claimed_issuer(token: str) -> str:
    """The issuer that a token names. Nothing is checked: for the choice of the keys alone.

    Raises:
        InvalidOidcToken: It is no JWT.
    """
    _, claims = _parts(token)
    issuer = claims.get("iss")
    if not isinstance(issuer, str):
        raise InvalidOidcToken("the token names no issuer")
    return issuer


def read_token(provider: IdentityProvider, token: str, *, now: datetime) -> OidcToken:
    """The claims of a token of this provider.

    Raises:
        InvalidOidcToken: It is malformed, signed by another key, or not valid yet. OtherIssuer: Another provider made
        it. TokenExpired. ProviderUnavailable.
    """
    header, claims = _parts(token)
    _check_signature(provider, header, token)
    if claims.get("iss") != provider.issuer:
        raise OtherIssuer(f"the token is of the issuer {_quoted(claims.get('iss'))}, not of {provider.issuer}")
    expires_at = _check_times(claims, now)
    subject, jti = claims.get("sub"), claims.get("jti")
    if not isinstance(subject, str) or not 1 <= len(subject) <= _SUBJECT_CHARS_MAX or "\0" in subject:
        raise InvalidOidcToken(f"`sub` of the token must be a text of 1 to {_SUBJECT_CHARS_MAX} characters")
    return OidcToken(
        claims=claims,
        subject=subject,
        audiences=_audiences(claims),
        expires_at=expires_at,
        name=f"{provider.issuer} {jti if isinstance(jti, str) and jti else token.split('.')[1]}",
    )


def check_audience(token: OidcToken, audience: str) -> None:
    """Refuse a token that was made for another service, or for several without naming this one as the party.

    Raises:
        OtherAudience: It says whose the token is.
    """
    if audience not in token.audiences:
        raise OtherAudience(f"the token is for {_listed(token.audiences)}, not for '{audience}'")
    party = token.claims.get("azp")
    if party != audience and (party is not None or len(token.audiences) > 1):
        raise OtherAudience(f"the token was made for the party {_quoted(party)}, not for '{audience}'")


def _parts(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The header and the claims, unchecked."""
    pieces = token.split(".")
    if len(token) > TOKEN_BYTES_MAX or len(pieces) != 3 or not token.isascii():
        raise InvalidOidcToken(f"the token is no JWT of at most {TOKEN_BYTES_MAX} bytes")
    return _decoded(pieces[0]), _decoded(pieces[1])


def _decoded(segment: str) -> Mapping[str, Any]:
    try:
        content = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise InvalidOidcToken("the token is no JWT: a part of it is no JSON object")
    return content


def _check_signature(provider: IdentityProvider, header: Mapping[str, Any], token: str) -> None:
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise InvalidOidcToken(f"the token is signed by {_quoted(algorithm)}; taken are: {', '.join(ALGORITHMS)}")
    if "crit" in header:
        raise InvalidOidcToken("the token has critical members in its header, and none is known here")
    if (kind.lower() if isinstance(kind, str) else kind) not in _TYPES:
        raise InvalidOidcToken(f"the token is of the type {_quoted(kind)}, not an ID token")
    if kid is not None and not isinstance(kid, str):
        raise InvalidOidcToken("`kid` of the token is no text")
    keys = [key for key in provider.keys(kid) if _fits(key, algorithm)]
    if len(keys) != 1:
        count = "no key" if not keys else "more than one key"
        raise InvalidOidcToken(f"the issuer {provider.issuer} has {count} for `kid` {_quoted(kid)} and {algorithm}")
    if not _is_signed(token, keys[0], algorithm):
        raise InvalidOidcToken(f"the signature of the token is not that of {provider.issuer}")


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    kind, curve = ALGORITHMS[algorithm]
    return (
        key.get("kty") == kind
        and key.get("crv") == curve
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) in (algorithm, *(("EdDSA", "Ed25519") if kind == "OKP" else ()))
    )


def _is_signed(token: str, key: Mapping[str, Any], algorithm: str) -> bool:
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey
    from joserfc.jws import JWSRegistry

    signed, _, signature = token.rpartition(".")
    public = {name: value for name, value in key.items() if name in ("kty", "n", "e", "crv", "x", "y")}
    imports: Mapping[str, Any] = {"RSA": RSAKey.import_key, "EC": ECKey.import_key, "OKP": OKPKey.import_key}
    try:
        imported = imports[public["kty"]](public)
        if public["kty"] == "RSA" and imported.public_key.key_size < RSA_BITS_MIN:
            return False
        raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        # The list of algorithms is ours, so the library need not choose one from the header.
        verified: bool = JWSRegistry.algorithms[algorithm].verify(signed.encode("ascii"), raw, imported)
    except (JoseError, ValueError, TypeError, KeyError, binascii.Error):
        return False
    return verified


def _check_times(claims: Mapping[str, Any], now: datetime) -> datetime:
    """The end of the token. Raises InvalidOidcToken, TokenExpired."""
    expires_at = _instant(claims, "exp")
    if expires_at is None:
        raise InvalidOidcToken("the token has no `exp`")
    if expires_at <= now:
        raise TokenExpired(f"the token of the identity provider has expired, at {expires_at:%Y-%m-%dT%H:%M:%SZ}")
    for name in ("nbf", "iat"):
        instant = _instant(claims, name)
        if instant is not None and instant > now + CLOCK_OFFSET_MAX:
            raise InvalidOidcToken(f"the token is not valid yet: `{name}` is {instant:%Y-%m-%dT%H:%M:%SZ}")
    return expires_at


def _instant(claims: Mapping[str, Any], name: str) -> datetime | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < _INSTANT_MAX:
        raise InvalidOidcToken(f"`{name}` of the token is no instant")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidOidcToken(f"`{name}` of the token is no instant") from None


def _audiences(claims: Mapping[str, Any]) -> tuple[str, ...]:
    audiences = claims.get("aud")
    listed = [audiences] if isinstance(audiences, str) else audiences
    if not isinstance(listed, list) or not listed or not all(isinstance(item, str) for item in listed):
        raise InvalidOidcToken("the token names no audience")
    return tuple(listed)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(_quoted(name) for name in names[:5])


def _quoted(value: Any) -> str:
    """A value of a token, for a sentence: short and printable."""
    text = str(value)[:200]
    return f"'{text}'" if text.isprintable() else repr(text)
