"""Reading the log of events in an order that is total and safe: no reader sees an event before an earlier one can still
appear.

SQLite has one writer, so a reader sees the numbers in order. PostgreSQL draws a number before the commit, and a
transaction with a higher number may commit first. A number that is missing below a visible number is a gap: its
transaction is still under way, or was rolled back. `SettledEvents` stops at a gap. Then it asks PostgreSQL for a new
transaction id: each transaction that has drawn a number so far has a lower id. Once a snapshot shows that all lower ids
have ended (`pg_snapshot_xmin`), what the snapshot lacks will never appear. See docs/decisions/0014.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, bindparam, func, literal_column, select, text

from mainspring.events import EventKind
from mainspring_store.database.transactions import Database
from mainspring_store.queries.runs import run_not_found
from mainspring_store.tables import dag_run, feed_event, feed_floor, task_instance

__all__ = [
    "POSTGRESQL_LAST",
    "SQLITE_LAST",
    "SettledEvents",
    "StoredEvent",
    "events_after",
    "events_of_kinds",
    "events_of_run",
    "floor_of_feed",
    "is_drawn",
    "last_event_before",
]

_TRANSACTION_AGE_MAX = timedelta(minutes=10)
"""No transaction that writes events lasts longer: PostgreSQL ends idle ones and long statements much earlier."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with the names of its subjects."""

    id: int
    kind: str
    at: datetime
    dag_id: str | None
    """None = the event is about no DAG."""
    run_key: int | None
    """Primary key of the run; None = the event is about no run, or about a deleted run."""
    dag_run_id: str | None
    task_id: str | None
    map_index: int | None
    try_number: int | None
    state: str
    state_reason: str | None
    seq: int | None
    data: Mapping[str, Any] | None

    @property
    def members(self) -> dict[str, Any]:
        """The event as clients see it. Members that do not belong to its kind are left out."""
        members: dict[str, Any] = {"at": self.at}
        if self.dag_id is not None:
            members["dag_id"] = self.dag_id
        if self.dag_run_id is not None:
            members["dag_run_id"] = self.dag_run_id
        if self.task_id is not None:
            members |= {"task_id": self.task_id, "map_index": self.map_index, "try_number": self.try_number}
        if self.kind != EventKind.MANY:
            members["state"] = self.state
        if self.kind in (EventKind.RUN, EventKind.TASK):
            members["state_reason"] = self.state_reason
            if self.seq is not None:
                members["seq"] = self.seq
        return members | dict(self.data or {})


