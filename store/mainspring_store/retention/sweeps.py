"""One sweep over all history: deletes what the policy lets go, oldest first, in small transactions.

Each transaction deletes as many rows as fit into `BATCH_SECONDS`, so that other writers hardly wait. Between two
transactions the caller may rest: `sweep` is a generator. Two sweeps at once delete each row once.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from mainspring.errors import Conflict
from mainspring.failpoints import failpoint
from mainspring.instants import format_instant, parse_instant
from mainspring.retention import Policy, RunPolicy
from mainspring_store.access.audit import AuditEvent, Outcome, add_event
from mainspring_store.access.installation import read_fact, write_fact
from mainspring_store.database.transactions import Database
from mainspring_store.retention.archive import Archive
from mainspring_store.retention.candidates import (
    Bounds,
    Candidate,
    bounds_of,
    candidates,
    is_held_by_backfill,
    without_needed,
)
from mainspring_store.retention.others import OTHERS, Other
from mainspring_store.retention.space import give_back_space
from mainspring_store.state.effects import lock_runs
from mainspring_store.state.run_removal import (
    Removed,
    announce_removal,
    count_rows,
    is_remembered,
    remember_runs,
    remove_instances,
    remove_runs,
)
from mainspring_store.tables import audit_event, dag

__all__ = ["ClockLeap", "Step", "check_clock", "preview", "sweep"]

BATCH_SECONDS = 0.02
"""Aim for the length of one transaction."""
BATCH_MIN, BATCH_MAX = 5, 2_000
"""Bounds for the task instances, or other rows, of one transaction."""
LARGE_RUN = 500
"""A run with more task instances is deleted in pieces."""
_SCANNED = 500
"""Runs that one query looks at."""
LEAP_MIN = timedelta(days=2)
"""A clock that moved so far since the last sweep may be wrong."""
LEAP_PAUSE = timedelta(days=1)
"""How long the new time must last before a sweep believes in it."""
_SWEPT_AT = "retention_swept_at"


class ClockLeap(Conflict):
    """The clock is far ahead of the last sweep. Nothing is pruned until the new time has lasted for a day."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One transaction of a sweep."""

    kind: str
    """`runs`, `versions`, `services`, `audit` or `space`."""
    dag_id: str | None
    removed: Removed
    seconds: float


def check_clock(database: Database, now: datetime) -> None:
    """Note that a sweep begins at `now`.

    A clock that jumped ahead would make all history look old. So after a jump of `LEAP_MIN` since the last sweep, no
    sweep begins for `LEAP_PAUSE`. An instance that was switched off for days waits as well.

    Raises:
        ClockLeap: The pause is not over.
    """
    with database.write() as connection:
        fact = read_fact(connection, _SWEPT_AT) or {}
        swept_at = parse_instant(fact["at"]) if "at" in fact else now
        doubted_since = parse_instant(fact["doubted_since"]) if fact.get("doubted_since") else None
        if doubted_since is not None and now < doubted_since:
            doubted_since = None  # the clock was set back
        elif now - swept_at >= LEAP_MIN:
            doubted_since = now
        elif doubted_since is not None and now - doubted_since >= LEAP_PAUSE:
            doubted_since = None
        doubt = None if doubted_since is None else format_instant(doubted_since)
        write_fact(connection, _SWEPT_AT, {"at": format_instant(now), "doubted_since": doubt})
    if doubted_since is not None:
        raise ClockLeap(
            f"the clock jumped ahead by {LEAP_MIN.days} days or more since the last sweep, or the instance was off;"
            f" nothing is pruned before {format_instant(doubted_since + LEAP_PAUSE)}"
        )


def sweep(
    database: Database, policy: Policy, *, now: datetime, by: str = "retention", archive: Archive | None = None
) -> Iterator[Step]:
    """Prune; yields after each transaction that deleted rows.

    by: the name that the audit log shows.
    archive: gets the runs before they are deleted; None = runs are deleted without an archive.

    Raises:
        ArchiveUnavailable: The archive cannot be written. What was pruned before stays pruned.
    """
    if not policy.is_on:
        return
    batch = _Batch()
    for dag_id, of_dag in _run_policies(database, policy):
        yield from _RunSweep(database, dag_id, of_dag, batch, now=now, by=by, archive=archive).steps()
    for other in OTHERS:
        lifetime: timedelta | None = getattr(policy, other.name)
        if lifetime is not None:
            yield from _sweep_other(database, other, policy, batch, now=now, before=now - lifetime, by=by)
    if database.is_sqlite:
        for seconds in give_back_space(database):
            yield Step(kind="space", dag_id=None, removed=Removed(), seconds=seconds)


def preview(database: Database, policy: Policy, *, now: datetime) -> Iterator[tuple[str, str | None, Removed]]:
    """What a sweep would remove now: (kind, DAG id, rows) for each DAG and kind with such rows. Writes nothing."""
    if not policy.is_on:
        return
    for dag_id, of_dag in _run_policies(database, policy):
        removed = Removed()
        with database.read() as connection:
            bounds = None if is_held_by_backfill(connection, dag_id) else bounds_of(connection, dag_id, of_dag, now)
            after = 0
            while bounds is not None and (batch := candidates(connection, bounds, after=after, limit=_SCANNED)):
                after = batch[-1].key
                unneeded = without_needed(connection, bounds, [run.key for run in batch])
                removed += count_rows(connection, [run.key for run in unneeded])
        if removed.rows:
            yield "runs", dag_id, removed
    for other in OTHERS:
        lifetime: timedelta | None = getattr(policy, other.name)
        if lifetime is not None:
            with database.read() as connection:
                count = other.count(connection, now - lifetime)
            if count:
                yield other.name, None, other.removed(count)


