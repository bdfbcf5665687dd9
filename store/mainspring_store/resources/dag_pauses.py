"""Pausing and unpausing DAGs."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Text, bindparam, case, update

from mainspring.events import EventKind
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.dags import dag_not_found
from mainspring_store.state.events import write_event
from mainspring_store.tables import dag

__all__ = ["pause_for_deletion", "set_all_paused", "set_paused"]


def set_paused(database: Database, dag_id: str, is_paused: bool, *, by: str | None = None, now: datetime) -> None:
    """Pause or unpause a DAG. No run of a paused DAG starts.

    by: name of the user or token.

    Raises:
        NotFound: There is no such DAG.
    """
    if not set_all_paused(database, [dag_id], is_paused, by=by, now=now):
        raise dag_not_found(dag_id)


def set_all_paused(
    database: Database, dag_ids: Iterable[str], is_paused: bool, *, by: str | None = None, now: datetime
) -> list[str]:
    """As `set_paused`, for several DAGs; returns the ids of existing DAGs, sorted."""
    state = "paused" if is_paused else "unpaused"
    statement, values = (_PAUSE, {"by": by}) if is_paused else (_UNPAUSE, {})
    with database.write() as connection:
        changed = [
            dag_id
            for dag_id in sorted(dag_ids)
            if connection.execute(statement, {"id": dag_id, "paused": is_paused, "now": now, **values}).rowcount
        ]
        for dag_id in changed:
            write_event(connection, EventKind.DAG, state, at=now, dag_id=dag_id)
    return changed


def pause_for_deletion(connection: Connection, dag_id: str, *, now: datetime) -> None:
    """Pause a DAG whose deletion begins, without an event. The DAG keeps the name of who paused it before."""
    connection.execute(_SET_PAUSED, {"id": dag_id, "paused": True, "now": now})


_SET_PAUSED = (
    update(dag)
    .where(dag.c.dag_id == bindparam("id"))
    .values(
        is_paused=bindparam("paused"),
        # After a pause the scheduler must plan the next slot again.
        next_logical_date=None,
        next_data_interval_end=None,
        next_run_after=case((dag.c.next_run_after.is_not(None), bindparam("now", type_=UtcDateTime))),
        updated_at=bindparam("now"),
    )
)
_PAUSE = _SET_PAUSED.values(
    # A second pause is no new pause.
    paused_by=case((dag.c.is_paused, dag.c.paused_by), else_=bindparam("by", type_=Text())),
    paused_at=case((dag.c.is_paused, dag.c.paused_at), else_=bindparam("now", type_=UtcDateTime)),
)
_UNPAUSE = _SET_PAUSED.values(paused_by=None, paused_at=None)
