"""Who calls: bearer tokens."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from mainspring.errors import MainspringError
from mainspring_api.private_files import admin_token, admin_token_path
from mainspring_store import Database
from mainspring_store.tokens import Role, Token, add_token, find_token

__all__ = ["Authenticator", "Forbidden", "Unauthenticated", "ensure_admin_token"]

TRUST_SECONDS = 5.0
"""How long a token that was looked up is trusted, and so how long a revocation may take to work."""
_KEPT_MAX = 1024


class Unauthenticated(MainspringError):
    """No credential, or one that has run out: a new one would help."""


class Forbidden(MainspringError):
    """A credential that is not valid, or whose role does not allow the request."""


class Authenticator:
    """Finds the token that a request carries. Safe to use from many threads."""

    def __init__(self, database: Database, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._kept: OrderedDict[str, tuple[Token, float]] = OrderedDict()
        self._lock = Lock()

    def authenticate(self, header: str | None) -> Token:
        """The token named by an `Authorization` header.

        Raises:
            Unauthenticated: There is none, or it has expired.
            Forbidden: It is unknown or revoked.
        """
        scheme, _, secret = (header or "").partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret:
            raise Unauthenticated("Not authenticated")
        token = self._kept_token(secret) or self._look_up(secret)
        if token.expires_at is not None and token.expires_at <= datetime.now(UTC):
            raise Unauthenticated("Token Expired")
        return token

    def _kept_token(self, secret: str) -> Token | None:
        with self._lock:
            token, trusted_until = self._kept.get(secret, (None, 0.0))
        return token if self._monotonic() < trusted_until else None

    def _look_up(self, secret: str) -> Token:
        token = find_token(self._database, secret)
        if token is None or token.revoked_at is not None:
            raise Forbidden("Invalid token")
        with self._lock:
            self._kept[secret] = (token, self._monotonic() + TRUST_SECONDS)
            self._kept.move_to_end(secret)
            while len(self._kept) > _KEPT_MAX:
                self._kept.popitem(last=False)
        return token


def ensure_admin_token(database: Database, home: Path) -> Path | None:
    """Make sure that the token in the home folder is one of an administrator.

    Returns the path of the file when this call made the token, to be shown once; else `None`.
    """
    token, is_new = admin_token(home)
    add_token(database, token, name="admin", role=Role.ADMIN, now=datetime.now(UTC))
    return admin_token_path(home) if is_new else None
