"""`mainspring backup` and `mainspring restore`: the files, the key ring and the database of the settings."""

import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from mainspring.errors import Conflict
from mainspring.private_files import keep
from mainspring_api.http.credential_files import admin_token_path
from mainspring_cli.config import Config, ConfigError
from mainspring_cli.services.commands import key_ring
from mainspring_cli.services.database import opened_database, refuse_living_services
from mainspring_cli.services.home import lock_home, prepare_home

if TYPE_CHECKING:
    from mainspring_store import Database
    from mainspring_store.backups import Manifest, Restored

__all__ = ["back_up", "back_up_keys", "restore_dump", "restore_file", "resume_schedules", "verify_backup"]

_log = logging.getLogger(__name__)
_SESSIONS_END_SECONDS = 2.0
"""The session of pg_restore may end a moment after its process."""
_SIDE_FILES = ("-wal", "-shm")


def back_up(config: Config, path: Path) -> "Manifest":
    """Write a backup of the SQLite database; the services may be running.

    Raises:
        ConfigError: The database is PostgreSQL, which has a tool of its own.
        BackupError: The file exists or cannot be written.
    """
    from mainspring_store.backups import write_backup

    if not config.is_sqlite:
        raise ConfigError(["database_url: `mainspring backup` copies SQLite; use pg_dump: docs/operations.md"])
    prepare_home(config.home)
    with opened_database(config.store_url) as database:
        fingerprints = key_ring(config).fingerprints
        return write_backup(
            database, path, version=version("mainspring"), key_fingerprints=fingerprints, now=datetime.now(UTC)
        )


def verify_backup(config: Config, path: Path) -> "tuple[Manifest, bool]":
    """The manifest of a sound backup, and whether the key ring of the settings has a key of the time of the backup.

    Raises:
        BackupError: The file is no sound backup that this version can read.
    """
    from mainspring_store.backups import read_backup

    manifest = read_backup(path)
    fingerprints = manifest.key_fingerprints
    return manifest, not fingerprints or bool(set(fingerprints) & set(key_ring(config).fingerprints))


def back_up_keys(config: Config, path: Path) -> int:
    """Write the key ring to a new file of mode 0600, newest key first; returns the number of keys.

    Raises:
        BackupError: There is no key, or the file exists.
    """
    from mainspring_store.backups import BackupError

    keys = key_ring(config).keys
    if not keys:
        raise BackupError("there are no keys yet: the first secret makes one")
    os.umask(0o077)
    try:
        _, is_new = keep(path, "\n".join(keys))
    except OSError as exc:
        raise BackupError(f"{path}: {exc.strerror}") from exc
    if not is_new:
        raise BackupError(f"{path} exists; keys never overwrite a file: choose another name")
    return len(keys)


def restore_file(config: Config, path: Path, *, keeps_tokens: bool, replaces: bool) -> "Restored":
    """Put the database of a backup in the place of the SQLite database of the settings.

    An existing database stays beside it, under another name. An error changes nothing.

    Raises:
        ConfigError: The database is PostgreSQL, or the home folder is in use.
        BackupError: The backup is not sound, or the key ring cannot open its secrets.
        Conflict: There is a database, and `replaces` is not set; or services use it.
    """
    from sqlalchemy import make_url

    from mainspring_store.backups import read_backup

    if not config.is_sqlite:
        raise ConfigError(
            ["database_url: a file is restored into SQLite alone; use pg_restore, then `mainspring restore`"]
        )
    prepare_home(config.home)
    target = Path(make_url(config.store_url).database or "").absolute()
    now = datetime.now(UTC)
    with lock_home(config.home), _unused(config, target, replaces=replaces):
        read_backup(path)
        draft = target.with_name(f".{target.name}.restore-{os.getpid()}")
        try:
            restored = _prepared(config, path, draft, keeps_tokens=keeps_tokens, now=now)
            _set_aside(target, now)
            draft.replace(target)
        finally:
            for suffix in ("", "-turn", *_SIDE_FILES):
                draft.with_name(f"{draft.name}{suffix}").unlink(missing_ok=True)
        _forget_admin_token(config, keeps_tokens=keeps_tokens)
    return restored


