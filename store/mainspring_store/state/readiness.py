"""When a task instance is ready: its trigger rule may decide now. One condition, for all who recompute it."""

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
    """Whether an instance's counters call for asking its rule: it waits for nobody, all upstream is done, or a result
    is in that decides early."""
    table: Any = task_instance.c
    return or_(
        table.wake_on.bitwise_and(WakeOn.START.value) != 0,
        sum(table[name] for name in _UPSTREAM_COUNTERS) >= table.up_total,
        *(and_(table.wake_on.bitwise_and(bit.value) != 0, table[name] > 0) for bit, name in _EARLY.items()),
    )
