"""Notes of task instances, written with what is done to them."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, Update, bindparam, select, update

from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import task_instance

__all__ = ["note_instances", "set_instance_notes"]


def note_instances(connection: Connection, ids: Sequence[int], note: str, *, now: datetime) -> None:
    """Replace the notes of these instances; an empty one removes them."""
    rows = dump_rows({"id": one} for one in ids)
    statement = _note(connection.dialect.name == "sqlite")
    connection.execute(statement, {"rows": rows, "text": note or None, "now": now})


def set_instance_notes(database: Database, ids: Sequence[int], note: str | None, *, now: datetime) -> None:
    """As `note_instances`, in a transaction of its own."""
    with database.write() as connection:
        note_instances(connection, ids, note or "", now=now)


@lru_cache(maxsize=2)
def _note(is_sqlite: bool) -> Update:
    rows = as_rows({"id": int}, is_sqlite=is_sqlite)
    return (
        update(task_instance)
        .where(task_instance.c.id.in_(select(rows.c.id)))
        .values(note=bindparam("text"), updated_at=bindparam("now", type_=UtcDateTime))
    )
