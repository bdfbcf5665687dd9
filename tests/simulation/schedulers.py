"""Steps: what schedulers do, and what befalls them."""

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy import select

from mainspring.attempts import Finished, Outcome
from mainspring_store.access.installation import release_schedules
from mainspring_store.backups import prepare_restored
from mainspring_store.tables import task_try
from tests.simulation.machine import PICK, Machine, one_of
from tests.simulation.places import OUTCOMES

__all__ = ["Schedulers"]


class Schedulers(Machine):
    """Passes, commits that break, rescues, crashes, and time that passes."""

    @rule(host=PICK)
    def pass_once(self, host: int) -> None:
        self.do_pass(one_of(self.hosts, host))

    @rule(host=PICK)
    def run_until_idle(self, host: int) -> None:
        self.do_run_until_idle(one_of(self.hosts, host))

    @rule(host=PICK, fault=st.sampled_from(["rollback", "unknown"]), starts=st.integers(0, 2), outcomes=OUTCOMES)
    def break_the_commit(self, host: int, fault: str, starts: int, outcomes: list[Outcome]) -> None:
        """The transaction in which reports arrive is lost, or its answer is."""
        worker_loop = one_of(self.hosts, host)
        carried = worker_loop.executor.open
        for attempt in carried[: starts + len(outcomes)]:
            self.report_start(worker_loop, attempt)
        for attempt, outcome in zip(carried[starts:], outcomes, strict=False):
            self.report(worker_loop, self.final(attempt, outcome, ways=len(outcomes)))
        self.do_pass(worker_loop, fault)

    @rule(host=PICK)
    def rescue(self, host: int) -> None:
        one_of(self.hosts, host).rescue()

    @rule(host=PICK)
    def crash(self, host: int) -> None:
        """The process dies with its executor; another takes its place."""
        dead = one_of(self.hosts, host)
        dead.close()
        self.hosts[self.hosts.index(dead)] = fresh = self.new_host()
        fresh.rescue()

    @rule()
    def restore(self) -> None:
        """Only a backup of this moment is left: what was under way is lost, and no worker of before is heard."""
        for dead in self.hosts:
            dead.close()
        unstopped = self._unstopped()
        queued = {attempt_id for attempt_id, state in unstopped.items() if state == "queued"}
        for attempt_id in sorted(queued & self.broker.ahead - self.broker.done):
            self.note_remote_start(attempt_id)
        ended = {one.attempt_id for one in self.remote_inbox if isinstance(one, Finished)}
        for attempt_id in unstopped.keys() & self.broker.leases.keys():
            del self.broker.leases[attempt_id]
        prepare_restored(self.database, keeps_tokens=True, now=self.clock.now())
        assert release_schedules(self.database), "a restored database lets schedules make runs"
        self.start_execution_api()
        self.hosts = [self.new_host() for _ in self.hosts]
        lost = {one.attempt_id for one in self.hosts[0].rescue()}
        expected = unstopped.keys() - ended
        assert lost == expected, f"of {sorted(expected)} that were under way, {sorted(lost)} are lost"
        self.do_pass(self.hosts[0])
        assert not unstopped.keys() & self._unstopped().keys(), "attempts of before the restore are not over"

    def _unstopped(self) -> dict[str, str]:
        """Attempt id -> state of the attempts whose processes may still run."""
        with self.database.read() as connection:
            rows = connection.execute(
                select(task_try.c.attempt_id, task_try.c.state).where(task_try.c.stopped_at.is_(None))
            )
            return {row.attempt_id: row.state for row in rows}

    @rule(seconds=st.sampled_from([1, 6, 10, 31, 61]))
    def move_the_clock(self, seconds: int) -> None:
        self.let_time_pass(seconds)
