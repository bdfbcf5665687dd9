"""Time limits that hold on a slow or busy machine: multiples of fixed work, measured in the same process."""

import time
from collections.abc import Callable

__all__ = ["cpu_seconds", "is_within"]

_FIXED_WORK_SECONDS = 0.04
"""Of processor time, on the quiet machine for which the limits were chosen."""


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor time of this process for `work`. Other processes do stretch it, through caches that they share."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def is_within(spent: float, seconds: float) -> bool:
    """Whether `spent` seconds of processor time are less than work of `seconds` takes on this machine now.

    seconds: on a quiet machine. The fixed work runs only where more was spent, so that a quiet machine does not pay.
    """
    return spent < seconds or spent < seconds * max(cpu_seconds(_fixed_work) for _ in range(3)) / _FIXED_WORK_SECONDS


def _fixed_work() -> None:
    """Makes, sorts and joins objects, as reading a document does."""
    table = {str(number): [number] for number in range(60_000)}
    ",".join(sorted(table, key=lambda name: (len(name), name), reverse=True))
