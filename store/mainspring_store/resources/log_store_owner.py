"""Which instance a log store belongs to: the one whose id lies in the store.

An instance deletes objects that none of its rows names, so two instances with one store would delete each other's logs.
The id is a fact of the database. A restored database gets a new id, because the original may be alive.
"""

import secrets

from sqlalchemy import Connection

from mainspring.errors import LogStoreUnavailable
from mainspring_store.access.installation import keep_fact, read_fact, write_fact
from mainspring_store.database.log_stores import CachedLogStore
from mainspring_store.database.transactions import Database

__all__ = ["OWNER_KEY", "ForeignLogStore", "claim_log_store", "renew_log_store_id"]

OWNER_KEY = "mainspring-owner"
"""The object that holds the id of the owner, as text."""
_IDS = "log_store_ids"
"""The fact: the id of this instance, then those of the instances whose backups it was restored from, newest first."""
_IDS_MAX = 10


class ForeignLogStore(LogStoreUnavailable):
    """The store belongs to another instance, so this one neither moves logs there nor deletes any."""


def claim_log_store(database: Database, store: CachedLogStore) -> None:
    """Make sure that a store belongs to this instance. A store without an owner belongs to it from now on.

    A store of the instance of the backup that this one was restored from is taken over: an administrator has ended the
    hold, and so has said that the original is gone. Of two instances that claim a new store at once, the slower one may
    believe for one call that the store is its own. No object is old enough to be deleted then.

    Raises:
        ForeignLogStore: The store belongs to another instance.
        LogStoreUnavailable: The store cannot tell.
    """
    mine, *former = _ids(database)
    owner = store.find(OWNER_KEY)
    if owner is None or owner.decode("ascii", "replace") in former:
        store.put(OWNER_KEY, mine.encode())
        owner = store.find(OWNER_KEY)
    if owner != mine.encode():
        raise ForeignLogStore(
            "the log store belongs to another instance: give each instance a store of its own; when that instance is"
            f" gone for good, delete the object `{OWNER_KEY}`"
        )
    if former:  # a store is taken over once: the original may come back and be told to keep it
        with database.write() as connection:
            write_fact(connection, _IDS, [mine])


def renew_log_store_id(connection: Connection) -> None:
    """Give a restored database an id of its own. Does nothing where no log store was ever used."""
    ids = read_fact(connection, _IDS)
    if ids is not None:
        write_fact(connection, _IDS, [_new_id(), *ids[: _IDS_MAX - 1]])


def _ids(database: Database) -> list[str]:
    with database.read() as connection:
        ids: list[str] | None = read_fact(connection, _IDS)
    if ids is None:
        with database.write() as connection:
            ids = keep_fact(connection, _IDS, [_new_id()])
    return ids or []


def _new_id() -> str:
    return secrets.token_hex(16)
