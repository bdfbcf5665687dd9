"""Creating, pausing and cancelling backfills. The scheduler creates the runs in small batches
(`scheduling.backfill_runs`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from mainspring.errors import Conflict
from mainspring.events import EventKind
from mainspring.states import RUN_FINISHED, RunState, StateReason
from mainspring_store.access.quotas import Owner, Quota
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.backfills import backfill_not_found
from mainspring_store.queries.dags import dag_not_found
from mainspring_store.state.effects import Effects, lock_runs
from mainspring_store.state.events import write_event
from mainspring_store.state.runs import end_run
from mainspring_store.tables import backfill, dag_run, pruned_run

__all__ = ["NewBackfill", "ReprocessBehavior", "cancel_backfill", "create_backfill", "pause_backfill", "run_dates"]


class ReprocessBehavior(StrEnum):
    """What a backfill does when a slot has an ended run. A backfill never changes unfinished runs."""

    NONE = "none"
    """Keep the run."""
    FAILED = "failed"
    """Rerun a failed run; keep a successful run."""
    COMPLETED = "completed"
    """Rerun the run."""

    def allows(self, state: RunState) -> bool:
        """Whether the backfill reruns a run in this state."""
        return (state is RunState.FAILED and self is not self.NONE) or (
            state is RunState.SUCCESS and self is self.COMPLETED
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class NewBackfill:
    """The request for a backfill."""

    dag_id: str
    version_id: int
    """The version whose schedule defines the slots."""
    from_date: datetime
    to_date: datetime
    """Bounds of the logical date, both included."""
    slots_total: int
    run_backwards: bool = False
    conf: Mapping[str, Any] | None = None
    reprocess_behavior: ReprocessBehavior = ReprocessBehavior.NONE
    max_active_runs: int = 10
    max_failed_runs: int | None = None
    """The number of failed runs that pauses the backfill; None = unlimited."""
    run_on_latest_version: bool = False
    """Each run uses the version that is current when the scheduler creates or reruns it.

    False: new runs use `version_id`; reruns keep their version.
    """
    user: str | None = None


def create_backfill(database: Database, new: NewBackfill, *, owner: Owner | None = None, now: datetime) -> int:
    """Store a backfill and return its id. The backfill covers only slots that were due at `now`.

    owner: the principal whose quota the runs count for. The quota must admit the maximum of concurrent runs.

    Raises:
        Conflict: The DAG has an unfinished backfill.
        NotFound: The DAG was deleted in the meantime.
        QuotaExceeded: The owner would exceed the quota of active runs, or has exceeded a quota of stored bytes.
    """
    if owner is not None:
        owner.check_stored()
    values = {
        "dag_id": new.dag_id,
        "dag_version_id": new.version_id,
        "from_date": new.from_date,
        "to_date": new.to_date,
        "run_backwards": new.run_backwards,
        "dag_run_conf": None if new.conf is None else dict(new.conf),
        "reprocess_behavior": new.reprocess_behavior,
        "max_active_runs": new.max_active_runs,
        "max_failed_runs": new.max_failed_runs,
        "resumed_at": now,
        "run_on_latest_version": new.run_on_latest_version,
        "slots_total": new.slots_total,
        "triggering_user_name": new.user,
        "principal_id": owner and owner.principal_id,
        "created_at": now,
        "updated_at": now,
    }
    try:
        with database.write() as connection:
            if owner is not None:
                owner.admit(connection, Quota.ACTIVE_RUNS, min(new.max_active_runs, new.slots_total))
            key: int | None = connection.scalar(_INSERT, values)
            _write_event(connection, key, new.dag_id, "created", now)
    except IntegrityError as exc:
        text = str(exc.orig)
        if "foreign key" in text.lower():
            raise dag_not_found(new.dag_id) from exc
        # PostgreSQL names the index, SQLite the column of the index.
        if "uq_backfill_open" in text or "UNIQUE constraint failed: backfill.dag_id" in text:
            raise Conflict(f"dag '{new.dag_id}' has a backfill under way; wait for its end, or cancel it") from exc
        raise
    assert key is not None
    return key


def pause_backfill(database: Database, key: int, is_paused: bool, *, now: datetime) -> None:
    """Pause or resume a backfill. While paused, no run is created or started; running runs go on.

    Failures before a resume do not count for `max_failed_runs`.

    Raises:
        NotFound: There is no such backfill.
        Conflict: The backfill has ended.
    """
    with database.write() as connection:
        dag_id = _lock_open(connection, key)
        connection.execute(_PAUSE if is_paused else _UNPAUSE, {"key": key, "now": now})
        _write_event(connection, key, dag_id, "paused" if is_paused else "unpaused", now)


def cancel_backfill(database: Database, key: int, *, by: str, now: datetime) -> None:
    """End a backfill: its queued runs become failed; running runs go on.

    Raises:
        NotFound: There is no such backfill.
        Conflict: The backfill has ended.
    """
    with database.write() as connection:
        dag_id = _lock_open(connection, key)
        connection.execute(_CANCEL, {"key": key, "now": now})
        queued = lock_runs(connection, connection.scalars(_QUEUED, {"key": key}).all())
        effects = Effects()
        # Some runs may have started before this transaction locked them.
        for run in sorted(queued.intersection(connection.scalars(_QUEUED, {"key": key}))):
            end_run(
                connection,
                run,
                effects,
                now=now,
                reason=StateReason.CANCELLED,
                message=f"not started, because its backfill was cancelled by {by}",
            )
        effects.apply(connection)
        _write_event(connection, key, dag_id, "cancelled", now)


def run_dates(
    database: Database, dag_id: str, first: datetime, last: datetime, behavior: ReprocessBehavior
) -> frozenset[datetime]:
    """The logical dates from `first` to `last`, both included, whose existing or pruned runs a backfill would keep."""
    with database.read() as connection:
        rows: Sequence[Any] = [
            row
            for statement in (_DATES, _PRUNED_DATES)
            for row in connection.execute(statement, {"dag": dag_id, "first": first, "last": last})
        ]
    return frozenset(
        row.logical_date for row in rows if row.state not in RUN_FINISHED or not behavior.allows(RunState(row.state))
    )


def _write_event(connection: Connection, key: int | None, dag_id: str, state: str, now: datetime) -> None:
    write_event(connection, EventKind.BACKFILL, state, at=now, dag_id=dag_id, data={"backfill_id": key})


def _lock_open(connection: Connection, key: int) -> str:
    """Lock a backfill that has not ended; returns its DAG."""
    row = connection.execute(_LOCK, {"key": key}).one_or_none()
    if row is None:
        raise backfill_not_found(key)
    if row.completed_at is not None:
        raise Conflict(f"backfill {key} has ended")
    dag_id: str = row.dag_id
    return dag_id


_INSERT = insert(backfill).returning(backfill.c.id)
_LOCK = (
    select(backfill.c.id, backfill.c.dag_id, backfill.c.completed_at)
    .where(backfill.c.id == bindparam("key"))
    .with_for_update(key_share=True)
)
_now = bindparam("now", type_=UtcDateTime)
_OF_KEY = update(backfill).where(backfill.c.id == bindparam("key"))
_PAUSE = _OF_KEY.values(is_paused=True, message=None, updated_at=_now)
_UNPAUSE = _OF_KEY.values(is_paused=False, message=None, resumed_at=_now, updated_at=_now)
_CANCEL = _OF_KEY.values(is_paused=True, completed_at=_now, updated_at=_now)
_QUEUED = select(dag_run.c.id).where(dag_run.c.backfill_id == bindparam("key"), dag_run.c.state == RunState.QUEUED)


def _dates_of(table: Table) -> Select[Any]:
    return select(table.c.logical_date, table.c.state).where(
        table.c.dag_id == bindparam("dag"),
        table.c.logical_date >= bindparam("first", type_=UtcDateTime),
        table.c.logical_date <= bindparam("last", type_=UtcDateTime),
    )


_DATES, _PRUNED_DATES = _dates_of(dag_run), _dates_of(pruned_run)
