"""The tokens of logins and exchanges: in the form of a JWT (RFC 7519), because clients of Airflow read `exp` from them.

A token proves nothing by itself: it holds no role and no grant, and counts only while the token table knows its `jti`.
These checks come before the look-up. There is nothing to choose in it: the header must equal this server's header byte
for byte, so that no algorithm and no key is taken from a token.
"""

import base64
import binascii
import hmac
import json
import re
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

__all__ = ["Expired", "Forged", "LoginTokens", "is_login_token"]

LENGTH_MAX = 4096
CLOCK_OFFSET_MAX = timedelta(seconds=30)
"""How far the clock of the server that made a token may be ahead."""
_SHAPE = re.compile(r"eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", re.ASCII)
_MEMBERS: dict[str, type] = {"sub": str, "jti": str, "iat": int, "nbf": int, "exp": int}


class Forged(ValueError):
    """The token was not signed with this server's key."""


class Expired(ValueError):
    """The token was good until its `exp`."""


def is_login_token(secret: str) -> bool:
    """Whether a bearer token has the form of a JWT. Other tokens begin with `ms_`, or are the administrator's."""
    return _SHAPE.fullmatch(secret) is not None


class LoginTokens:
    """Makes and reads the tokens of logins with one key. Safe to use from many threads."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        kid = blake2b(key, digest_size=8, person=b"login-token-kid").hexdigest()
        self._header = _encoded(_dumped({"alg": "HS512", "kid": kid, "typ": "JWT"}))

    def make(self, *, sub: str, jti: str, now: datetime, expires_at: datetime) -> str:
        """A token of the user `sub`. Its instants are whole seconds, rounded down."""
        at = int(now.timestamp())
        claims = {"sub": sub, "jti": jti, "iat": at, "nbf": at, "exp": int(expires_at.timestamp())}
        signed = f"{self._header}.{_encoded(_dumped(claims))}"
        return f"{signed}.{_encoded(self._signature(signed))}"

    def read(self, token: str, *, now: datetime) -> str:
        """The `jti` of a token.

        Raises:
            Forged: It is not signed with our key, is not good yet, or is no token of a login. Expired: The token is
            valid, and `exp` has passed.
        """
        if len(token) > LENGTH_MAX or not is_login_token(token):
            raise Forged("not a token of a login")
        signed, _, signature = token.rpartition(".")
        header, _, claims = signed.partition(".")
        if not hmac.compare_digest(header, self._header):
            raise Forged("another header")
        # Compared as text, so that a second spelling of equal bytes is refused.
        if not hmac.compare_digest(signature, _encoded(self._signature(signed))):
            raise Forged("another signature")
        content = _claims(claims)
        at = now.timestamp()
        if content["nbf"] > at + CLOCK_OFFSET_MAX.total_seconds():
            raise Forged("not good yet")
        if content["exp"] <= at:
            raise Expired("expired")
        jti: str = content["jti"]
        return jti

    def _signature(self, signed: str) -> bytes:
        return hmac.digest(self._key, signed.encode("ascii"), "sha512")


def _claims(segment: str) -> dict[str, Any]:
    try:
        content = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (binascii.Error, ValueError) as exc:
        raise Forged("claims that cannot be read") from exc
    if not isinstance(content, dict) or any(type(content.get(name)) is not kind for name, kind in _MEMBERS.items()):
        raise Forged("other claims than a login has")
    return content


def _dumped(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
