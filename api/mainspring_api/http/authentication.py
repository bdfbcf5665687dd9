"""Who calls: bearer tokens, and the sessions of browsers."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TypeVar

from mainspring.errors import MainspringError, StoreUnavailable
from mainspring_api.http.credential_files import admin_token, admin_token_path
from mainspring_api.http.login_tokens import Expired, Forged, LoginTokens, is_login_token
from mainspring_store import Database
from mainspring_store.access.roles import Principal
from mainspring_store.access.sessions import SessionRecord, find_session, touch_session
from mainspring_store.access.tokens import (
    SIGNED_KINDS,
    USE_KEPT_TO,
    TokenRecord,
    find_token,
    keep_admin_token,
    touch_token,
)

__all__ = ["Authenticator", "Forbidden", "InvalidToken", "TokenExpired", "Unauthenticated", "ensure_admin_token"]

TRUST_SECONDS = 5.0
"""How long a token that was looked up is trusted, and so how long a revocation may take to work."""
_KEPT_MAX = 1024

log = logging.getLogger(__name__)

_Record = TypeVar("_Record")


class Unauthenticated(MainspringError):
    """No credential, or an expired credential: a new one would help."""


class TokenExpired(Unauthenticated):
    """A token or a session that was valid until its end."""


class Forbidden(MainspringError):
    """A credential that is not valid, or whose role does not allow the request."""


class InvalidToken(Forbidden):
    """An unknown or revoked token."""


class Authenticator:
    """Finds out who sends a request. Safe to use from many threads."""

    def __init__(
        self, database: Database, login_tokens: LoginTokens, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._login_tokens = login_tokens
        self._monotonic = monotonic
        self._kept: OrderedDict[str, tuple[TokenRecord, float]] = OrderedDict()
        self._kept_sessions: OrderedDict[str, tuple[SessionRecord, float]] = OrderedDict()
        self._lock = Lock()

    def authenticate(self, header: str | None) -> Principal:
        """Whose token an `Authorization` header holds.

        Raises:
            Unauthenticated: There is none. TokenExpired: It was valid until its end.
            InvalidToken: It is unknown or revoked.
        """
        scheme, _, secret = (header or "").partition(" ")
        secret = secret.strip()
        if scheme.lower() == "basic":
            raise Unauthenticated("Not authenticated: send the password to `POST /auth/token`, and its token as Bearer")
        if scheme.lower() != "bearer" or not secret:
            raise Unauthenticated("Not authenticated")
        token = self._kept_token(secret) or self._look_up(secret)
        if token.expires_at is not None and token.expires_at <= datetime.now(UTC):
            raise TokenExpired("Token Expired")
        return token.principal

    def authenticate_session(self, secret: str) -> Principal:
        """Whose session the cookie of a browser holds. Moves the end of the session.

        Raises:
            TokenExpired: The session has reached its end. Unauthenticated: There is no such session: ended sessions are
            deleted, so a new login helps here too.
        """
        with self._lock:
            session, trusted_until = self._kept_sessions.get(secret, (None, 0.0))
        if session is None or self._monotonic() >= trusted_until:
            session = self._look_up_session(secret)
        if session.expires_at <= datetime.now(UTC):
            raise TokenExpired("Session over")
        return session.principal

    def forget(self) -> None:
        """Read every token and session from the database again, because rights have changed.

        Other processes do so within `TRUST_SECONDS`.
        """
        with self._lock:
            self._kept.clear()
            self._kept_sessions.clear()

    def _kept_token(self, secret: str) -> TokenRecord | None:
        with self._lock:
            token, trusted_until = self._kept.get(secret, (None, 0.0))
        return token if self._monotonic() < trusted_until else None

    def _look_up(self, secret: str) -> TokenRecord:
        is_login = is_login_token(secret)
        token = find_token(self._database, self._jti(secret) if is_login else secret)
        # A `jti` by itself, without its signature, is no token.
        if token is None or (token.kind in SIGNED_KINDS) is not is_login:
            raise InvalidToken("Invalid token")
        self._note_use(token)
        self._keep(self._kept, secret, token)
        return token

    def _look_up_session(self, secret: str) -> SessionRecord:
        session = find_session(self._database, secret)
        if session is None:
            raise Unauthenticated("Session over")
        used = session.used(datetime.now(UTC))
        if used is not None:
            try:
                touch_session(self._database, used)
                session = used
            except StoreUnavailable as exc:
                # A reader can read while the database accepts no write.
                log.warning("the use of a session was not noted: %s", exc)
        self._keep(self._kept_sessions, secret, session)
        return session

    def _keep(self, kept: OrderedDict[str, tuple[_Record, float]], secret: str, record: _Record) -> None:
        with self._lock:
            kept[secret] = (record, self._monotonic() + TRUST_SECONDS)
            kept.move_to_end(secret)
            while len(kept) > _KEPT_MAX:
                kept.popitem(last=False)

    def _jti(self, secret: str) -> str:
        try:
            return self._login_tokens.read(secret, now=datetime.now(UTC))
        except Expired as exc:
            raise TokenExpired("Token Expired") from exc
        except Forged as exc:
            raise InvalidToken("Invalid JWT token") from exc

    def _note_use(self, token: TokenRecord) -> None:
        now = datetime.now(UTC)
        if token.last_used_at is not None and now - token.last_used_at < USE_KEPT_TO:
            return
        try:
            touch_token(self._database, token.token_id, now=now)
        except StoreUnavailable as exc:
            # A reader can read while the database accepts no write.
            log.warning("the use of a token was not noted: %s", exc)


def ensure_admin_token(database: Database, home: Path, *, is_only: bool = False) -> Path | None:
    """Make sure that the token in the home folder is one of an administrator.

    is_only: the token comes from the settings, and earlier tokens of the settings are revoked.

    Returns the path of the file when this call made the token, to be shown once; else `None`.
    """
    token, is_new = admin_token(home)
    keep_admin_token(database, token, now=datetime.now(UTC), is_only=is_only)
    return admin_token_path(home) if is_new else None
