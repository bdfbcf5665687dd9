"""Totals for monitoring: counts that processes add, and counts of ended runs and tasks, which follow from the events.

The totals are shared, so that every API process shows the same, and a total never goes back when a process ends. The
events are counted in a few statements for any number of events, up to the position up to which the log is settled.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Select, bindparam, case, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mainspring.events import EventKind
from mainspring.metric_buckets import DURATION_BOUNDS, WAIT_BOUNDS
from mainspring.states import RUN_FINISHED, TASK_FINISHED, TaskState
from mainspring_store.database.transactions import Database
from mainspring_store.queries.events import SettledEvents
from mainspring_store.queries.filters import seconds_between
from mainspring_store.tables import dag_run, feed_event, metric_dag, metric_position, metric_total, task_try

__all__ = ["DAGS_MAX", "OTHER", "Totals", "add_totals", "count_events", "read_totals"]

DAGS_MAX = 100
"""DAGs with totals of their own. Authors can invent any number of DAGs."""
OTHER = "other"
"""The label of all further DAGs."""
EVENTS_AT_ONCE = 50_000
_ROWS_AT_ONCE = 200

Totals = Mapping[tuple[str, tuple[str, ...]], float]
"""Name of a metric, and values of its labels -> value."""


def read_totals(database: Database) -> dict[str, dict[tuple[str, ...], float]]:
    """Name of a metric -> values of its labels -> total."""
    totals: dict[str, dict[tuple[str, ...], float]] = {}
    with database.read() as connection:
        for row in connection.execute(_ALL):
            totals.setdefault(str(row.name), {})[tuple(orjson.loads(row.labels))] = row.value
    return totals


def add_totals(database: Database, totals: Totals) -> None:
    """Add to totals."""
    with database.write() as connection:
        _add(connection, totals)


def count_events(database: Database, settled: SettledEvents) -> bool:
    """Count the settled events that are not counted yet, at most `EVENTS_AT_ONCE`; returns whether more are left.

    Processes may call the function at the same time: each event is counted once.
    """
    settled.look()
    if settled.position is None or settled.position <= _position(database):
        return False
    with database.write() as connection:
        start = connection.scalar(_LOCK_POSITION) or 0
        if settled.position <= start:
            return False
        # A restore leaves a gap of a billion numbers: what bounds a part is the number of events.
        part = {"start": start, "end": settled.position, "others": EVENTS_AT_ONCE - 1}
        last = connection.scalar(_LAST_OF_PART, part)
        end = settled.position if last is None else last
        bounds = {"start": start, "end": end}
        _admit_dags(connection, bounds)
        _add(connection, Counter[tuple[str, tuple[str, ...]]](_totals_of_events(connection, bounds)))
        connection.execute(_MOVE, {"end": end})
    return end < settled.position


def _position(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(_POSITION) or 0


def _admit_dags(connection: Connection, bounds: Mapping[str, int]) -> None:
    """Give totals of their own to DAGs while there are fewer than `DAGS_MAX`."""
    admitted = set(connection.scalars(_DAGS))
    if len(admitted) >= DAGS_MAX:
        return
    new_ids = [dag_id for dag_id in connection.scalars(_DAGS_OF_EVENTS, bounds) if dag_id not in admitted]
    rows = [{"dag_id": dag_id} for dag_id in new_ids[: DAGS_MAX - len(admitted)]]
    if rows:
        connection.execute(insert(metric_dag), rows)


def _totals_of_events(connection: Connection, bounds: Mapping[str, int]) -> dict[tuple[str, tuple[str, ...]], float]:
    totals: dict[tuple[str, tuple[str, ...]], float] = {}
    for row in connection.execute(_ENDS, bounds):
        totals[f"{row.kind}s_ended", (row.dag, row.state, row.state_reason or "")] = row.number
    for name, statement in _HISTOGRAMS.items():
        for row in connection.execute(statement, bounds):
            totals[f"{name}_bucket", (row.bucket,)] = row.number
            sum_key = f"{name}_sum", ()
            totals[sum_key] = totals.get(sum_key, 0.0) + (row.seconds or 0.0)
    return totals


def _add(connection: Connection, totals: Totals) -> None:
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    # In one order, so that processes that add at the same time do not wait for each other in a circle.
    rows = sorted(
        ({"name": name, "labels": _text(labels), "value": float(value)} for (name, labels), value in totals.items()),
        key=lambda row: (row["name"], row["labels"]),
    )
    for at in range(0, len(rows), _ROWS_AT_ONCE):
        statement = dialect.insert(metric_total).values(rows[at : at + _ROWS_AT_ONCE])
        changed = {"value": metric_total.c.value + statement.excluded.value}
        connection.execute(statement.on_conflict_do_update(index_elements=["name", "labels"], set_=changed))


def _text(labels: Iterable[str]) -> str:
    return orjson.dumps(list(labels)).decode()


_event = feed_event.c
_new = (_event.id > bindparam("start"), _event.id <= bindparam("end"))
_dag_id = func.coalesce(_event.dag_id, dag_run.c.dag_id)
_dag = case((_dag_id.in_(select(metric_dag.c.dag_id)), _dag_id), else_=literal(OTHER)).label("dag")
_RUN_ENDED = (_event.kind == EventKind.RUN.value, _event.state.in_([state.value for state in sorted(RUN_FINISHED)]))
_TASK_ENDED = (
    _event.kind == EventKind.TASK.value,
    _event.state.in_([state.value for state in sorted({*TASK_FINISHED, TaskState.UP_FOR_RETRY})]),
)
_IS_END = case((_event.kind == EventKind.RUN.value, _RUN_ENDED[1]), else_=_TASK_ENDED[1])
_ALL = select(metric_total.c.name, metric_total.c.labels, metric_total.c.value)
_DAGS = select(metric_dag.c.dag_id)
_POSITION = select(metric_position.c.event_id)
_LOCK_POSITION = _POSITION.with_for_update()
_LAST_OF_PART = select(_event.id).where(*_new).order_by(_event.id).offset(bindparam("others")).limit(1)
_MOVE = update(metric_position).values(event_id=bindparam("end"))
_DAGS_OF_EVENTS = (
    select(dag_run.c.dag_id)
    .select_from(feed_event)
    .join(dag_run, dag_run.c.id == _event.dag_run_id)
    .where(*_new)
    .group_by(dag_run.c.dag_id)
    .order_by(func.min(_event.id))
)
_ENDS = (
    select(_event.kind, _dag, _event.state, _event.state_reason, func.count().label("number"))
    .select_from(feed_event)
    .join(dag_run, dag_run.c.id == _event.dag_run_id)
    .where(*_new, _event.kind.in_([EventKind.RUN.value, EventKind.TASK.value]), _IS_END)
    .group_by(_event.kind, _dag, _event.state, _event.state_reason)
)


_attempt = task_try.alias("attempt")
# A clear begins a generation whose tries have the numbers of earlier tries, and a lost host costs no try number.
_STARTED = (
    select(_attempt.c.attempt_id)
    .where(_attempt.c.task_instance_id == _event.task_instance_id, _attempt.c.try_number == _event.try_number)
    .order_by(_attempt.c.generation.desc(), _attempt.c.queued_at.desc(), _attempt.c.attempt_id.desc())
    .limit(1)
    .correlate(feed_event)
)
# A task may end without a try of its own, by its upstream or by a cancel between two tries: its number is that of an
# earlier try, whose end was counted.
_ENDED = _STARTED.where(_attempt.c.end_date == _event.at)


def _histogram(
    seconds: ColumnElement[float],
    bounds: Sequence[float],
    wanted: Sequence[ColumnElement[bool]],
    *,
    attempt: Select[str] | None = None,
) -> Select[Any]:
    """Count and sum of the values in each bucket. Values that are unknown or negative are left out.

    wanted: the events that have a value.
    attempt: the try of an event about a task; None = the events are about runs.
    """
    bucket = case(*((seconds <= bound, literal(f"{bound:g}")) for bound in bounds), else_=literal("+Inf"))
    rows = select(bucket.label("bucket"), func.count().label("number"), func.sum(seconds).label("seconds"))
    joined = rows.select_from(feed_event)
    if attempt is not None:
        joined = joined.join(task_try, task_try.c.attempt_id == attempt.scalar_subquery())
    else:
        joined = joined.join(dag_run, dag_run.c.id == _event.dag_run_id)
    return joined.where(*_new, *wanted, seconds >= 0).group_by(bucket)


_try = task_try.c
_HISTOGRAMS: Mapping[str, Select[Any]] = {
    "run_duration_seconds": _histogram(
        seconds_between(dag_run.c.start_date, dag_run.c.end_date), DURATION_BOUNDS, _RUN_ENDED
    ),
    "task_duration_seconds": _histogram(
        seconds_between(_try.start_date, _try.end_date), DURATION_BOUNDS, _TASK_ENDED, attempt=_ENDED
    ),
    "task_queue_wait_seconds": _histogram(
        seconds_between(_try.queued_at, _try.start_date),
        WAIT_BOUNDS,
        (_event.kind == EventKind.TASK.value, _event.state == TaskState.RUNNING.value),
        attempt=_STARTED,
    ),
}
