"""An identity provider in this process, which signs whatever a test wants. A real one: tests/services/oidc.py."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from mainspring_api.http.identity_providers import IdentityProvider, ProviderUnavailable

ISSUER = "https://login.example.test"
_MAKERS: Mapping[str, Any] = {
    "RS256": lambda: RSAKey.generate_key(2048),
    "PS256": lambda: RSAKey.generate_key(2048),
    "ES256": lambda: ECKey.generate_key("P-256"),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
}
_KEYS: dict[str, Any] = {}
"""Keys are made once for all tests: making them takes long."""


def key_of(algorithm: str, number: int = 1) -> Any:
    name = f"{algorithm}-{number}"
    if name not in _KEYS:
        _KEYS[name] = _MAKERS[algorithm]()
    return _KEYS[name]


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """Signs tokens, and answers requests for its document, its keys and its tokens."""

    def __init__(self, issuer: str = ISSUER) -> None:
        self.issuer = issuer
        self.published = ["RS256-1"]
        self.fetched: list[str] = []
        self.is_away = False
        self.now = 0.0
        self.claims: dict[str, Any] = {}
        """Further claims of the ID token that the token endpoint gives."""
        self.user_info: Mapping[str, Any] = {}
        self.form: Mapping[str, str] = {}
        """The latest request for a token."""

    def provider(self) -> IdentityProvider:
        return IdentityProvider(self.issuer, transport=self.answer, monotonic=lambda: self.now)

    def sign(
        self,
        claims: Mapping[str, Any],
        algorithm: str = "RS256",
        *,
        number: int = 1,
        header: Mapping[str, Any] | None = None,
        payload: bytes | None = None,
    ) -> str:
        """A token with these claims beside the usual ones; `None` leaves a claim out."""
        now = int(datetime.now(UTC).timestamp())
        usual = {"iss": self.issuer, "sub": "u1", "aud": "mainspring", "iat": now, "exp": now + 300}
        content = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        head = {"alg": algorithm, "kid": f"{algorithm}-{number}", "typ": "JWT", **(header or {})}
        signed = f"{encoded(json.dumps(head).encode())}.{encoded(payload or json.dumps(content).encode())}"
        model = JWSRegistry.algorithms[algorithm]
        return f"{signed}.{encoded(model.sign(signed.encode(), key_of(algorithm, number)))}"

    def answer(self, address: str, headers: Mapping[str, str], form: Mapping[str, str] | None) -> bytes:
        self.fetched.append(address.removeprefix(self.issuer))
        if self.is_away:
            raise ProviderUnavailable("away")
        return json.dumps(getattr(self, f"_{address.rpartition('/')[2].replace('-', '_')}")(headers, form)).encode()

    def _openid_configuration(self, headers: Mapping[str, str], form: Mapping[str, str] | None) -> Any:
        names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
        return {"issuer": self.issuer, **{name: f"{self.issuer}/{name.partition('_')[0]}" for name in names}}

    def _jwks(self, headers: Mapping[str, str], form: Mapping[str, str] | None) -> Any:
        keys = []
        for kid in self.published:
            algorithm, _, number = kid.partition("-")
            keys.append({**key_of(algorithm, int(number)).as_dict(private=False), "kid": kid, "use": "sig"})
        return {"keys": keys}

    def _token(self, headers: Mapping[str, str], form: Mapping[str, str] | None) -> Any:
        self.form = {**(form or {}), "authorization": headers.get("Authorization", "")}
        return {"access_token": "at", "token_type": "Bearer", "id_token": self.sign(self.claims)}

    def _userinfo(self, headers: Mapping[str, str], form: Mapping[str, str] | None) -> Any:
        assert headers["Authorization"] == "Bearer at"
        return self.user_info
