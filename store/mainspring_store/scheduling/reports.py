"""Reports in a pass: starts and ends of attempts, their outputs and logs, and the live attempts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Executable,
    Insert,
    Select,
    Table,
    Update,
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
from mainspring.large_values import LargeValue
from mainspring.states import TASK_FINISHED, TaskState, known_reason
from mainspring_store.database.batches import Batch, Fields, as_rows, dump_rows
from mainspring_store.database.pipeline import Check
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.resources.logs import insert_chunks
from mainspring_store.scheduling.parts import MovingPart
from mainspring_store.state.blocking import ANY_BLOCKED
from mainspring_store.state.conditions import (
    ACTIVE,
    LIVE,
    ended_values,
    update_values,
)
from mainspring_store.state.readiness import may_decide
from mainspring_store.state.records import (
    END_FIELDS,
    RESTORED_OWNER,
    UPDATE_FIELDS,
    AttemptEnd,
    LateReport,
    LiveAttempt,
    StateUpdate,
    TurnFacts,
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


class ReportWrites(MovingPart):
    """The part of a pass that applies reports.

    Each statement is built once for each dialect, by the cached function above the method that runs it.
    """

    @staticmethod
    @cache
    def _update_live_attempts(is_sqlite: bool) -> Update:
        rows = as_rows(END_FIELDS, is_sqlite=is_sqlite)
        return (
            update(task_try)
            .where(
                task_try.c.attempt_id == rows.c.attempt_id,
                LIVE,
                # A late or repeated start changes nothing.
                or_(rows.c.state != literal_column("'running'"), task_try.c.state == literal_column("'queued'")),
            )
            .values(**ended_values(rows))
            .returning(task_try.c.attempt_id)
        )

    def end_attempts(self, ends: Sequence[AttemptEnd]) -> frozenset[str]:
        """Record starts and ends of live attempts; returns the ids of the changed attempts."""
        rows = Batch({name: getattr(end, name) for name in END_FIELDS} for end in ends)
        statement = self._update_live_attempts(self._is_sqlite)
        predicted = ((end.attempt_id,) for end in ends)
        check = Check("true", len(ends))
        changed = self._statements.guarded(statement, {"rows": rows}, predicted, check=check)
        return frozenset(attempt_id for (attempt_id,) in changed)

    @staticmethod
    @cache
    def _update_ended_attempts(is_sqlite: bool) -> Update:
        rows = as_rows(_LATE_FIELDS, is_sqlite=is_sqlite)
        starts_now = and_(task_try.c.start_date.is_(None), rows.c.start_date.is_not(None))
        return (
            update(task_try)
            .where(
                task_try.c.attempt_id == rows.c.attempt_id,
                ~LIVE,
                or_(and_(task_try.c.stopped_at.is_(None), rows.c.stopped_at.is_not(None)), starts_now),
            )
            .values(
                stopped_at=func.coalesce(task_try.c.stopped_at, rows.c.stopped_at),
                # The process of an attempt fenced before its start may begin after the end of the attempt.
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

    @staticmethod
    @cache
    def _update_starts_of_ended_instances(is_sqlite: bool) -> Update:
        rows = as_rows(_LATE_FIELDS, is_sqlite=is_sqlite)
        return (
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

    def note_late(self, late: Iterable[LateReport]) -> None:
        """Record late reports of ended attempts: a missing start, and the stop of the processes.

        The message of an attempt mentions its late start.
        """
        reports = list(late)
        rows = dump_rows(asdict(report) for report in reports)
        self._connection.execute(self._update_ended_attempts(self._is_sqlite), {"rows": rows})
        if any(report.start_date is not None for report in reports):
            self._connection.execute(self._update_starts_of_ended_instances(self._is_sqlite), {"rows": rows})

    @staticmethod
    @cache
    def _update_reported_instances(is_sqlite: bool) -> Update:
        rows = as_rows(UPDATE_FIELDS, is_sqlite=is_sqlite)
        return (
            update(task_instance)
            .where(task_instance.c.id == rows.c.id, task_instance.c.attempt_id == rows.c.attempt_id, ACTIVE)
            # A client may have cleared the upstream during the try: then the next try waits for the upstream.
            .values(**{**update_values(rows), "ready": and_(rows.c.ready, may_decide())})
            .returning(task_instance.c.id, ANY_BLOCKED.label("any_blocked"))
        )

    def follow_reports(self, updates: Sequence[StateUpdate]) -> frozenset[int]:
        """Move instances after reports of their live attempts (`attempt_id`); returns the ids of moved instances."""
        return self._move(self._update_reported_instances(self._is_sqlite), updates)

    @staticmethod
    @cache
    def _select_live_attempts(is_sqlite: bool) -> Select[Any]:
        rows = as_rows({"attempt_id": str}, is_sqlite=is_sqlite)
        return _select_attempts().where(LIVE).where(task_try.c.attempt_id.in_(select(rows.c.attempt_id)))

    def live_attempts(self, attempt_ids: Sequence[str]) -> list[LiveAttempt]:
        """The live attempts among these ids."""
        rows = dump_rows({"attempt_id": attempt_id} for attempt_id in attempt_ids)
        return [
            _live(row) for row in self._connection.execute(self._select_live_attempts(self._is_sqlite), {"rows": rows})
        ]

    @staticmethod
    @cache
    def _select_unstopped_attempts() -> Select[Any]:
        return (
            _select_attempts()
            .where(task_try.c.executor == bindparam("executor"), task_try.c.stopped_at.is_(None))
            .order_by(task_try.c.attempt_id)
        )

    def unstopped_attempts(self, executor: str) -> list[LiveAttempt]:
        """Every attempt of an executor, live or fenced, whose processes may still run; oldest first."""
        rows = self._connection.execute(self._select_unstopped_attempts(), {"executor": executor})
        return [_live(row) for row in rows]

    @staticmethod
    @cache
    def _select_unleased_attempts() -> Select[Any]:
        return (
            _select_attempts()
            .where(
                task_try.c.stopped_at.is_(None),
                or_(
                    task_try.c.owner == literal_column(f"'{RESTORED_OWNER}'"),
                    and_(
                        task_try.c.executor.not_in(bindparam("excluded", expanding=True)),
                        func.coalesce(task_try.c.lease_expires_at < bindparam("now", type_=UtcDateTime), true()),
                    ),
                ),
            )
            .order_by(task_try.c.attempt_id)
        )

    def unleased_attempts(self, excluded_executors: Collection[str], now: datetime) -> list[LiveAttempt]:
        """Unstopped attempts of all executors except the excluded ones, without a valid lease of a worker.

        Attempts of a restored backup are among them, on every executor: no worker holds them any more.
        """
        parameters = {"excluded": list(excluded_executors), "now": now}
        return [_live(row) for row in self._connection.execute(self._select_unleased_attempts(), parameters)]

    @staticmethod
    @cache
    def _select_first_starts(is_sqlite: bool) -> Select[Any]:
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        return (
            select(task_instance.c.id, func.min(task_try.c.start_date, type_=UtcDateTime).label("started_at"))
            .join(task_instance, task_instance.c.id == task_try.c.task_instance_id)
            .where(
                task_try.c.task_instance_id.in_(select(rows.c.id)),
                task_try.c.generation == task_instance.c.generation,
                _turn(task_try) == _turn(task_instance),
                task_try.c.start_date.is_not(None),
            )
            .group_by(task_instance.c.id)
        )

    def first_starts(self, instance_ids: Iterable[int]) -> Mapping[int, datetime]:
        """Instance id -> start of the first try since the last clear, in the present turn of a task with `repeat`.

        Instances without a start are absent.
        """
        rows = dump_rows({"id": instance_id} for instance_id in instance_ids)
        starts = self._connection.execute(self._select_first_starts(self._is_sqlite), {"rows": rows})
        return {row.id: row.started_at for row in starts}

    @staticmethod
    @cache
    def _select_turns(is_sqlite: bool) -> Select[Any]:
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        columns = (task_instance.c.id, _turn(task_instance).label("turn"), task_instance.c.map_value)
        return select(*columns).where(task_instance.c.id.in_(select(rows.c.id)))

    def turns(self, instance_ids: Iterable[int]) -> Mapping[int, TurnFacts]:
        """Instance id -> its turn, for instances of tasks with `repeat`."""
        rows = dump_rows({"id": instance_id} for instance_id in instance_ids)
        return {
            row.id: TurnFacts(turn=row.turn, map_value=row.map_value)
            for row in self._connection.execute(self._select_turns(self._is_sqlite), {"rows": rows})
        }

    @staticmethod
    @cache
    def _select_outputs_of_instance() -> Select[Any]:
        columns = (xcom.c.key, xcom.c.value, xcom.c.large_id)
        return select(*columns).where(xcom.c.task_instance_id == bindparam("me"))

    def outputs_of(self, instance_id: int) -> Mapping[str, tuple[str, str | None]]:
        """Output name -> value as JSON text, and `large_id`: the stored outputs of an instance."""
        rows = self._connection.execute(self._select_outputs_of_instance(), {"me": instance_id})
        return {row.key: (row.value, row.large_id) for row in rows}

    @staticmethod
    @cache
    def _delete_oldest_remote_reports(is_sqlite: bool) -> Executable:
        # The first report of an attempt stands for all of its reports. The scheduler with the lock of the first report
        # takes all, so two schedulers never apply a start and an end in the wrong order.
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
        # PostgreSQL evaluates a CTE with a lock once and does not inline it, so the limit holds.
        first = oldest.cte("oldest")
        return (
            delete(attempt_report)
            .where(attempt_report.c.attempt_id.in_(select(first.c.attempt_id)))
            .returning(attempt_report.c.id, attempt_report.c.attempt_id, attempt_report.c.kind, attempt_report.c.body)
        )

    def take_remote(self, limit: int) -> list[Report]:
        """Take all reports of at most `limit` attempts out of the inbox of the remote workers, oldest first.

        The commit of this pass deletes the reports.
        """
        rows = self._connection.execute(self._delete_oldest_remote_reports(self._is_sqlite), {"limit_": limit}).all()
        return [_remote_report(row.attempt_id, row.kind, row.body) for row in sorted(rows, key=lambda row: row.id)]

    @staticmethod
    @cache
    def _select_expired_leases() -> Select[Any]:
        return select(task_try.c.attempt_id, task_try.c.claimed_at, task_try.c.hostname).where(
            text("stopped_at IS NULL"), LIVE, task_try.c.lease_expires_at < bindparam("now", type_=UtcDateTime)
        )

    def expired_leases(self, now: datetime) -> list[Started]:
        """A start for each claimed attempt whose lease expired before `now`.

        The worker may have started the attempt without a report of the start.
        """
        rows = self._connection.execute(self._select_expired_leases(), {"now": now})
        return [Started(attempt_id=row.attempt_id, seq=0, at=row.claimed_at, hostname=row.hostname) for row in rows]

    @staticmethod
    @cache
    def _delete_remote_reports() -> Delete:
        return delete(attempt_report).where(attempt_report.c.attempt_id == bindparam("me"))

    def drop_remote(self, attempt_id: str) -> None:
        """Delete the reports of an attempt from the inbox, because the scheduler cannot apply them."""
        self._connection.execute(self._delete_remote_reports(), {"me": attempt_id})

    @staticmethod
    @cache
    def _stop_fenced_attempts() -> Update:
        return (
            update(task_try)
            .where(
                text("stopped_at IS NULL"),
                not_(LIVE),
                task_try.c.lease_expires_at < bindparam("before", type_=UtcDateTime),
            )
            .values(stopped_at=bindparam("now", type_=UtcDateTime))
        )

    def note_expired_stops(self, expiry: datetime, *, now: datetime) -> None:
        """Mark fenced attempts as stopped whose lease expired before `expiry`.

        Their worker has stopped their processes, or is dead.
        """
        self._connection.execute(self._stop_fenced_attempts(), {"before": expiry, "now": now})

    @staticmethod
    @cache
    def _select_unclaimed_attempts() -> Select[Any]:
        return (
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

    def unclaimed(self, executor: str, queued_before: datetime) -> dict[str, str]:
        """Attempt id -> queue of unclaimed attempts of a remote executor, queued before an instant.

        Oldest first; a bounded number.
        """
        params = {"executor": executor, "before": queued_before}
        return {
            row.attempt_id: row.queue for row in self._connection.execute(self._select_unclaimed_attempts(), params)
        }

    @staticmethod
    @cache
    def _upsert_outputs(is_sqlite: bool) -> Insert:
        fields: Fields = {"instance_id": int, "key": str, "value": str, "at": datetime, "large_id": str}
        rows = as_rows(fields, is_sqlite=is_sqlite)
        columns = ["task_instance_id", "key", "value", "timestamp", "large_id"]
        # `WHERE true` keeps SQLite from reading ON CONFLICT as a join condition.
        outputs = select(rows.c.instance_id, rows.c.key, rows.c.value, rows.c.at, rows.c.large_id).where(text("true"))
        dialect: Any = sqlite if is_sqlite else postgresql
        insert = dialect.insert(xcom).from_select(columns, outputs)
        upsert: Insert = insert.on_conflict_do_update(
            index_elements=["task_instance_id", "key"],
            set_={name: insert.excluded[name] for name in ("value", "timestamp", "large_id")},
        )
        return upsert

    @staticmethod
    @cache
    def _delete_outputs(is_sqlite: bool) -> Delete:
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        return delete(xcom).where(xcom.c.task_instance_id.in_(select(rows.c.id)))

    def drop_outputs(self, instance_ids: Iterable[int]) -> None:
        """Delete the outputs of the turn before, so that no name of them outlives the next turn."""
        rows = dump_rows({"id": instance_id} for instance_id in instance_ids)
        self._connection.execute(self._delete_outputs(self._is_sqlite), {"rows": rows})

    def store_outputs(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Store outputs (`instance_id`, `key`, `value` as JSON text, `at`); replaces the outputs of an earlier try.

        A row with `large_id` is a reference: its `value` is the JSON of the `LargeValue`.
        """
        batch = Batch({**row, "large_id": row.get("large_id")} for row in rows)
        self._statements.write(self._upsert_outputs(self._is_sqlite), {"rows": batch})

    def append_log(self, chunks: Sequence[LogChunk]) -> None:
        """See `logs.append_chunks`."""
        insert_chunks(self._connection, chunks)


