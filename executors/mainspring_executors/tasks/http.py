"""Task type `http`."""

from mainspring_executors.tasks.plan import Plan, Work, rejected

__all__ = ["plan"]


def plan(work: Work) -> Plan:
    raise rejected("tasks of type http come next")
