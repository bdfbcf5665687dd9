"""Timetables: when the runs of a schedule are due. Pure: no clock, no database; `now` is passed in.

A cron line or an interval cuts time into half-open data intervals. The run of an interval carries its start as logical
date and is due when the interval has ended, as in Airflow. A list of instants makes one run at each of them, with an
empty interval. A schedule that waits for other DAGs has no slots: `upstream_ends` says which ends make a run.
"""

from datetime import UTC, datetime
from functools import lru_cache

from mainspring.definition.model import Schedule, ScheduleAlias
from mainspring.timetables.aliases import ContinuousTimetable, OnceTimetable
from mainspring.timetables.cron import CronTimetable
from mainspring.timetables.given import GivenInstants
from mainspring.timetables.interval import IntervalTimetable
from mainspring.timetables.jitter import Jittered
from mainspring.timetables.planning import ON_TIME, next_slot, slots_after, slots_between
from mainspring.timetables.slots import HORIZON, Dropped, Slot, Timetable
from mainspring.timetables.upstream import UpstreamTimetable

__all__ = [
    "HORIZON",
    "ON_TIME",
    "ContinuousTimetable",
    "Dropped",
    "OnceTimetable",
    "Slot",
    "Timetable",
    "next_slot",
    "slots_after",
    "slots_between",
    "timetable_of",
]


def timetable_of(schedule: Schedule, dag_id: str | None = None) -> Timetable:
    """The timetable of a checked schedule.

    dag_id: whose runs are spread as `jitter` says; None = each slot at its own instant.
    """
    timetable = _exact(schedule)
    return Jittered(timetable, schedule.jitter, dag_id) if schedule.jitter and dag_id is not None else timetable


@lru_cache(maxsize=1024)
def _exact(schedule: Schedule) -> Timetable:
    if schedule.crons:
        return CronTimetable(schedule)
    if schedule.alias is ScheduleAlias.ONCE:
        return OnceTimetable()
    if schedule.alias is ScheduleAlias.CONTINUOUS:
        return ContinuousTimetable()
    if schedule.upstream:
        return UpstreamTimetable(schedule.upstream, schedule.match)
    if schedule.interval is not None:
        return IntervalTimetable(schedule.interval, schedule.anchor or datetime(1970, 1, 1, tzinfo=UTC))
    return GivenInstants(schedule.at)
