"""The API's own secrets, in files that only their owner may read."""

import secrets
from pathlib import Path

from mainspring.private_files import keep

__all__ = ["admin_token", "admin_token_path", "signing_key"]

_BYTES = 32


def admin_token_path(home: Path) -> Path:
    """Where the administrator's token lies."""
    return home / "admin-token"


def admin_token(home: Path) -> tuple[str, bool]:
    """The administrator's token, and whether this call made it."""
    return keep(admin_token_path(home), f"ms_{secrets.token_urlsafe(_BYTES)}")


def signing_key(home: Path) -> str:
    """The key that continuation tokens are signed with."""
    return keep(home / "signing-key", secrets.token_urlsafe(_BYTES))[0]
