"""Steps: what schedulers do, and what befalls them."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from mainspring.attempts import Outcome
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

    @rule(seconds=st.sampled_from([1, 6, 10, 31, 61]))
    def move_the_clock(self, seconds: int) -> None:
        self.let_time_pass(seconds)
