"""Where attempts wait for remote workers: what Redis is to the real thing, in the hands of the simulation."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from mainspring.attempts import Attempt, Report
from mainspring_executors.contract import AttemptLocation, SubmitResult, Submitted
from mainspring_executors.rq.executor import RqExecutor

__all__ = ["Broker", "BrokerExecutor"]

SLOTS = 64


class Broker:
    """Shared by all schedulers and workers. May forget everything, and hand out anything twice."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.handed_out: list[str] = []
        self.leases: dict[str, datetime] = {}
        """Attempt -> end of the lease of whoever claimed it."""
        self.ahead: set[str] = set()
        """Claimed, and its start is not reported yet."""
        self.done: set[str] = set()
        """Claimed, and reported as finished by its worker."""


class BrokerExecutor(RqExecutor):
    """The scheduler's end of it; a subclass, because only of these the lost leases are looked for."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._read, self._write = os.pipe()

    def submit(self, attempts: Sequence[Attempt]) -> Sequence[Submitted]:
        self._broker.waiting += [one.attempt_id for one in attempts]
        return [Submitted(attempt_id=one.attempt_id, result=SubmitResult.ACCEPTED) for one in attempts]

    def restore(self, unclaimed: Mapping[str, str]) -> None:
        self._broker.waiting += [one for one in unclaimed if one not in self._broker.waiting]

    def reports(self, timeout: float) -> Sequence[Report]:
        return []

    def fileno(self) -> int:
        return self._read

    def cancel(self, attempt_ids: Sequence[str]) -> None:
        """Workers learn of it when they beat."""

    def recover(self, attempt_ids: Sequence[str]) -> Mapping[str, AttemptLocation]:
        return dict.fromkeys(attempt_ids, AttemptLocation.UNKNOWN)

    def capacity(self) -> int:
        return SLOTS

    def headroom(self) -> float:
        return 0.0

    def close(self, grace: timedelta) -> None:
        os.close(self._read)
        os.close(self._write)
