"""A schedule that waits for the ends of runs of other DAGs."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from mainspring.definition.model import MatchRule, UpstreamDag, UpstreamEnd
from mainspring.timetables.slots import Dropped, Slot

__all__ = ["UpstreamTimetable"]

_VERBS = {UpstreamEnd.SUCCESS: "succeeded", UpstreamEnd.FAILED: "failed"}


class UpstreamTimetable:
    """See `Timetable`. It has no slots: the other runs end at no known time."""

    is_periodic = False

    def __init__(self, upstream: Sequence[UpstreamDag], match: MatchRule) -> None:
        dag_ids = list(dict.fromkeys(item.dag_id for item in upstream))
        joined = " or " if match is MatchRule.ANY else " and "
        self.summary = "after " + joined.join(dag_ids)
        ends = (f"{item.dag_id} has {_VERBS[item.state]}" for item in upstream)
        self.description = f"When a run of {joined.join(ends)}"

    def from_(self, start: datetime) -> Iterator[Slot]:
        return iter(())

    def latest_due(self, now: datetime) -> Slot | None:
        return None

    def interval_start(self, now: datetime) -> datetime | None:
        return None

    def why_moved(self, slot: Slot) -> str | None:
        return None

    def dropped(self, earliest: datetime, until: datetime) -> Iterator[Dropped]:
        return iter(())