def restore_dump(config: Config, *, keeps_tokens: bool) -> "Restored":
    """Make a PostgreSQL database that `pg_restore` filled fit for services.

    Raises:
        ConfigError: The database is SQLite.
        BackupError: The key ring cannot open the secrets.
        Conflict: Another session uses the database.
    """
    if config.is_sqlite:
        raise ConfigError(["give the file of the backup: mainspring restore FILE"])
    prepare_home(config.home)
    with opened_database(config.store_url) as database:
        _refuse_sessions(database)
        restored = _made_fit(config, database, keeps_tokens=keeps_tokens, now=datetime.now(UTC))
    _forget_admin_token(config, keeps_tokens=keeps_tokens)
    return restored


def resume_schedules(config: Config) -> bool:
    """Let schedules and backfills make runs again after a restore; returns whether they were held."""
    from mainspring_store.access.installation import release_schedules
    from mainspring_store.schema.migrate import migrate

    prepare_home(config.home)
    with opened_database(config.store_url) as database:
        migrate(database)
        return release_schedules(database)


def _prepared(config: Config, path: Path, draft: Path, *, keeps_tokens: bool, now: datetime) -> "Restored":
    """Copy the backup to `draft` and make the copy fit for services."""
    from mainspring_store.backups import BackupError
    from mainspring_store.backups.files import MANIFEST_TABLE

    try:
        shutil.copyfile(path, draft)
    except OSError as exc:
        raise BackupError(f"{path} cannot be copied into {draft.parent}: {exc.strerror}") from exc
    with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
        copy.execute(f"DROP TABLE {MANIFEST_TABLE}")
    with opened_database(f"sqlite:///{draft}") as database:
        restored = _made_fit(config, database, keeps_tokens=keeps_tokens, now=now)
    # The last connection has written the log back, so the file alone is the database.
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    return restored


def _made_fit(config: Config, database: "Database", *, keeps_tokens: bool, now: datetime) -> "Restored":
    from mainspring_store.backups import check_keys, prepare_restored
    from mainspring_store.schema.migrate import migrate

    migrate(database)
    check_keys(database, key_ring(config))
    return prepare_restored(database, keeps_tokens=keeps_tokens, now=now)


@contextmanager
def _unused(config: Config, target: Path, *, replaces: bool) -> Iterator[None]:
    """Hold the lease of the scheduler on an existing database, so that no scheduler starts meanwhile."""
    from mainspring_store.database.lease import take_file_lease

    if not target.exists() or target.stat().st_size == 0:
        yield
        return
    if not replaces:
        raise Conflict(f"there is a database at {target}; add --replace to keep it under another name and go on")
    lease = take_file_lease(target)
    try:
        _refuse_users(config, target)
        yield
    finally:
        lease.release()


def _refuse_users(config: Config, target: Path) -> None:
    """Raises Conflict when services use the database. A damaged database has no users that the restore could harm."""
    from sqlalchemy.exc import DatabaseError

    try:
        with opened_database(config.store_url) as database:
            refuse_living_services(database)
    except (DatabaseError, sqlite3.DatabaseError) as exc:
        _log.warning("%s is damaged, so nobody can tell whether services use it; going on: cause=%s", target, exc)


def _set_aside(target: Path, now: datetime) -> None:
    """Rename an existing database with its side files, so that SQLite can open it under the new name."""
    name = f"{target.name}.before-restore-{now:%Y%m%dT%H%M%S}"
    for suffix in ("", *_SIDE_FILES):
        file = target.with_name(f"{target.name}{suffix}")
        if file.exists():
            file.rename(target.with_name(f"{name}{suffix}"))


def _refuse_sessions(database: "Database") -> None:
    # Processes of the server itself have no user: autovacuum works on each database that pg_restore has just filled.
    statement = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL"
    )
    deadline = time.monotonic() + _SESSIONS_END_SECONDS
    while True:
        with database.read() as connection:
            others = connection.exec_driver_sql(statement).scalar()
        if not others:
            return
        if time.monotonic() >= deadline:
            raise Conflict(f"{others} other sessions use the database; stop the services first")
        time.sleep(0.05)


def _forget_admin_token(config: Config, *, keeps_tokens: bool) -> None:
    """Let the next start make a new admin token, because the restored database revoked the old one."""
    if config.admin_token is None and not keeps_tokens:
        admin_token_path(config.home).unlink(missing_ok=True)
