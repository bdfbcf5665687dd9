"""Task type `noop`: does nothing, in no process."""

from mainspring_executors.protocol.results import Result
from mainspring_executors.tasks.plan import Work

__all__ = ["plan"]


def plan(work: Work) -> Result:
    return Result()
