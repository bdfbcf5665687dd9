"""The executor contract. The docstrings are the contract; `tests/conformance/executors` proves it on every executor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from mainspring.attempts import Attempt, Report

__all__ = ["AttemptLocation", "Capabilities", "Executor", "Refusals", "ShowsRefusals", "SubmitResult", "Submitted"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What an executor can do beyond the minimum. The conformance suite skips by these names, with the reason."""

    hard_cancel: bool
    """A running Python callable can be stopped for certain. (Shell, HTTP and inline source always can.)"""
    isolates_crash: bool
    """A task that kills its interpreter takes no other task along."""
    survives_scheduler_restart: bool
    """Attempts go on while no scheduler is there, and `recover` finds them again."""


class SubmitResult(StrEnum):
    """What became of handing one attempt over."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    """It can never run here; `detail` says why."""
    UNKNOWN = "unknown"
    """The hand-over may or may not have happened. Submitting the same attempt again is safe."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submitted:
    """The answer for one attempt of a `submit`."""

    attempt_id: str
    result: SubmitResult
    detail: str | None = None


class AttemptLocation(StrEnum):
    """Where an attempt is, as far as its executor can tell."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    """Its final report was or will be handed over by `reports`."""
    ABSENT = "absent"
    """Certainly neither queued nor running here, and no report of it will come."""
    UNKNOWN = "unknown"
    """Cannot be told now. Never to be read as absent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusals:
    """Starts that a machine had no room for: disk, processes, descriptors, memory. They cost no try."""

    count: int
    """Since the executor was opened."""
    cause: str | None
    """Why tasks cannot be started at present, as the system names it; `None` = they can."""


@runtime_checkable
class ShowsRefusals(Protocol):
    """An executor that runs tasks on this machine and can say why some of them do not start."""

    def refusals(self) -> Refusals: ...


class Executor(Protocol):
    """Carries attempts to the place where they run and brings their reports back.

    Owned by one scheduler and called from its one thread. No method blocks on user code, and none raises because
    of what a task did. Submitting the same `attempt_id` twice runs it once.
    """

    capabilities: Capabilities

    def submit(self, attempts: Sequence[Attempt]) -> Sequence[Submitted]:
        """Hand attempts over; the answers are in the order of `attempts`.

        The caller has committed them as queued before. Never waits for one to run.
        """
        ...

    def reports(self, timeout: float) -> Sequence[Report]:
        """Every report that has arrived, oldest first for each attempt; waits up to `timeout` seconds for one.

        `timeout` 0 only looks. Each report is returned once; one that the caller could not store may come again
        only where the executor survives a scheduler restart. After a loss of the place of execution, a `Finished`
        with outcome `lost` is returned for each attempt that may have begun there, once nothing of it runs any more;
        one that has certainly not begun is carried out elsewhere.
        """
        ...

    def fileno(self) -> int:
        """A descriptor that becomes readable when `reports(0)` may have something. May change after `reports`."""
        ...

    def cancel(self, attempt_ids: Sequence[str]) -> None:
        """Stop attempts: TERM to the task's processes, KILL after its `cancel_grace`, descendants included.

        Asynchronous and idempotent; unknown ids are ignored. Each cancelled attempt still gets its one `Finished`:
        outcome `cancelled`, or what it became if it was faster.
        """
        ...

    def recover(self, attempt_ids: Sequence[str]) -> Mapping[str, AttemptLocation]:
        """Where each of these attempts is; every id asked for is a key of the answer."""
        ...

    def capacity(self) -> int:
        """How many more attempts it takes now without queueing beyond its prefetch; 0 = none."""
        ...

    def headroom(self) -> float:
        """For how many seconds nothing need be submitted, as what waits here keeps everything busy; infinite, 0 = none.

        An estimate on the safe side. What it reports by itself is taken in meanwhile.
        """
        ...

    def close(self, grace: timedelta) -> None:
        """Stop orderly: what still runs after `grace` is stopped, and nothing is left running.

        The reports of what ended meanwhile, `interrupted` for what was stopped, are still returned by `reports(0)`
        afterwards. Calling it again does nothing.
        """
        ...
