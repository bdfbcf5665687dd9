"""When unfinished runs and their tasks start: changes of their earliest start and priority."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Integer, Row, bindparam, select, update

from mainspring.definition.model import DeadlineAnchor
from mainspring.errors import Conflict
from mainspring.events import EventKind
from mainspring.instants import format_instant
from mainspring.run_priority import RANKS_OF_PRIORITY
from mainspring.states import RunState
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import Key, UtcDateTime
from mainspring_store.queries.runs import run_not_found
from mainspring_store.resources.versions import Versions
from mainspring_store.state.blocking import wake_blocked
from mainspring_store.state.deadlines import move_deadlines
from mainspring_store.state.effects import lock_runs
from mainspring_store.state.events import write_event
from mainspring_store.state.instance_plan import plan_of
from mainspring_store.tables import dag_run, task_instance

__all__ = ["set_run_after", "set_run_priority"]


def set_run_after(
    database: Database, versions: Versions, dag_id: str, run_id: str, run_after: datetime, *, now: datetime
) -> bool:
    """Change the earliest start of a queued run; an instant before `now` stands for `now`. Returns False, without a
    change, when the run has this earliest start already, or is due and stays so.

    Deadlines of the run that count from its earliest start, and have not passed, move too.

    Raises:
        NotFound: There is no such run.
        Conflict: The run is not queued.
    """
    with database.read() as connection:
        version_id = connection.scalar(_VERSION, {"of_dag": dag_id, "of_run": run_id})
    if version_id is None:
        raise run_not_found(dag_id, run_id)
    definition = versions.definition(version_id)
    with database.write() as connection:
        run = _lock(connection, dag_id, run_id)
        if run.state != RunState.QUEUED:
            raise Conflict(f"run '{run_id}' of dag '{dag_id}' is {run.state}; only a queued run has a start to move")
        if run.dag_version_id != version_id:
            raise Conflict(f"run '{run_id}' of dag '{dag_id}' changed to another version at this moment; send it again")
        start = max(run_after, now)
        if run.run_after == run_after or (run.run_after <= now and run_after <= now):
            return False
        connection.execute(_SET_RUN_AFTER, {"key": run.id, "start": start, "now": now})
        move_deadlines(connection, run.id, plan_of(definition), {DeadlineAnchor.RUN_AFTER: start})
        # Without a logical date the earliest start is the place of the run under `depends_on_past`.
        wake_blocked(connection, run.id)
        write_event(
            connection, EventKind.RUN, "changed", at=now, dag_run_id=run.id, data={"run_after": format_instant(start)}
        )
    return True


def set_run_priority(database: Database, dag_id: str, run_id: str, priority: int, *, now: datetime) -> bool:
    """Change the priority of a run, and the place of its instances among the ready ones. Returns False, without a
    change, when the run has this priority already.

    priority: from -`RUN_PRIORITY_MAX` to `RUN_PRIORITY_MAX`.

    Raises:
        NotFound: There is no such run.
    """
    with database.write() as connection:
        run = _lock(connection, dag_id, run_id)
        if run.priority == priority:
            return False
        connection.execute(_SET_PRIORITY, {"key": run.id, "new": priority, "now": now})
        ranks = (priority - run.priority) * RANKS_OF_PRIORITY
        connection.execute(_MOVE_INSTANCES, {"key": run.id, "ranks": ranks})
        write_event(connection, EventKind.RUN, "changed", at=now, dag_run_id=run.id, data={"priority": priority})
    return True


def _lock(connection: Connection, dag_id: str, run_id: str) -> Row[Any]:
    """The run as it is once no other transaction changes it."""
    key = connection.scalar(_KEY, {"of_dag": dag_id, "of_run": run_id})
    if key is None or key not in lock_runs(connection, [key]):
        raise run_not_found(dag_id, run_id)
    run = connection.execute(_STANDING, {"key": key}).one_or_none()
    if run is None:
        raise run_not_found(dag_id, run_id)
    return cast("Row[Any]", run)


_run = dag_run.c
_named = (_run.dag_id == bindparam("of_dag"), _run.run_id == bindparam("of_run"))
_KEY = select(_run.id).where(*_named)
_VERSION = select(_run.dag_version_id).where(*_named)
_STANDING = select(_run.id, _run.state, _run.run_after, _run.priority, _run.dag_version_id).where(
    _run.id == bindparam("key")
)
_SET_RUN_AFTER = (
    update(dag_run)
    .where(_run.id == bindparam("key"))
    .values(run_after=bindparam("start", type_=UtcDateTime), updated_at=bindparam("now"))
)
_SET_PRIORITY = (
    update(dag_run).where(_run.id == bindparam("key")).values(priority=bindparam("new"), updated_at=bindparam("now"))
)
_MOVE_INSTANCES = (
    update(task_instance)
    .where(task_instance.c.dag_run_id == bindparam("key", type_=Key))
    .values(rank=task_instance.c.rank - bindparam("ranks", type_=Integer()))
)
