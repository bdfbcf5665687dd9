"""Small files with permissions for the owner alone, made once and then kept."""

import os
import secrets
from pathlib import Path

__all__ = ["keep", "replace", "sync_folder"]


def keep(path: Path, fresh: str) -> tuple[str, bool]:
    """The content of the file, and whether this call made the file; a new file gets `fresh` as content. Mode 0600.

    When two processes make the file at the same time, both return the content of the winner.
    """
    if path.exists():
        return path.read_text(encoding="ascii").strip(), False
    draft = _draft(path, fresh)
    try:
        # Linked into place: a reader never sees half a file, and an existing file is never overwritten.
        os.link(draft, path)
        return fresh, True
    except FileExistsError:
        return path.read_text(encoding="ascii").strip(), False
    finally:
        draft.unlink()


def replace(path: Path, text: str) -> None:
    """Put another content into the file, at once for every reader. Mode 0600."""
    _draft(path, text).replace(path)


def sync_folder(folder: Path) -> None:
    """Make the name of a new file in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _draft(path: Path, text: str) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    return draft
