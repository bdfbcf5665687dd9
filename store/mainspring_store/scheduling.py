"""What the scheduler writes: one `Pass` is one transaction.

Each method is one guarded, set-based statement and returns the rows that it took; whoever is missing from the answer
was decided by someone else in the meantime. Counters and events follow from those rows through `Effects`, which the
pass applies by `settle`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import Integer

from mainspring.attempts import LogChunk
from mainspring.states import AttemptState, RunState, StateReason, TaskState
from mainspring.trigger_rules import UpstreamCounts, WakeOn
from mainspring_store.batches import Fields, as_rows, dump_rows
from mainspring_store.database import Database
from mainspring_store.effects import Effects, InstanceRef, RunCounters, lock_runs
from mainspring_store.logs import insert_chunks
from mainspring_store.runs import end_run
from mainspring_store.tables import dag, dag_run, dag_version, pool, task_instance, task_try, xcom
from mainspring_store.types import UtcDateTime

__all__ = [
    "AttemptEnd",
    "Candidate",
    "Decided",
    "LiveAttempt",
    "NewAttempt",
    "Pass",
    "RunFacts",
    "StartableRun",
    "begin_pass",
    "unstopped_cancels",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveAttempt:
    """A queued or running attempt, with what is needed to decide on its report."""

    attempt_id: str
    instance_id: int
    dag_run_id: int
    version_id: int
    task_index: int
    map_index: int
    try_number: int
    max_tries: int
    pool: str
    pool_slots: int
    executor: str
    owner: str
    queued_at: datetime
    is_running: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptEnd:
    """What a report says about an attempt; also a mere start, then `state` is running and the end is None."""

    attempt_id: str
    state: AttemptState
    start_date: datetime | None = None
    end_date: datetime | None = None
    stopped_at: datetime | None = None
    reason: StateReason | None = None
    message: str | None = None
    hostname: str | None = None
    pid: int | None = None
    exit_code: int | None = None
    log_bytes: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """The next state of one instance. A field that is None leaves the column as it is, except as said."""

    id: int
    state: TaskState
    at: datetime
    attempt_id: str | None = None
    """The attempt that must still be the live one (after a report), or that is the new one (when queued)."""
    reason: StateReason | None = None
    """None clears it."""
    ready: bool = False
    not_before: datetime | None = None
    """None clears it."""
    start_date: datetime | None = None
    end_date: datetime | None = None
    more_tries: int = 0
    """Added to `max_tries`."""
    waits_for: str | None = None
    """JSON text; None clears it."""
    map_index: int | None = None
    map_value: str | None = None
    """JSON text."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An instance whose trigger rule is to be asked now, in a running run that has room."""

    id: int
    dag_run_id: int
    dag_id: str
    run_id: str
    version_id: int
    task_index: int
    map_index: int
    try_number: int
    max_tries: int
    generation: int
    counts: UpstreamCounts
    pool: str
    pool_slots: int
    executor: str | None
    map_value: Mapping[str, Any] | None
    run_slots_free: int
    pool_slots_free: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NewAttempt:
    """An attempt row to be written."""

    attempt_id: str
    instance_id: int
    generation: int
    try_number: int
    executor: str
    owner: str
    queued_at: datetime
    payload: str | None = None
    """JSON text; None = as in the definition."""
    state: AttemptState = AttemptState.QUEUED
    reason: StateReason | None = None
    message: str | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StartableRun:
    """A queued run whose time has come."""

    id: int
    dag_id: str
    version_id: int
    running_runs: int
    max_active_runs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """What tasks may ask about their run; never changes."""

    id: int
    dag_id: str
    run_id: str
    run_type: str
    version_id: int
    conf: Mapping[str, Any]
    params: Mapping[str, Any]
    logical_date: datetime | None
    data_interval_start: datetime | None
    data_interval_end: datetime | None
    run_after: datetime


@contextmanager
def begin_pass(database: Database) -> Iterator["Pass"]:
    """One scheduling transaction: commits at the end, rolls back on an exception."""
    with database.write() as connection:
        yield Pass(connection)