def _turn(table: Table) -> ColumnElement[int]:
    return func.coalesce(table.c.turn, literal_column("0"))


@cache
def _select_attempts() -> Select[Any]:
    """All attempts, with the columns of `LiveAttempt`; the callers add their conditions."""
    return (
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


_FENCED = and_(task_try.c.stopped_at.is_(None), task_try.c.cancel_requested_at.is_not(None))
_UNSTOPPED_CANCELS = select(task_try.c.executor, task_try.c.attempt_id).where(_FENCED)


def unstopped_cancels(database: Database) -> list[tuple[str, str]]:
    """(executor, attempt id) of fenced attempts whose processes may still run."""
    with database.read() as connection:
        return [(row.executor, row.attempt_id) for row in connection.execute(_UNSTOPPED_CANCELS)]


_NOTE_NEVER_CLAIMED = (
    update(task_try)
    .where(_FENCED, task_try.c.claimed_at.is_(None), task_try.c.executor.in_(bindparam("executors", expanding=True)))
    .values(stopped_at=bindparam("now", type_=UtcDateTime))
)


def note_never_claimed(database: Database, executors: Iterable[str], *, now: datetime) -> None:
    """Mark fenced attempts of remote executors as stopped when no worker has claimed them: no worker ever will."""
    with database.write() as connection:
        connection.execute(_NOTE_NEVER_CLAIMED, {"executors": list(executors), "now": now})


def _remote_report(attempt_id: str, kind: str, body: Mapping[str, Any]) -> Report:
    """The report in an inbox row; `worker_protocol` checked the body before the write."""
    at = datetime.fromisoformat(body["at"])
    if kind == "started":
        return Started(attempt_id=attempt_id, seq=1, at=at, hostname=body["hostname"], pid=body.get("pid"))
    return Finished(
        attempt_id=attempt_id,
        seq=2,
        at=at,
        outcome=Outcome(body["outcome"]),
        reason=known_reason(body.get("reason")),
        message=body.get("message"),
        exit_code=body.get("exit_code"),
        outputs=body.get("outputs") or {},
        large={fields["name"]: LargeValue.from_json(fields) for fields in body.get("large") or ()},
        log_bytes=body.get("log_bytes", 0),
    )


def _live(row: Any) -> LiveAttempt:
    fields = dict(row._mapping)
    return LiveAttempt(state=TaskState(fields.pop("state")), **fields)
