"""Backfills: what people ask for. The runs are made by the scheduler, a few at a time (`scheduling.backfill_runs`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from mainspring.errors import Conflict
from mainspring.states import RUN_FINISHED, RunState, StateReason
from mainspring_store.access.quotas import Owner, Quota
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.backfills import backfill_not_found
from mainspring_store.queries.dags import dag_not_found
from mainspring_store.state.effects import Effects, lock_runs
from mainspring_store.state.runs import end_run
from mainspring_store.tables import backfill, dag_run

__all__ = ["NewBackfill", "ReprocessBehavior", "cancel_backfill", "create_backfill", "pause_backfill", "run_dates"]


class ReprocessBehavior(StrEnum):
    """What a backfill does with a slot that has a run already. One that has not ended is always left alone."""

    NONE = "none"
    """It is left alone."""
    FAILED = "failed"
    """It runs again if it failed."""
    COMPLETED = "completed"
    """It runs again."""

    def allows(self, state: RunState) -> bool:
        """Whether a run in this state runs again."""
        return (state is RunState.FAILED and self is not self.NONE) or (
            state is RunState.SUCCESS and self is self.COMPLETED
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class NewBackfill:
    """A backfill that is not stored yet."""

    dag_id: str
    version_id: int
    """Its schedule says which slots there are."""
    from_date: datetime
    to_date: datetime
    """Bounds of the logical date, both included."""
    slots_total: int
    run_backwards: bool = False
    conf: Mapping[str, Any] | None = None
    reprocess_behavior: ReprocessBehavior = ReprocessBehavior.NONE
    max_active_runs: int = 10
    max_failed_runs: int | None = None
    """How many failed runs pause it; None = any number may fail."""
    run_on_latest_version: bool = False
    """Runs go by what is current when it is their turn; else new ones by `version_id`, others by their own."""
    user: str | None = None


def create_backfill(database: Database, new: NewBackfill, *, owner: Owner | None = None, now: datetime) -> int:
    """Store a backfill and return its id. Only slots that were due at `now` belong to it.

    owner: the principal that its runs count for; its quota must have room for as many as there may be at once.

    Raises:
        Conflict: One of the DAG is under way.
        NotFound: The DAG was deleted meanwhile.
        QuotaExceeded: The owner may not have so many more active runs, or has as much log or stored bytes as it may
            have.
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
    except IntegrityError as exc:
        text = str(exc.orig)
        if "foreign key" in text.lower():
            raise dag_not_found(new.dag_id) from exc
        # PostgreSQL names the index, SQLite its column.
        if "uq_backfill_open" in text or "UNIQUE constraint failed: backfill.dag_id" in text:
            raise Conflict(f"dag '{new.dag_id}' has a backfill under way; wait for its end, or cancel it") from exc
        raise
    assert key is not None
    return key


def pause_backfill(database: Database, key: int, is_paused: bool, *, now: datetime) -> None:
    """Pause a backfill, so that none of its runs is made or starts, or let it go on. What runs goes on. Failures before
    it was let go on count no more for `max_failed_runs`.

    Raises:
        NotFound: There is no such backfill.
        Conflict: It has ended.
    """
    with database.write() as connection:
        _lock_open(connection, key)
        connection.execute(_PAUSE if is_paused else _UNPAUSE, {"key": key, "now": now})


def cancel_backfill(database: Database, key: int, *, by: str, now: datetime) -> None:
    """End a backfill: its runs that have not started become failed, those that run go on to their end.

    Raises:
        NotFound: There is no such backfill.
        Conflict: It has ended.
    """
    with database.write() as connection:
        _lock_open(connection, key)
        connection.execute(_CANCEL, {"key": key, "now": now})
        queued = lock_runs(connection, connection.scalars(_QUEUED, {"key": key}).all())
        effects = Effects()
        # Some may have started before they were locked.
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


def run_dates(
    database: Database, dag_id: str, first: datetime, last: datetime, behavior: ReprocessBehavior
) -> frozenset[datetime]:
    """The logical dates from `first` to `last` whose runs a backfill would leave alone."""
    with database.read() as connection:
        rows: Sequence[Any] = connection.execute(_DATES, {"dag": dag_id, "first": first, "last": last}).all()
    return frozenset(
        row.logical_date for row in rows if row.state not in RUN_FINISHED or not behavior.allows(RunState(row.state))
    )


def _lock_open(connection: Connection, key: int) -> None:
    row = connection.execute(_LOCK, {"key": key}).one_or_none()
    if row is None:
        raise backfill_not_found(key)
    if row.completed_at is not None:
        raise Conflict(f"backfill {key} has ended")


_INSERT = insert(backfill).returning(backfill.c.id)
_LOCK = (
    select(backfill.c.id, backfill.c.completed_at)
    .where(backfill.c.id == bindparam("key"))
    .with_for_update(key_share=True)
)
_now = bindparam("now", type_=UtcDateTime)
_OF_KEY = update(backfill).where(backfill.c.id == bindparam("key"))
_PAUSE = _OF_KEY.values(is_paused=True, message=None, updated_at=_now)
_UNPAUSE = _OF_KEY.values(is_paused=False, message=None, resumed_at=_now, updated_at=_now)
_CANCEL = _OF_KEY.values(is_paused=True, completed_at=_now, updated_at=_now)
_QUEUED = select(dag_run.c.id).where(dag_run.c.backfill_id == bindparam("key"), dag_run.c.state == RunState.QUEUED)
_DATES = select(dag_run.c.logical_date, dag_run.c.state).where(
    dag_run.c.dag_id == bindparam("dag"),
    dag_run.c.logical_date >= bindparam("first", type_=UtcDateTime),
    dag_run.c.logical_date <= bindparam("last", type_=UtcDateTime),
)
