"""Notes that people write on runs and task instances."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, Update, bindparam, select, update

from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.runs import run_not_found
from mainspring_store.tables import dag_run, task_instance

__all__ = ["note_instances", "set_instance_notes", "set_run_note"]


def note_instances(connection: Connection, ids: Sequence[int], note: str, *, now: datetime) -> None:
    """Replace the notes of instances, in the caller's transaction; an empty note removes them."""
    rows = dump_rows({"id": instance_id} for instance_id in ids)
    statement = _note(connection.dialect.name == "sqlite")
    connection.execute(statement, {"rows": rows, "text": note or None, "now": now})


def set_instance_notes(database: Database, ids: Sequence[int], note: str | None, *, now: datetime) -> None:
    """As `note_instances`, in a new transaction; `None` removes the notes."""
    with database.write() as connection:
        note_instances(connection, ids, note or "", now=now)


def set_run_note(database: Database, dag_id: str, run_id: str, note: str | None, *, now: datetime) -> None:
    """Replace the note of a run; `None` removes it.

    Raises:
        NotFound: There is no such run.
    """
    with database.write() as connection:
        written = connection.execute(_SET_RUN_NOTE, {"of_dag": dag_id, "of_run": run_id, "text": note, "now": now})
        if written.rowcount == 0:
            raise run_not_found(dag_id, run_id)


_SET_RUN_NOTE = (
    update(dag_run)
    .where(dag_run.c.dag_id == bindparam("of_dag"), dag_run.c.run_id == bindparam("of_run"))
    .values(note=bindparam("text"), updated_at=bindparam("now"))
)


@lru_cache(maxsize=2)
def _note(is_sqlite: bool) -> Update:
    rows = as_rows({"id": int}, is_sqlite=is_sqlite)
    return (
        update(task_instance)
        .where(task_instance.c.id.in_(select(rows.c.id)))
        .values(note=bindparam("text"), updated_at=bindparam("now", type_=UtcDateTime))
    )