class _Batch:
    """The number of task instances, or other rows, that one transaction deletes: as many as take `BATCH_SECONDS`."""

    def __init__(self) -> None:
        self.size = 50

    def measured(self, seconds: float) -> None:
        factor = min(2.0, max(0.25, BATCH_SECONDS / max(seconds, 1e-6)))
        self.size = max(BATCH_MIN, min(BATCH_MAX, int(self.size * factor)))


class _Audit:
    """One event of the audit log for all deletions of a kind in a sweep.

    Each transaction brings the totals of the event up to date, so that a crash leaves no deletion without its event.
    """

    def __init__(self, dag_id: str | None, policy: dict[str, Any], *, now: datetime, by: str) -> None:
        self._event = AuditEvent(
            at=now, event="prune", outcome=Outcome.DONE, owner=by, principal_id=None, dag_id=dag_id
        )
        self._policy = policy
        self._key: int | None = None
        self._removed = Removed()

    def add(self, connection: Connection, removed: Removed) -> None:
        total = self._removed + removed
        extra = {"policy": self._policy, **total.describe()}
        if self._key is None:
            self._key = add_event(connection, self._event, extra=extra)
        else:
            connection.execute(_UPDATE_EVENT, {"of_event": self._key, "new_extra": extra})
        self._removed = total


class _RunSweep:
    """The sweep over the runs of one DAG."""

    def __init__(
        self,
        database: Database,
        dag_id: str,
        policy: RunPolicy,
        batch: _Batch,
        *,
        now: datetime,
        by: str,
        archive: Archive | None,
    ) -> None:
        self._archive = archive
        self._database = database
        self._dag_id = dag_id
        self._policy = policy
        self._batch = batch
        self._now = now
        self._audit = _Audit(dag_id, policy.describe(), now=now, by=by)

    def steps(self) -> Iterator[Step]:
        with self._database.read() as connection:
            bounds = bounds_of(connection, self._dag_id, self._policy, self._now)
        after = 0
        while bounds is not None:
            with self._database.read() as connection:
                scanned = candidates(connection, bounds, after=after, limit=_SCANNED)
            if not scanned:
                return
            after = scanned[-1].key
            position = 0
            while position < len(scanned):
                taken = self._fitting(scanned[position:])
                began = time.monotonic()
                removed, is_held, is_done = self._prune(bounds, taken)
                seconds = time.monotonic() - began
                if is_held:
                    return
                position += len(taken) if is_done else 0
                if removed.rows:
                    self._batch.measured(seconds)
                    yield Step(kind="runs", dag_id=self._dag_id, removed=removed, seconds=seconds)

    def _fitting(self, runs: Sequence[Candidate]) -> list[Candidate]:
        """The first runs that fit into a batch; at least one."""
        taken: list[Candidate] = []
        instances = 0
        for run in runs:
            instances += 1 + run.tasks_total
            if taken and instances > self._batch.size:
                break
            taken.append(run)
        return taken

    def _prune(self, bounds: Bounds, runs: Sequence[Candidate]) -> tuple[Removed, bool, bool]:
        """One transaction: the removed rows, whether a backfill holds the DAG, and whether the runs are dealt with."""
        with self._database.write() as connection:
            if is_held_by_backfill(connection, self._dag_id):
                return Removed(), True, True
            locked = lock_runs(connection, [run.key for run in runs], skip_locked=True)
            unneeded = without_needed(connection, bounds, sorted(locked)) if locked else []
            if not unneeded:
                return Removed(), False, True
            if self._archive is not None:
                # Of a large run, the first piece archives the whole run.
                whole = [run.key for run in unneeded if not is_remembered(connection, run.key)]
                self._archive.write(connection, whole, now=self._now)
            is_large = len(unneeded) == 1 and unneeded[0].tasks_total > max(self._batch.size, LARGE_RUN)
            if is_large:
                removed = remove_instances(connection, unneeded[0].key, self._batch.size)
            else:
                keys = [run.key for run in unneeded]
                removed = count_rows(connection, keys)
                remember_runs(connection, keys)
                # After a write: PostgreSQL must know the transaction before an event draws its number.
                announce_removal(connection, keys, now=self._now)
                remove_runs(connection, keys)
            self._audit.add(connection, removed)
            failpoint("retention.prune.before-commit")
        failpoint("retention.prune.committed")
        return removed, False, not is_large


def _run_policies(database: Database, policy: Policy) -> list[tuple[str, RunPolicy]]:
    """(DAG id, policy) of each DAG whose runs may be pruned."""
    with database.read() as connection:
        rows = connection.execute(_DAGS).all()
    policies = [(row.dag_id, policy.of_runs.changed_by(row.retention)) for row in rows]
    return [(dag_id, of_dag) for dag_id, of_dag in policies if not of_dag.is_empty]


def _sweep_other(
    database: Database, other: Other, policy: Policy, batch: _Batch, *, now: datetime, before: datetime, by: str
) -> Iterator[Step]:
    audit = _Audit(None, {other.name: policy.describe()[other.name]}, now=now, by=by)
    while True:
        began = time.monotonic()
        try:
            with database.write() as connection:
                size = max(batch.size, 50)
                count = other.delete(connection, before, size)
                removed = other.removed(count)
                if count:
                    audit.add(connection, removed)
        except IntegrityError:
            return  # A row got a user at this moment; the next sweep looks again.
        seconds = time.monotonic() - began
        if count:
            batch.measured(seconds)
            yield Step(kind=other.name, dag_id=None, removed=removed, seconds=seconds)
        if count < size:
            return


_DAGS = select(dag.c.dag_id, dag.c.retention).order_by(dag.c.dag_id)
_UPDATE_EVENT = (
    update(audit_event).where(audit_event.c.id == bindparam("of_event")).values(extra=bindparam("new_extra"))
)
