"""The real scheduler and store, with everything around them in the hands of the simulation."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import Connection, event

from mainspring.attempts import Attempt, Finished, Report
from mainspring.errors import StoreUnavailable
from mainspring_executors.contract import AttemptLocation, Capabilities, Executor, SubmitResult, Submitted
from mainspring_scheduler.duties.remote_rescue import RemoteRescue
from mainspring_scheduler.duties.rescue import find_lost, find_unsubmitted
from mainspring_scheduler.predictions import Predictions
from mainspring_scheduler.scheduler import PassCounts, Scheduler
from mainspring_store import Database, open_database
from mainspring_store.database.pipeline import PipelinedStatements, Statements
from mainspring_store.resources import heartbeats as services
from tests.scheduler.engine import MovedClock, ScriptedExecutor
from tests.simulation.broker import Broker, BrokerExecutor

__all__ = ["CHECKS_AT_ONCE", "Host", "UnreliableDatabase"]


class DrawnPredictions(Predictions):
    """Predicts or not, as the simulation draws it."""

    are_on = True

    def may_predict(self) -> bool:
        return self.are_on


class UnreliableDatabase(Database):
    """Breaks once, on demand: `rollback` loses a transaction, `unknown` commits it and loses the answer."""

    fault: str | None = None
    between: Callable[[], object] | None = None
    """Called once, in the middle of the next scheduling pass: it has read what is ready, and locks its runs next."""

    @classmethod
    def at(cls, url: str) -> "UnreliableDatabase":
        database = open_database(url, connections_max=4, **({"synchronous": "NORMAL"} if "sqlite" in url else {}))
        event.listen(database.engine, "before_cursor_execute", lambda _0, _1, text, *_: unreliable._interrupt(text))
        unreliable = cls(database.engine, database._write_queue)
        return unreliable

    def _interrupt(self, text: str) -> None:
        if self.between is not None and "SKIP LOCKED" in text and "max_active_runs" not in text:
            between, self.between = self.between, None
            between()

    def _interrupt_one_of(self, texts: Sequence[str]) -> None:
        for text in texts:
            self._interrupt(text)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        fault, self.fault = self.fault, None
        with super().write() as connection:
            yield connection
            if fault == "rollback":
                raise StoreUnavailable("the connection broke before the commit")
        if fault == "unknown":
            raise StoreUnavailable("the connection broke after the commit")

    @contextmanager
    def statements(self, *, predicts: bool = False) -> Iterator[Statements]:
        # On SQLite, `write` breaks.
        fault, self.fault = (self.fault, None) if not self.is_sqlite else (None, self.fault)
        try:
            with super().statements(predicts=predicts) as statements:
                if isinstance(statements, PipelinedStatements):
                    statements.before_flight = self._interrupt_one_of
                yield statements
                if fault == "rollback":
                    if isinstance(statements, PipelinedStatements):
                        statements.send()
                    raise StoreUnavailable("the connection broke before the commit")
        except StoreUnavailable:
            raise
        except Exception:
            if predicts:
                self.fault = fault  # of the repeated pass
            raise
        if fault == "unknown":
            raise StoreUnavailable("the connection broke after the commit")


CHECKS_AT_ONCE = 2
CAPABILITIES = Capabilities(hard_cancel=True, isolates_crash=True, survives_scheduler_restart=False)


class SimulatedExecutor(ScriptedExecutor):
    """Also refuses attempts, or loses the answer to their submission, when it is told to."""

    def __init__(self, clock: MovedClock, slots: int) -> None:
        super().__init__(clock, slots, CAPABILITIES)
        self.answer = SubmitResult.ACCEPTED
        self.refused: list[str] = []

    def submit(self, attempts: Sequence[Attempt]) -> Sequence[Submitted]:
        if self.answer is SubmitResult.ACCEPTED:
            return super().submit(attempts)
        answers = [Submitted(attempt_id=one.attempt_id, result=self.answer, detail="as told") for one in attempts]
        if self.answer is SubmitResult.REJECTED:
            self.refused += [one.attempt_id for one in attempts]
        self.answer = SubmitResult.ACCEPTED
        return answers

    def recover(self, attempt_ids: Sequence[str]) -> Mapping[str, AttemptLocation]:
        places = {
            one: AttemptLocation.RUNNING if one in self.submitted else AttemptLocation.ABSENT for one in attempt_ids
        }
        return places | {one: AttemptLocation.FINISHED for one in attempt_ids if one in self.finished}


class Host:
    """One scheduler process: the scheduler, its executor, its heartbeat. A crash leaves nothing of it."""

    def __init__(
        self,
        database: UnreliableDatabase,
        clock: MovedClock,
        broker: Broker | None,
        *,
        incarnation: str,
        slots: int,
        seed: int,
    ) -> None:
        """broker: of remote workers; None = it offers only an executor of its own."""
        self.database = database
        self.clock = clock
        self.incarnation = incarnation
        self.executor = SimulatedExecutor(clock, slots)
        self.executors: dict[str, Executor] = {"thread": self.executor}
        if broker is not None:
            self.executors["rq"] = BrokerExecutor(broker)
        self.remote_rescue = RemoteRescue(database, self.executors, clock)
        self.scheduler = Scheduler(
            database,
            self.executors,
            incarnation=incarnation,
            clock=clock,
            random=Random(seed),
            checks_at_once=CHECKS_AT_ONCE,
        )
        self.predictions = self.scheduler._predictions = DrawnPredictions()
        self.inbox: list[Report] = []
        """What the scheduler holds in memory: delivered, and not yet in the store."""
        self.has_peers = False
        """Whether other schedulers live on the same file, which only the simulation allows."""
        self.was_undone = False
        """Whether the last pass gave up, because the slots it wanted were gone."""
        services.register_service(
            database, incarnation=incarnation, kind="scheduler", hostname="h", pid=1, version="0", details={},
            now=clock.now(),
        )  # fmt: skip

    def deliver(self, *reports: Report) -> None:
        """What the next pass will hear from the executor."""
        self.executor.report(*reports)
        self.inbox += reports
        self.executor.finished.update(one.attempt_id for one in reports if isinstance(one, Finished))

    def heartbeat(self) -> None:
        services.heartbeat(self.database, self.incarnation, now=self.clock.now())

    def rescue(self) -> list[Report]:
        """Look for attempts that nobody carries any more, as the service does with each beat."""
        found: dict[str, Any] = {"incarnation": self.incarnation, "now": self.clock.now()}
        is_exclusive = self.database.is_sqlite and not self.has_peers
        lost = find_lost(self.database, self.executors, is_exclusive=is_exclusive, **found)
        lost += find_unsubmitted(self.database, self.executors, **found)
        return self._injected(lost)

    def find_expired(self) -> list[Report]:
        """Look for remote workers that are gone, and for attempts that never reached one."""
        return self._injected(self.remote_rescue.look())

    def _injected(self, lost: Sequence[Report]) -> list[Report]:
        self.scheduler.inject(lost)
        self.inbox += lost
        return list(lost)

    def run_once(self) -> PassCounts | None:
        """One pass; None = the store broke, with the outcome of the commit unknown to the scheduler."""
        self.was_undone = False
        try:
            counts = self.scheduler.run_once(is_woken=True)
        except StoreUnavailable:
            return None
        refused, self.executor.refused = self.executor.refused, []
        self.was_undone = counts == PassCounts(is_complete=False)
        if not self.was_undone:
            self.inbox = []
        for attempt_id in refused:
            self.inbox.append(self.scheduler._rejected(attempt_id, "as told"))
        return counts

    def close(self) -> None:
        for executor in self.executors.values():
            executor.close(timedelta(0))
