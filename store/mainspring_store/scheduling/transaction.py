"""A scheduling pass is a single transaction."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import Connection

from mainspring_store.database.transactions import Database
from mainspring_store.scheduling.candidates import CandidateReads
from mainspring_store.scheduling.deadlines import DeadlineWrites
from mainspring_store.scheduling.decisions import DecisionWrites
from mainspring_store.scheduling.due_runs import DueWrites
from mainspring_store.scheduling.reports import ReportWrites
from mainspring_store.scheduling.resources import ResourceReads
from mainspring_store.scheduling.run_moves import RunWrites
from mainspring_store.scheduling.task_limits import TaskLimitWrites
from mainspring_store.scheduling.waits import WaitWrites
from mainspring_store.state.effects import Effects, RunCounters, lock_runs, lock_runs_with_capacity

__all__ = ["Pass", "begin_pass"]


@contextmanager
def begin_pass(database: Database) -> Iterator["Pass"]:
    """Open the transaction of a pass: flushes the effects and commits at the end, rolls back on an exception."""
    with database.write() as connection:
        current = Pass(connection)
        yield current
        current.flush()


class Pass:
    """The writes and reads of a scheduling transaction, grouped by duty.

    Each method runs a guarded, set-based statement and returns the changed rows. An instance missing in the result was
    changed by another scheduler or by a client. Counters and events follow from the returned rows through `effects`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.reports = ReportWrites(connection)
        self.candidates = CandidateReads(connection)
        self.decisions = DecisionWrites(connection)
        self.limits = TaskLimitWrites(connection)
        self.runs = RunWrites(connection, lambda: self.effects)
        self.due = DueWrites(connection)
        self.resources = ResourceReads(connection)
        self.waits = WaitWrites(connection)
        self.deadlines = DeadlineWrites(connection)
        self.effects = Effects()

    def lock_runs(self, run_ids: Iterable[int], *, skip_locked: bool = False) -> frozenset[int]:
        """See `effects.lock_runs`."""
        return lock_runs(self._connection, run_ids, skip_locked=skip_locked)

    def unblock(self, dag_id: str, task_id: str) -> None:
        """Make blocked instances of a task in all runs of its DAG ready, because an instance of the task ended.

        Runs no statement when the earlier statements of the pass saw no blocked instance.
        """
        parts = (self.reports, self.decisions, self.waits, self.deadlines)
        if any(part.saw_blocked for part in parts):
            self.limits.unblock(dag_id, task_id)

    def lock_runs_with_capacity(self, run_ids: Iterable[int]) -> Mapping[int, int | None]:
        """See `effects.lock_runs_with_capacity`."""
        return lock_runs_with_capacity(self._connection, run_ids)

    def unlock_downstream(self) -> None:
        """Write the upstream counters, so that `candidates` sees newly ready instances; `flush` writes the rest."""
        self.effects.apply_upstream(self._connection)

    def flush(self) -> Mapping[int, RunCounters]:
        """Apply and reset the collected effects; returns the counters of the changed runs."""
        effects, self.effects = self.effects, Effects()
        return effects.apply(self._connection)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Roll back only the writes inside the block when the block fails."""
        with self._connection.begin_nested():
            yield
