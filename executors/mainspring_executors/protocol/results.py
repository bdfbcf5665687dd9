"""Results of tasks, before they become a report."""

from dataclasses import dataclass
from datetime import timedelta
from signal import SIGKILL, Signals

from mainspring.attempts import Outcome
from mainspring.large_values import LargeValue
from mainspring.states import StateReason

__all__ = [
    "Result",
    "TaskEnded",
    "cancelled",
    "failed",
    "host_killed",
    "host_lost",
    "interrupted",
    "lost",
    "skipped",
    "timed_out",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The part of a `Finished` that the task decides."""

    outcome: Outcome = Outcome.SUCCESS
    reason: StateReason | None = None
    message: str | None = None
    exit_code: int | None = None
    outputs_json: bytes = b"{}"
    """A JSON object: output name -> value."""
    large: tuple[LargeValue, ...] = ()
    """The outputs that are kept by reference, each with the path of its file."""


class TaskEnded(Exception):
    """Ends a task from anywhere within it, with `result`."""

    def __init__(self, result: Result) -> None:
        self.result = result
        super().__init__(result.message)


def failed(reason: StateReason, message: str, *, exit_code: int | None = None) -> Result:
    """A failure; `message` names the thing, the value and the cure."""
    return Result(outcome=Outcome.FAILED, reason=reason, message=message, exit_code=exit_code)


def skipped(message: str, *, exit_code: int | None = None) -> Result:
    """The task itself asked to be skipped."""
    return Result(outcome=Outcome.SKIPPED, reason=StateReason.TASK_SKIPPED, message=message, exit_code=exit_code)


def timed_out(timeout: timedelta) -> Result:
    """The end of an attempt that exceeded its timeout."""
    return failed(StateReason.TIMED_OUT, f"timed out after {timeout.total_seconds():g} s (execution_timeout)")


def cancelled() -> Result:
    """The end of an attempt that the scheduler cancelled."""
    return Result(outcome=Outcome.CANCELLED, reason=StateReason.CANCELLED, message="cancelled on request")


def interrupted() -> Result:
    """The end of an attempt that an orderly close of the service cut short."""
    return Result(
        outcome=Outcome.INTERRUPTED, reason=StateReason.INTERRUPTED, message="interrupted: the service was stopped"
    )


def lost() -> Result:
    """The end of an attempt whose host vanished."""
    return Result(
        outcome=Outcome.LOST,
        reason=StateReason.WORKER_LOST,
        message="the task host died while this task was in it; whether its work was done is unknown",
    )


def host_lost(exit_code: int | None) -> Result:
    """The end of an attempt whose host died, perhaps because of another attempt in the host. Costs no try.

    exit_code: exit code of the host; negative = ended by this signal; `None` = the scheduler gave the host up.
    """
    return Result(
        outcome=Outcome.LOST,
        reason=StateReason.HOST_LOST,
        message=f"the task host {_end_of_host(exit_code)} while this task was in it; the cause may be another task, so "
        "this try is not charged; whether its work was done is unknown",
        exit_code=exit_code,
    )


def host_killed(exit_code: int | None) -> Result:
    """The end of an attempt that was alone in its host when the host died. Costs a try. `exit_code` as above."""
    return Result(
        outcome=Outcome.LOST,
        reason=StateReason.HOST_KILLED,
        message=f"the task host {_end_of_host(exit_code)} while this task ran in it alone; "
        "whether its work was done is unknown",
        exit_code=exit_code,
    )


def _end_of_host(exit_code: int | None) -> str:
    if exit_code is None:
        return "did not answer"
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    hint = " (often for lack of memory)" if exit_code == -SIGKILL else ""
    name = Signals(-exit_code).name if -exit_code in set(Signals) else f"signal {-exit_code}"
    return f"was ended by {name}{hint}"
