"""Steps: what remote workers do, what their broker forgets, and leases that run out."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from mainspring.attempts import Outcome
from mainspring_scheduler.duties.remote_rescue import MARGIN
from mainspring_store.resources import heartbeats as services
from mainspring_store.scheduling import worker_protocol as remote
from tests.simulation.machine import LEASE, PICK, Machine, one_of
from tests.simulation.model_state import ACTIVE

__all__ = ["Workers"]

WATCH = timedelta(seconds=12)
"""Between two looks at leases: short enough to be no gap, so that a whole lease passes in few of them."""
LOOKS = 4


class Workers(Machine):
    """Claim, start, beat, finish, release; each may be repeated, come too late, or be done by somebody else."""

    @precondition(lambda self: self.broker.waiting)
    @rule(pick=PICK, is_ahead=st.booleans())
    def take(self, pick: int, is_ahead: bool = False) -> None:
        """A worker is handed an attempt, and claims it."""
        attempt_id = self.broker.waiting.pop(pick % len(self.broker.waiting))
        self.broker.handed_out.append(attempt_id)
        self._claim(attempt_id, _token(attempt_id), is_ahead=is_ahead)

    @precondition(lambda self: self.broker.handed_out)
    @rule(pick=PICK, is_same=st.booleans(), is_ahead=st.booleans())
    def take_again(self, pick: int, is_same: bool, is_ahead: bool) -> None:
        """It is handed out twice, or the answer to a claim was lost."""
        attempt_id = one_of(self.broker.handed_out, pick)
        # The steps know one worker. What was released is free, and another worker could have it.
        token = _token(attempt_id) if is_same or attempt_id not in self.broker.leases else "f" * 64
        self._claim(attempt_id, token, is_ahead=is_ahead)

    @precondition(lambda self: self.broker.leases)
    @rule(pick=PICK)
    def start_far_away(self, pick: int) -> None:
        attempt_id = one_of(list(self.broker.leases), pick)
        start = {"at": self.clock.now().isoformat(), "hostname": "w"}
        assert not remote.start_attempt(self.database, attempt_id, start, token_hash="e" * 64)
        if remote.start_attempt(self.database, attempt_id, start, token_hash=_token(attempt_id)):
            self.note_remote_start(attempt_id)

    @precondition(lambda self: self.broker.leases)
    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        """What was claimed ahead is let go; too late, or by nobody who has it, nothing comes of it."""
        attempt_id = one_of(list(self.broker.leases), pick)
        assert not remote.release_attempt(self.database, attempt_id, token_hash="e" * 64)
        may = attempt_id in self.broker.ahead - self.broker.done and self._state(attempt_id) == "queued"
        assert remote.release_attempt(self.database, attempt_id, token_hash=_token(attempt_id)) is may
        if may:
            del self.broker.leases[attempt_id]
            self.broker.ahead.discard(attempt_id)
            self.broker.waiting.append(attempt_id)

    @precondition(lambda self: self.broker.leases)
    @rule(pick=PICK, outcome=st.sampled_from([Outcome.SUCCESS] * 3 + [Outcome.FAILED, Outcome.CANCELLED]))
    def finish_far_away(self, pick: int, outcome: Outcome) -> None:
        attempt_id = one_of(list(self.broker.leases), pick)
        self.finish_claimed(attempt_id, outcome)
        report = {"at": self.clock.now().isoformat()}
        end = remote.End(attempt_id=attempt_id, token_hash="e" * 64, report=report)
        assert not remote.finish_attempt(self.database, end)[0]

    @precondition(lambda self: self.broker.leases and self.broker.waiting)
    @rule(ends=st.lists(PICK, max_size=2), claim_requests=st.lists(PICK, max_size=2))
    def exchange(self, ends: list[int], claim_requests: list[int]) -> None:
        """A worker reports some ends, and claims some of what waits ahead, in one."""
        held = {one_of(list(self.broker.leases), pick) for pick in ends}
        told = [self.end_of_claimed(attempt_id, Outcome.SUCCESS) for attempt_id in sorted(held)]
        wanted = sorted({one_of(self.broker.waiting, pick) for pick in claim_requests} - held)
        wishes = [self._claim_request(attempt_id, _token(attempt_id), is_ahead=True) for attempt_id in wanted]
        claimed = remote.report_and_claim(self.database, told, wishes)
        for end in told:
            self.note_remote_end(end)
        for claim_request in wishes:
            self.broker.waiting.remove(claim_request.attempt_id)
            self.broker.handed_out.append(claim_request.attempt_id)
            self._note_claim(claim_request, is_claimed=claim_request.attempt_id in claimed)

    @precondition(lambda self: self.broker.leases)
    @rule()
    def heartbeat(self) -> None:
        self._heartbeat()

    @precondition(lambda self: "remote" in self.features)
    @rule()
    def forget_what_waits(self) -> None:
        """The broker loses its data."""
        self.broker.waiting.clear()

    @precondition(lambda self: "remote" in self.features)
    @rule(sends_heartbeats=st.booleans())
    def watch_leases(self, sends_heartbeats: bool) -> None:
        """A while in which all is well, but the workers perhaps: exactly the leases that ran out are lost."""
        for _ in range(LOOKS):
            self.let_time_pass(int(WATCH.total_seconds()))
            services.heartbeat(self.database, self.execution_api, now=self.clock.now())
            if sends_heartbeats:
                self._heartbeat()
            for host in self.hosts:
                expected = self._expired(self.clock.now() - MARGIN)
                found = {one.attempt_id for one in host.find_expired()}
                assert found <= expected, f"attempts {found - expected} hold a lease, and are said to be lost"
        assert found == expected, f"the leases of {expected - found} ran out, and nobody says so"

    def _claim(self, attempt_id: str, token: str, *, is_ahead: bool) -> None:
        claim_request = self._claim_request(attempt_id, token, is_ahead=is_ahead)
        self._note_claim(claim_request, is_claimed=remote.claim_attempt(self.database, claim_request) is not None)

    def _claim_request(self, attempt_id: str, token: str, *, is_ahead: bool) -> remote.ClaimRequest:
        now = self.clock.now()
        return remote.ClaimRequest(
            attempt_id=attempt_id, token_hash=token, hostname="w", at=now, lease_expires_at=now + LEASE,
            is_ahead=is_ahead, worker_id="w",
        )  # fmt: skip

    def _note_claim(self, claim_request: remote.ClaimRequest, *, is_claimed: bool) -> None:
        attempt_id = claim_request.attempt_id
        is_first = attempt_id not in self.broker.leases
        state = self._state(attempt_id)
        is_same = claim_request.token_hash == _token(attempt_id)
        may = (state == "queued" and is_first) or (state in ACTIVE and not is_first and is_same)
        assert is_claimed is may, f"attempt {attempt_id}, {state}: {'claimed' if is_claimed else 'refused'}"
        if is_claimed:
            self.broker.leases[attempt_id] = claim_request.lease_expires_at
        if is_claimed and is_first and claim_request.is_ahead:
            self.broker.ahead.add(attempt_id)
        if is_claimed and not claim_request.is_ahead and state == "queued":
            self.note_remote_start(attempt_id)

    def _heartbeat(self) -> None:
        now = self.clock.now()
        worker = remote.Worker(
            incarnation="w", hostname="w", pid=1, version="0", queue="q", is_stopped=False, is_proven=True
        )
        held = sorted(self.broker.leases.keys() - self.broker.done)
        kept = remote.hear_worker(self.database, worker, held, lease_expires_at=now + LEASE, now=now)
        # Another worker names the same attempts: its beat renews none.
        thief = replace(worker, incarnation="thief")
        stolen = remote.hear_worker(self.database, thief, held, lease_expires_at=now + 9 * LEASE, now=now)
        assert not stolen, f"a worker is to go on with {sorted(stolen)}, which another one claimed"
        expected = {one for one in held if self._state(one) in ACTIVE}
        assert kept == expected, f"of {held}, {sorted(kept)} are to go on; the model says {sorted(expected)}"
        self.broker.leases |= dict.fromkeys(held, now + LEASE)

    def _expired(self, before: datetime) -> set[str]:
        return {one for one, end in self.broker.leases.items() if end < before and self._state(one) in ACTIVE}

    def _state(self, attempt_id: str) -> str | None:
        """Of its instance; None = it has another attempt by now, or is gone."""
        _, instance = self.model.by_attempt.get(attempt_id, (None, None))
        return instance.state if instance is not None and instance.attempt_id == attempt_id else None


def _token(attempt_id: str) -> str:
    return attempt_id * 2
