"""The home folder: made private, used by one `mainspring up` at a time, keeper of the admin token."""

import fcntl
import os
from pathlib import Path
from typing import IO

from mainspring_api.http.credential_files import admin_token, admin_token_path
from mainspring_cli.config import Config, ConfigError

__all__ = ["keep_admin_token", "lock_home", "prepare_home"]


def prepare_home(home: Path) -> None:
    """Make a missing folder with mode 0700, and set the umask so that this process makes private files only.

    Raises:
        ConfigError: There is no folder that this process can write into.
    """
    os.umask(0o077)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError([f"home: cannot make the folder {home}: {exc.strerror}"]) from exc
    if not os.access(home, os.W_OK | os.X_OK):
        raise ConfigError([_not_writable(home)])


def _not_writable(home: Path) -> str:
    is_read_only = os.statvfs(home).f_flag & os.ST_RDONLY
    cause = "the file system is read-only" if is_read_only else f"user {os.geteuid()} may not"
    return f"home: cannot write into {home}: {cause}; mount a volume there, or set MAINSPRING_HOME to another folder"


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


def keep_admin_token(config: Config) -> str | None:
    """Put the administrator's token in its file: the token of the settings, else a stored or new token.

    Returns the token if this call made the token.
    """
    if config.admin_token is None:
        token, is_new = admin_token(config.home)
        return token if is_new else None
    path = admin_token_path(config.home)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(f"{config.admin_token}\n", encoding="utf-8")
    draft.chmod(0o600)
    draft.replace(path)
    return None
