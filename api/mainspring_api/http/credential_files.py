"""The API's own secrets, in files that only their owner may read."""

import secrets
from pathlib import Path

from mainspring.private_files import keep

__all__ = ["admin_token", "admin_token_path", "login_key", "signing_key", "worker_token", "worker_token_path"]

_BYTES = 32
_LOGIN_KEY_BYTES = 64
"""As long as the digest: RFC 7518 (3.2) asks for no less with HS512."""


def admin_token_path(home: Path) -> Path:
    """Where the administrator's token lies."""
    return home / "admin-token"


def admin_token(home: Path) -> tuple[str, bool]:
    """The administrator's token, and whether this call made the token."""
    return keep(admin_token_path(home), f"ms_{secrets.token_urlsafe(_BYTES)}")


def worker_token_path(home: Path) -> Path:
    """Where the workers' token lies."""
    return home / "worker-token"


def worker_token(home: Path) -> str:
    """The credential that all workers show at the execution API; made when there is none."""
    return keep(worker_token_path(home), f"mw_{secrets.token_urlsafe(_BYTES)}")[0]


def signing_key(home: Path) -> str:
    """The key that continuation tokens are signed with."""
    return keep(home / "signing-key", secrets.token_urlsafe(_BYTES))[0]


def login_key(home: Path) -> bytes:
    """The signing key of login tokens, used for no other purpose. Removing it ends all logins."""
    return keep(home / "login-key", secrets.token_urlsafe(_LOGIN_KEY_BYTES))[0].encode()
