"""What an executor of this machine keeps of one attempt, from its submission to its last report."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from mainspring.attempts import Attempt
from mainspring.errors import ExecutorError
from mainspring_executors.local.host_process import HostProcess
from mainspring_executors.local.report_order import ReportSequencer
from mainspring_executors.protocol.frames import FRAME_BYTES_MAX
from mainspring_executors.protocol.wire import encode_attempt

__all__ = ["HostMode", "Refusal", "TrackedAttempt", "encode_for_host"]

_ATTEMPT_BYTES_MAX = FRAME_BYTES_MAX // 2
"""Bound for the encoded attempt, and for its outputs."""

_ATTEMPT_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The machine had no room for a task. Instants of the monotonic clock."""

    cause: str
    since: float
    at: float


class HostMode(StrEnum):
    """Whether a host runs attempts on threads or in processes."""

    THREADS = "threads"
    PROCESSES = "processes"


@dataclass(slots=True, eq=False)
class TrackedAttempt:
    """One attempt, from its submission to its last report."""

    attempt: Attempt
    mode: HostMode
    order: bytes
    """The encoded message for the host."""
    delivery: ReportSequencer
    host: HostProcess | None = None
    """`None` while no host has the attempt."""
    is_cancelled: bool = False
    """The scheduler requested the cancel. The host reports the outcome."""
    starts_alone: bool = False
    """The attempt belongs to a suspect and gets a host of its own."""
    start_at: float = 0.0
    """When a suspect may start."""
    refusal: Refusal | None = None
    """The latest refusal; `None` once the attempt has started."""
    kill_due_at: float = 0.0
    """When the executor may kill the host of an attempt that has finished but still runs; 0 for other attempts."""

    @property
    def has_certainly_not_begun(self) -> bool:
        """Whether the attempt cannot have begun in its host, which is dead, so that another host may run it.

        A host of threads reports each start before the call. A host of processes creates the folder of the attempt
        before the start, and removes the folder only after the report of the end.
        """
        host, delivery = self.host, self.delivery
        if host is None or delivery.is_started or delivery.is_ending:
            return False
        if self.mode is HostMode.THREADS or not host.is_ready:
            return True
        return host.has_ended and not (host.folder / self.attempt.attempt_id).exists()


def encode_for_host(attempt: Attempt, *, keeps_large: bool) -> bytes:
    """The message for the host. Raises `ExecutorError` for an attempt that no host can run.

    keeps_large: whether the executor has a place for large outputs.
    """
    if _ATTEMPT_ID.fullmatch(attempt.attempt_id) is None:
        raise ExecutorError(f"attempt_id is {attempt.attempt_id!r}; it must be 32 lower-case hexadecimal digits")
    if not keeps_large:
        attempt = replace(attempt, limits=replace(attempt.limits, value_bytes_max=0))
    try:
        order = encode_attempt(attempt)
    except TypeError as exc:
        raise ExecutorError(f"task '{attempt.task_id}' has a payload that JSON cannot hold: {exc}") from exc
    if attempt.limits.output_bytes_max > _ATTEMPT_BYTES_MAX:
        raise ExecutorError(
            f"output_bytes_max is {attempt.limits.output_bytes_max}; it must be at most {_ATTEMPT_BYTES_MAX}"
        )
    if len(order) > _ATTEMPT_BYTES_MAX:
        raise ExecutorError(
            f"task '{attempt.task_id}' has {len(order)} bytes of payload and context; the limit is "
            f"{_ATTEMPT_BYTES_MAX} bytes: hand large values over in a file"
        )
    return order
