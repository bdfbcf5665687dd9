"""Pauses of single runs."""

from datetime import datetime

from sqlalchemy import bindparam, select, update

from mainspring.errors import Conflict
from mainspring.events import EventKind
from mainspring.states import RUN_FINISHED
from mainspring_store.database.transactions import Database
from mainspring_store.queries.runs import run_not_found
from mainspring_store.state.effects import lock_runs
from mainspring_store.state.events import write_event
from mainspring_store.tables import dag_run

__all__ = ["set_run_paused"]


def set_run_paused(database: Database, dag_id: str, run_id: str, is_paused: bool, *, now: datetime) -> bool:
    """Pause a run, or let the run go on. Returns False, without a change, when the run stands so already.

    A paused run starts no further instance; the handlers of a run that ends run all the same. Active instances go on.

    Raises:
        NotFound: There is no such run.
        Conflict: A run that has ended cannot be paused.
    """
    with database.write() as connection:
        key = connection.scalar(select(dag_run.c.id).where(dag_run.c.dag_id == dag_id, dag_run.c.run_id == run_id))
        if key is None or key not in lock_runs(connection, [key]):
            raise run_not_found(dag_id, run_id)
        run = connection.execute(_STANDING, {"key": key}).one_or_none()
        if run is None:
            raise run_not_found(dag_id, run_id)
        if run.is_paused == is_paused:
            return False
        if is_paused and run.state in RUN_FINISHED:
            raise Conflict(f"run '{run_id}' of dag '{dag_id}' has ended, so no pause can hold it; clear it first")
        connection.execute(_PAUSE, {"key": key, "paused": is_paused, "now": now})
        state = "paused" if is_paused else "unpaused"
        write_event(connection, EventKind.RUN, state, at=now, dag_run_id=key)
    return True


_STANDING = select(dag_run.c.state, dag_run.c.is_paused).where(dag_run.c.id == bindparam("key"))
_PAUSE = (
    update(dag_run)
    .where(dag_run.c.id == bindparam("key"))
    .values(is_paused=bindparam("paused"), updated_at=bindparam("now"))
)
