"""Moving the logs of ended tries out of the database, and deleting what no try needs any more.

A log is moved after it was packed. Its blocks become one object, which is read again before the rows give up their
bytes. The rows stay: they say where each block lies, so a reader finds a range as before.
"""

import logging
import re
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, bindparam, literal, literal_column, select, text, update

from mainspring.errors import LogStoreUnavailable
from mainspring.instants import format_instant, parse_instant
from mainspring.log_index import LogIndex
from mainspring_store.access.installation import read_fact, write_fact
from mainspring_store.database.log_blocks import unpack
from mainspring_store.database.log_stores import CachedLogStore, is_litter
from mainspring_store.database.transactions import Database
from mainspring_store.queries.logs import stored_index
from mainspring_store.tables import large_value, task_log, task_try

__all__ = [
    "MOVE_SECONDS_MAX",
    "delete_orphans",
    "delete_unused_object",
    "move_log",
    "new_object_key",
    "next_log_to_move",
    "postpone_orphan_turn",
    "take_orphan_turn",
]

_log = logging.getLogger(__name__)

_OBJECT_BYTES_MAX = 16 * 1024 * 1024
"""Compressed bytes of one object; what is beyond becomes another object. One write must end within its time limit."""
_ORPHAN_AGE_MIN = timedelta(hours=1)
"""An object that is younger may belong to a move under way."""
_ORPHANS_EVERY = timedelta(hours=6)
_ORPHANS_AGAIN = timedelta(minutes=5)
"""After a deletion that the store refused."""
_STEP_BYTES = 16 * 1024
MOVE_SECONDS_MAX = 600
"""From the write of an object to the commit; much less than the age of orphans."""
_REST = re.compile(r"(?:[0-9a-f]{16}){1,2}\.zst")
"""What follows the attempt in a key; version 0.2.0 wrote 16 digits of a digest."""
_ORPHANS_AT = "log_orphans_deleted_at"


def next_log_to_move(database: Database, last_id: str = "") -> str | None:
    """The next attempt with packed blocks in the database, by attempt id; None = none is left.

    last_id: the attempt behind which to look.
    """
    with database.read() as connection:
        attempt_id: str | None = connection.scalar(_NEXT, {"last_id": last_id})
    return attempt_id


def move_log(database: Database, store: CachedLogStore, attempt_id: str) -> bool:
    """Move a packed log, or the first part of a large one; returns whether anything was moved.

    Several schedulers may call this at once: each writes an object of its own, and the first one is used.

    Raises:
        LogStoreUnavailable: The log stays in the database.
    """
    with database.read() as connection:
        blocks = _first_blocks(connection.execute(_BLOCKS, {"me": attempt_id}))
    if not blocks:
        return False
    index = _index(database, attempt_id, blocks)
    key = new_object_key(attempt_id)
    began = time.time()
    store.put(key, b"".join(block.data for block in blocks))
    with database.write() as connection:
        if time.time() - began > MOVE_SECONDS_MAX:
            raise LogStoreUnavailable(f"{key}: was written {time.time() - began:.0f} s ago, and may be gone again")
        start = count = 0
        for block in blocks:
            place = {"me": attempt_id, "at_offset": block.offset, "key": key, "start": start, "length": len(block.data)}
            count += connection.execute(_GIVE_UP, place).rowcount
            start += len(block.data)
        if count:  # another scheduler may have moved the log, and more of it
            connection.execute(_KEEP_INDEX, {"me": attempt_id, "index": index.dump()})
    if not count:
        delete_unused_object(store, key)
    return count > 0


def new_object_key(attempt_id: str) -> str:
    """The key of the object of a part of a log, or of a large output.

    No key is used twice, so no write and no deletion can meet an object in use.

    The folder spreads the files of a large store.
    """
    return f"{attempt_id[-2:]}/{attempt_id}-{secrets.token_hex(16)}.zst"


def delete_unused_object(store: CachedLogStore, key: str) -> None:
    """Delete an object that another scheduler was faster to write. An absent store leaves it for `delete_orphans`."""
    try:
        store.delete([key])
    except LogStoreUnavailable as exc:
        _log.debug("an object that no row names stays until the next turn: cause=%s", exc)


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


def postpone_orphan_turn(database: Database, now: datetime) -> None:
    """Give the turn back after a failure, so that a scheduler takes it in five minutes."""
    with database.write() as connection:
        write_fact(connection, _ORPHANS_AT, format_instant(now - _ORPHANS_EVERY + _ORPHANS_AGAIN))


def delete_orphans(
    database: Database, store: CachedLogStore, *, now: datetime, goes_on: Callable[[], bool] = lambda: True
) -> int:
    """Delete the objects of deleted tries, those of moves that broke off, and what killed processes left behind;
    returns the number of objects.

    The store must belong to this instance: `claim_log_store`.

    goes_on: asked before each page; False ends the call early.

    Raises:
        LogStoreUnavailable: What was deleted before stays deleted.
    """
    count = 0
    for page in store.pages():
        if not goes_on():
            break
        old_keys = [key for key, written_at in page if written_at < now - _ORPHAN_AGE_MIN]
        old = {key: _attempt_of(key) for key in old_keys}
        names = sorted({attempt_id for attempt_id in old.values() if attempt_id is not None})
        known: set[str] = set()
        with database.read() as connection:
            for begin in range(0, len(names), 500):
                for statement in (_KNOWN_LOGS, _KNOWN_VALUES):
                    known |= set(connection.scalars(statement, {"keys": names[begin : begin + 500]}))
        # Files of others stay.
        orphans = [key for key, attempt_id in old.items() if attempt_id is not None and key not in known]
        orphans += filter(is_litter, old_keys)
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
_KNOWN_LOGS = (
    select(task_log.c.object_key)
    .distinct()
    .where(task_log.c.attempt_id.in_(bindparam("keys", expanding=True)))
    .where(task_log.c.object_key.is_not(None))
)
_KNOWN_VALUES = (
    select(large_value.c.object_key)
    .where(large_value.c.attempt_id.in_(bindparam("keys", expanding=True)))
    .where(large_value.c.object_key.is_not(None))
)
