"""A scheduling pass is a single transaction."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import datetime

from mainspring_store.database.batches import Batch
from mainspring_store.database.pipeline import Statements
from mainspring_store.database.transactions import Database
from mainspring_store.scheduling.awaited_ends import AwaitedWrites
from mainspring_store.scheduling.candidates import CandidateReads
from mainspring_store.scheduling.deadlines import DeadlineWrites
from mainspring_store.scheduling.decisions import DecisionWrites
from mainspring_store.scheduling.due_runs import DueWrites
from mainspring_store.scheduling.group_expansion import GroupWrites
from mainspring_store.scheduling.parts import SeenBlocked
from mainspring_store.scheduling.reports import ReportWrites
from mainspring_store.scheduling.resources import ResourceReads
from mainspring_store.scheduling.run_moves import RunWrites
from mainspring_store.scheduling.run_starts import StartReads
from mainspring_store.scheduling.task_limits import TaskLimitWrites
from mainspring_store.scheduling.waits import WaitWrites
from mainspring_store.state.effects import Effects, RunCounters, SlotChanges, select_free_slots, select_runs_to_lock

__all__ = ["Pass", "begin_pass"]


@contextmanager
def begin_pass(database: Database, *, predicts: bool = False, expects_blocked: bool = False) -> Iterator["Pass"]:
    """Open the transaction of a pass: flushes the effects and commits at the end, rolls back on an exception.

    predicts: see `Database.statements`; the caller handles `Mispredicted`.
    expects_blocked: whether predictions assume that a blocked instance exists.
    """
    with database.statements(predicts=predicts) as statements:
        current = Pass(statements, SeenBlocked(is_expected=expects_blocked))
        yield current
        current.flush(unneeded=current.effects.runs)
        current.settle_slots()


class Pass:
    """The writes and reads of a scheduling transaction, grouped by duty.

    Each method runs a guarded, set-based statement and returns the changed rows. An instance missing in the result was
    changed by another scheduler or by a client. Counters and events follow from the returned rows through `effects`.
    """

    def __init__(self, statements: Statements, blocked: SeenBlocked) -> None:
        self._statements = statements
        self.blocked = blocked
        self._locked: set[int] = set()
        """Runs that the transaction has locked."""
        self.reports = ReportWrites(statements, blocked)
        self.candidates = CandidateReads(statements, self._locked)
        self.decisions = DecisionWrites(statements, blocked)
        self.limits = TaskLimitWrites(statements)
        self.groups = GroupWrites(statements)
        self.runs = RunWrites(statements, lambda: self.effects)
        self.starts = StartReads(statements)
        self.due = DueWrites(statements)
        self.awaited = AwaitedWrites(statements)
        self.resources = ResourceReads(statements)
        self.waits = WaitWrites(statements, blocked)
        self.deadlines = DeadlineWrites(statements, blocked)
        self.effects = Effects()
        self._slots = SlotChanges()
        """Changes of pools that wait for the end of the pass."""
        self.first_failures: dict[int, str] = {}
        """Run -> its first task that failed in this pass, of the runs that such a failure ends."""

    @property
    def has_confirmed(self) -> bool:
        """Whether the database has confirmed a prediction of this pass."""
        return self._statements.has_confirmed

    def lock_runs(self, run_ids: Iterable[int], *, skip_locked: bool = False) -> frozenset[int]:
        """See `effects.lock_runs`."""
        if self._statements.is_sqlite:
            return frozenset(run_ids)  # the write transaction is the lock
        parameters = {"rows": Batch({"id": run_id} for run_id in run_ids)}
        locked = {row.id for row in self._statements.rows(select_runs_to_lock(skip_locked), parameters)}
        self._locked |= locked
        return frozenset(locked)

    def hold_runs(self, run_ids: AbstractSet[int]) -> None:
        """Lock these runs as `lock_runs` does, ahead of the next statement. Runs that are gone do not matter."""
        if not self._statements.is_sqlite:
            parameters = {"rows": Batch({"id": run_id} for run_id in run_ids)}
            self._statements.write(select_runs_to_lock(skip_locked=False), parameters)
            self._locked |= run_ids

    def unblock(self, dag_id: str, task_id: str) -> None:
        """Make blocked instances of a task in all runs of its DAG ready, because an instance of the task ended.

        Runs no statement when the earlier statements of the pass saw no blocked instance.
        """
        if self.blocked.is_any:
            self.limits.unblock(dag_id, task_id)

    def lock_runs_with_capacity(self, run_ids: Iterable[int]) -> Mapping[int, int | None]:
        """Lock as `lock_runs` with `skip_locked`; returns run id -> free places for active tasks, read under the lock.

        The value is None where the candidates were read under the lock: their figure holds.
        """
        ids = set(run_ids)
        if self._statements.is_sqlite:
            return dict.fromkeys(ids)
        free: dict[int, int | None] = dict.fromkeys(ids & self._locked)
        if others := ids - self._locked:
            parameters = {"rows": Batch({"id": run_id} for run_id in others)}
            free.update((row.id, row.free) for row in self._statements.rows(select_free_slots(), parameters))
            self._locked |= free.keys()
        return free

    def unlock_downstream(self) -> None:
        """Write the upstream counters, so that `candidates` sees newly ready instances; `flush` writes the rest."""
        self.effects.apply_upstream(self._statements)

    def flush(self, *, unneeded: Collection[int] = ()) -> Mapping[int, RunCounters]:
        """Apply and reset the collected effects; returns the counters of the changed runs. Pools change by
        `settle_slots`, or at the end of the pass.

        unneeded: see `Effects.apply_by`.
        """
        effects, self.effects = self.effects, Effects()
        # The end of a run follows from its counters, and needs these facts.
        self.runs.read_facts_along([run_id for run_id in effects.shrinking_runs if run_id not in unneeded])
        return effects.apply_by(self._statements, later=self._slots, unneeded=unneeded)

    def read_ahead(self, now: datetime, *, due_max: int, starts_max: int) -> None:
        """Let the queries of a pass that looks for due work travel together, as long as no work is due.

        due_max, starts_max: as the pass asks `due.due_dags` and `starts.runs` for.
        """
        self._statements.read_ahead(
            [
                self.decisions.read_of_due_work(now),
                self.due.read_of_due_dags(now, due_max),
                self.due.read_of_prefetch(now),
                self.starts.read_of_runs(now, starts_max),
            ]
        )

    def settle_slots(self) -> None:
        """Write the slots of the flushed effects, so that `candidates` sees them.

        Raises:
            SlotsTaken: See `SlotChanges.write`.
        """
        self._slots.write(self._statements)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Roll back only the writes inside the block when the block fails."""
        with self._statements.savepoint():
            yield
