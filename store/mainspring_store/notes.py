"""What people write beside runs."""

from datetime import datetime

from sqlalchemy import bindparam, update

from mainspring_store.database.transactions import Database
from mainspring_store.queries.runs import run_not_found
from mainspring_store.tables import dag_run

__all__ = ["set_run_note"]


def set_run_note(database: Database, dag_id: str, run_id: str, note: str | None, *, now: datetime) -> None:
    """Replace the note of a run; `None` removes it.

    Raises:
        NotFound: There is no such run.
    """
    with database.write() as connection:
        done = connection.execute(_SET, {"of_dag": dag_id, "of_run": run_id, "text": note, "now": now})
        if done.rowcount == 0:
            raise run_not_found(dag_id, run_id)


_SET = (
    update(dag_run)
    .where(dag_run.c.dag_id == bindparam("of_dag"), dag_run.c.run_id == bindparam("of_run"))
    .values(note=bindparam("text"), updated_at=bindparam("now"))
)
