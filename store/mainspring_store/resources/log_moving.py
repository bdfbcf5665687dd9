"""Moving the logs of ended tries out of the database, and deleting what no try needs any more.

A log is moved after it was packed. Its blocks become one object, which is read again before the rows give up their
bytes. The rows stay: they say where each block lies, so a reader finds a range as before.
"""

import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, bindparam, literal, literal_column, select, text, update

from mainspring.errors import LogStoreUnavailable
from mainspring.instants import format_instant, parse_instant
from mainspring.log_index import LogIndex
from mainspring_store.access.installation import read_fact, write_fact
from mainspring_store.database.log_blocks import unpack
from mainspring_store.database.log_stores import CachedLogStore
from mainspring_store.database.transactions import Database
from mainspring_store.queries.logs import stored_index
from mainspring_store.tables import task_log, task_try

__all__ = ["Moved", "delete_orphans", "key_of", "move_next_log", "take_orphan_turn"]

_OBJECT_BYTES_MAX = 64 * 1024 * 1024
"""Compressed bytes of one object; what is beyond becomes another object."""
_ORPHAN_AGE_MIN = timedelta(hours=1)
"""An object that is younger may belong to a move under way."""
_ORPHANS_EVERY = timedelta(hours=6)
_STEP_BYTES = 16 * 1024
_MOVE_SECONDS_MAX = 600
"""From the write of an object to the commit; much less than the age of orphans."""
_REST = re.compile(r"[0-9a-f]{16}\.zst")
_ORPHANS_AT = "log_orphans_deleted_at"


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """A part of a log that was moved; usually the whole log."""

    attempt_id: str
    bytes: int
    """Compressed."""


def move_next_log(database: Database, store: CachedLogStore, *, last_id: str = "") -> Moved | None:
    """Move the log of the next attempt with packed blocks, by attempt id; None = none is left.

    Several schedulers may call this at once: a log that two of them move is the same object.

    last_id: the attempt that was moved last.

    Raises:
        LogStoreUnavailable: The log stays in the database.
    """
    with database.read() as connection:
        attempt_id = connection.scalar(_NEXT, {"last_id": last_id})
        if attempt_id is None:
            return None
        blocks = _first_blocks(connection.execute(_BLOCKS, {"me": attempt_id}))
    index = _index(database, attempt_id, blocks)
    content = b"".join(block.data for block in blocks)
    key = key_of(attempt_id, content)
    began = time.time()
    store.put(key, content)
    with database.write() as connection:
        if time.time() - began > _MOVE_SECONDS_MAX:
            raise LogStoreUnavailable(f"{key}: was written {time.time() - began:.0f} s ago, and may be gone again")
        start = count = 0
        for block in blocks:
            place = {"me": attempt_id, "at_offset": block.offset, "key": key, "start": start, "length": len(block.data)}
            count += connection.execute(_GIVE_UP, place).rowcount
            start += len(block.data)
        if count:  # another scheduler may have moved the log, and more of it
            connection.execute(_KEEP_INDEX, {"me": attempt_id, "index": index.dump()})
    return Moved(attempt_id=attempt_id, bytes=len(content))


def key_of(attempt_id: str, content: bytes) -> str:
    """The object of a part of a log. Another content has another key, so no write can harm an object in use.

    The folder spreads the files of a large store.
    """
    return f"{attempt_id[-2:]}/{attempt_id}-{hashlib.sha256(content).hexdigest()[:16]}.zst"


def take_orphan_turn(database: Database, now: datetime) -> bool:
    """Whether objects without a try should be deleted now; true once in six hours, for one scheduler of all."""
    with database.read() as connection:
        fact = read_fact(connection, _ORPHANS_AT)
    if fact is not None and parse_instant(fact) > now - _ORPHANS_EVERY:
        return False
    with database.write() as connection:
        if read_fact(connection, _ORPHANS_AT) != fact:
            return False
        write_fact(connection, _ORPHANS_AT, format_instant(now))
    return True


def delete_orphans(database: Database, store: CachedLogStore, *, now: datetime) -> int:
    """Delete the objects of deleted tries, and those of moves that broke off; returns their number.

    Raises:
        LogStoreUnavailable: What was deleted before stays deleted.
    """
    count = 0
    for page in store.pages():
        old = {key: _attempt_of(key) for key, written_at in page if written_at < now - _ORPHAN_AGE_MIN}
        names = sorted({attempt_id for attempt_id in old.values() if attempt_id is not None})
        known: set[str] = set()
        with database.read() as connection:
            for begin in range(0, len(names), 500):
                known |= set(connection.scalars(_KNOWN, {"keys": names[begin : begin + 500]}))
        # Files of others stay.
        orphans = [key for key, attempt_id in old.items() if attempt_id is not None and key not in known]
        if orphans:
            store.delete(orphans)
            count += len(orphans)
    return count


def _attempt_of(key: str) -> str | None:
    """The attempt of an object; None = the object is not of this module."""
    folder, _, name = key.partition("/")
    attempt_id, _, rest = name.rpartition("-")
    is_ours = bool(attempt_id) and folder == attempt_id[-2:] and _REST.fullmatch(rest) is not None
    return attempt_id if is_ours else None


def _first_blocks(rows: Any) -> Sequence[Any]:
    """The blocks of one object."""
    blocks: list[Any] = []
    size = 0
    for row in rows:
        if blocks and size + len(row.data) > _OBJECT_BYTES_MAX:
            break
        blocks.append(row)
        size += len(row.data)
    return blocks


def _index(database: Database, attempt_id: str, blocks: Sequence[Any]) -> LogIndex:
    """The index of the log up to the end of these blocks, as far as it has no gap."""
    index = stored_index(database, attempt_id) or LogIndex()
    for block in blocks:
        if block.offset == index.size:
            content = b"".join(data for _, data in unpack(block.data))
            # In small steps: a search holds the interpreter, and the passes of the scheduler wait.
            for begin in range(0, len(content), _STEP_BYTES):
                index.feed(content[begin : begin + _STEP_BYTES])
    return index


_ME = task_log.c.attempt_id == bindparam("me")
_IS_HERE = text("task_log.raw_bytes IS NOT NULL AND task_log.object_key IS NULL")
_NEXT = (
    select(task_log.c.attempt_id)
    .where(_IS_HERE, task_log.c.attempt_id > bindparam("last_id"))
    .order_by(task_log.c.attempt_id)
    .limit(literal_column("1", Integer()))
)
_BLOCKS = select(task_log.c.offset, task_log.c.data).where(_ME, _IS_HERE).order_by(task_log.c.offset)
_GIVE_UP = (
    update(task_log)
    .where(_ME, task_log.c.offset == bindparam("at_offset"), task_log.c.object_key.is_(None))
    .values(
        data=literal(b""),
        object_key=bindparam("key"),
        object_start=bindparam("start"),
        object_bytes=bindparam("length"),
    )
)
_KEEP_INDEX = update(task_try).where(task_try.c.attempt_id == bindparam("me")).values(log_index=bindparam("index"))
_KNOWN = (
    select(task_log.c.object_key)
    .distinct()
    .where(task_log.c.attempt_id.in_(bindparam("keys", expanding=True)))
    .where(task_log.c.object_key.is_not(None))
)
