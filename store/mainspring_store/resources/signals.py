"""Signals of clients to runs. A signal is a request: only the scheduler gives the signal to a wait."""

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, func, insert, literal_column, or_, select, text, update

from mainspring.definition.model import Definition
from mainspring.errors import Conflict, InvalidInput, NotFound, Problem
from mainspring.events import EventKind
from mainspring.hints import did_you_mean
from mainspring.signals import KEPT_MAX, VALUE_BYTES_MAX, signals_of
from mainspring.states import RUN_FINISHED
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.runs import run_not_found
from mainspring_store.resources.versions import Versions
from mainspring_store.state.effects import lock_runs
from mainspring_store.state.events import write_event
from mainspring_store.tables import dag_run, run_signal, task_instance

__all__ = ["send_signal"]


def send_signal(
    database: Database, versions: Versions, dag_id: str, run_id: str, name: str, value: Any, *, by: str, now: datetime
) -> int:
    """Keep a signal until a wait of the run takes the signal; returns its id.

    The caller must notify the scheduler after the commit.

    Raises:
        NotFound: There is no such run, or no task of its version waits for such a signal.
        Conflict: The run has ended, or keeps too many signals.
        InvalidInput: The value is too large.
    """
    _check_size(value)
    names = {"dag_id": dag_id, "run_id": run_id}
    with database.read() as connection:
        row = connection.execute(_RUN, names).one_or_none()
    if row is None:
        raise run_not_found(dag_id, run_id)
    # Read before the transaction: the cache of versions then answers inside of the lock.
    versions.definition(row.dag_version_id)
    with database.write() as connection:
        if row.id not in lock_runs(connection, [row.id]):
            raise run_not_found(dag_id, run_id)
        run = connection.execute(_RUN, names).one_or_none()
        if run is None:
            raise run_not_found(dag_id, run_id)
        if run.state in RUN_FINISHED:
            raise Conflict(f"run '{run_id}' of dag '{dag_id}' has ended, and no task of it waits; clear a task first")
        task_indexes = _waits_on(versions.definition(run.dag_version_id), name, run_id)
        if (connection.scalar(_KEPT, {"run": run.id}) or 0) >= KEPT_MAX:
            raise Conflict(f"run '{run_id}' keeps {KEPT_MAX} signals that no task has taken; send more when some are")
        sent = {"dag_run_id": run.id, "name": name, "value": value, "sent_by": by, "sent_at": now}
        key: int = connection.execute(_INSERT, sent).scalar_one()
        # All waits, so that the signal finds a taker also when a user ends one of them before the scheduler looks.
        connection.execute(_WAKE, {"run": run.id, "tasks": task_indexes, "now": now})
        write_event(connection, EventKind.SIGNAL, "received", at=now, dag_run_id=run.id, data={"signal": name})
    return key


def _check_size(value: Any) -> None:
    size = len(orjson.dumps(value))
    if size > VALUE_BYTES_MAX:
        message = f"the value has {size} bytes as JSON; a signal has at most {VALUE_BYTES_MAX}"
        hint = "send the address of the data instead"
        raise InvalidInput([Problem(pointer="/value", message=message, hint=hint, code="too_large")])


def _waits_on(definition: Definition, name: str, run_id: str) -> list[int]:
    """Indexes of the tasks that wait for a signal."""
    signals = signals_of(definition)
    if name in signals:
        return list(signals[name])
    hint = did_you_mean(name, signals)
    if hint is None:
        known = ", ".join(sorted(signals)[:10])
        hint = f"known: {known}" if known else "a task waits for one by `type: wait` and `signal`"
    raise NotFound(f"no task of run '{run_id}' waits for a signal '{name}'; {hint}")


_RUN = select(dag_run.c.id, dag_run.c.state, dag_run.c.dag_version_id).where(
    dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.run_id == bindparam("run_id")
)
_KEPT = select(func.count()).where(run_signal.c.dag_run_id == bindparam("run"), text("run_signal.taken_at IS NULL"))
_INSERT = insert(run_signal).returning(run_signal.c.id)
_ti = task_instance.c
_now = bindparam("now", type_=UtcDateTime)
_WAKE = (
    update(task_instance)
    .where(
        _ti.dag_run_id == bindparam("run"),
        _ti.task_index.in_(bindparam("tasks", expanding=True)),
        _ti.state == literal_column("'deferred'"),
        or_(_ti.not_before.is_(None), _ti.not_before > _now),
    )
    .values(not_before=_now, updated_at=_now)
)
