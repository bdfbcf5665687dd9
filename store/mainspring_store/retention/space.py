"""Giving free pages of an SQLite file back to the file system, a few at a time.

PostgreSQL needs nothing of this: its autovacuum makes the space of deleted rows free for new rows.
"""

import time
from collections.abc import Iterator

from mainspring_store.database.transactions import Database

__all__ = ["give_back_space"]

_INCREMENTAL = 2
"""The value of `PRAGMA auto_vacuum` for files that can shrink; older files reuse their free pages only."""
_PAGES_AT_ONCE = 256
_PAGES_KEPT = 1_024
"""Free pages that stay, because new rows need them soon: 4 MiB."""


def give_back_space(database: Database) -> Iterator[float]:
    """Shrink the file while it has many free pages; yields the seconds of each transaction."""
    while True:
        with database.read() as connection:
            can_shrink = connection.exec_driver_sql("PRAGMA auto_vacuum").scalar() == _INCREMENTAL
            free = int(connection.exec_driver_sql("PRAGMA freelist_count").scalar() or 0)
        if not can_shrink or free <= _PAGES_KEPT:
            return
        began = time.monotonic()
        with database.write() as connection:
            pages = min(_PAGES_AT_ONCE, free - _PAGES_KEPT)
            connection.exec_driver_sql(f"PRAGMA incremental_vacuum({pages})").fetchall()
        yield time.monotonic() - began