class SettledEvents:
    """The position up to which the log is settled: no event can appear there any more. For one thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.position: int | None = None
        """Number of the last settled event; 0 = the log is empty; None = not known yet."""
        self._pending: tuple[int, int] | None = None
        """A number, and the transaction id that settles all numbers up to it once no lower id is under way."""
        self._blocked_since: float | None = None

    @property
    def lag_seconds(self) -> float:
        """For how long a foreign transaction has kept later events back."""
        return 0.0 if self._blocked_since is None else monotonic() - self._blocked_since

    @property
    def is_blocked(self) -> bool:
        """Whether the log has events behind the position that cannot be given out yet."""
        return self._blocked_since is not None

    def look(self) -> None:
        """Move the position ahead without reading events. A second call may be needed until the position moves."""
        with self._database.read() as connection:
            if self._database.is_sqlite:
                self.position = connection.scalar(SQLITE_LAST) or 0
                return
            xmin: int = connection.execute(_XMIN).scalar_one()
            if self._pending is not None and xmin > self._pending[1]:
                self._settle(self._pending[0])
            last: int = connection.scalar(POSTGRESQL_LAST) or 0
            if last != self.position and self._pending is None:
                self._ask(connection, last)

    def start_earlier(self, now: datetime) -> None:
        """Begin at an event that is older than any transaction of ours, because a transaction blocks the latest."""
        if self.position is None:
            self.position = last_event_before(self._database, now - _TRANSACTION_AGE_MAX)

    def read(self, limit: int) -> list[StoredEvent]:
        """The next settled events, at most `limit`, and move the position behind them. The position must be known."""
        return _events(self._rows(_AFTER, limit))

    def skim(self, limit: int) -> Mapping[int, str]:
        """The number and kind of the next settled events, as `read` moves the position: a third of the work."""
        return {row.id: row.kind for row in self._rows(_SKIMMED, limit)}

    def _rows(self, statement: Select[Any], limit: int) -> Sequence[Any]:
        assert self.position is not None
        with self._database.read() as connection:
            parameters = {"after": self.position, "limit_": limit}
            if self._database.is_sqlite:
                rows: Sequence[Any] = connection.execute(statement, parameters).all()
            else:
                rows = self._without_gaps(connection, connection.execute(_WITH_XMIN[statement], parameters).all())
        if rows:
            self.position = rows[-1].id
        return rows

    def _without_gaps(self, connection: Connection, rows: Sequence[Any]) -> Sequence[Any]:
        """The rows up to the first gap that may still be filled."""
        if not rows:
            return rows
        assert self.position is not None
        settled = self.position
        if self._pending is not None and rows[0].xmin > self._pending[1]:
            settled = self._pending[0]
            self._pending = None
        expected = self.position + 1
        for index, row in enumerate(rows):
            if row.id != expected and row.id - 1 > settled:
                self._ask(connection, rows[-1].id)
                return rows[:index]
            expected = row.id + 1
        self._blocked_since = None
        return rows

    def _ask(self, connection: Connection, last: int) -> None:
        if self._blocked_since is None:
            self._blocked_since = monotonic()
        if self._pending is None:
            self._pending = (last, connection.execute(_NEW_TRANSACTION).scalar_one())

    def _settle(self, number: int) -> None:
        self.position = max(number, self.position or 0)
        self._pending = None
        self._blocked_since = None


def events_after(database: Database, after: int, upto: int, limit: int) -> list[StoredEvent]:
    """The settled events behind `after`, up to `upto`, which must be settled; at most `limit`."""
    with database.read() as connection:
        return _events(connection.execute(_BETWEEN, {"after": after, "upto": upto, "limit_": limit}).all())


def events_of_kinds(database: Database, start: int, upto: int, kinds: Iterable[str]) -> list[StoredEvent]:
    """The settled events of some kinds behind `start`, up to `upto`, which must be settled."""
    with database.read() as connection:
        parameters = {"after": start, "upto": upto, "kinds": sorted(kinds)}
        return _events(connection.execute(_OF_KINDS, parameters).all())


def events_of_run(database: Database, dag_id: str, run_id: str, after: int, limit: int) -> list[StoredEvent]:
    """The events of a run behind `after`, oldest first. The lock of the run orders its events, so they are settled.

    Raises:
        NotFound: There is no such run.
    """
    with database.read() as connection:
        key = connection.scalar(_RUN_KEY, {"dag_id": dag_id, "run_id": run_id})
        if key is None:
            raise run_not_found(dag_id, run_id)
        return _events(connection.execute(_OF_RUN, {"key": key, "after": after, "limit_": limit}).all())


def floor_of_feed(database: Database) -> int:
    """A follower whose last event has a lower number may miss events."""
    with database.read() as connection:
        return connection.scalar(select(feed_floor.c.event_id)) or 0


def is_drawn(database: Database, number: int) -> bool:
    """Whether the log has given out a number, or a higher one."""
    with database.read() as connection:
        last: int | None = connection.scalar(SQLITE_LAST if database.is_sqlite else POSTGRESQL_LAST)
    return number <= (last or 0)


def last_event_before(database: Database, instant: datetime) -> int:
    """Number of the last event before an instant, by bisection: the order of events is about the order of time. 0 = no
    event is that old."""
    with database.read() as connection:
        low, high = 0, connection.scalar(select(func.max(feed_event.c.id))) or 0
        while low < high:
            middle = (low + high + 1) // 2
            at = connection.scalar(_FIRST_AT, {"id": middle})
            if at is not None and at < instant:
                low = middle
            else:
                high = middle - 1
    return low


def _events(rows: Sequence[Any]) -> list[StoredEvent]:
    """Without the events of deleted task instances."""
    return [
        StoredEvent(*tuple(row)[: len(_COLUMNS)])
        for row in rows
        if row.task_instance_id is None or row.task_id is not None
    ]


_event = feed_event.c
_COLUMNS = (
    _event.id,
    _event.kind,
    _event.at,
    func.coalesce(_event.dag_id, dag_run.c.dag_id).label("dag_id"),
    _event.dag_run_id.label("run_key"),
    dag_run.c.run_id.label("dag_run_id"),
    task_instance.c.task_id,
    task_instance.c.map_index,
    _event.try_number,
    _event.state,
    _event.state_reason,
    _event.seq,
    _event.data,
)
_ROWS = (
    select(*_COLUMNS, _event.task_instance_id)
    .select_from(feed_event)
    .outerjoin(dag_run, dag_run.c.id == _event.dag_run_id)
    .outerjoin(task_instance, task_instance.c.id == _event.task_instance_id)
)
_AFTER = _ROWS.where(_event.id > bindparam("after")).order_by(_event.id).limit(bindparam("limit_"))
_BETWEEN = _AFTER.where(_event.id <= bindparam("upto"))
_OF_RUN = _AFTER.where(_event.dag_run_id == bindparam("key"))
_xmin = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint", BigInteger()).label("xmin")
_SKIMMED = (
    select(_event.id, _event.kind).where(_event.id > bindparam("after")).order_by(_event.id).limit(bindparam("limit_"))
)
_WITH_XMIN = {statement: statement.add_columns(_xmin) for statement in (_AFTER, _SKIMMED)}
_OF_KINDS = _ROWS.where(
    _event.id > bindparam("after"),
    _event.id <= bindparam("upto"),
    _event.kind.in_(bindparam("kinds", expanding=True)),
).order_by(_event.id)
_XMIN = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
_NEW_TRANSACTION = text("SELECT pg_current_xact_id()::text::bigint")
SQLITE_LAST = text("SELECT seq FROM sqlite_sequence WHERE name = 'feed_event'")
POSTGRESQL_LAST = text("SELECT pg_sequence_last_value('feed_event_id_seq')")
"""As `SQLITE_LAST`: the last number that the log has given out; no row, or NULL = none yet."""
_RUN_KEY = select(dag_run.c.id).where(dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.run_id == bindparam("run_id"))
_FIRST_AT = select(_event.at).where(_event.id >= bindparam("id")).order_by(_event.id).limit(1)
