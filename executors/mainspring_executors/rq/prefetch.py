"""What a worker does beside an attempt, so that little stands between its end and the next start.

While one runs, the ends of those before it are told, their deliveries settled, and the next ones claimed ahead. Short
attempts go two by two: one call tells two ends and claims the next two. What is claimed may have begun, for all that
others know: that is what its lease and the charge for its loss go by. So it is released when the attempt before it
takes longer than short ones do, and another worker can have it meanwhile.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from mainspring.failpoints import failpoint
from mainspring_executors.rq.execution_client import Claim, ClaimRequest, End, ExecutionClient, Refused, Unreachable

__all__ = ["PREFETCH_SECONDS", "Deliveries", "Ended", "Prefetcher"]

_log = logging.getLogger(__name__)

PREFETCH_SECONDS = 0.1
"""How long the next attempt is kept while one runs, and the start of one that was claimed ahead untold: a short one has
ended by then."""
_MOMENT_SECONDS = 0.02
"""An attempt that took no longer is followed by two that are claimed ahead; and so long an end waits to be told with
another one."""
_UNREPORTED_MAX = 2
_RETRY_SECONDS = 0.5
"""Beside an attempt, which is to be heard and its lease renewed meanwhile."""


class Deliveries(Protocol):
    """Where attempt ids come from."""

    def take(self) -> str | None:
        """What waits next, if the worker is to go on; never waits for it. Only while no attempt runs."""
        ...

    def acknowledge(self, attempt_id: str) -> None:
        """It needs to be delivered to nobody any more."""
        ...

    def acknowledge_and_take(self, attempt_ids: Sequence[str], count_max: int) -> Sequence[str]:
        """`acknowledge` some and `take` what waits next, in order, in one round trip and beside an attempt."""
        ...

    def give_back(self, attempt_id: str) -> None:
        """Let another worker have what was taken; it comes first again."""
        ...


class Ended(Protocol):
    """An attempt whose end is not acknowledged yet."""

    @property
    def attempt_id(self) -> str: ...

    @property
    def end(self) -> End: ...

    def report_once(self) -> None:
        """Report the end by itself, once. Raises `Unreachable`, and may be repeated then."""
        ...

    def report_end(self, claim_request: ClaimRequest | None) -> tuple[bool, Claim | None]:
        """Report the end until it is acknowledged, while no attempt runs. False: the worker was told to stop before."""
        ...


@dataclass(slots=True)
class _Taken:
    """What comes next."""

    claim_request: ClaimRequest
    is_asked: bool = False
    """The bid was made, and may have been taken even without an answer."""
    claim: Claim | None = None


class Prefetcher:
    """Beside the attempts of one worker, one after the other."""

    def __init__(self, execution_client: ExecutionClient, deliveries: Deliveries) -> None:
        self._execution_client = execution_client
        self._deliveries = deliveries
        self.unreported: list[Ended] = []
        """What is to be told beside the next attempt, in the order of the ends."""
        self._unsettled: list[str] = []
        """Deliveries of attempts whose ends are acknowledged."""
        self._taken: list[_Taken] = []
        """From the deliveries, in order."""
        self._report_at = float("inf")
        """When the ends that are not told are told by themselves, or again."""
        self._until = float("inf")
        """When what was taken is let go."""
        self._is_stopping = False

    @property
    def held(self) -> Sequence[str]:
        """Attempts whose leases are to be renewed besides."""
        return [ended.attempt_id for ended in self.unreported]

    @property
    def tend_at(self) -> float:
        """When `tend` has something to do, by the monotonic clock."""
        return min(
            self._until if self._taken else float("inf"),
            self._report_at if self.unreported else float("inf"),
        )

    @property
    def claim(self) -> Claim | None:
        """Of what comes next, if it is claimed."""
        return self._taken[0].claim if self._taken else None

    @property
    def has_room(self) -> bool:
        """Whether another end may wait to be told."""
        return len(self.unreported) < _UNREPORTED_MAX

    def begin(self, took_seconds: float) -> None:
        """An attempt has started. took_seconds: the one before it, which tells how long the next ones may take."""
        now = monotonic()
        self._until = now + PREFETCH_SECONDS
        if self._taken:
            self._report_at = now + _MOMENT_SECONDS
            return
        if took_seconds < PREFETCH_SECONDS:
            count = 2 if took_seconds < _MOMENT_SECONDS and self._execution_client.takes_claims_ahead else 1
            unsettled, self._unsettled = self._unsettled, []
            self._taken = [
                _Taken(ClaimRequest(attempt_id))
                for attempt_id in self._deliveries.acknowledge_and_take(unsettled, count)
            ]
        self._report_ends()

    def tend(self, *, is_stopping: bool) -> None:
        """Do what is due. is_stopping: the worker carries nothing more."""
        now = monotonic()
        if self.unreported and now >= self._report_at:
            self._report_ends()
        if is_stopping and not self._is_stopping:
            self._is_stopping, self._until = True, now
        if now >= self._until:
            self.let_go()

    def take(self) -> ClaimRequest | None:
        """What comes next, which is of no concern to this object any more; it is claimed already when `claim` is
        there. None when nothing was taken."""
        return self._taken.pop(0).claim_request if self._taken else None

    def let_go(self) -> None:
        """Give back what was taken, and release what may be claimed. Tried again by `tend` when nobody answers."""
        # Even if nobody answers it may be somebody else's by now: whoever still wants it has to claim it again.
        for taken in self._taken:
            taken.claim = None
        while self._taken:
            last = self._taken[-1]
            if last.is_asked:
                try:
                    failpoint("worker.release.before")
                    self._execution_client.release(last.claim_request)
                    failpoint("worker.release.done")
                except (Unreachable, Refused) as exc:
                    _log.warning("attempt %s is not released: %s", last.claim_request.attempt_id, exc)
                    self._until = monotonic() + _RETRY_SECONDS
                    return
            self._deliveries.give_back(last.claim_request.attempt_id)
            self._taken.pop()

    def report_later(self, ended: Ended) -> None:
        """Tell its end while the next attempt runs. Only while it `has_room`."""
        self.unreported.append(ended)

    def note_reported(self, ended: Ended) -> None:
        """Its end is acknowledged."""
        if ended in self.unreported:
            self.unreported.remove(ended)
        self._unsettled.append(ended.attempt_id)

    def acknowledge(self) -> None:
        """What is acknowledged, while no attempt runs."""
        for attempt_id in self._unsettled:
            self._deliveries.acknowledge(attempt_id)
        self._unsettled.clear()

    def _report_ends(self) -> None:
        """Tell the ends, and claim what was taken: once, as whoever is not answered may have it."""
        if not self._execution_client.takes_claims_ahead:
            self._report_each()
            return
        asked = [taken for taken in self._taken if not taken.is_asked]
        if not asked and not self.unreported:
            return
        for taken in asked:
            taken.is_asked = True
        try:
            failpoint("worker.ahead.before")
            claims = self._execution_client.report_and_claim(
                [ended.end for ended in self.unreported], [taken.claim_request for taken in asked]
            )
            failpoint("worker.ahead.done")
        except Refused as exc:
            _log.error("ends and claims cannot be exchanged: %s", exc)
            self._report_each()
        except Unreachable as exc:
            self._retry_report(exc)
        else:
            for ended in list(self.unreported):
                self.note_reported(ended)
            for taken in asked:
                taken.claim = claims.get(taken.claim_request.attempt_id)
                if taken.claim is None:
                    self._taken.remove(taken)
                    self._unsettled.append(taken.claim_request.attempt_id)

    def _report_each(self) -> None:
        try:
            for ended in list(self.unreported):
                ended.report_once()
                self.note_reported(ended)
        except Unreachable as exc:
            self._retry_report(exc)

    def _retry_report(self, exc: Unreachable) -> None:
        _log.warning("%s; what is to be told is told again", exc)
        self._report_at = monotonic() + _RETRY_SECONDS
