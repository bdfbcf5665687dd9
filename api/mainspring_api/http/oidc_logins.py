"""Logins with an identity provider that are under way, each in a signed cookie of its browser.

The cookie binds `state`, the nonce and the PKCE verifier to the browser that began the login, for ten minutes. No
server keeps anything of a login that was begun, so beginning many costs nothing.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from mainspring.errors import MainspringError

__all__ = ["LOGIN_LIFE", "LoginLost", "OidcLogin", "OidcLogins"]

LOGIN_LIFE = timedelta(minutes=10)
_BYTES = 32


class LoginLost(MainspringError):
    """The answer of a provider belongs to no login that this browser has begun lately."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OidcLogin:
    """A login that a browser has begun."""

    state: str
    nonce: str
    verifier: str
    """The secret of PKCE (RFC 7636)."""
    next: str
    """The path of the page that the browser goes on to."""

    @property
    def challenge(self) -> str:
        """The verifier as the authorization endpoint gets it: S256."""
        return urlsafe_b64encode(sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


class OidcLogins:
    """Begins logins and knows them again, with the signing key of this server."""

    def __init__(self, key: str) -> None:
        self._serializer = URLSafeTimedSerializer(key, salt="oidc-login", signer_kwargs={"digest_method": sha256})

    def begin(self, next_path: str) -> tuple[OidcLogin, str]:
        """A new login, and the cookie of its browser."""
        login = OidcLogin(
            state=secrets.token_urlsafe(_BYTES),
            nonce=secrets.token_urlsafe(_BYTES),
            verifier=secrets.token_urlsafe(_BYTES),
            next=next_path,
        )
        return login, self._serializer.dumps([login.state, login.nonce, login.verifier, login.next])

    def resume(self, cookie: str | None, state: str | None) -> OidcLogin:
        """The login of a browser to which a provider answers with this state.

        Raises:
            LoginLost: The cookie is missing, forged or too old, or belongs to another login.
        """
        try:
            kept = self._serializer.loads(cookie or "", max_age=int(LOGIN_LIFE.total_seconds()))
        except SignatureExpired as exc:
            raise LoginLost("the login took longer than 10 minutes; begin it again") from exc
        except BadSignature as exc:
            raise LoginLost("this browser has begun no login; begin it again, at the address of this server") from exc
        login = OidcLogin(state=kept[0], nonce=kept[1], verifier=kept[2], next=kept[3])
        if not hmac.compare_digest(login.state.encode(), (state or "").encode("utf-8", "surrogatepass")):
            raise LoginLost("the answer belongs to another login; begin it again")
        return login
