"""What the trace of a run is made of, and how far runs are exported."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, or_, select, update

from mainspring.events import EventKind
from mainspring.states import RUN_FINISHED
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import dag_run, feed_event, task_instance, task_try, trace_position

__all__ = [
    "EndedTry",
    "TracedRun",
    "claim_traces",
    "give_traces_back",
    "move_traces",
    "traced_run",
    "tries_since",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class TracedRun:
    """A run that has ended."""

    key: int
    dag_id: str
    run_id: str
    run_type: str
    traceparent: str | None
    queued_at: datetime
    start_date: datetime | None
    previous_end: datetime | None
    """The end before the run was cleared; None = the run had not ended before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedTry:
    """A try that has ended."""

    attempt_id: str
    task_id: str
    map_index: int
    try_number: int
    state: str
    state_reason: str | None
    executor: str
    hostname: str | None
    exit_code: int | None
    queued_at: datetime
    start_date: datetime | None
    end_date: datetime


def claim_traces(database: Database, *, by: str, now: datetime, lease: timedelta) -> int | None:
    """Take the lease of the export; returns the number of the event up to which ends are exported.

    A lease of which more than half is left is not renewed: an idle scheduler writes seldom. The first claim begins at
    the present end of the log. None = another scheduler has the lease.
    """
    with database.read() as connection:
        current = connection.execute(_CURRENT).one()
    if current.leased_by is not None:
        if current.leased_by == by and current.event_id is not None and current.leased_until - now > lease / 2:
            return int(current.event_id)
        if current.leased_by != by and current.leased_until >= now:
            return None
    with database.write() as connection:
        row = connection.execute(_CLAIM, {"me": by, "now": now, "until": now + lease}).one_or_none()
        if row is None:
            return None
        if row.event_id is not None:
            return int(row.event_id)
        last: int = connection.scalar(_LAST) or 0
        connection.execute(_MOVE, {"me": by, "event": last, "until": now + lease})
        return last


def move_traces(database: Database, event_id: int, *, by: str, until: datetime) -> bool:
    """Note that the ends up to an event are exported, and renew the lease. Returns False when another scheduler has
    taken the lease."""
    with database.write() as connection:
        return connection.execute(_MOVE, {"me": by, "event": event_id, "until": until}).rowcount > 0


def give_traces_back(database: Database, *, by: str) -> None:
    """End the lease."""
    with database.write() as connection:
        connection.execute(_GIVE_BACK, {"me": by})


def traced_run(database: Database, key: int, *, event_id: int) -> TracedRun | None:
    """The run of an end; None = the run is deleted.

    event_id: number of the event of the end.
    """
    with database.read() as connection:
        row = connection.execute(_RUN, {"key": key}).one_or_none()
        if row is None:
            return None
        previous = connection.scalar(_PREVIOUS_END, {"key": key, "event": event_id})
        return TracedRun(**row._asdict(), previous_end=previous)


def tries_since(database: Database, key: int, *, queued_after: datetime | None, limit: int) -> Iterator[list[EndedTry]]:
    """The ended tries of a run that were queued after an instant, in pages of at most `limit`, each in a read of its
    own."""
    after = ""
    while True:
        values = {"key": key, "after": after, "limit_": limit}
        statement = _TRIES if queued_after is None else _TRIES.where(task_try.c.queued_at > queued_after)
        with database.read() as connection:
            page = [EndedTry(**row._asdict()) for row in connection.execute(statement, values)]
        if page:
            yield page
        if len(page) < limit:
            return
        after = page[-1].attempt_id


_position = trace_position.c
_now = bindparam("now", type_=UtcDateTime)
_until = bindparam("until", type_=UtcDateTime)
_CURRENT = select(_position.event_id, _position.leased_by, _position.leased_until)
_CLAIM = (
    update(trace_position)
    .where(or_(_position.leased_by.is_(None), _position.leased_by == bindparam("me"), _position.leased_until < _now))
    .values(leased_by=bindparam("me"), leased_until=_until)
    .returning(_position.event_id)
)
_MOVE = (
    update(trace_position)
    .where(_position.leased_by == bindparam("me"))
    .values(event_id=bindparam("event"), leased_until=_until)
)
_GIVE_BACK = (
    update(trace_position).where(_position.leased_by == bindparam("me")).values(leased_by=None, leased_until=None)
)
_event = feed_event.c
_LAST = select(func.max(_event.id))
_run = dag_run.c
_RUN = select(
    _run.id.label("key"),
    _run.dag_id,
    _run.run_id,
    _run.run_type,
    _run.traceparent,
    _run.queued_at,
    _run.start_date,
).where(_run.id == bindparam("key"))
_PREVIOUS_END = (
    select(_event.at)
    .where(
        _event.dag_run_id == bindparam("key"),
        _event.id < bindparam("event"),
        _event.kind == EventKind.RUN.value,
        _event.state.in_(sorted(state.value for state in RUN_FINISHED)),
    )
    .order_by(_event.id.desc())
    .limit(1)
)
_TRIES = (
    select(
        task_try.c.attempt_id,
        task_instance.c.task_id,
        task_instance.c.map_index,
        task_try.c.try_number,
        task_try.c.state,
        task_try.c.state_reason,
        task_try.c.executor,
        task_try.c.hostname,
        task_try.c.exit_code,
        task_try.c.queued_at,
        task_try.c.start_date,
        task_try.c.end_date,
    )
    .join(task_instance, task_instance.c.id == task_try.c.task_instance_id)
    .where(
        task_instance.c.dag_run_id == bindparam("key"),
        task_try.c.end_date.is_not(None),
        task_try.c.attempt_id > bindparam("after"),
    )
    .order_by(task_try.c.attempt_id)
    .limit(bindparam("limit_"))
)
