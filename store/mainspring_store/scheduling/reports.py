"""Reports: starts and ends of attempts, their outputs and logs, and which attempts are live."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import Integer

from mainspring.attempts import Finished, LogChunk, Outcome, Report, Started
from mainspring.states import TASK_FINISHED, StateReason, TaskState
from mainspring_store.database.batches import Fields, as_rows, dump_rows
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.resources.logs import insert_chunks
from mainspring_store.state.blocking import ANY_BLOCKED
from mainspring_store.state.conditions import (
    ACTIVE,
    LIVE,
    decide_rows,
    ended_values,
    update_values,
)
from mainspring_store.state.readiness import may_decide
from mainspring_store.state.records import (
    END_FIELDS,
    UPDATE_FIELDS,
    AttemptEnd,
    LateReport,
    LiveAttempt,
    StateUpdate,
)
from mainspring_store.tables import attempt_report, dag_run, task_instance, task_try, xcom

__all__ = ["ReportWrites", "note_never_claimed", "unstopped_cancels"]


LATE_START = "its start was reported after its end"
_LATE_FIELDS: Fields = {
    "attempt_id": str,
    "stopped_at": datetime,
    "start_date": datetime,
    "hostname": str,
    "pid": int,
}


class ReportWrites:
    """The part of a pass that applies reports."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._statements = _statements(connection.dialect.name == "sqlite")
        self.saw_blocked = False

    def end_attempts(self, ends: Sequence[AttemptEnd]) -> frozenset[str]:
        """Record starts and ends of attempts; returns the ids of those that were live and took it."""
        rows = dump_rows({name: getattr(end, name) for name in END_FIELDS} for end in ends)
        return frozenset(self._connection.scalars(self._statements.end_attempts, {"rows": rows}))

    def note_late(self, late: Iterable[LateReport]) -> None:
        """Record what is reported of attempts that had ended before: their start, where none is recorded yet, and that
        nothing of them runs any more. A late start is said so in the message of the attempt."""
        reports = list(late)
        rows = dump_rows(asdict(report) for report in reports)
        self._connection.execute(self._statements.note_late, {"rows": rows})
        if any(report.start_date is not None for report in reports):
            self._connection.execute(self._statements.start_ended_instances, {"rows": rows})

    def follow_reports(self, decided: Sequence[StateUpdate]) -> frozenset[int]:
        """Move instances whose live attempt (`attempt_id`) reported; returns the ids of those that moved."""
        rows = self._connection.execute(self._statements.follow_reports, {"rows": decide_rows(decided)}).all()
        self.saw_blocked = any(row.any_blocked for row in rows)
        return frozenset(row.id for row in rows)

    def live_attempts(self, attempt_ids: Sequence[str]) -> list[LiveAttempt]:
        """Those of the attempts that are live."""
        rows = dump_rows({"attempt_id": attempt_id} for attempt_id in attempt_ids)
        return [_live(row) for row in self._connection.execute(self._statements.live_attempts, {"rows": rows})]

    def unstopped_attempts(self, executor: str) -> list[LiveAttempt]:
        """Every attempt of an executor of which something may still run, live or fenced; oldest first."""
        return [_live(row) for row in self._connection.execute(self._statements.unstopped, {"executor": executor})]

    def unleased_attempts(self, besides: Collection[str], now: datetime) -> list[LiveAttempt]:
        """The same of every executor but these, without those that a worker still holds a lease of."""
        parameters = {"besides": list(besides), "now": now}
        return [_live(row) for row in self._connection.execute(self._statements.unleased, parameters)]

    def first_starts(self, instance_ids: Iterable[int]) -> Mapping[int, datetime]:
        """When the first try of each instance's present generation started; without those of which none has."""
        rows = dump_rows({"id": instance_id} for instance_id in instance_ids)
        found = self._connection.execute(self._statements.first_starts, {"rows": rows})
        return {row.id: row.started_at for row in found}

    def take_remote(self, limit: int) -> list[Report]:
        """Take the reports of remote workers out of the inbox, all those of at most `limit` attempts, the oldest first;
        they are gone once this pass commits."""
        taken = self._connection.execute(self._statements.take_remote, {"limit_": limit}).all()
        return [_remote_report(row.attempt_id, row.kind, row.body) for row in sorted(taken, key=lambda row: row.id)]

    def expired_leases(self, now: datetime) -> list[Started]:
        """A start for each attempt that a worker claimed and whose lease ran out before `now`: whoever claimed it may
        have begun it since, whatever was reported."""
        rows = self._connection.execute(self._statements.expired_leases, {"now": now})
        return [Started(attempt_id=row.attempt_id, seq=0, at=row.claimed_at, hostname=row.hostname) for row in rows]

    def drop_remote(self, attempt_id: str) -> None:
        """Throw the reports of an attempt away: they cannot be applied."""
        self._connection.execute(self._statements.drop_remote, {"me": attempt_id})

    def note_expired_stops(self, before: datetime, *, now: datetime) -> None:
        """Fenced attempts whose lease ran out before an instant: their worker has stopped them, or is no more."""
        self._connection.execute(self._statements.note_expired_stops, {"before": before, "now": now})

    def unclaimed(self, executor: str, before: datetime) -> dict[str, str]:
        """Attempts of a remote executor that were queued before an instant and that no worker has claimed, with their
        queues; oldest first, a bounded number."""
        params = {"executor": executor, "before": before}
        return {row.attempt_id: row.queue for row in self._connection.execute(self._statements.unclaimed, params)}

    def store_outputs(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Store outputs (`instance_id`, `key`, `value` as JSON text, `at`), replacing those of an earlier try."""
        self._connection.execute(self._statements.store_outputs, {"rows": dump_rows(rows)})

    def append_log(self, chunks: Sequence[LogChunk]) -> None:
        """See `logs.append_chunks`."""
        insert_chunks(self._connection, chunks)


def unstopped_cancels(database: Database) -> list[tuple[str, str]]:
    """(executor, attempt id) of attempts that were fenced and whose processes may still run."""
    with database.read() as connection:
        return [(row.executor, row.attempt_id) for row in connection.execute(_UNSTOPPED_CANCELS)]


def note_never_claimed(database: Database, executors: Iterable[str], *, now: datetime) -> None:
    """Fenced attempts of remote executors that no worker had claimed: none ever will, so they have stopped."""
    with database.write() as connection:
        connection.execute(_NOTE_NEVER_CLAIMED, {"executors": list(executors), "now": now})


_FENCED = and_(task_try.c.stopped_at.is_(None), task_try.c.cancel_requested_at.is_not(None))
_UNSTOPPED_CANCELS = select(task_try.c.executor, task_try.c.attempt_id).where(_FENCED)
_NOTE_NEVER_CLAIMED = (
    update(task_try)
    .where(_FENCED, task_try.c.claimed_at.is_(None), task_try.c.executor.in_(bindparam("executors", expanding=True)))
    .values(stopped_at=bindparam("now", type_=UtcDateTime))
)


class _Statements:
    def __init__(self, is_sqlite: bool) -> None:
        def rows_of(fields: Fields) -> Any:
            return as_rows(fields, is_sqlite=is_sqlite)

        rows = rows_of(END_FIELDS)
        self.end_attempts = (
            update(task_try)
            .where(
                task_try.c.attempt_id == rows.c.attempt_id,
                LIVE,
                # A start that comes late or twice changes nothing.
                or_(rows.c.state != literal_column("'running'"), task_try.c.state == literal_column("'queued'")),
            )
            .values(**ended_values(rows))
            .returning(task_try.c.attempt_id)
        )
        rows = rows_of(_LATE_FIELDS)
        starts_now = and_(task_try.c.start_date.is_(None), rows.c.start_date.is_not(None))
        self.note_late = (
            update(task_try)
            .where(
                task_try.c.attempt_id == rows.c.attempt_id,
                ~LIVE,
                or_(and_(task_try.c.stopped_at.is_(None), rows.c.stopped_at.is_not(None)), starts_now),
            )
            .values(
                stopped_at=func.coalesce(task_try.c.stopped_at, rows.c.stopped_at),
                # An attempt that was fenced on its way to its start began after its end.
                start_date=case(
                    (and_(starts_now, rows.c.start_date > task_try.c.end_date), task_try.c.end_date),
                    else_=func.coalesce(task_try.c.start_date, rows.c.start_date),
                ),
                hostname=func.coalesce(task_try.c.hostname, rows.c.hostname),
                pid=func.coalesce(task_try.c.pid, rows.c.pid),
                message=case(
                    (starts_now, func.coalesce(task_try.c.message + literal_column("'; '"), "") + LATE_START),
                    else_=task_try.c.message,
                ),
            )
        )
        rows = rows_of(_LATE_FIELDS)
        self.start_ended_instances = (
            update(task_instance)
            .where(
                task_instance.c.attempt_id == rows.c.attempt_id,
                task_try.c.attempt_id == rows.c.attempt_id,
                task_try.c.generation == task_instance.c.generation,
                rows.c.start_date.is_not(None),
                task_instance.c.start_date.is_(None),
                task_instance.c.state.in_([literal_column(f"'{state}'") for state in sorted(TASK_FINISHED)]),
            )
            .values(start_date=task_try.c.start_date)
        )
        rows = rows_of(UPDATE_FIELDS)
        self.follow_reports = (
            update(task_instance)
            .where(task_instance.c.id == rows.c.id, task_instance.c.attempt_id == rows.c.attempt_id, ACTIVE)
            # Another try waits for an upstream that was cleared meanwhile.
            .values(**{**update_values(rows), "ready": and_(rows.c.ready, may_decide())})
            .returning(task_instance.c.id, ANY_BLOCKED.label("any_blocked"))
        )
        attempts = (
            select(
                task_try.c.attempt_id,
                task_instance.c.id.label("instance_id"),
                task_instance.c.dag_run_id,
                dag_run.c.dag_version_id.label("version_id"),
                task_instance.c.task_index,
                task_instance.c.map_index,
                task_try.c.try_number,
                task_instance.c.max_tries,
                task_instance.c.pool,
                task_instance.c.pool_slots,
                task_try.c.executor,
                task_try.c.owner,
                task_try.c.queued_at,
                task_instance.c.state,
                task_instance.c.waits_for,
            )
            .select_from(task_try)
            .join(task_instance, task_instance.c.id == task_try.c.task_instance_id)
            .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
        )
        live = attempts.where(LIVE)
        rows = rows_of({"attempt_id": str})
        self.live_attempts = live.where(task_try.c.attempt_id.in_(select(rows.c.attempt_id)))
        self.unstopped = attempts.where(
            task_try.c.executor == bindparam("executor"), task_try.c.stopped_at.is_(None)
        ).order_by(task_try.c.attempt_id)
        self.unleased = attempts.where(
            task_try.c.executor.not_in(bindparam("besides", expanding=True)),
            task_try.c.stopped_at.is_(None),
            func.coalesce(task_try.c.lease_expires_at < bindparam("now", type_=UtcDateTime), true()),
        ).order_by(task_try.c.attempt_id)
        rows = rows_of({"id": int})
        self.first_starts = (
            select(task_instance.c.id, func.min(task_try.c.start_date, type_=UtcDateTime).label("started_at"))
            .join(task_instance, task_instance.c.id == task_try.c.task_instance_id)
            .where(
                task_try.c.task_instance_id.in_(select(rows.c.id)),
                task_try.c.generation == task_instance.c.generation,
                task_try.c.start_date.is_not(None),
            )
            .group_by(task_instance.c.id)
        )
        # The first report of an attempt stands for all of them: the scheduler that holds its row takes all, so that a
        # start and an end are never applied by two schedulers in the wrong order.
        earlier = attempt_report.alias("earlier")
        has_earlier = exists().where(
            earlier.c.attempt_id == attempt_report.c.attempt_id, earlier.c.id < attempt_report.c.id
        )
        oldest = (
            select(attempt_report.c.attempt_id)
            .where(~has_earlier)
            .order_by(attempt_report.c.id)
            .limit(bindparam("limit_", type_=Integer()))
        )
        if not is_sqlite:
            oldest = oldest.with_for_update(skip_locked=True, of=attempt_report)
        # As a CTE, so that PostgreSQL asks it once and takes no more than the limit; a locking one is not inlined.
        first = oldest.cte("oldest")
        self.take_remote = (
            delete(attempt_report)
            .where(attempt_report.c.attempt_id.in_(select(first.c.attempt_id)))
            .returning(attempt_report.c.id, attempt_report.c.attempt_id, attempt_report.c.kind, attempt_report.c.body)
        )
        self.expired_leases = select(task_try.c.attempt_id, task_try.c.claimed_at, task_try.c.hostname).where(
            text("stopped_at IS NULL"), LIVE, task_try.c.lease_expires_at < bindparam("now", type_=UtcDateTime)
        )
        self.note_expired_stops = (
            update(task_try)
            .where(
                text("stopped_at IS NULL"),
                not_(LIVE),
                task_try.c.lease_expires_at < bindparam("before", type_=UtcDateTime),
            )
            .values(stopped_at=bindparam("now", type_=UtcDateTime))
        )
        self.drop_remote = delete(attempt_report).where(attempt_report.c.attempt_id == bindparam("me"))
        self.unclaimed = (
            select(task_try.c.attempt_id, task_instance.c.queue)
            .join(task_instance, task_instance.c.id == task_try.c.task_instance_id)
            .where(
                text("stopped_at IS NULL"),
                task_try.c.executor == bindparam("executor"),
                task_try.c.state == literal_column("'queued'"),
                task_try.c.claimed_at.is_(None),
                task_try.c.queued_at < bindparam("before", type_=UtcDateTime),
            )
            .order_by(task_try.c.queued_at, task_try.c.attempt_id)
            .limit(1000)
        )
        rows = rows_of({"instance_id": int, "key": str, "value": str, "at": datetime})
        columns = ["task_instance_id", "key", "value", "timestamp"]
        # `WHERE true` keeps SQLite from reading ON CONFLICT as a join condition.
        chosen = select(rows.c.instance_id, rows.c.key, rows.c.value, rows.c.at).where(text("true"))
        dialect: Any = sqlite if is_sqlite else postgresql
        stored = dialect.insert(xcom).from_select(columns, chosen)
        self.store_outputs = stored.on_conflict_do_update(
            index_elements=["task_instance_id", "key"],
            set_={"value": stored.excluded.value, "timestamp": stored.excluded.timestamp},
        )


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)


def _remote_report(attempt_id: str, kind: str, body: Mapping[str, Any]) -> Report:
    """The report in an inbox row, as `remote` wrote it after checking it."""
    at = datetime.fromisoformat(body["at"])
    if kind == "started":
        return Started(attempt_id=attempt_id, seq=1, at=at, hostname=body["hostname"], pid=body.get("pid"))
    return Finished(
        attempt_id=attempt_id,
        seq=2,
        at=at,
        outcome=Outcome(body["outcome"]),
        reason=StateReason(body["reason"]) if body.get("reason") else None,
        message=body.get("message"),
        exit_code=body.get("exit_code"),
        outputs=body.get("outputs") or {},
        log_bytes=body.get("log_bytes", 0),
    )


def _live(row: Any) -> LiveAttempt:
    fields = dict(row._mapping)
    return LiveAttempt(state=TaskState(fields.pop("state")), **fields)