class Pass:
    """The writes and questions of one scheduling transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._statements = _statements(connection.dialect.name == "sqlite")
        self.effects = Effects()

    def lock_runs(self, run_ids: Iterable[int], *, skip_locked: bool = False) -> frozenset[int]:
        """See `effects.lock_runs`."""
        return lock_runs(self._connection, run_ids, skip_locked=skip_locked)

    # Reports

    def end_attempts(self, ends: Sequence[AttemptEnd]) -> frozenset[str]:
        """Record starts and ends of attempts; returns the ids of those that were live and took it."""
        rows = dump_rows({name: getattr(end, name) for name in _END_FIELDS} for end in ends)
        return frozenset(self._connection.scalars(self._statements.end_attempts, {"rows": rows}))

    def note_stops(self, stops: Mapping[str, datetime]) -> None:
        """Record that nothing of these attempts runs any more; for attempts that were fenced before."""
        rows = dump_rows({"attempt_id": attempt_id, "at": at} for attempt_id, at in stops.items())
        self._connection.execute(self._statements.note_stops, {"rows": rows})

    def follow_reports(self, decided: Sequence[Decided]) -> frozenset[int]:
        """Move instances whose live attempt (`attempt_id`) reported; returns the ids of those that moved."""
        return self._decide(self._statements.follow_reports, decided)

    def live_attempts(self, attempt_ids: Sequence[str]) -> list[LiveAttempt]:
        """Those of the attempts that are live."""
        rows = dump_rows({"attempt_id": attempt_id} for attempt_id in attempt_ids)
        return [_live(row) for row in self._connection.execute(self._statements.live_attempts, {"rows": rows})]

    def all_live_attempts(self, executor: str) -> list[LiveAttempt]:
        """Every live attempt of an executor, oldest first."""
        return [_live(row) for row in self._connection.execute(self._statements.all_live, {"executor": executor})]

    def store_outputs(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Store outputs (`instance_id`, `key`, `value` as JSON text, `at`), replacing those of an earlier try."""
        self._connection.execute(self._statements.store_outputs, {"rows": dump_rows(rows)})

    def append_log(self, chunks: Sequence[LogChunk]) -> None:
        """See `logs.append_chunks`."""
        insert_chunks(self._connection, chunks)

    # Decisions

    def candidates(self, limit: int) -> list[Candidate]:
        """Ready instances that have room in their run and pool, highest priority first, then oldest."""
        return [_candidate(row) for row in self._connection.execute(self._statements.candidates, {"limit_": limit})]

    def decide(self, decided: Sequence[Decided]) -> frozenset[int]:
        """Move ready instances: queued with a new attempt, or to a final state; returns the ids that moved."""
        return self._decide(self._statements.decide, decided)

    def add_attempts(self, attempts: Sequence[NewAttempt]) -> None:
        rows = dump_rows({name: getattr(attempt, name) for name in _ATTEMPT_FIELDS} for attempt in attempts)
        self._connection.execute(self._statements.add_attempts, {"rows": rows})

    def expand(self, placeholder: Candidate, items: Sequence[Mapping[str, Any]], downstream: Sequence[int]) -> None:
        """Add the instances of a mapped task beyond the first, which `decide` made of its placeholder, all of them
        ready; the counters of the run and of what is downstream follow."""
        added = len(items) - 1
        if added == 0:
            return
        rows = dump_rows(
            {"map_index": index, "map_value": orjson.dumps(item).decode()}
            for index, item in enumerate(items)
            if index > 0
        )
        self._connection.execute(self._statements.expand, {"rows": rows, "id": placeholder.id})
        rows = dump_rows({"run": placeholder.dag_run_id, "task": index, "added": added} for index in downstream)
        self._connection.execute(self._statements.widen_downstream, {"rows": rows})
        self.effects.expanded(placeholder.dag_run_id, added)

    def skip_tasks(self, dag_run_id: int, task_indexes: Sequence[int], *, now: datetime) -> list[InstanceRef]:
        """Skip what a branch left out, as far as it has not begun; returns what was skipped."""
        if not task_indexes:
            return []
        params = {"rows": dump_rows({"id": index} for index in task_indexes), "run": dag_run_id, "now": now}
        return [
            InstanceRef(row.id, dag_run_id, row.task_index, row.pool, row.pool_slots)
            for row in self._connection.execute(self._statements.skip_tasks, params)
        ]

    def unpark(self, dag_id: str, task_id: str) -> None:
        """Ask again about parked instances of a task in all runs of its DAG, because one of them ended."""
        self._connection.execute(self._statements.unpark, {"of_dag": dag_id, "of_task": task_id})

    def past_succeeded(self, candidate: Candidate, task_id: str) -> bool:
        """Whether the same instance of the run before is success or skipped, or there is none."""
        state = self._connection.scalar(
            self._statements.past_state,
            {"run": candidate.dag_run_id, "task_id": task_id, "map": candidate.map_index},
        )
        return state is None or state in (TaskState.SUCCESS, TaskState.SKIPPED)

    def active_in_run(self, candidate: Candidate) -> int:
        """Queued and running instances of the candidate's task in its run."""
        params = {"run": candidate.dag_run_id, "task": candidate.task_index}
        return self._connection.scalar(self._statements.active_in_run, params) or 0

    def active_in_dag(self, dag_id: str, task_id: str) -> int:
        """Queued and running instances of a task in all running runs of its DAG."""
        params = {"dag_id": dag_id, "task_id": task_id}
        return self._connection.scalar(self._statements.active_in_dag, params) or 0

    def wake_due(self, now: datetime) -> list[tuple[int, int]]:
        """Make instances ready whose retry is due; returns (instance id, run id)."""
        return [(row.id, row.dag_run_id) for row in self._connection.execute(self._statements.wake_due, {"now": now})]

    def next_due_at(self) -> datetime | None:
        """When the next retry is due."""
        due: datetime | None = self._connection.scalar(self._statements.next_due)
        return due

    # Runs

    def startable_runs(self, now: datetime, limit: int) -> list[StartableRun]:
        """Queued runs whose `run_after` has come, of DAGs that are not paused and have room; oldest first.

        Several runs of one DAG may be returned though only some fit: the caller counts.
        """
        return [
            StartableRun(*row)
            for row in self._connection.execute(self._statements.startable_runs, {"now": now, "limit_": limit})
        ]

    def start_runs(self, run_ids: Sequence[int], *, now: datetime) -> list[int]:
        """Queued -> running, with the roots made ready; returns the ids that started."""
        rows = {"rows": dump_rows({"id": run_id} for run_id in run_ids)}
        started = [row.id for row in self._connection.execute(self._statements.start_runs, {**rows, "now": now})]
        if started:
            rows = {"rows": dump_rows({"id": run_id} for run_id in started)}
            self._connection.execute(self._statements.count_started, rows)
            self._connection.execute(self._statements.ready_roots, rows)
        return started

    def set_run_timeouts(self, deadlines: Mapping[int, datetime]) -> None:
        """Give running runs the instant at which they are ended."""
        rows = dump_rows({"id": run_id, "at": at} for run_id, at in deadlines.items())
        self._connection.execute(self._statements.set_timeouts, {"rows": rows})

    def overdue_runs(self, now: datetime) -> list[int]:
        """Running runs past their `timeout_at`."""
        return list(self._connection.scalars(self._statements.overdue_runs, {"now": now}))

    def stop_run(self, run_id: int, *, now: datetime, reason: StateReason, message: str) -> bool:
        """End a run at once, as a cancel does. Not to be mixed with effects of the same run in this pass."""
        return end_run(self._connection, run_id, now=now, reason=reason, message=message)

    def instance_states(self, run_ids: Sequence[int]) -> Mapping[int, list[tuple[int, TaskState]]]:
        """For each run its (task_index, state) pairs."""
        found: dict[int, list[tuple[int, TaskState]]] = {run_id: [] for run_id in run_ids}
        rows = {"rows": dump_rows({"id": run_id} for run_id in run_ids)}
        for row in self._connection.execute(self._statements.instance_states, rows):
            found[row.dag_run_id].append((row.task_index, TaskState(row.state)))
        return found

    def finish_runs(self, ends: Sequence[Mapping[str, Any]], *, now: datetime) -> list[int]:
        """Running -> success or failed; returns who moved.

        ends: `id`, `state`, `reason`, `message`, `outputs` (JSON text) of each.
        """
        params = {"rows": dump_rows(ends), "now": now}
        finished = [row.id for row in self._connection.execute(self._statements.finish_runs, params)]
        if finished:
            rows = {"rows": dump_rows({"id": run_id} for run_id in finished)}
            self._connection.execute(self._statements.count_finished, rows)
        return finished

    def run_facts(self, run_ids: Sequence[int]) -> list[RunFacts]:
        rows = {"rows": dump_rows({"id": run_id} for run_id in run_ids)}
        return [RunFacts(**row._mapping) for row in self._connection.execute(self._statements.run_facts, rows)]

    def outputs(self, run_id: int, task_indexes: Iterable[int]) -> list[tuple[int, int, TaskState, str | None, str]]:
        """(task_index, map_index, state, output name or None, value as JSON text) of tasks of a run, in that order."""
        rows = dump_rows({"id": index} for index in task_indexes)
        return [
            (row.task_index, row.map_index, TaskState(row.state), row.key, row.value)
            for row in self._connection.execute(self._statements.outputs, {"rows": rows, "run": run_id})
        ]

    def version_document(self, version_id: int) -> Mapping[str, Any]:
        """The stored definition of a version."""
        document: Mapping[str, Any] = self._connection.execute(
            self._statements.version_document, {"id": version_id}
        ).scalar_one()
        return document

    def unlock_downstream(self) -> None:
        """Write only what decides readiness, so that `candidates` sees it; the rest is left for `settle`."""
        self.effects.apply_upstream(self._connection)

    def settle(self) -> Mapping[int, RunCounters]:
        """Apply the effects collected so far and begin anew; returns the counters of the runs they touched."""
        effects, self.effects = self.effects, Effects()
        return effects.apply(self._connection)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What fails inside is undone alone."""
        with self._connection.begin_nested():
            yield

    def _decide(self, statement: Any, decided: Sequence[Decided]) -> frozenset[int]:
        rows = dump_rows({name: getattr(one, name) for name in _DECIDED_FIELDS} for one in decided)
        return frozenset(self._connection.scalars(statement, {"rows": rows}))


def unstopped_cancels(database: Database) -> list[tuple[str, str]]:
    """(executor, attempt id) of attempts that were fenced and whose processes may still run."""
    with database.read() as connection:
        return [(row.executor, row.attempt_id) for row in connection.execute(_UNSTOPPED_CANCELS)]


_END_FIELDS: Fields = {
    "attempt_id": str,
    "state": str,
    "start_date": datetime,
    "end_date": datetime,
    "stopped_at": datetime,
    "reason": str,
    "message": str,
    "hostname": str,
    "pid": int,
    "exit_code": int,
    "log_bytes": int,
}
_DECIDED_FIELDS: Fields = {
    "id": int,
    "state": str,
    "at": datetime,
    "attempt_id": str,
    "reason": str,
    "ready": bool,
    "not_before": datetime,
    "start_date": datetime,
    "end_date": datetime,
    "more_tries": int,
    "waits_for": str,
    "map_index": int,
    "map_value": str,
}
_ATTEMPT_FIELDS: Fields = {
    "attempt_id": str,
    "instance_id": int,
    "generation": int,
    "try_number": int,
    "executor": str,
    "owner": str,
    "queued_at": datetime,
    "payload": str,
    "state": str,
    "reason": str,
    "message": str,
    "ended_at": datetime,
}

# Spelled as constants and as in the partial indexes, so that both databases recognise them.
_LIVE = task_try.c.state.in_([literal_column("'queued'"), literal_column("'running'")])
_ACTIVE = task_instance.c.state.in_([literal_column("'queued'"), literal_column("'running'")])
_READY = text("task_instance.state = 'scheduled' AND task_instance.ready")

_PARKED = text(
    "task_instance.state = 'scheduled' AND NOT task_instance.ready AND task_instance.state_reason IS NOT NULL"
)
UNPARKED_MAX = 256
"""Parked instances asked again at once; those that still find no room are parked again."""

# What a pool of -1 slots has left.
_UNLIMITED = 2**31 - 1

_UNSTOPPED_CANCELS = select(task_try.c.executor, task_try.c.attempt_id).where(
    task_try.c.stopped_at.is_(None), task_try.c.cancel_requested_at.is_not(None)
)


class _Statements:
    """Built once for each kind of database; only what is bound changes."""

    def __init__(self, is_sqlite: bool) -> None:
        self._is_sqlite = is_sqlite
        self._reports()
        self._decisions()
        self._runs()

    def _rows(self, fields: Fields) -> Any:
        return as_rows(fields, is_sqlite=self._is_sqlite)

    def _reports(self) -> None:
        rows = self._rows(_END_FIELDS)
        self.end_attempts = (
            update(task_try)
            .where(
                task_try.c.attempt_id == rows.c.attempt_id,
                _LIVE,
                # A start that comes late or twice changes nothing.
                or_(rows.c.state != literal_column("'running'"), task_try.c.state == literal_column("'queued'")),
            )
            .values(
                state=rows.c.state,
                state_reason=rows.c.reason,
                message=rows.c.message,
                start_date=func.coalesce(task_try.c.start_date, rows.c.start_date),
                end_date=rows.c.end_date,
                stopped_at=rows.c.stopped_at,
                hostname=func.coalesce(task_try.c.hostname, rows.c.hostname),
                pid=func.coalesce(task_try.c.pid, rows.c.pid),
                exit_code=rows.c.exit_code,
                log_bytes=func.coalesce(rows.c.log_bytes, task_try.c.log_bytes),
            )
            .returning(task_try.c.attempt_id)
        )
        rows = self._rows({"attempt_id": str, "at": datetime})
        self.note_stops = (
            update(task_try)
            .where(task_try.c.attempt_id == rows.c.attempt_id, task_try.c.stopped_at.is_(None), ~_LIVE)
            .values(stopped_at=rows.c.at)
        )
        rows = self._rows(_DECIDED_FIELDS)
        self.follow_reports = (
            update(task_instance)
            .where(task_instance.c.id == rows.c.id, task_instance.c.attempt_id == rows.c.attempt_id, _ACTIVE)
            .values(**_decided_values(rows))
            .returning(task_instance.c.id)
        )
        live = (
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
                task_try.c.state,
            )
            .select_from(task_try)
            .join(task_instance, task_instance.c.id == task_try.c.task_instance_id)
            .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
            .where(_LIVE)
        )
        rows = self._rows({"attempt_id": str})
        self.live_attempts = live.where(task_try.c.attempt_id.in_(select(rows.c.attempt_id)))
        self.all_live = live.where(
            task_try.c.executor == bindparam("executor"), task_try.c.stopped_at.is_(None)
        ).order_by(task_try.c.attempt_id)
        rows = self._rows({"instance_id": int, "key": str, "value": str, "at": datetime})
        columns = ["task_instance_id", "key", "value", "timestamp"]
        # `WHERE true` keeps SQLite from reading ON CONFLICT as a join condition.
        chosen = select(rows.c.instance_id, rows.c.key, rows.c.value, rows.c.at).where(text("true"))
        dialect: Any = sqlite if self._is_sqlite else postgresql
        stored = dialect.insert(xcom).from_select(columns, chosen)
        self.store_outputs = stored.on_conflict_do_update(
            index_elements=["task_instance_id", "key"],
            set_={"value": stored.excluded.value, "timestamp": stored.excluded.timestamp},
        )

    def _decisions(self) -> None:
        table = task_instance.c
        self.candidates = (
            select(
                table.id,
                table.dag_run_id,
                dag_run.c.dag_id,
                dag_run.c.run_id,
                dag_run.c.dag_version_id,
                table.task_index,
                table.map_index,
                table.try_number,
                table.max_tries,
                table.generation,
                table.up_total,
                table.up_success,
                table.up_failed,
                table.up_upstream_failed,
                table.up_skipped,
                table.up_removed,
                table.pool,
                table.pool_slots,
                table.executor,
                table.map_value,
                (dag_run.c.max_active_tasks - dag_run.c.tasks_active).label("run_slots_free"),
                case((pool.c.slots < 0, _UNLIMITED), else_=pool.c.slots - pool.c.used).label("pool_slots_free"),
            )
            .select_from(task_instance)
            .join(dag_run, dag_run.c.id == table.dag_run_id)
            .join(dag, dag.c.dag_id == dag_run.c.dag_id)
            .join(pool, pool.c.name == table.pool)
            .where(
                _READY,
                dag_run.c.state == literal_column("'running'"),
                ~dag.c.is_paused,
                dag_run.c.tasks_active < dag_run.c.max_active_tasks,
                or_(pool.c.slots < 0, pool.c.used + table.pool_slots <= pool.c.slots),
            )
            .order_by(table.priority.desc(), table.id)
            .limit(bindparam("limit_", type_=Integer()))
        )
        rows = self._rows(_DECIDED_FIELDS)
        queued = rows.c.state == literal_column("'queued'")
        self.decide = (
            update(task_instance)
            .where(table.id == rows.c.id, _READY)
            .values(
                **_decided_values(rows),
                attempt_id=func.coalesce(rows.c.attempt_id, table.attempt_id),
                try_number=table.try_number + func.iif(rows.c.attempt_id.is_not(None), 1, 0)
                if self._is_sqlite
                else table.try_number + (rows.c.attempt_id.is_not(None)).cast(Integer),
                map_index=func.coalesce(rows.c.map_index, table.map_index),
                map_value=func.coalesce(rows.c.map_value, table.map_value),
                queued_at=_either(queued, rows.c.at, table.queued_at, self._is_sqlite),
            )
            .returning(table.id)
        )
        rows = self._rows(_ATTEMPT_FIELDS)
        self.add_attempts = insert(task_try).from_select(
            [
                "attempt_id",
                "task_instance_id",
                "generation",
                "try_number",
                "executor",
                "owner",
                "queued_at",
                "payload",
                "state",
                "state_reason",
                "message",
                "end_date",
                "stopped_at",
            ],
            select(*(rows.c[name] for name in _ATTEMPT_FIELDS), rows.c.ended_at.label("stopped")),
        )
        self._mapping()
        due = text("state IN ('up_for_retry', 'deferred') AND not_before IS NOT NULL")
        self.wake_due = (
            update(task_instance)
            .where(
                due,
                table.not_before <= bindparam("now", type_=UtcDateTime),
                table.state == literal_column("'up_for_retry'"),
            )
            .values(
                state=TaskState.SCHEDULED,
                ready=True,
                not_before=None,
                updated_at=bindparam("now", type_=UtcDateTime),
            )
            .returning(table.id, table.dag_run_id)
        )
        self.next_due = select(func.min(table.not_before, type_=UtcDateTime)).where(due)

    def _mapping(self) -> None:
        table = task_instance.c
        rows = self._rows({"map_index": int, "map_value": str})
        copied = [
            column.name for column in task_instance.columns if column.name not in ("id", "map_index", "map_value")
        ]
        self.expand = insert(task_instance).from_select(
            [*copied, "map_index", "map_value"],
            select(*(table[name] for name in copied), rows.c.map_index, rows.c.map_value)
            .select_from(task_instance)
            .join(rows, literal_column("true"))
            .where(table.id == bindparam("id")),
        )
        rows = self._rows({"run": int, "task": int, "added": int})
        self.widen_downstream = (
            update(task_instance)
            .where(table.dag_run_id == rows.c.run, table.task_index == rows.c.task)
            .values(up_total=table.up_total + rows.c.added)
        )
        rows = self._rows({"id": int})
        now = bindparam("now", type_=UtcDateTime)
        self.skip_tasks = (
            update(task_instance)
            .where(
                table.dag_run_id == bindparam("run"),
                table.task_index.in_(select(rows.c.id)),
                table.state == literal_column("'scheduled'"),
            )
            .values(
                state=TaskState.SKIPPED,
                state_reason=StateReason.BRANCH,
                ready=False,
                end_date=now,
                updated_at=now,
            )
            .returning(table.id, table.task_index, table.pool, table.pool_slots)
        )
        parked = (
            select(table.id)
            .join(dag_run, dag_run.c.id == table.dag_run_id)
            .where(_PARKED, table.task_id == bindparam("of_task"), dag_run.c.dag_id == bindparam("of_dag"))
            .order_by(table.id)
            .limit(UNPARKED_MAX)
        )
        self.unpark = update(task_instance).where(table.id.in_(parked)).values(ready=True, state_reason=None)
        mine, run = dag_run.alias("mine"), dag_run.c
        moment = func.coalesce(run.logical_date, run.run_after)
        mine_moment = func.coalesce(mine.c.logical_date, mine.c.run_after)
        past = (
            select(run.id)
            .join(mine, mine.c.id == bindparam("run"))
            .where(
                run.dag_id == mine.c.dag_id,
                run.id != mine.c.id,
                or_(moment < mine_moment, and_(moment == mine_moment, run.id < mine.c.id)),
            )
            .order_by(moment.desc(), run.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        other = task_instance.alias("other")
        self.past_state = select(other.c.state).where(
            other.c.dag_run_id == past, other.c.task_id == bindparam("task_id"), other.c.map_index == bindparam("map")
        )
        self.active_in_run = select(func.count()).where(
            table.dag_run_id == bindparam("run"), table.task_index == bindparam("task"), _ACTIVE
        )
        self.active_in_dag = (
            select(func.count())
            .select_from(task_instance)
            .join(dag_run, dag_run.c.id == table.dag_run_id)
            .where(
                dag_run.c.dag_id == bindparam("dag_id"),
                text("dag_run.state = 'running'"),
                table.task_id == bindparam("task_id"),
                _ACTIVE,
            )
        )

    def _runs(self) -> None:
        run = dag_run.c
        self.startable_runs = (
            select(run.id, run.dag_id, run.dag_version_id, dag.c.running_runs, dag.c.max_active_runs)
            .select_from(dag_run)
            .join(dag, dag.c.dag_id == run.dag_id)
            .where(
                text("dag_run.state = 'queued'"),
                run.run_after <= bindparam("now", type_=UtcDateTime),
                ~dag.c.is_paused,
                dag.c.running_runs < dag.c.max_active_runs,
            )
            .order_by(run.run_after, run.id)
            .limit(bindparam("limit_", type_=Integer()))
        )
        if not self._is_sqlite:
            # The critical section of `max_active_runs`: whoever counts holds the DAG's row until the commit.
            self.startable_runs = self.startable_runs.with_for_update(key_share=True, skip_locked=True)
        rows = self._rows({"id": int})
        now = bindparam("now", type_=UtcDateTime)
        self.start_runs = (
            update(dag_run)
            .where(run.id == rows.c.id, text("dag_run.state = 'queued'"))
            .values(
                state=RunState.RUNNING,
                start_date=func.coalesce(run.start_date, now),
                updated_at=now,
                last_scheduling_decision=now,
            )
            .returning(run.id)
        )
        chosen = self._rows({"id": int})
        per_dag = (
            select(run.dag_id, func.count().label("runs")).where(run.id.in_(select(chosen.c.id))).group_by(run.dag_id)
        ).subquery("per_dag")
        counted = update(dag).where(dag.c.dag_id == per_dag.c.dag_id)
        self.count_started = counted.values(running_runs=dag.c.running_runs + per_dag.c.runs)
        self.count_finished = counted.values(running_runs=dag.c.running_runs - per_dag.c.runs)
        rows = self._rows({"id": int})
        self.ready_roots = (
            update(task_instance)
            .where(
                task_instance.c.dag_run_id.in_(select(rows.c.id)),
                task_instance.c.state == literal_column("'scheduled'"),
                or_(
                    task_instance.c.wake_on.bitwise_and(WakeOn.START.value) != 0,
                    # Cleared instances whose upstream stayed finished.
                    sum(
                        task_instance.c[name]
                        for name in ("up_success", "up_failed", "up_upstream_failed", "up_skipped", "up_removed")
                    )
                    >= task_instance.c.up_total,
                ),
            )
            .values(ready=True)
        )
        rows = self._rows({"id": int, "at": datetime})
        self.set_timeouts = update(dag_run).where(run.id == rows.c.id).values(timeout_at=rows.c.at)
        self.overdue_runs = select(run.id).where(
            text("state = 'running' AND timeout_at IS NOT NULL"), run.timeout_at <= now
        )
        rows = self._rows({"id": int})
        self.instance_states = select(
            task_instance.c.dag_run_id, task_instance.c.task_index, task_instance.c.state
        ).where(task_instance.c.dag_run_id.in_(select(rows.c.id)))
        rows = self._rows({"id": int, "state": str, "reason": str, "message": str, "outputs": str})
        self.finish_runs = (
            update(dag_run)
            .where(run.id == rows.c.id, text("dag_run.state = 'running'"), run.tasks_unfinished == 0)
            .values(
                state=rows.c.state,
                state_reason=rows.c.reason,
                message=rows.c.message,
                outputs=rows.c.outputs,
                end_date=now,
                updated_at=now,
                timeout_at=None,
            )
            .returning(run.id)
        )
        rows = self._rows({"id": int})
        self.run_facts = select(
            run.id,
            run.dag_id,
            run.run_id,
            run.run_type,
            run.dag_version_id.label("version_id"),
            run.conf,
            run.params,
            run.logical_date,
            run.data_interval_start,
            run.data_interval_end,
            run.run_after,
        ).where(run.id.in_(select(rows.c.id)))
        rows = self._rows({"id": int})
        self.outputs = (
            select(
                task_instance.c.task_index,
                task_instance.c.map_index,
                task_instance.c.state,
                xcom.c.key,
                xcom.c.value,
            )
            .select_from(task_instance)
            .outerjoin(xcom, xcom.c.task_instance_id == task_instance.c.id)
            .where(task_instance.c.dag_run_id == bindparam("run"), task_instance.c.task_index.in_(select(rows.c.id)))
            .order_by(task_instance.c.task_index, task_instance.c.map_index, xcom.c.key)
        )
        self.version_document = select(dag_version.c.document).where(dag_version.c.id == bindparam("id"))


def _decided_values(rows: Any) -> dict[str, Any]:
    table = task_instance.c
    return {
        "state": rows.c.state,
        "state_reason": rows.c.reason,
        "ready": rows.c.ready,
        "not_before": rows.c.not_before,
        "start_date": func.coalesce(rows.c.start_date, table.start_date),
        "end_date": rows.c.end_date,
        "max_tries": table.max_tries + rows.c.more_tries,
        "waits_for": rows.c.waits_for,
        "updated_at": rows.c.at,
    }


def _either(condition: Any, yes: Any, no: Any, is_sqlite: bool) -> Any:
    return func.iif(condition, yes, no, type_=UtcDateTime) if is_sqlite else case((condition, yes), else_=no)


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)


def _live(row: Any) -> LiveAttempt:
    fields = dict(row._mapping)
    return LiveAttempt(is_running=fields.pop("state") == AttemptState.RUNNING, **fields)


def _candidate(row: Any) -> Candidate:
    (
        id_, dag_run_id, dag_id, run_id, version_id, task_index, map_index, try_number, max_tries, generation,
        total, success, failed, upstream_failed, skipped, removed, pool_name, pool_slots, executor, map_value,
        run_free, pool_free,
    ) = row  # fmt: skip
    return Candidate(
        id_, dag_run_id, dag_id, run_id, version_id, task_index, map_index, try_number, max_tries, generation,
        UpstreamCounts(total, success, failed, upstream_failed, skipped, removed),
        pool_name, pool_slots, executor, map_value, run_free, pool_free,
    )  # fmt: skip
