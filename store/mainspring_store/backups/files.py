"""Backup files: an SQLite database with one more table, the manifest.

`VACUUM INTO` copies one snapshot while the services go on writing. The copy holds no deleted row. The manifest is
written last, and the file gets its name after that, so a half-written file has no manifest or another name. A digest of
the whole file finds a file that was cut off or changed later.
"""

import hashlib
import mmap
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from mainspring.errors import MainspringError
from mainspring.instants import format_instant
from mainspring.private_files import sync_folder
from mainspring_store.database.transactions import Database
from mainspring_store.schema.migrate import current_revision, head_revision

__all__ = ["MANIFEST_TABLE", "BackupError", "Manifest", "read_backup", "write_backup"]

MANIFEST_TABLE = "backup_manifest"
FORMAT = 1
_HEADER = b"SQLite format 3\0"
_DIGEST_CHARS = 64
_BLANK = "0" * _DIGEST_CHARS
_PIECE = 1 << 20


class BackupError(MainspringError):
    """A backup cannot be written, or a file is no sound backup that this version can read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """The facts about a backup that the backup itself holds."""

    format: int
    version: str
    """Version of Mainspring that wrote the backup."""
    revision: str
    """Revision of the tables."""
    created_at: str
    key_fingerprints: Sequence[str]
    """Fingerprints of the key ring, newest first; empty = there was no key."""
    runs: int


def write_backup(
    database: Database, path: Path, *, version: str, key_fingerprints: Sequence[str], now: datetime
) -> Manifest:
    """Write a backup of an SQLite database to a new file of mode 0600. The services may be running.

    Needs as much free disk as the database has rows. An error leaves no file.

    Raises:
        BackupError: The file exists, or cannot be written.
    """
    revision = current_revision(database)
    if revision is None:
        raise BackupError(f"the database {database.sqlite_path} has no tables yet; there is nothing to back up")
    if path.exists():
        raise BackupError(f"{path} exists; a backup never overwrites a file: choose another name")
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.partial")
    with _draft_removed(draft, path), _explained(path):
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(database.sqlite_path, isolation_level=None)) as source:
            source.execute("VACUUM INTO ?", (str(draft),))
        with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
            manifest = Manifest(
                format=FORMAT,
                version=version,
                revision=revision,
                created_at=format_instant(now),
                key_fingerprints=tuple(key_fingerprints),
                runs=copy.execute("SELECT count(*) FROM dag_run").fetchone()[0],
            )
            mark = f"digest-{secrets.token_hex(16)}:"
            copy.execute(f"CREATE TABLE {MANIFEST_TABLE} (mark TEXT, digest TEXT, content TEXT)")
            row = (mark, f"{mark}{_BLANK}", orjson.dumps(asdict(manifest)).decode())
            copy.execute(f"INSERT INTO {MANIFEST_TABLE} VALUES (?, ?, ?)", row)  # noqa: S608
        _write_digest(draft, mark)
        # Linked into place: an existing file is never overwritten.
        os.link(draft, path)
        sync_folder(path.parent)
    return manifest


def read_backup(path: Path) -> Manifest:
    """The manifest of a sound backup; reads the whole file.

    Raises:
        BackupError: The file is no backup, is half-written or changed, or is of a later version.
    """
    with _explained(path):
        with path.open("rb") as file:
            if file.read(len(_HEADER)) != _HEADER:
                raise BackupError(f"{path} is no backup of Mainspring: it is no SQLite file")
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as copy:
            mark, digest, manifest = _stored_manifest(copy, path)
            if manifest.format > FORMAT or manifest.revision > head_revision():
                raise BackupError(
                    f"{path} is a backup of a later version: {manifest.version}, tables of revision"
                    f" {manifest.revision}; this version reads up to {head_revision()}: use the later version"
                )
            if _digest_of(path, mark) != digest.removeprefix(mark):
                raise BackupError(f"{path} was cut off or changed after it was written; use another backup")
            faults = [row[0] for row in copy.execute("PRAGMA integrity_check(1)")]
            if faults != ["ok"]:
                raise BackupError(f"{path} is damaged: {faults[0]}; use another backup")
    return manifest


def _stored_manifest(copy: sqlite3.Connection, path: Path) -> tuple[str, str, Manifest]:
    has_table = copy.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (MANIFEST_TABLE,)).fetchone()
    row = has_table and copy.execute(f"SELECT mark, digest, content FROM {MANIFEST_TABLE}").fetchone()  # noqa: S608
    if not row:
        raise BackupError(f"{path} has no manifest: it is half-written, or no backup of `mainspring backup`")
    members: dict[str, Any] = orjson.loads(row[2])
    if members["format"] > FORMAT:
        members = {name: members.get(name) for name in Manifest.__dataclass_fields__}
    return row[0], row[1], Manifest(**{**members, "key_fingerprints": tuple(members["key_fingerprints"] or ())})


def _write_digest(path: Path, mark: str) -> None:
    """Replace the blank digest of the manifest by the digest of the file with the blank."""
    digest = _digest_of(path, mark)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        begin = _place_of(content, mark)
        content[begin : begin + _DIGEST_CHARS] = digest.encode()
        content.flush()
        os.fsync(file.fileno())


def _digest_of(path: Path, mark: str) -> str:
    """SHA-256 (hex) of the file, read as if its own digest were blank."""
    sha = hashlib.sha256()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        begin = _place_of(content, mark)
        for start, end in ((0, begin), (begin + _DIGEST_CHARS, len(content))):
            for offset in range(start, end, _PIECE):
                sha.update(content[offset : min(offset + _PIECE, end)])
            sha.update(_BLANK.encode() if start == 0 else b"")
    return sha.hexdigest()


def _place_of(content: mmap.mmap, mark: str) -> int:
    """Where the digest begins: behind the last copy of the mark, which is followed by as many hexadecimal digits."""
    place = content.rfind(mark.encode())
    while place >= 0:
        begin = place + len(mark)
        digits = content[begin : begin + _DIGEST_CHARS]
        if len(digits) == _DIGEST_CHARS and all(digit in b"0123456789abcdef" for digit in digits):
            return begin
        place = content.rfind(mark.encode(), 0, place)
    raise BackupError("the manifest names no digest: the file is damaged; use another backup")


@contextmanager
def _draft_removed(draft: Path, path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise BackupError(f"{path} exists; a backup never overwrites a file: choose another name") from None
    finally:
        draft.unlink(missing_ok=True)
        draft.with_name(f"{draft.name}-journal").unlink(missing_ok=True)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Replace an error of the file or of SQLite by a `BackupError`."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as exc:
        raise BackupError(f"{path}: {exc.strerror or exc}") from exc
    except ValueError as exc:  # an empty file has no map
        raise BackupError(f"{path} is damaged: {exc}; use another backup") from exc
    except sqlite3.Error as exc:
        raise BackupError(f"{path}: {exc}; the disk may be full, or the file may be damaged") from exc
