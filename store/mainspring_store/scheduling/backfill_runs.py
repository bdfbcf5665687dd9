"""Open backfills: each step of a backfill is a transaction under the lock of the row."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, literal_column, select, text, update
from sqlalchemy.exc import IntegrityError

from mainspring.events import EventKind
from mainspring.states import RUN_FINISHED, RunState, RunType
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.interventions.clearing import clear_ended_run
from mainspring_store.interventions.targets import Shape
from mainspring_store.resources.backfills import ReprocessBehavior
from mainspring_store.state.effects import lock_runs
from mainspring_store.state.events import write_event
from mainspring_store.state.runs import NewRun, RunPruned, insert_decided_run
from mainspring_store.tables import backfill, dag, dag_run, dag_version, pruned_run

__all__ = [
    "BackfillWrites",
    "ExistingRun",
    "OpenBackfill",
    "backfills_with_capacity",
    "begin_backfill",
    "halt_backfill",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenBackfill:
    """A backfill without an end."""

    id: int
    dag_id: str
    dag_version_id: int
    from_date: datetime
    to_date: datetime
    run_backwards: bool
    dag_run_conf: Mapping[str, Any] | None
    reprocess_behavior: ReprocessBehavior
    max_active_runs: int
    run_on_latest_version: bool
    max_failed_runs: int | None
    resumed_at: datetime
    """Instant of the begin or of the last resume."""
    slots_total: int
    slots_done: int
    cursor: datetime | None
    triggering_user_name: str | None
    principal_id: str | None
    """The principal whose quotas count the runs; None = no principal."""
    created_at: datetime
    current_version_id: int
    """Current version of the DAG."""


@dataclass(frozen=True, slots=True)
class ExistingRun:
    """An existing run at the logical date of a slot."""

    id: int
    version_id: int
    state: RunState


def backfills_with_capacity(database: Database, limit: int) -> list[int]:
    """Ids of unpaused backfills of unpaused DAGs, below their limit of unfinished runs; oldest first."""
    with database.read() as connection:
        return list(connection.scalars(_WITH_CAPACITY, {"limit_": limit}))


@contextmanager
def begin_backfill(database: Database, key: int) -> Iterator["BackfillWrites | None"]:
    """Open the transaction of a step; None when the backfill is completed, paused or locked by another scheduler."""
    with database.write() as connection:
        row = connection.execute(_LOCK, {"key": key}).one_or_none()
        if row is None:
            yield None
            return
        behavior = ReprocessBehavior(row.reprocess_behavior)
        yield BackfillWrites(connection, OpenBackfill(**{**row._mapping, "reprocess_behavior": behavior}))


def halt_backfill(database: Database, key: int, message: str, *, now: datetime) -> None:
    """Pause a backfill that cannot go on, with the reason as its message."""
    with database.write() as connection:
        dag_id = connection.scalar(_HALT, {"key": key, "message": message, "now": now})
        if dag_id is not None:
            _write_event(connection, key, dag_id, "paused", now)


class BackfillWrites:
    """The writes and reads of a backfill under its lock."""

    def __init__(self, connection: Connection, of: OpenBackfill) -> None:
        self._connection = connection
        self.of = of
        # A second statement counts, because only a statement begun after the lock sees all earlier commits.
        self.unfinished: int = connection.scalar(_UNFINISHED, {"key": of.id}) or 0

    def failed_runs(self) -> int:
        """Number of failed runs since the last resume."""
        return self._connection.scalar(_FAILED, {"key": self.of.id, "since": self.of.resumed_at}) or 0

    def halt(self, message: str, *, now: datetime) -> None:
        """Pause the backfill, with the reason as its message."""
        self._connection.execute(_HALT, {"key": self.of.id, "message": message, "now": now})
        _write_event(self._connection, self.of.id, self.of.dag_id, "paused", now)

    def runs_at(self, dates: Sequence[datetime]) -> Mapping[datetime, ExistingRun]:
        """Lock and read the runs of the DAG at these logical dates."""
        params = {"dag": self.of.dag_id, "dates": list(dates)}
        if not lock_runs(self._connection, self._connection.scalars(_KEYS_AT, params).all()):
            return {}
        return {
            row.logical_date: ExistingRun(row.id, row.dag_version_id, RunState(row.state))
            for row in self._connection.execute(_RUNS_AT, params)
        }

    def create_run(self, run: NewRun, *, now: datetime) -> bool:
        """Create a run; False when the DAG already has a run with the logical date or id."""
        try:
            with self._connection.begin_nested():
                insert_decided_run(self._connection, run, now=now)
        except (IntegrityError, RunPruned):
            return False
        return True

    def pruned_at(self, dates: Sequence[datetime]) -> Mapping[datetime, RunState]:
        """Logical date -> last state of each run of the DAG at these logical dates that retention pruned."""
        rows = self._connection.execute(_PRUNED_AT, {"dag": self.of.dag_id, "dates": list(dates)})
        return {row.logical_date: RunState(row.state) for row in rows}

    def forget_pruned(self, date: datetime) -> None:
        """Free the logical date and the run id of a pruned run, which the backfill makes again."""
        self._connection.execute(_FORGET_PRUNED, {"of_dag": self.of.dag_id, "date": date})

    def run_again(
        self, run: ExistingRun, shape: Shape, latest: Shape, conf: Mapping[str, Any], *, now: datetime
    ) -> bool:
        """Clear an ended run and make the run a part of this backfill; False when the run has not ended.

        latest: the next version of the run; may be the present version.
        conf: columns of the run for a new conf; empty = the run keeps its conf.
        """
        if run.state not in RUN_FINISHED:
            return False
        values = {
            "run_type": RunType.BACKFILL,
            "triggered_by": "backfill",
            "backfill_id": self.of.id,
            "principal_id": self.of.principal_id,
            **conf,
        }
        # The update precedes the clear, because the clear validates the conf by the next version.
        self._connection.execute(update(dag_run).where(dag_run.c.id == run.id).values(values))
        return clear_ended_run(self._connection, run.id, shape, latest=latest, now=now)

    def move_on(self, *, cursor: datetime, done: int, skipped: int, now: datetime) -> None:
        """Record the progress: `done` more slots, up to the slot at `cursor`."""
        self._connection.execute(
            _MOVE_ON, {"key": self.of.id, "at": cursor, "done": done, "skipped": skipped, "now": now}
        )

    def complete(self, *, now: datetime) -> None:
        self._connection.execute(_COMPLETE, {"key": self.of.id, "now": now})
        _write_event(self._connection, self.of.id, self.of.dag_id, "completed", now)

    def version_document(self, version_id: int) -> Mapping[str, Any]:
        """The stored definition of a version."""
        document: Mapping[str, Any] = self._connection.execute(_DOCUMENT, {"id": version_id}).scalar_one()
        return document


def _write_event(connection: Connection, key: int, dag_id: str, state: str, now: datetime) -> None:
    write_event(connection, EventKind.BACKFILL, state, at=now, dag_id=dag_id, data={"backfill_id": key})


_UNFINISHED = (
    select(func.count())
    .select_from(dag_run)
    .where(
        dag_run.c.backfill_id == bindparam("key"),
        dag_run.c.state.in_([literal_column("'queued'"), literal_column("'running'")]),
    )
)
_FAILED = (
    select(func.count())
    .select_from(dag_run)
    .where(
        dag_run.c.backfill_id == bindparam("key"),
        dag_run.c.state == literal_column("'failed'"),
        dag_run.c.end_date > bindparam("since", type_=UtcDateTime),
    )
)
_unfinished_of_row = (
    select(func.count())
    .select_from(dag_run)
    .where(
        dag_run.c.backfill_id == backfill.c.id,
        dag_run.c.state.in_([literal_column("'queued'"), literal_column("'running'")]),
    )
    .scalar_subquery()
)
_OPEN = (text("backfill.completed_at IS NULL"), ~backfill.c.is_paused, ~dag.c.is_paused)
_WITH_CAPACITY = (
    select(backfill.c.id)
    .join(dag, dag.c.dag_id == backfill.c.dag_id)
    .where(*_OPEN, _unfinished_of_row < backfill.c.max_active_runs)
    # A backfill without open slots needs no free place: the scheduler completes the backfill after its last run.
    .where((backfill.c.slots_done < backfill.c.slots_total) | (_unfinished_of_row == 0))
    .order_by(backfill.c.id)
    .limit(bindparam("limit_"))
)
_LOCK = (
    select(
        *(backfill.c[name] for name in OpenBackfill.__dataclass_fields__ if name != "current_version_id"),
        dag.c.version_id.label("current_version_id"),
    )
    .join(dag, dag.c.dag_id == backfill.c.dag_id)
    .where(backfill.c.id == bindparam("key"), *_OPEN)
    .with_for_update(key_share=True, skip_locked=True, of=backfill)
)
_KEYS_AT = select(dag_run.c.id).where(
    dag_run.c.dag_id == bindparam("dag"),
    dag_run.c.logical_date.in_(bindparam("dates", expanding=True, type_=UtcDateTime)),
)
_PRUNED_AT = select(pruned_run.c.logical_date, pruned_run.c.state).where(
    pruned_run.c.dag_id == bindparam("dag"),
    pruned_run.c.logical_date.in_(bindparam("dates", expanding=True, type_=UtcDateTime)),
)
_FORGET_PRUNED = delete(pruned_run).where(
    pruned_run.c.dag_id == bindparam("of_dag"), pruned_run.c.logical_date == bindparam("date", type_=UtcDateTime)
)
_RUNS_AT = _KEYS_AT.add_columns(dag_run.c.dag_version_id, dag_run.c.state, dag_run.c.logical_date)
_now = bindparam("now", type_=UtcDateTime)
_OF_KEY = update(backfill).where(backfill.c.id == bindparam("key"))
_MOVE_ON = _OF_KEY.values(
    cursor=bindparam("at", type_=UtcDateTime),
    slots_done=backfill.c.slots_done + bindparam("done"),
    slots_skipped=backfill.c.slots_skipped + bindparam("skipped"),
    updated_at=_now,
)
_COMPLETE = _OF_KEY.values(completed_at=_now, updated_at=_now)
_HALT = _OF_KEY.values(is_paused=True, message=bindparam("message"), updated_at=_now).returning(backfill.c.dag_id)
_DOCUMENT = select(dag_version.c.document).where(dag_version.c.id == bindparam("id"))
