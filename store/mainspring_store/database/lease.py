"""The lease of the scheduler on an SQLite database: a file lock that the kernel releases when the process dies."""

import fcntl
import os
from pathlib import Path

from mainspring.errors import Conflict
from mainspring_store.database.transactions import Database

__all__ = ["SchedulerLease", "take_file_lease", "take_scheduler_lease"]


class SchedulerLease:
    """Held until `release` or the death of the process."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    @property
    def is_exclusive(self) -> bool:
        """Whether no other scheduler can be alive on this database."""
        return self._descriptor is not None

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def take_scheduler_lease(database: Database) -> SchedulerLease:
    """Take the lease. PostgreSQL allows many schedulers, so on PostgreSQL the function locks no file.

    Raises:
        Conflict: Another scheduler runs on this SQLite database.
    """
    return take_file_lease(database.sqlite_path) if database.is_sqlite else SchedulerLease(None)


def take_file_lease(database_path: Path) -> SchedulerLease:
    """Take the lease of an SQLite file, which may be damaged.

    Raises:
        Conflict: A scheduler runs on the file.
    """
    descriptor = os.open(f"{database_path}-scheduler", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Conflict(
            f"another scheduler runs on {database_path}; SQLite takes one. Stop it, or use PostgreSQL to run several"
        ) from None
    return SchedulerLease(descriptor)
