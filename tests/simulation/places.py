"""Steps: what happens where attempts are carried out."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from mainspring.attempts import Finished, Outcome, Report, Started, Stopped
from mainspring_executors.contract import SubmitResult
from tests.simulation.machine import PICK, Machine, one_of
from tests.simulation.model import UNREADABLE

__all__ = ["OUTCOMES", "Places"]

OUTCOMES = st.lists(st.sampled_from([Outcome.SUCCESS] * 3 + [Outcome.FAILED]), max_size=6)
NUMBERS = st.sampled_from([-1, 0, 1, 2**31])


class Places(Machine):
    """Attempts start, end, are refused or lost; reports are repeated, and some make no sense."""

    @precondition(lambda self: self.open_attempts())
    @rule(pick=PICK)
    def start(self, pick: int) -> None:
        self.report_start(*one_of(self.open_attempts(), pick))

    @precondition(lambda self: self.open_attempts())
    @rule(
        pick=PICK,
        outcome=st.sampled_from([Outcome.SUCCESS] * 4 + [Outcome.FAILED] * 3 + list(Outcome)),
        is_started=st.sampled_from([True, True, True, False]),
        ways=st.integers(0, 63),
    )
    def finish(self, pick: int, outcome: Outcome, is_started: bool, ways: int) -> None:
        host, attempt = one_of(self.open_attempts(), pick)
        if is_started:
            self.report_start(host, attempt)
        self.report(host, self.final(attempt, outcome, ways))

    @precondition(lambda self: self.model.runs)
    @rule(host=PICK, outcomes=OUTCOMES)
    def work(self, host: int, outcomes: list[Outcome]) -> None:
        """An undisturbed while: whatever can begin begins, and some of it ends."""
        worker_loop = one_of(self.hosts, host)
        self.do_run_until_idle(worker_loop)
        for attempt, outcome in zip(worker_loop.executor.open, outcomes, strict=False):
            self.report_start(worker_loop, attempt)
            self.report(worker_loop, self.final(attempt, outcome, ways=len(outcomes)))
        self.do_pass(worker_loop)

    @precondition(lambda self: self.reported)
    @rule(pick=st.integers(0, 1000), host=PICK)
    def repeat_a_report(self, pick: int, host: int) -> None:
        """Anything that was ever reported may arrive again at any time, at its own scheduler while that lives."""
        worker_loop, report = one_of(self.reported, pick)
        (worker_loop if worker_loop in self.hosts else one_of(self.hosts, host)).deliver(report)

    @rule(host=PICK, pick=PICK, seq=NUMBERS, is_known=st.booleans())
    def report_nonsense(self, host: int, pick: int, seq: int, is_known: bool) -> None:
        """Of an attempt that is not, or that is over or waits: it changes nothing."""
        told = [one.attempt_id for tries in self.facts.tries.values() for one in tries if one.state not in _LIVE]
        attempt_id = one_of(told, pick) if is_known and told else f"{pick:032x}"
        now = self.clock.now()
        nonsense: list[Report] = [
            Stopped(attempt_id=attempt_id, seq=seq, at=now),
            Finished(attempt_id=attempt_id, seq=seq, at=now, outcome=Outcome.SUCCESS, outputs={"x": 1}),
            Started(attempt_id=attempt_id, seq=seq, at=now, hostname=""),
        ]
        one_of(self.hosts, host).deliver(*nonsense)

    @precondition(lambda self: self.open_attempts())
    @rule(pick=PICK)
    def report_what_cannot_be_stored(self, pick: int) -> None:
        """It costs its own run, and nothing else that arrives with it."""
        host, attempt = one_of(self.open_attempts(), pick)
        final = self.final(attempt, Outcome.SUCCESS, 0)
        poison = {**final.outputs, UNREADABLE: object()}
        host.deliver(
            Finished(attempt_id=attempt.attempt_id, seq=2, at=final.at, outcome=Outcome.SUCCESS, outputs=poison)
        )
        self.do_pass(host)

    @rule(host=PICK, answer=st.sampled_from([SubmitResult.REJECTED, SubmitResult.UNKNOWN]))
    def spoil_the_next_submission(self, host: int, answer: SubmitResult) -> None:
        one_of(self.hosts, host).executor.answer = answer


_LIVE = ("queued", "running")
