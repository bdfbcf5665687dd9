"""Times without a live scheduler, as the schedulers noted them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from mainspring_store.database.types import UtcDateTime
from mainspring_store.tables import scheduler_outage

__all__ = ["Outage", "read_outages"]

_OUTAGES_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Outage:
    """From the last sign of life of a scheduler to the next."""

    began_at: datetime
    ended_at: datetime

    def covers(self, instant: datetime) -> bool:
        return self.began_at <= instant <= self.ended_at


def read_outages(connection: Connection, after: datetime) -> list[Outage]:
    """The outages that ended later than `after`, latest first."""
    return [Outage(row.began_at, row.ended_at) for row in connection.execute(_OUTAGES, {"after": after})]


_OUTAGES = (
    select(scheduler_outage.c.began_at, scheduler_outage.c.ended_at)
    .where(scheduler_outage.c.ended_at > bindparam("after", type_=UtcDateTime))
    .order_by(scheduler_outage.c.began_at.desc())
    .limit(_OUTAGES_MAX)
)
