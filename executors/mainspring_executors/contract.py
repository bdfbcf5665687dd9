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
    """Abilities of an executor beyond the minimum. The conformance suite skips by these names, with the reason."""

    hard_cancel: bool
    """A running Python callable can be stopped for certain. (Shell, HTTP and inline source always can.)"""
    isolates_crash: bool
    """Other tasks go on when a task kills its interpreter."""
    survives_scheduler_restart: bool
    """Attempts go on without a scheduler, and `recover` finds them again."""


class SubmitResult(StrEnum):
    """The result of handing one attempt over."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    """This executor can never run the attempt; `detail` gives the cause."""
    UNKNOWN = "unknown"
    """The hand-over may or may not have happened. Submitting the same attempt again is safe."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submitted:
    """The answer for one attempt of a `submit`."""

    attempt_id: str
    result: SubmitResult
    detail: str | None = None


class AttemptLocation(StrEnum):
    """The place of an attempt, from the knowledge of its executor."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    """`reports` has returned the final report, or will return it."""
    ABSENT = "absent"
    """The executor certainly neither queues nor runs the attempt, and will return no report about it."""
    UNKNOWN = "unknown"
    """The executor does not know now. The caller must not take this for absent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusals:
    """Starts for which a machine had no room: disk, processes, descriptors, memory. They cost no try."""

    count: int
    """Refusals since the executor opened."""
    cause: str | None
    """The system's name of the cause that keeps tasks from starting now; `None` = tasks can start."""


@runtime_checkable
class ShowsRefusals(Protocol):
    """An executor that runs tasks on this machine and knows why tasks do not start."""

    def refusals(self) -> Refusals: ...


class Executor(Protocol):
    """Carries attempts to the place where they run and brings their reports back.

    One scheduler owns an executor and calls it from one thread. No method blocks on user code, and no method raises
    because of the conduct of a task. Submitting an `attempt_id` twice runs the attempt once.
    """

    capabilities: Capabilities

    def submit(self, attempts: Sequence[Attempt]) -> Sequence[Submitted]:
        """Hand attempts over; the answers are in the order of `attempts`.

        The caller has committed the attempts as queued before. Never waits for an attempt to run.
        """
        ...

    def reports(self, timeout: float) -> Sequence[Report]:
        """Every report that has arrived, oldest first for each attempt. Waits up to `timeout` seconds for a report.

        `timeout` 0 does not wait. Each report is returned once; an executor that survives a scheduler restart may
        repeat a report that the caller could not store.

        After a loss of the place of execution, each attempt that may have begun gets a `Finished` with outcome `lost`,
        once no process of the attempt is left. The executor runs attempts elsewhere that have certainly not begun.
        """
        ...

    def fileno(self) -> int:
        """A descriptor that becomes readable when `reports(0)` may return a report. May change after `reports`."""
        ...

    def cancel(self, attempt_ids: Sequence[str]) -> None:
        """Stop attempts: TERM to the task's processes, KILL after its `cancel_grace`, descendants included.

        Asynchronous and idempotent; ignores unknown ids. Each cancelled attempt still gets exactly one `Finished`, with
        outcome `cancelled` unless the attempt ended before the stop.
        """
        ...

    def recover(self, attempt_ids: Sequence[str]) -> Mapping[str, AttemptLocation]:
        """The location of each attempt; every requested id is a key of the answer."""
        ...

    def capacity(self) -> int:
        """How many more attempts the executor accepts now without queueing beyond its prefetch; 0 = none."""
        ...

    def headroom(self) -> float:
        """Seconds for which the queued attempts keep the executor busy without a further submit.

        A low estimate; 0 when the executor needs attempts now, infinite when they suffice. The scheduler may pause its
        decisions for this time. It still reads reports.
        """
        ...

    def close(self, grace: timedelta) -> None:
        """Stop orderly: stop the attempts that still run after `grace`, and leave no process running.

        `reports(0)` then still returns the reports of attempts that ended during the close, with outcome `interrupted`
        for the stopped attempts. Idempotent.
        """
        ...
