"""The API's own secrets, in files that only their owner may read."""

import secrets
from pathlib import Path

from mainspring.private_files import keep

__all__ = ["admin_token", "admin_token_path", "signing_key", "worker_token", "worker_token_path"]

_BYTES = 32


def admin_token_path(home: Path) -> Path:
    """Where the administrator's token lies."""
    return home / "admin-token"


def admin_token(home: Path) -> tuple[str, bool]:
    """The administrator's token, and whether this call made it."""
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
