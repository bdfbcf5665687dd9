"""Advances backfills. A backfill is a row with a cursor; it makes new runs as earlier runs end.

The work of one pass is bounded, and each backfill advances in a transaction of its own. A failing backfill is paused
with the reason, and the other backfills go on.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from mainspring.errors import MainspringError, StoreUnavailable
from mainspring.params import resolve_params
from mainspring.states import RunState, RunType
from mainspring.timetables import Slot, slots_between, timetable_of
from mainspring_scheduler.versions import Version, Versions
from mainspring_store.database.transactions import Database
from mainspring_store.interventions.targets import Shape
from mainspring_store.scheduling.backfill_runs import (
    BackfillWrites,
    ExistingRun,
    OpenBackfill,
    backfills_with_capacity,
    begin_backfill,
    halt_backfill,
)
from mainspring_store.state.runs import NewRun, VersionRef

__all__ = ["advance_backfills"]

_log = logging.getLogger(__name__)

BACKFILLS_MAX = 20
"""Backfills advanced in one pass."""
SLOTS_MAX = 100
"""Slots of a backfill processed in one pass."""
TASKS_MAX = 2_000
"""After this many task instances, a backfill makes no further run in the pass."""


def advance_backfills(database: Database, versions: Versions, now: datetime) -> int:
    """Make the runs that fit into `max_active_runs`, and end finished backfills. Returns the number of slots and ends.

    Raises:
        StoreUnavailable: The database is unreachable. Earlier backfills of this pass stay advanced.
    """
    advanced = 0
    for key in backfills_with_capacity(database, BACKFILLS_MAX):
        try:
            with begin_backfill(database, key) as writes:
                if writes is not None:
                    advanced += _Step(writes, versions, now).take()
        except StoreUnavailable:
            raise
        except Exception as exc:
            _log.exception("backfill paused after an error: backfill=%d", key)
            reason = str(exc) if isinstance(exc, MainspringError) else f"{type(exc).__name__}: {exc}"
            halt_backfill(database, key, f"paused, because it cannot go on: {reason}", now=now)
    return advanced


class _Step:
    """One backfill in one pass."""

    def __init__(self, writes: BackfillWrites, versions: Versions, now: datetime) -> None:
        self._writes = writes
        self._of = writes.of
        self._versions = versions
        self._now = now
        self._unfinished = writes.unfinished

    def take(self) -> int:
        if self._pauses_for_failures():
            return 1
        slots = list(islice(self._slots_left(), SLOTS_MAX))
        done = self._make_runs(slots)
        if self._of.slots_done + done < self._of.slots_total and slots:
            return done
        if self._unfinished == 0:
            self._writes.complete(now=self._now)
            return done + 1
        return done

    def _pauses_for_failures(self) -> bool:
        most = self._of.max_failed_runs
        if most is None or self._of.slots_done == self._of.slots_total or self._writes.failed_runs() < most:
            return False
        failed = "a run of it has" if most == 1 else f"{most} of its runs have"
        message = f"paused, because {failed} failed, the most that max_failed_runs allows; unpause it to go on"
        self._writes.halt(message, now=self._now)
        return True

    def _make_runs(self, slots: Sequence[Slot]) -> int:
        """Process slots in order until a limit is reached. Returns the number of processed slots."""
        dates = [slot.logical_date for slot in slots]
        existing = self._writes.runs_at(dates) if slots else {}
        pruned = self._writes.pruned_at(dates) if slots else {}
        done = skipped = tasks = 0
        for slot in slots:
            if self._unfinished >= self._of.max_active_runs or tasks >= TASKS_MAX:
                break
            version = self._version_for(existing.get(slot.logical_date))
            run = existing.get(slot.logical_date)
            if self._make_run(slot, version, run, None if run else pruned.get(slot.logical_date)):
                self._unfinished += 1
                tasks += len(version.tasks)
            else:
                skipped += 1
            done += 1
        if done:
            cursor = slots[done - 1].logical_date
            self._writes.move_on(cursor=cursor, done=done, skipped=skipped, now=self._now)
        return done

    def _make_run(self, slot: Slot, version: Version, existing: ExistingRun | None, pruned: RunState | None) -> bool:
        """Make or repeat the run of a slot. Returns False when the backfill skips the slot.

        pruned: the last state of the run of the slot, if retention pruned the run.
        """
        if pruned is not None:
            if not self._of.reprocess_behavior.allows(pruned):
                return False
            self._writes.forget_pruned(slot.logical_date)
        if existing is None:
            return self._writes.create_run(_new_run(self._of, version, slot), now=self._now)
        if not self._of.reprocess_behavior.allows(existing.state):
            return False
        conf: Mapping[str, Any] = {}
        if self._of.dag_run_conf is not None:
            params = resolve_params(version.definition.params, self._of.dag_run_conf)
            conf = {"conf": dict(self._of.dag_run_conf), "params": params}
        old = self._version(existing.version_id)
        shape, latest = Shape(old.id, old.definition), Shape(version.id, version.definition)
        return self._writes.run_again(existing, shape, latest, conf, now=self._now)

    def _version_for(self, existing: ExistingRun | None) -> Version:
        """The version for the run of a slot. An existing run keeps its version unless `run_on_latest_version`."""
        if self._of.run_on_latest_version:
            return self._version(self._of.current_version_id)
        return self._version(self._of.dag_version_id if existing is None else existing.version_id)

    def _slots_left(self) -> Iterator[Slot]:
        of, definition = self._of, self._version(self._of.dag_version_id).definition
        assert definition.schedule is not None
        first, last = of.from_date, of.to_date
        if of.cursor is not None:
            first, last = (first, of.cursor) if of.run_backwards else (of.cursor, last)
        slots = slots_between(
            timetable_of(definition.schedule), first, last, due_by=of.created_at, is_backwards=of.run_backwards
        )
        return (slot for slot in slots if slot.logical_date != of.cursor)

    def _version(self, version_id: int) -> Version:
        return self._versions.get(version_id, self._writes.version_document)


def _new_run(of: OpenBackfill, version: Version, slot: Slot) -> NewRun:
    conf = of.dag_run_conf or {}
    return NewRun(
        version=VersionRef(id=version.id, definition=version.definition),
        run_id=f"backfill__{slot.logical_date.isoformat()}",
        run_type=RunType.BACKFILL,
        conf=conf,
        params=resolve_params(version.definition.params, conf),
        run_after=slot.run_after,
        logical_date=slot.logical_date,
        data_interval=(slot.logical_date, slot.data_interval_end),
        triggered_by="backfill",
        user=of.triggering_user_name,
        principal_id=of.principal_id,
        backfill_id=of.id,
    )
