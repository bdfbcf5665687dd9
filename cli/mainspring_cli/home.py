"""The home folder: made private, used by one `mainspring up` at a time, keeper of the admin token."""

import fcntl
import os
import secrets
from pathlib import Path
from typing import IO

from mainspring_cli.config import ConfigError

__all__ = ["admin_token", "lock_home", "prepare_home", "token_path"]

_TOKEN_BYTES = 32


def prepare_home(home: Path) -> None:
    """Make the folder with mode 0700 if it is not there, and let this process make private files only from now on."""
    os.umask(0o077)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError([f"home: cannot make the folder {home}: {exc.strerror}"]) from exc


def lock_home(home: Path) -> IO[bytes]:
    """Hold the home folder until the returned file is closed or this process ends.

    Raises:
        ConfigError: another `mainspring up` holds it.
    """
    lock = (home / "up.lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise ConfigError([f"home: {home} is in use by another `mainspring up`; stop it, or give --home"]) from None
    return lock


def token_path(home: Path) -> Path:
    """Where the administrator's token lies."""
    return home / "admin-token"


def admin_token(home: Path) -> tuple[str, bool]:
    """The administrator's token and whether this call made it. Its file is readable by its owner alone."""
    path = token_path(home)
    token = f"ms_{secrets.token_urlsafe(_TOKEN_BYTES)}"
    # Written beside and linked into place: a reader never sees half a token, and of two makers one wins.
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(f"{token}\n", encoding="ascii")
    draft.chmod(0o600)
    try:
        os.link(draft, path)
        return token, True
    except FileExistsError:
        return path.read_text(encoding="ascii").strip(), False
    finally:
        draft.unlink()
