"""Readiness of a task instance: the shared SQL condition for a decision by the trigger rule."""

from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from mainspring.trigger_rules import WakeOn
from mainspring_store.tables import task_instance

__all__ = ["may_decide"]

_UPSTREAM_COUNTERS = ("up_success", "up_failed", "up_upstream_failed", "up_skipped", "up_removed")
_EARLY = {
    WakeOn.SUCCESS: "up_success",
    WakeOn.FAILED: "up_failed",
    WakeOn.UPSTREAM_FAILED: "up_upstream_failed",
    WakeOn.SKIPPED: "up_skipped",
}


def may_decide() -> ColumnElement[bool]:
    """Whether the counters of an instance allow a decision by its trigger rule.

    True without a need to wait, after the end of all upstream instances, or after a result that decides early.
    """
    table: Any = task_instance.c
    return or_(
        table.wake_on.bitwise_and(WakeOn.START.value) != 0,
        sum(table[name] for name in _UPSTREAM_COUNTERS) >= table.up_total,
        *(and_(table.wake_on.bitwise_and(bit.value) != 0, table[name] > 0) for bit, name in _EARLY.items()),
    )
