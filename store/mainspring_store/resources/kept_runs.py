"""Runs that retention must not prune."""

from datetime import datetime

from sqlalchemy import bindparam, update

from mainspring_store.database.transactions import Database
from mainspring_store.queries.runs import run_not_found
from mainspring_store.tables import dag_run

__all__ = ["set_run_kept"]


def set_run_kept(database: Database, dag_id: str, run_id: str, is_kept: bool, *, now: datetime) -> None:
    """Keep a run for ever, or let retention prune the run again.

    Raises:
        NotFound: There is no such run.
    """
    with database.write() as connection:
        written = connection.execute(_KEEP, {"of_dag": dag_id, "of_run": run_id, "kept": is_kept, "now": now})
        if written.rowcount == 0:
            raise run_not_found(dag_id, run_id)


_KEEP = (
    update(dag_run)
    .where(dag_run.c.dag_id == bindparam("of_dag"), dag_run.c.run_id == bindparam("of_run"))
    .values(keep=bindparam("kept"), updated_at=bindparam("now"))
)
