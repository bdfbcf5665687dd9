"""Backups of an SQLite database, and what a restored database needs before services may use it."""

from mainspring_store.backups.files import BackupError, Manifest, read_backup, write_backup
from mainspring_store.backups.restored import Restored, check_keys, prepare_restored

__all__ = [
    "BackupError",
    "Manifest",
    "Restored",
    "check_keys",
    "prepare_restored",
    "read_backup",
    "write_backup",
]
