"""The pauses of a DAG in the past, from the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import Connection, bindparam, select

from mainspring_store.tables import audit_event

__all__ = ["Pauses", "read_pauses"]

_EVENTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Pauses:
    """When a DAG was paused, as far as the audit log knows. A pause of many DAGs at once names no DAG there."""

    is_paused: bool
    events: Sequence[tuple[datetime, bool]]
    """Instant of a change and the new `is_paused`, latest first."""

    @property
    def since(self) -> datetime | None:
        """The begin of the present pause; None = unknown, or no pause."""
        if not self.is_paused or not self.events or not self.events[0][1]:
            return None
        begin = self.events[0][0]
        for (at, paused), (_, was_paused) in pairwise([*self.events, (begin, False)]):
            if paused and not was_paused:
                return at
        return begin

    def covers(self, instant: datetime) -> bool:
        """Whether the DAG was paused at an instant."""
        later = None
        for at, paused in self.events:
            if at <= instant:
                return paused
            later = paused
        # The first known change was to the opposite of the state before.
        return self.is_paused if later is None else not later


def read_pauses(connection: Connection, dag_id: str, *, is_paused: bool) -> Pauses:
    """The known pauses. is_paused: the present state."""
    rows = connection.execute(_CHANGES, {"dag_id": dag_id})
    events = [(row.at, bool(row.extra["is_paused"])) for row in rows if "is_paused" in row.extra]
    return Pauses(is_paused, events)


_CHANGES = (
    select(audit_event.c.at, audit_event.c.extra)
    .where(
        audit_event.c.dag_id == bindparam("dag_id"), audit_event.c.event == "patch_dag", audit_event.c.outcome == "done"
    )
    .order_by(audit_event.c.id.desc())
    .limit(_EVENTS_MAX)
)
