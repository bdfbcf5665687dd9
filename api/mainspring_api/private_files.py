"""Small secrets in files that only their owner may read, made once and then kept."""

import os
import secrets
from pathlib import Path

__all__ = ["admin_token", "admin_token_path", "signing_key"]

_BYTES = 32


def admin_token_path(home: Path) -> Path:
    """Where the administrator's token lies."""
    return home / "admin-token"


def admin_token(home: Path) -> tuple[str, bool]:
    """The administrator's token, and whether this call made it."""
    return _kept(admin_token_path(home), f"ms_{secrets.token_urlsafe(_BYTES)}")


def signing_key(home: Path) -> str:
    """The key that continuation tokens are signed with."""
    return _kept(home / "signing-key", secrets.token_urlsafe(_BYTES))[0]


def _kept(path: Path, fresh: str) -> tuple[str, bool]:
    """What the file holds; `fresh` when there is no file yet, which is then made with mode 0600."""
    if path.exists():
        return path.read_text(encoding="ascii").strip(), False
    # Written beside and linked into place: a reader never sees half a secret, and of two makers one wins.
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{fresh}\n")
        os.link(draft, path)
        return fresh, True
    except FileExistsError:
        return path.read_text(encoding="ascii").strip(), False
    finally:
        draft.unlink()
